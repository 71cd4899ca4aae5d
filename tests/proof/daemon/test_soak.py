"""`syncer run` with sources of every kind, reloaded, killed and stopped while
applications go on making changes, and remotes fail now and then or are out for a while:
in the end each remote holds exactly what its changes leave.

    SYNCER_PROOF_SOAK_SECONDS=900 SYNCER_PROOF_SOAK_QUIET_SECONDS=1800 \
        python -m pytest -s tests/proof/daemon/test_soak.py
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
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from syncer.sources.postgres_sql import table_sql
from tests.proof.daemon.feeders import (
    Feeder,
    HttpFeeder,
    LogFeeder,
    RowWriter,
    TableFeeder,
    rows_to_do,
)
from tests.proof.daemon.wishes import Team
from tests.proof.processes.logs import Log, numbered_log
from tests.proof.processes.pushes import FAULTS, FIRST_SEED
from tests.proof.processes.remote import Remote, misplaced, remote
from tests.support.postgres import Postgres, running_postgres
from tests.support.processes import ENVIRONMENT, command

SECONDS = float(os.environ.get("SYNCER_PROOF_SOAK_SECONDS", "60"))
"""How long the daemon is reloaded and ended while changes are made."""
QUIET_SECONDS = float(os.environ.get("SYNCER_PROOF_SOAK_QUIET_SECONDS", "20"))
"""How long changes are made after that, while nothing disturbs it."""
ENDS = int(os.environ.get("SYNCER_PROOF_SOAK_ENDS", "15"))
"""How often the daemon is ended: two of three times by SIGKILL, else by SIGTERM."""
OUTAGES = (ENDS // 3, 2 * ENDS // 3)
"""The rounds in which no remote answers; it is reloaded meanwhile."""
OUTAGE = "reset-before=1"
SETTLED_SHARE = 1 / 6
"""Of the quiet time: what the daemon holds from then on may not grow."""
RESIDENT_BYTES_MORE_MAX = 1 << 20
STATE_SHARE_MAX = 2.0
"""The state's files at the end of the quiet time, beside those of a daemon that has
stopped.
"""
STATE_BYTES_FREE = 1 << 20
"""Of files that are small, no share is asked."""
CHANGES_A_SECOND = 40
WRITERS = 4
LONG_SECONDS = 600.0
"""Before that, a daemon is still filling what it keeps."""
DESCRIPTORS_MORE_MAX = 8
"""Requests that are on their way have some."""
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
DONE_SECONDS_MAX = 120.0
START_SECONDS_MAX = 30.0
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
        self.state = state or folder / ".syncer"
        self.environment = dict(ENVIRONMENT)
        self.url = ""
        self._said_before = 0
        self.launcher: tuple[str, ...] = ()
        """Starts the daemon's command line."""
        parts = [CONFIG, f'[state]\ndir = "{self.state}"\n']
        for name, (server, source) in lanes.items():
            parts.append(
                f'[[destinations]]\nname = "{name}"\napp_id = "app"\nbase_url = "{server.url}"\n'
                'token_env = "CLARIFAI_PAT"\n'
            )
            if source:
                table = f'name = "of-{name}"\nlane = "{name}"\npoll_seconds = 0.1\n{source}\n'
                parts.append(f"[[sources]]\n{table}")
        (folder / "syncer.toml").write_text("\n".join(parts))

    def start(self) -> subprocess.Popen[bytes]:
        """The daemon, once it follows."""
        with (self.folder / "said").open("ab") as log:
            self._said_before = log.tell()
            process = subprocess.Popen(
                [*self.launcher, *command("run", "-c", str(self.folder / "syncer.toml"))],
                cwd=self.folder,
                env=self.environment,
                stderr=log,
            )
        ends_at = time.monotonic() + START_SECONDS_MAX
        while not (found := re.search(r"http://[\d.]+:\d+", self.said)):
            assert process.poll() is None, self.said
            assert time.monotonic() < ends_at, self.said
            time.sleep(0.02)
        self.url = found[0]
        return process

    @property
    def said(self) -> str:
        """What the last daemon has said."""
        return (self.folder / "said").read_bytes()[self._said_before :].decode()

    def end(self, process: subprocess.Popen[bytes], number: int) -> list[str]:
        """End the daemon; what it may not do."""
        process.send_signal(number)
        process.wait(60)
        wanted = 0 if number == signal.SIGTERM else -number
        said = self.said
        wrong = [] if process.returncode == wanted else [f"exit code {process.returncode}: {said}"]
        return wrong + ([f"a traceback: {said}"] if "Traceback" in said else [])

    def reload(self, process: subprocess.Popen[bytes], rate: int) -> None:
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


def wait_until(happened: Callable[[], bool], tell: Callable[[], object]) -> None:
    ends_at = time.monotonic() + DONE_SECONDS_MAX
    while not happened():
        assert time.monotonic() < ends_at, f"it does not come to its end: {tell()}"
        time.sleep(0.1)


def judged(name: str, log: Log, server: Remote) -> list[str]:
    wrong = log.differences(server.held()) + misplaced(server.writes, log)
    return [f"{name}: {what}" for what in wrong]


@dataclass(frozen=True, slots=True)
class Held:
    """What a daemon holds."""

    resident_bytes: int
    descriptors: int
    state_bytes: int

    @classmethod
    def by(cls, pid: int, state: Path) -> Held:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return cls(
            pages * PAGE_BYTES, sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()), size_of(state)
        )


def size_of(folder: Path) -> int:
    """The bytes that its files take on the disk; some have holes."""
    blocks = []
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            blocks.append(path.stat().st_blocks)
    return 512 * sum(blocks)


@dataclass
class Soak:
    """The daemon, what feeds it, and what its remotes must hold in the end."""

    site: Site
    remotes: dict[str, Remote]
    logs: dict[str, Log]
    feeders: list[Feeder]
    team: Team
    table: TableFeeder
    database: Postgres
    rng: random.Random
    wrong: list[str] = field(default_factory=list)

    def start(self) -> subprocess.Popen[bytes]:
        process = self.site.start()
        for feeder in self.feeders:
            if isinstance(feeder, HttpFeeder):
                feeder.url = self.site.url
        return process

    def set_faults(self, faults: str) -> None:
        for server in self.remotes.values():
            server.set_faults(faults)

    def disturb(self) -> None:
        """End the daemon again and again, reload it, and let the remotes be out."""
        for at in range(ENDS):
            process = self.start()
            if at == 0:
                for feeder in self.feeders:
                    feeder.start()
                self.team.start()
            seconds = self.rng.uniform(0.2, 1.8) * SECONDS / ENDS / 1.3
            if at in OUTAGES:
                self.set_faults(OUTAGE)
            time.sleep(seconds / 2)
            self.site.reload(process, 100 + at)
            time.sleep(seconds / 2)
            self.wrong += self.site.end(process, signal.SIGTERM if at % 3 == 2 else signal.SIGKILL)
            self.set_faults(FAULTS)

    def watch(self) -> tuple[Held, Held, int]:
        """Follow to the end: what the daemon held once settled, and at the end; the
        bytes of its state once it has stopped.
        """
        process = self.start()
        time.sleep(QUIET_SECONDS * SETTLED_SHARE)
        settled = Held.by(process.pid, self.site.state)
        for feeder in self.feeders:
            feeder.join()
        last = Held.by(process.pid, self.site.state)
        self.team.join()
        wait_until(self._is_done, self._tell)
        if process.poll() is not None:
            self.wrong.append("it has ended by itself")
        self.wrong += self.site.end(process, signal.SIGTERM)
        return settled, last, size_of(self.site.state)

    def _is_done(self) -> bool:
        lanes = {one["name"]: one for one in self.site.status()["lanes"]}
        return (
            self.table.to_do() == 0
            and rows_to_do(self.database) == 0
            and all(lanes[name]["applied"] == self.logs[name].count for name in ("logs", "http"))
            and self.team.differences(self.remotes["wishes"]) == []
        )

    def _tell(self) -> object:
        return self.site.status(), self.team.differences(self.remotes["wishes"])[:3]

    def judge(self) -> list[str]:
        wrong = [f"wishes: {what}" for what in self.team.judge(self.remotes["wishes"])]
        for name, log in self.logs.items():
            wrong += judged(name, log, self.remotes[name])
        return wrong


def parts_by_input(lines: list[bytes], count: int) -> list[list[bytes]]:
    """Give each of so many writers the changes of its own inputs."""
    parts: list[list[bytes]] = [[] for _ in range(count)]
    for line in lines:
        input_id = json.loads(line)["annotation"]["input_id"]
        parts[int(input_id.rpartition("-")[2]) % count].append(line)
    return parts


@contextmanager
def soaking(folder: Path, seed: int) -> Iterator[Soak]:
    """Five lanes, each with a source of its own kind and a remote of its own."""
    seconds = SECONDS + QUIET_SECONDS
    names = ("rows", "logs", "http", "committed")
    logs = {
        name: numbered_log(folder / f"{name}.jsonl", int(seconds * CHANGES_A_SECOND), seed + at)
        for at, name in enumerate(names)
    }
    lines = {name: log.path.read_bytes().splitlines() for name, log in logs.items()}
    table = TableFeeder(folder / "table", lines["rows"], seed, seconds)
    grown = LogFeeder(folder / "logs", lines["logs"], seed, seconds)
    posted = HttpFeeder(folder / "posted", lines["http"], seed, seconds)
    writers = [
        RowWriter(folder / f"writer-{at}", part, seed + at, seconds)
        for at, part in enumerate(parts_by_input(lines["committed"], WRITERS))
    ]
    team = Team(folder / "wishes", seed, seconds)
    sources = {
        **dict(zip(names, (one.source for one in (table, grown, posted, writers[0])), strict=True)),
        "wishes": team.source,
    }
    with ExitStack() as stack:
        database = stack.enter_context(running_postgres())
        database.execute(table_sql("outbox"))
        remotes = {
            name: stack.enter_context(remote(FAULTS, seed=seed + at))
            for at, name in enumerate(sources)
        }
        lanes = {name: (remotes[name], source) for name, source in sources.items()}
        site = Site(folder, lanes)
        site.environment["LABELS_DSN"] = database.dsn
        grown.count_read = lambda: site.count_read("logs")
        for writer in writers:
            writer.server = database
        feeders = [table, grown, posted, *writers]
        yield Soak(site, remotes, logs, feeders, team, table, database, random.Random(seed))


def test_a_daemon_that_is_disturbed_all_the_time_applies_each_change_once_and_in_order(
    tmp_path: Path,
) -> None:
    with soaking(tmp_path, FIRST_SEED) as soak:
        soak.disturb()
        settled, last, stopped_bytes = soak.watch()
        faults = sum(server.faults.total() for server in soak.remotes.values())
        changes = sum(log.count for log in soak.logs.values())
        print(
            f"{changes:,} changes and {soak.team.edits:,} edits, {ENDS} ends, {faults:,} faults;"
            f" settled {settled}, at the end {last}, its state then {stopped_bytes:,} bytes"
        )
        assert soak.wrong + soak.judge() == []
        assert last.descriptors <= settled.descriptors + DESCRIPTORS_MORE_MAX
        assert last.state_bytes <= STATE_SHARE_MAX * stopped_bytes + STATE_BYTES_FREE
        if QUIET_SECONDS >= LONG_SECONDS:
            assert last.resident_bytes <= settled.resident_bytes + RESIDENT_BYTES_MORE_MAX
