"""One seed: a push from its first process to its end, through everything that the scenario has in store, and what was wrong with it."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from syncer.config import load
from syncer.core.bits import BYTES, KeyBits
from syncer.core.change import LogIdentity
from syncer.core.pace import Pace
from syncer.errors import CredentialsRefused, StateError, Stopped, SyncerError
from syncer.journal.journal import Journal
from syncer.journal.replay import DestinationId
from syncer.lanes.clarifai import App
from syncer.lanes.push import Finished, PushLane
from syncer.remotes.clarifai import Clarifai
from tests.proof.simulation.clock import Clock, Crashed, Wedged, virtual
from tests.proof.simulation.model import Line, Model, differences
from tests.proof.simulation.network import APP, USER, Network, SimulatedTransport, poisoned
from tests.proof.simulation.scenario import End, Scenario
from tests.support.disk import EVERYTHING, STATE, Fault, Operation, SimulatedDisk, torn

PROCESSES_MAX = 60
COMPACT_BYTES = 3000
"""Small, so that journals are compacted in every simulation."""
DESTINATION = DestinationId("http://remote", USER, APP)
UNTIMED = {"inode": 1, "mtime_ns": 0, "ctime_ns": 0}
SHOWN_OPERATIONS = ("write", "sync", "rename", "truncate", "sync_folder")


@dataclass
class Result:
    """What came of a scenario: nothing wrong, or what. `seen`: which faults happened how often."""

    wrong: list[str]
    trace: list[str]
    seen: Counter[str]
    processes: int
    seconds: float


@dataclass
class World:
    """What outlives every process."""

    scenario: Scenario
    folder: Path
    disk_type: type[SimulatedDisk] = SimulatedDisk
    trace: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.model = Model(self.scenario)
        self.network = Network(self.scenario, self.model, self.clock, self.say)
        self.disk = self.disk_type(self._fault)
        self.bits = bytearray(BYTES)
        self.rng = random.Random(f"world {self.scenario.seed}")
        self.end: End | None = None
        self.operations = 0
        self.processes = 0

    def say(self, text: str) -> None:
        """A line of the trace."""
        self.trace.append(f"{self.clock.now:9.3f} s  {text}")

    def hold_up(self) -> float:
        """Seconds until a thread gets to its work."""
        slow = self.rng.random() < self.scenario.disk.get("slow", 0)
        if slow:
            self.seen["slow disk"] += 1
        return self.rng.random() * (0.7 if slow else 0.003)

    def _fault(self, operation: Operation) -> Fault | None:
        self.operations += 1
        if operation.kind in SHOWN_OPERATIONS:
            self.say(f"disk: {operation}")
        end = self.end
        if end is not None and end.unit == "operation" and self.operations >= end.at:
            return Fault(Crashed(), written=self.rng.randrange(len(operation.data) + 1))
        if self.clock.now < self.scenario.storm_seconds and operation.kind != "read":
            for name, number in (("eio", errno.EIO), ("enospc", errno.ENOSPC)):
                if self.rng.random() < self.scenario.disk.get(name, 0):
                    self.seen[name] += 1
                    self.say(f"disk: {name} at {operation}")
                    return Fault(OSError(number, os.strerror(number)), written=self.rng.randrange(len(operation.data) + 1))
        return None


def simulate(scenario: Scenario, *, disk_type: type[SimulatedDisk] = SimulatedDisk) -> Result:
    """Play a scenario to its end. Never raises for what syncer does."""
    folder = Path(tempfile.mkdtemp(prefix="sim-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    world = World(scenario, folder, disk_type)
    try:
        with surrounded(world):
            _play(world)
    finally:
        shutil.rmtree(folder)
    wrong = [*world.wrong, *world.network.wrong, *world.network.history.wrong]
    return Result(wrong, world.trace, world.seen + world.network.seen, world.processes, world.clock.now)


@contextmanager
def surrounded(world: World) -> Iterator[None]:
    """Syncer's clock, threads, chance, disk and network are those of the world, as long as the block lasts."""
    scenario = world.scenario
    timeout = scenario.settings["push.request_timeout_seconds"]

    def app(loaded: object) -> App:
        transport = SimulatedTransport(world.network, timeout)
        return App(Clarifai(USER, APP), transport, Pace(float(scenario.settings["push.requests_per_second"])))  # type: ignore[arg-type]

    def identity(path: Path, label: str, first_line: bytes) -> LogIdentity:
        known = real_identity(path, label, first_line)
        return LogIdentity(known.path, known.label, known.head, 1, known.size, 0, 0)

    from syncer.sources import changelog

    real_identity = changelog._identity
    engine_rng = random.Random(f"engine {scenario.seed}")
    with (
        virtual(world.clock, world.rng, world.hold_up),
        mock.patch("syncer.lanes.push.app", app),
        mock.patch("syncer.lanes.push.random.Random", lambda: engine_rng),
        mock.patch("syncer.lanes.push.Posted", lambda _: _Posted(world.bits)),
        mock.patch("syncer.lanes.push.Journal", mock.Mock(open=lambda folder, to: Journal.open(STATE, to, disk=world.disk))),
        mock.patch("syncer.sources.changelog._identity", identity),
        mock.patch("syncer.journal.journal.COMPACT_BYTES_MIN", COMPACT_BYTES),
    ):
        yield


class _Posted(KeyBits):
    """The bitmap, without its file."""

    def close(self) -> None:
        """Nothing to let go of."""


# --- the play -------------------------------------------------------------------------------------------------------


def _play(world: World) -> None:
    """Processes, one after the other, until one comes to its end."""
    scenario = world.scenario
    ends = list(scenario.ends)
    logs = _write_logs(world, grown=scenario.grown_from is None)
    finished: Finished | None = None
    grown = scenario.grown_from is None
    for number in range(PROCESSES_MAX):
        world.processes += 1
        world.end = ends.pop(0) if ends else None
        world.operations = 0
        world.say(f"=== process {number + 1}{f', to end by {world.end}' if world.end else ''}")
        over, finished, clean = _process(world, logs)
        world.network.process_ended(kept_pauses=clean)
        if world.wrong:
            return
        if over and grown:
            break
        if not grown:
            logs, grown = _write_logs(world, grown=True), True
        world.clock.pass_(world.rng.choice([0.2, 3.0, 40.0]))
    else:
        world.wrong.append(f"wedged: not done after {PROCESSES_MAX} processes")
        return
    assert finished is not None
    _judge(world, finished)


def _process(world: World, logs: list[str]) -> tuple[bool, Finished | None, bool]:
    """(came to the end of the logs, how, whether what it knew was written down)"""
    end = world.end
    crash_at = end.at if end is not None and end.unit == "turn" and end.how != "drain" else None
    try:
        finished = world.clock.run(lambda: _push(world, logs), crash_at=crash_at)
    except Crashed:
        power = end is not None and end.how == "power"
        world.say(f"!!! {'power lost' if power else 'killed'}")
        world.seen["power loss" if power else "kill"] += 1
        world.disk.crash(torn(world.rng) if power else EVERYTHING)
        return False, None, True
    except Wedged as wedged:
        world.wrong.append(f"wedged: {wedged}")
        return False, None, True
    except SyncerError as error:  # at the start
        world.say(f"    stopped at its start: {error}")
        _expected(world, error)
        world.disk.crash(EVERYTHING)
        return False, None, False
    except BaseException as error:
        world.wrong.append(f"traceback: {type(error).__name__}: {error}")
        return False, None, False
    error = finished.error
    world.say(f"    {'ended' if error is None else f'stopped: {error}'}: {finished.summary.sentence()}")
    world.disk.crash(EVERYTHING)
    if not finished.summary.conserved:
        world.wrong.append(f"conservation: {finished.summary}")
    if error is not None:
        _expected(world, error)
    return error is None and finished.interrupted is None, finished, not isinstance(error, StateError)


def _expected(world: World, error: SyncerError) -> None:
    """Is there a reason to stop so?"""
    outages = {outage.kind for outage in world.scenario.outages}
    match error:
        case CredentialsRefused():
            fine = "token" in outages
        case StateError():
            fine = bool({"eio", "enospc"} & set(world.scenario.disk))
        case Stopped():
            fine = True  # given up, or the account: what is left is pushed by the next process
        case _:
            fine = False
    if not fine:
        world.wrong.append(f"stopped without a reason: {type(error).__name__}: {error}")


async def _push(world: World, logs: list[str]) -> Finished:
    loaded = load(None, {"CLARIFAI_PAT": "a-token"}, {**_given(world.scenario), "state.dir": str(STATE)})
    lane = PushLane(loaded, logs)
    end = world.end
    try:
        if end is not None and end.how == "drain":
            return await _drained(world, lane, end.at)
        return await lane.run()
    finally:
        lane.close()


async def _drained(world: World, lane: PushLane, turns: int) -> Finished:
    """Told to end after so many turns of the loop, as by a signal."""
    from dataclasses import replace

    import anyio

    told: list[int] = []

    async def tell() -> None:
        while world.clock.loop is not None and world.clock.loop.steps < turns:
            await anyio.sleep(0.01)
        if lane._engine is not None:
            world.say("    told to end")
            world.seen["told to end"] += 1
            told.append(15)
            lane._engine.drain()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(tell)
        finished = await lane.run()
        tasks.cancel_scope.cancel()
    return replace(finished, interrupted=told[0] if told else None)


def _given(scenario: Scenario) -> dict[str, object]:
    return {"clarifai.base_url": DESTINATION.base_url, "clarifai.user_id": USER, "clarifai.app_id": APP, **scenario.settings}


def _write_logs(world: World, *, grown: bool) -> list[str]:
    paths = []
    for number in range(len(world.scenario.logs)):
        lines = [line.text for line in world.model.lines if line.log == number]
        if not grown and number == len(world.scenario.logs) - 1:
            lines = lines[: world.scenario.grown_from]
        path = world.folder / f"{number}.jsonl"
        path.write_text("".join(line + "\n" for line in lines))
        paths.append(str(path))
    return paths


# --- the judgement --------------------------------------------------------------------------------------------------


def _judge(world: World, finished: Finished) -> None:
    """The end of the last process: is it what the logs ask for?"""
    model, wrong, summary = world.model, world.wrong, finished.summary
    world.network.check_outages()
    letters, doubled = _letters(world)
    wrong += [f"dead letter: two of {line}" for line in doubled]
    dead = {line.place for line in letters}
    if (summary.read, summary.pending) != (len(model.lines), 0):
        wrong.append(f"conservation: {len(model.lines)} lines, and at the end {summary}")
    if summary.dead != len(letters) or finished.exit_code != (3 if letters else 0):
        wrong.append(f"conservation: {len(letters)} dead letters on disk, exit code {finished.exit_code}, {summary}")
    nothing_to_patch = model.nothing_to_patch(dead)
    for line in model.lines:
        deserved = line.kind == "bad" or line.place in nothing_to_patch or _poisoned(world, line)
        if deserved and line.place not in dead:
            if line.kind == "bad" or line.kind == "post":
                wrong.append(f"dead letter: none of {line}")
        elif not deserved and line.place in dead:
            wrong.append(f"dead letter: undeserved: {line}: {letters[line]}")
    wrong += differences(model.held(dead), list(world.network.app.annotations.values()))


def _poisoned(world: World, line: Line) -> bool:
    return line.marker in world.network.poisoned if not line.id else bool(line.marker) and poisoned(line.id, world.scenario.poison)


def _letters(world: World) -> tuple[dict[Line, str], list[Line]]:
    """Which lines are dead letters, and why; and those of which there are two."""
    found: dict[Line, str] = {}
    doubled = []
    for raw in world.disk.files().get(STATE / "dead.jsonl", b"").splitlines():
        letter = json.loads(raw)
        if letter["event"] == "dead":
            line = world.model.by_place[int(Path(letter["source"]).stem), letter["line"]]
            if line in found:
                doubled.append(line)
            found[line] = f"{letter['reason']} ({letter['attempts']} attempts)"
    return found, doubled


Simulation = Callable[[Scenario], Result]
