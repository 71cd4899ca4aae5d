"""`syncer run` reloaded, killed and stopped while applications go on making changes and
the remote fails now and then: in the end each remote holds exactly what its changes
leave.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import re
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.proof.daemon.feeders import LogFeeder, TableFeeder
from tests.proof.processes.logs import Log, numbered_log
from tests.proof.processes.pushes import FAULTS, FIRST_SEED
from tests.proof.processes.remote import Remote, misplaced, remote
from tests.support.processes import ENVIRONMENT, command

SECONDS = float(os.environ.get("SYNCER_PROOF_SOAK_SECONDS", "40"))
"""How long changes are made."""
ENDS = int(os.environ.get("SYNCER_PROOF_SOAK_ENDS", "15"))
"""How often the daemon is ended: two of three times by SIGKILL, else by SIGTERM."""
CHANGES_A_SECOND = 60
DONE_SECONDS_MAX = 120.0
CONFIG = """
[push]
requests_per_second = 200
batch_size = 32

[retry]
base_seconds = 0.03
cap_seconds = 0.5
throttle_seconds = 0.1

[daemon]
listen = "127.0.0.1:0"
"""


class Site:
    """A config of two lanes, each to a remote of its own, and the daemon."""

    def __init__(
        self, folder: Path, lanes: dict[str, tuple[Remote, str]], state: Path | None = None
    ) -> None:
        self.folder = folder
        self.url = ""
        self.launcher: tuple[str, ...] = ()
        """Starts the daemon's command line."""
        parts = [CONFIG, f'[state]\ndir = "{state or folder / ".syncer"}"\n']
        for name, (server, source) in lanes.items():
            parts.append(
                f'[[destinations]]\nname = "{name}"\napp_id = "app"\nbase_url = "{server.url}"\n'
                'token_env = "CLARIFAI_PAT"\n'
            )
            if source:
                table = f'name = "of-{name}"\nlane = "{name}"\npoll_seconds = 0.1\n{source}\n'
                parts.append(f"[[sources]]\n{table}")
        (folder / "syncer.toml").write_text("\n".join(parts))

    def start(self) -> subprocess.Popen[str]:
        """The daemon, once it follows."""
        process = subprocess.Popen(
            [*self.launcher, *command("run", "-c", str(self.folder / "syncer.toml"))],
            cwd=self.folder,
            env=ENVIRONMENT,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        line = process.stderr.readline()
        found = re.search(r"http://[\d.]+:\d+", line)
        assert found, line + process.stderr.read()
        self.url = found[0]
        return process

    def reload(self, process: subprocess.Popen[str], rate: int) -> None:
        """Let it go on with another limit."""
        config = self.folder / "syncer.toml"
        new = config.with_suffix(".new")
        new.write_text(
            re.sub(
                r"(?m)^requests_per_second = \d+$",
                f"requests_per_second = {rate}",
                config.read_text(),
            )
        )
        new.replace(config)
        process.send_signal(signal.SIGHUP)

    def status(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/api/status", timeout=30) as answer:
            status: dict[str, Any] = json.load(answer)
            return status

    def count_read(self, name: str) -> int:
        """How much a lane has read; 0 where no daemon answers."""
        try:
            return int(self.lane(name)["read"])
        except (OSError, http.client.HTTPException, ValueError):
            return 0

    def lane(self, name: str) -> dict[str, Any]:
        (lane,) = (one for one in self.status()["lanes"] if one["name"] == name)
        return dict(lane)


def end(process: subprocess.Popen[str], number: int) -> list[str]:
    """End the daemon; what it may not do."""
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    wanted = 0 if number == signal.SIGTERM else -number
    wrong = [] if process.returncode == wanted else [f"exit code {process.returncode}: {said}"]
    return wrong + ([f"a traceback: {said}"] if "Traceback" in said else [])


def wait_until(happened: Callable[[], bool], tell: Callable[[], object]) -> None:
    ends_at = time.monotonic() + DONE_SECONDS_MAX
    while not happened():
        assert time.monotonic() < ends_at, f"it does not come to its end: {tell()}"
        time.sleep(0.1)


def judged(name: str, log: Log, server: Remote) -> list[str]:
    wrong = log.differences(server.held()) + misplaced(server.writes, log)
    return [f"{name}: {what}" for what in wrong]


def test_a_daemon_that_is_reloaded_and_ended_all_the_time_applies_each_change_once_and_in_order(
    tmp_path: Path,
) -> None:
    seed, count = FIRST_SEED, int(SECONDS * CHANGES_A_SECOND)
    rng = random.Random(seed)
    logs = [
        numbered_log(tmp_path / f"{name}.jsonl", count, seed + at) for at, name in enumerate("tl")
    ]
    lines = [log.path.read_bytes().splitlines() for log in logs]
    table = TableFeeder(tmp_path / "table", lines[0], seed, SECONDS)
    grown = LogFeeder(tmp_path / "logs", lines[1], seed, SECONDS)
    wrong: list[str] = []
    with remote(FAULTS, seed=seed) as first, remote(FAULTS, seed=seed + 1) as second:
        site = Site(tmp_path, {"rows": (first, table.source), "logs": (second, grown.source)})
        grown.count_read = lambda: site.count_read("logs")
        for feeder in (table, grown):
            feeder.start()
        for at in range(ENDS):
            process = site.start()
            seconds = rng.uniform(0.2, 1.8) * SECONDS / ENDS / 1.3
            time.sleep(seconds / 2)
            site.reload(process, 100 + at)
            time.sleep(seconds / 2)
            wrong += end(process, signal.SIGTERM if at % 3 == 2 else signal.SIGKILL)
        for feeder in (table, grown):
            feeder.join()
        process = site.start()
        wait_until(
            lambda: table.to_do() == 0 and site.lane("logs")["applied"] == count, site.status
        )
        wrong += end(process, signal.SIGTERM)
        wrong += judged("rows", logs[0], first) + judged("logs", logs[1], second)
        faults = first.faults.total() + second.faults.total()
    print(f"{2 * count:,} changes, {ENDS} ends, {grown.rotations} rotations, {faults:,} faults")
    assert wrong == []
