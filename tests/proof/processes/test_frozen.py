"""A process that is frozen and thawed, and clocks that jump: the end is right, and
nothing is sent sooner than it may be.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from functools import partial
from pathlib import Path

import pytest

from syncer.emulator import waits
from tests.proof.processes.pushes import FAULTS, SETTINGS, Tally, ended, made, told, until_tallied
from tests.proof.processes.remote import reached, remote
from tests.support.processes import after, until

FREEZES = int(os.environ.get("SYNCER_PROOF_FREEZES", "12"))
FREEZES_A_RUN = 6
RATE = 40
"""Requests a second."""
WINDOW_SECONDS = 0.95
"""In which the remote may count no more than a second's requests: they may come closer
together than they left.
"""
ON_ITS_WAY = 1
"""A request that is between its turn and the wire when the process is stopped leaves
when it is thawed: no process can help that.
"""
TIMEOUT_SECONDS = 0.5
IMPATIENT = f"[push]\nrequest_timeout_seconds = {TIMEOUT_SECONDS}\n{SETTINGS}"
RETRY_AFTER_SECONDS = 2
UNDER_WAY_SECONDS = 0.3
"""In which what was sent before an answer was read has come, on a busy machine too."""


def frozen_push(folder: Path, seed: int) -> Tally:
    """One push, frozen so many times while requests are under way, for moments or for
    longer than they may take. Half have no faults.
    """
    rng = random.Random(seed)
    with remote(FAULTS if seed % 2 else "", seed=seed, latency_seconds=0.1) as server:
        pushes = made(
            server, folder / str(seed), 4_000, seed, "--rps", str(RATE), "--batch-size", "64"
        )
        pushes.settings = IMPATIENT
        process = pushes.start()
        server.watch(process.pid)
        for length in range(FREEZES_A_RUN):
            if not until(process, reached(server, rng.randrange(2, RATE // 2))):
                break
            process.send_signal(signal.SIGSTOP)
            until(
                process,
                after(TIMEOUT_SECONDS * (rng.uniform(1.2, 2.5) if length % 2 else rng.random())),
            )
            process.send_signal(signal.SIGCONT)
        else:
            length += 1
        wrong = pushes.wrong_at_the_end(ended(process))
        most = server.most_in(WINDOW_SECONDS)
        # where a busy machine leaves little to tell, another push is to show the least
        can_tell = server.can_tell(WINDOW_SECONDS)
        if not (RATE // 4 if can_tell else 0) <= most <= RATE + ON_ITS_WAY:
            wrong.append(f"{most} requests in {WINDOW_SECONDS} s")
        return Tally(seed, length if can_tell else 0, wrong, server.faults)


def test_a_push_frozen_under_load_ends_right_and_keeps_the_rate(tmp_path: Path) -> None:
    """When it thaws, deadlines have passed whose answers came long ago.

    What it is late with it does not make up for all at once.
    """
    tallies = until_tallied(partial(frozen_push, tmp_path), FREEZES, FREEZES_A_RUN)
    assert told("freezes", tallies) == []
    assert sum(tally.hit for tally in tallies) >= FREEZES


def test_nothing_is_sent_before_retry_after_by_a_push_that_is_frozen_nor_by_the_one_after_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pause is kept over both."""
    monkeypatch.setitem(waits._PLAIN, "seconds", str(RETRY_AFTER_SECONDS))
    with remote(seed=8, latency_seconds=0.02) as server:
        pushes = made(server, tmp_path / "push", 2_500, 8, "--rps", str(RATE), "--batch-size", "64")
        for what in ("kill", "freeze", "kill"):
            process = pushes.start()
            before = len(server.throttled_at)
            assert until(process, reached(server, 5))
            server.set_faults("throttle=0.2")
            assert until(process, lambda before=before: len(server.throttled_at) > before)
            server.set_faults("")
            assert until(process, after(0.1))
            if what == "freeze":
                process.send_signal(signal.SIGSTOP)
                until(process, after(0.5))
                process.send_signal(signal.SIGCONT)
                until(process, after(RETRY_AFTER_SECONDS))
            process.kill()
            ended(process)
        assert pushes.wrong_at_the_end(pushes.run()) == []
        assert len(server.throttled_at) >= 3
        assert server.came_within(UNDER_WAY_SECONDS, RETRY_AFTER_SECONDS - 0.02) == 0


JUMPY = """
import sys, time
from syncer.cli.main import main
real, began, jumps_seconds = time.time, time.monotonic(), float(sys.argv[1])
sys.argv = ["syncer", *sys.argv[5:]]
time.time = lambda: real() + (jumps_seconds if time.monotonic() - began > 1 else 0)
main()
"""
"""syncer on a wall clock that jumps by so many seconds a second after the start."""


@pytest.mark.parametrize("jump_seconds", [3600, -3600])
def test_a_wall_clock_that_jumps_while_a_push_runs_changes_nothing(
    jump_seconds: int, tmp_path: Path
) -> None:
    """Retry-After comes as a date, which is measured against the remote's own clock."""
    with remote("throttle=0.03,retry-after=date", seed=9, latency_seconds=0.02) as server:
        pushes = made(server, tmp_path / "push", 2_500, 9, "--rps", str(RATE), "--batch-size", "64")
        pushes.launcher = (sys.executable, "-c", JUMPY, str(jump_seconds))
        done = pushes.run()
        assert pushes.wrong_at_the_end(done) == []
        assert done.seconds > 1.5, "it was over before the jump"
        assert server.most_in(WINDOW_SECONDS) <= RATE
        assert len(server.throttled_at) >= 1
        assert server.came_within(UNDER_WAY_SECONDS, 0.98) == 0
