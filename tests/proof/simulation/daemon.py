"""One seed: a lane of the daemon that follows sources while they grow, through parks,
reloads, refused tokens and ends of its process, until all is applied; and what was
wrong with it.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO
from unittest import mock

import anyio

from syncer.config import Loaded, load
from syncer.config.models import DirectorySource
from syncer.core.bits import BYTES, KeyBits
from syncer.core.events import Event
from syncer.core.limiter import LanePace, Limiter
from syncer.daemon.followed import Followed
from syncer.daemon.lane import Lane
from syncer.daemon.spools import open_folder, open_inbox, open_outbox
from syncer.engine.push import Push
from syncer.errors import StateError, SyncerError, UsageError
from syncer.jobs.clarifai import App
from syncer.jobs.lines import line_options
from syncer.jobs.push_parts import PushParts
from syncer.journal.journal import DestinationId, Journal
from syncer.journal.replay import replay
from syncer.remotes.clarifai import Clarifai
from syncer.sources.directory import WantedFolder
from syncer.sources.followed import FollowedLogs
from syncer.sources.registry import LogRegistry
from syncer.sources.unopened import Unopened
from tests.proof.simulation.applications import Application, Client, Logger, Writer, keep_busy
from tests.proof.simulation.daemon_scenario import DaemonScenario
from tests.proof.simulation.judging import find_letters, judge
from tests.proof.simulation.labels import APP, USER, Labels
from tests.proof.simulation.model import Line, Model
from tests.proof.simulation.network import SimulatedTransport
from tests.proof.simulation.nodes import NodeDisk, Nodes
from tests.proof.simulation.table import Table
from tests.proof.simulation.wishes import Memories, Wisher
from tests.proof.simulation.world import Result, World
from tests.support.disk import STATE, SimulatedDisk

COMPACT_BYTES = 3000
MEMORY = Path("/dev/shm")
LOOK_SECONDS = 2.0
DRAIN_SECONDS = 1.0
"""After so long a reload gives up what is in flight."""
REMOVAL_SECONDS = 10.0
FOLDER_POLL_SECONDS = 5.0
PATIENCE_SECONDS = 6 * 3600.0
"""All is to be applied by then: changes of one annotation that are refused one after
another take the time of all their attempts.
"""


@dataclass(frozen=True)
class Drained:
    """The end of a process."""

    interrupted: int | None
    error: SyncerError | None = None


class DaemonWorld(World):
    """With applications, and an app to push to."""

    weather: DaemonScenario
    network: Labels

    def __init__(self, scenario: DaemonScenario, folder: Path) -> None:
        super().__init__(scenario, SimulatedDisk)
        self.model = Model(scenario)
        self.network = Labels(scenario, self.model, self.clock, self.say)
        self.created = KeyBits(bytearray(BYTES))
        self.files: list[BinaryIO] = []
        self.tables: dict[int, Table] = {}
        self.loggers: dict[int, Logger] = {}
        self.nodes = Nodes(lambda: self.clock.now)
        self.clients: list[Client] = []
        self.wishers: dict[int, Wisher] = {}
        self.folders: dict[int, Unopened[WantedFolder]] = {}
        happens = self.network.note_happening
        self.memories = Memories(folder / "asked", scenario.max_delete, self.clock.wall, happens)
        self.lane: Lane | None = None
        self._pushing: anyio.CancelScope | None = None
        self._reloads = list(scenario.reloads)
        self._applications = [
            self._application(number, kind, folder) for number, kind in enumerate(scenario.kinds)
        ]

    def _application(self, number: int, kind: str, folder: Path) -> Application:
        weather, rng = self.weather, random.Random(f"application {self.weather.seed} {number}")
        lines = [line for line in self.model.lines if line.log == number]
        spread, now = weather.spread_seconds, lambda: self.clock.now
        if kind == "changelog":
            logger = self.loggers[number] = Logger(
                folder / f"logs-{number}",
                lines,
                rng,
                spread,
                self.nodes,
                now,
                self.known,
                self._happened,
            )
            return logger
        if kind == "outbox":
            table = self.tables[number] = Table(rng, weather.table_faults)
            table.is_gone = partial(self.is_parked, number)
            table.may_fail = lambda: self.clock.now < weather.storm_seconds
            return Writer(table, lines, rng, spread)
        if kind == "directory":
            gone = [(park.start, park.end) for park in weather.parks if park.source == number]
            root, wall = folder / f"wishes-{number}", self.clock.wall
            wisher = Wisher(root, lines, rng, spread, gone, wall, self._happened)
            self.wishers[number] = wisher
            return wisher
        client = Client(f"client-{number}", lines, rng, spread, now, lambda: self.lane)
        self.clients.append(client)
        return client

    def _happened(self, what: str) -> None:
        self.say(f"~~~ {what}")
        self.seen[f"{what} while followed"] += 1

    def is_parked(self, number: int) -> bool:
        """Whether this source cannot be read now."""
        now = self.clock.now
        parked = any(
            park.source == number and park.start <= now < park.end for park in self.weather.parks
        )
        self.seen["source parked"] += parked
        if parked:  # it is tried again, but not at once
            self.network.note_happening()
        return parked

    def known(self) -> set[tuple[str, str]]:
        """By path and hash of the first line, the logs that the state knows."""
        disk = self.disk.then(())  # without its faults
        if not disk.size(STATE / "journal"):
            return set()
        logs = replay(STATE / "journal", disk=disk).ledger.logs.values()
        return {(log.identity.path, log.identity.head) for log in logs}

    # --- one process ------------------------------------------------------------------

    async def follow(self) -> Drained:
        """Follow until all is applied, or a signal comes."""
        interrupted: list[int] = []
        stopping = anyio.Event()
        limiter = Limiter()

        def take(number: int) -> None:
            interrupted.append(number)
            stopping.set()
            if self.lane is not None:
                self.lane.drain()

        async def watch() -> None:
            while not await self._is_done():
                if self.clock.now > self.weather.storm_seconds + PATIENCE_SECONDS:
                    self.wrong.append("wedged: not all is applied after hours of good weather")
                    break
                self._let_deletions_go()
                await anyio.sleep(LOOK_SECONDS)
            stopping.set()
            assert self.lane is not None
            self.lane.drain()

        async with anyio.create_task_group() as tasks:
            with self.listen(take):
                for application in self._applications:
                    tasks.start_soon(
                        keep_busy,
                        application,
                        lambda: self.clock.now,
                        self.network.note_happening,
                    )
                tasks.start_soon(watch)
                tasks.start_soon(self._reload)
                self.lane = lane = self._make_lane(limiter)
                while not stopping.is_set():
                    with anyio.CancelScope() as self._pushing:
                        await lane.run()
                    lane.take_up(self._loaded(), self._make_sources)
                self.lane = None
            tasks.cancel_scope.cancel()
        return Drained(signal.SIGTERM if interrupted else None)

    async def _reload(self) -> None:
        while self._reloads:
            await anyio.sleep(max(0.0, self._reloads[0] - self.clock.now))
            del self._reloads[0]
            if self.lane is not None:
                self.say("~~~ reload")
                self.seen["reload"] += 1
                run = self._pushing
                self.lane.drain()
                await anyio.sleep(DRAIN_SECONDS)
                if run is not None and run is self._pushing:
                    self.seen["reload that gave up what was in flight"] += 1
                    run.cancel()

    def _let_deletions_go(self) -> None:
        """As people do who see that the folder is the right one."""
        for number, source in self.folders.items():
            waiting = source.source._too_many if source.source is not None else None
            if waiting is not None and self.wishers[number].is_there and self.rng.random() < 0.05:
                self.memories.let_go[source.label] = waiting.count
                assert source.source is not None
                source.source.let_go(waiting.count)
                self.seen["deletions let go"] += 1

    async def _is_done(self) -> bool:
        """Whether all that was written is applied, or dead, and the tables know it."""
        if any(one.due_at is not None for one in self._applications):
            return False
        if any(row.is_to_do for table in self.tables.values() for row in table.rows.values()):
            return False
        if not all(
            wisher.is_asked(self.memories.path(f"wanted-{number}"))
            for number, wisher in self.wishers.items()
        ):
            return False
        if self.lane is None:
            return False
        pending = (await self.lane.status()).totals.pending
        read = {source.name: source.read for source in self.lane.sources()}
        posted = sum(self.weather.kinds[line.log] == "http" for line in self.model.lines)
        return (
            pending == 0
            and read.get("http") == posted
            and all(
                read.get(f"logs-{number}") == len(self.weather.logs[number])
                for number in self.loggers
            )
        )

    def _make_lane(self, limiter: Limiter) -> Lane:
        lane = Lane(
            "prod",
            self._loaded(),
            partial(self._open_parts, limiter),
            self._make_sources,
            self._note,
            self._tell_pause,
        )
        lane.chance = self.engine_rng
        return lane

    def _note(self, event: Event) -> None:
        self.network.note_happening()

    def _tell_pause(self, lane: Lane) -> None:
        if lane.pause is not None:
            self.say(f"    lane paused: {lane.pause.reason}")
            self.seen["lane paused"] += 1

    def _loaded(self) -> Loaded:
        given = {
            "clarifai.base_url": "http://remote",
            "clarifai.user_id": USER,
            "clarifai.app_id": APP,
            "state.dir": str(STATE),
            **self.weather.settings,
        }
        return load(None, {"CLARIFAI_PAT": "a-token"}, given)

    @contextmanager
    def _open_parts(self, limiter: Limiter, loaded: Loaded) -> Iterator[PushParts]:
        config = loaded.config
        seconds = self.weather.settings["push.request_timeout_seconds"]
        transport = SimulatedTransport(self.network, seconds, "Key a-token")
        pace = LanePace(lambda: limiter, config.push.requests_per_second)
        app = App(Clarifai(USER, APP), transport, pace)  # type: ignore[arg-type]
        destination = DestinationId(config.clarifai.base_url, USER, APP)
        journal = Journal.open(STATE, destination, disk=self.disk, compact_bytes_min=COMPACT_BYTES)
        is_gone = False
        try:
            yield PushParts(
                config,
                app,
                journal,
                self.created,
                self.engine_rng,
                logs=_Logs(self),
                disk=self.disk,
            )
        except GeneratorExit:  # the process is gone, and what it had open with it
            is_gone = True
            raise
        finally:
            if not is_gone:
                journal.close()

    def _make_sources(self, parts: PushParts, engine: Callable[[], Push]) -> Sequence[Followed]:
        registry = LogRegistry(engine, STATE / "spool", parts.logs)
        inbox = Unopened("http", partial(open_inbox, parts, registry))
        made = [Followed("http", inbox, inbox=lambda: inbox.source)]
        for number, table in self.tables.items():
            table.let_go()  # as a process does that is gone
            name = f"table-{number}"
            open_ = partial(
                open_outbox,
                name,
                table,
                parts,
                registry,
                engine,
                poll_seconds=self.weather.poll_seconds,
            )
            source = Unopened(name, open_)
            made.append(Followed("sqlite", source, outbox=lambda source=source: source.source))  # type: ignore[misc]
        for number, wisher in self.wishers.items():
            config = DirectorySource(
                name=f"wanted-{number}",
                kind="directory",
                path=str(wisher.folder),
                max_delete=self.weather.max_delete,  # type: ignore[arg-type]
                removal_seconds=REMOVAL_SECONDS,
                poll_seconds=FOLDER_POLL_SECONDS,
            )
            open_wanted = partial(open_folder, config, parts, registry, engine, None)
            self.folders[number] = Unopened(config.name, open_wanted)
            made.append(Followed("directory", self.folders[number]))
        for number, logger in self.loggers.items():
            logs = FollowedLogs(
                f"logs-{number}",
                str(logger.folder),
                registry,
                line_options(parts.config),
                ours=_NoneOurs(),
                poll_seconds=self.weather.poll_seconds,
            )
            made.append(Followed("changelog", logs, lambda logs=logs: logs.faults))  # type: ignore[misc]
        return made

    def let_go(self) -> None:
        """What a process that is gone had open is closed, as the system does."""
        self.lane = None
        self.folders.clear()
        self.memories.close()
        while self.files:
            self.files.pop().close()


class _NoneOurs:
    """No file belongs to a state. Implements `Ours`."""

    def is_state(self, folder: Path, names: Set[str]) -> bool:
        return False

    def is_pulled(self, path: Path, status: os.stat_result) -> bool:
        return False


class _Logs(NodeDisk):
    """The logs of all loggers; those of a parked source cannot be opened."""

    def __init__(self, world: DaemonWorld) -> None:
        super().__init__(world.nodes, world.files, world.weather.block_bytes)
        self._world = world

    def open(self, path: str, label: str) -> BufferedReader:
        for number, logger in self._world.loggers.items():
            if logger.folder == Path(path).parent and self._world.is_parked(number):
                raise UsageError(f"the change log {label} cannot be read: Permission denied")
        return super().open(path, label)


def simulate_daemon(scenario: DaemonScenario) -> Result:
    """Play a scenario to its end. Never raises for what syncer does."""
    folder = Path(tempfile.mkdtemp(prefix="sim-", dir=MEMORY if MEMORY.is_dir() else None))
    world = DaemonWorld(scenario, folder)
    salts = random.Random(f"salts {scenario.seed}")
    try:
        with (
            world.inside(),
            world.memories.inside(),
            mock.patch("secrets.token_hex", lambda size: salts.randbytes(size).hex()),
        ):
            _play(world)
    except StateError as error:  # no process met it yet
        world.wrong.append(f"the state between two processes: {error}")
    finally:
        shutil.rmtree(folder)
    world.wrong += world.network.history.wrong
    for client in world.clients:
        world.wrong += client.wrong
    world.wrong += world.memories.wrong
    return world.result()


def _play(world: DaemonWorld) -> None:
    """Processes, one after the other, until one sees that all is over."""
    while not world.wrong:
        drained = world.process(world.follow)
        world.let_go()
        if drained is not None and drained.interrupted is None and not world.wrong:
            _judge(world)
            return


def _judge(world: DaemonWorld) -> None:
    names = {"outbox": "table-{}", "changelog": "logs-{}", "http": "http", "directory": "wanted-{}"}

    def is_of(line: Line, letter: dict[str, object]) -> bool:
        name = names[world.weather.kinds[line.log]].format(line.log)
        return str(letter["source"]).partition("/")[0] == name

    dead_file = world.disk.files().get(STATE / "dead.jsonl", b"")
    of_wishes = [line for line in dead_file.splitlines() if b'"source":"wanted-' in line]
    world.wrong += [f"dead letter: undeserved: {line.decode()}" for line in of_wishes]
    if of_wishes:
        return
    letters, doubled = find_letters(world.model, dead_file, is_of)
    # A row that died right before a crash may be asked for again, and die again.
    world.wrong += [
        f"dead letter: two of {line}" for line in doubled if line.log not in world.tables
    ]
    world.wrong += judge(world.model, letters, world.network, world.weather.poison)
    for number, table in world.tables.items():
        dead = sorted(line.text for line in letters if line.log == number)
        refused = sorted(row.change for row in table.rows.values() if row.error is not None)
        if dead != refused:
            world.wrong.append(f"table: dead letters {dead}, and rows with an error {refused}")
        count = sum(line.log == number for line in world.model.lines)
        if len(table.rows) != count:
            world.wrong.append(f"simulation: {count} lines, and {len(table.rows)} rows")
