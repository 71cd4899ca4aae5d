"""`syncer run` on a disk that is full, frozen, and on a clock that jumps, while changes
come in every way: it goes on by itself, and in the end each remote holds exactly what
its changes leave.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.proof.daemon.feeders import Feeder, HttpFeeder, LogFeeder, TableFeeder
from tests.proof.daemon.test_soak import Site, judged, wait_until
from tests.proof.processes.logs import Log, numbered_log
from tests.proof.processes.pushes import FAULTS
from tests.proof.processes.remote import Remote, remote
from tests.proof.processes.test_frozen import JUMPY, ON_ITS_WAY, WINDOW_SECONDS
from tests.support.small_disk import small_disk

SECONDS = 10.0
COUNT = 600
"""Changes of each lane."""
DISK_BYTES = 24 << 20
RATE = 200
"""Requests a second, as the config of the soak has it."""
ROOMS = int(os.environ.get("SYNCER_PROOF_DAEMON_ROOMS", "6"))


@dataclass
class Busy:
    """A daemon of three lanes, and applications that keep it busy."""

    site: Site
    feeders: list[Feeder]
    logs: list[Log]
    remotes: list[Remote]

    def finish(self, meanwhile: Callable[[int], None]) -> list[str]:
        """Follow to the end; what was wrong. `meanwhile` gets the process id."""
        process = self.site.start()
        for feeder in self.feeders:
            if isinstance(feeder, HttpFeeder):
                feeder.url = self.site.url
            if isinstance(feeder, LogFeeder):
                feeder.count_read = lambda: self.site.count_read("logs")
            feeder.start()
        meanwhile(process.pid)
        for feeder in self.feeders:
            feeder.join()
        wait_until(self._is_done, self.site.status)
        wrong = [] if process.poll() is None else ["it has ended"]
        wrong += self.site.end(process, signal.SIGTERM)
        for name, log, server in zip("thl", self.logs, self.remotes, strict=True):
            wrong += judged(name, log, server)
        return wrong

    def _is_done(self) -> bool:
        lanes = self.site.status()["lanes"]
        return all((one["applied"], one["pending"]) == (COUNT, 0) for one in lanes)


@contextmanager
def busy(
    folder: Path, seed: int, state: Path | None = None, faults: str = FAULTS
) -> Iterator[Busy]:
    logs = [
        numbered_log(folder / f"{name}.jsonl", COUNT, seed + at) for at, name in enumerate("thl")
    ]
    lines = [log.path.read_bytes().splitlines() for log in logs]
    kinds = (TableFeeder, HttpFeeder, LogFeeder)
    feeders: list[Feeder] = [
        kind(folder / kind.__name__, lines[at], seed, SECONDS) for at, kind in enumerate(kinds)
    ]
    with ExitStack() as stack:
        remotes = [
            stack.enter_context(remote(faults, seed=seed + at, latency_seconds=0.02))
            for at in range(3)
        ]
        names = ("rows", "http", "logs")
        sources = [one.source for one in feeders]
        lanes = {name: (to, of) for name, to, of in zip(names, remotes, sources, strict=True)}
        yield Busy(Site(folder, lanes, state), feeders, logs, remotes)


def test_on_a_disk_that_is_full_lanes_are_paused_clients_turned_away_and_nothing_is_lost(
    tmp_path: Path,
) -> None:
    """The disk of the states and spools, full at any moment, again and again."""
    rng = random.Random(1)
    paused: list[str] = []
    with (
        small_disk(tmp_path / "disk", DISK_BYTES) as disk,
        busy(tmp_path, 1, disk.path / "state") as daemon,
    ):
        daemon.site.launcher = disk.launcher

        def fill(_: int) -> None:
            for room in (0, *(rng.randrange(0, 40 << 10) for _ in range(ROOMS - 1))):
                time.sleep(rng.uniform(0.2, 1.0))
                disk.leave(room)
                time.sleep(rng.uniform(0.5, 1.5))
                lanes = daemon.site.status()["lanes"]
                paused.extend(lane["reason"] for lane in lanes if lane["state"] == "paused")
                disk.empty()

        assert daemon.finish(fill) == []
        (client,) = (one for one in daemon.feeders if isinstance(one, HttpFeeder))
        assert client.turned_away > 0
    assert any("No space left on device" in reason for reason in paused)


def test_a_daemon_that_is_frozen_goes_on_and_keeps_its_rate(tmp_path: Path) -> None:
    with busy(tmp_path, 2) as daemon:

        def freeze(pid: int) -> None:
            for server in daemon.remotes:
                server.watch(pid)
            for seconds in (0.3, 5.0, 0.7):
                time.sleep(1.0)
                os.kill(pid, signal.SIGSTOP)
                time.sleep(seconds)
                os.kill(pid, signal.SIGCONT)

        assert daemon.finish(freeze) == []
        most = max(server.most_in(WINDOW_SECONDS) for server in daemon.remotes)
        assert most <= RATE + ON_ITS_WAY


@pytest.mark.parametrize("jump_seconds", [90_000, -90_000])
def test_a_clock_that_jumps_by_more_than_a_day_changes_nothing(
    jump_seconds: int, tmp_path: Path
) -> None:
    """Forward, and back."""
    with busy(tmp_path, 3) as daemon:
        jumpy = tmp_path / "jumpy.py"
        jumpy.write_text(JUMPY)
        daemon.site.launcher = (sys.executable, str(jumpy), str(jump_seconds))
        assert daemon.finish(lambda _: None) == []
