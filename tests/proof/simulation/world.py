"""What outlives every process of a simulation: time, disk, network; and how processes
run in it, one after the other.
"""

from __future__ import annotations

import asyncio
import errno
import os
import random
import re
import signal
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol, TypeVar

import anyio

from syncer.errors import CredentialsRefused, StateError, Stopped, SyncerError, UsageError
from syncer.jobs.state import resume
from tests.proof.simulation.clock import Clock, Crashed, Wedged, virtual
from tests.proof.simulation.network import Network
from tests.proof.simulation.scenario import End, Weather
from tests.support.disk import EVERYTHING, STATE, Fault, Operation, SimulatedDisk, torn

PROCESSES_MAX = 120
PATIENCE_SECONDS = 1000.0
"""A pause that is longer is lifted by hand, once a run has ended because of it."""
TURN_SECONDS = 0.01
"""How often it is looked whether a signal is due."""
SHOWN_OPERATIONS = ("write", "sync", "rename", "truncate", "sync_folder")


@dataclass
class Result:
    """What came of a scenario: nothing wrong, or what.

    `seen`: which faults happened how often.
    """

    wrong: list[str]
    trace: list[str]
    seen: Counter[str]
    processes: int
    seconds: float


class Ended(Protocol):
    """How a lane's run ended."""

    @property
    def error(self) -> SyncerError | None: ...
    @property
    def interrupted(self) -> int | None: ...


E = TypeVar("E", bound=Ended)


class World:
    """See the module."""

    network: Network
    tokens_revoked = False
    """May the service refuse a token at any time?"""

    def __init__(self, weather: Weather, disk_type: type[SimulatedDisk] = SimulatedDisk) -> None:
        self.weather = weather
        self.trace: list[str] = []
        self.wrong: list[str] = []
        self.seen: Counter[str] = Counter()
        self.clock = Clock(
            (setting.at, setting.seconds) for setting in weather.clock if setting.unit == "second"
        )
        self.disk = disk_type(self._fault)
        self.rng = random.Random(f"world {weather.seed}")
        self.engine_rng = random.Random(f"engine {weather.seed}")
        self.processes = 0
        self.end: End | None = None
        self._ends = list(weather.ends)
        self._operations = 0

    def say(self, text: str) -> None:
        """A line of the trace."""
        self.trace.append(f"{self.clock.now:9.3f} s  {text}")

    def result(self) -> Result:
        """How it was."""
        self.seen["clock set forward"] += sum(
            ahead > before for before, ahead in pairwise(self.clock.aheads(-1.0))
        )
        self.seen["clock set back"] += sum(
            ahead < before for before, ahead in pairwise(self.clock.aheads(-1.0))
        )
        wrong = self.wrong + self.network.wrong
        return Result(
            wrong, self.trace, self.seen + self.network.seen, self.processes, self.clock.now
        )

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Everything that tells the time tells this world's, while the block lasts."""
        with virtual(self.clock, self.rng, self._hold_up):
            yield

    def listen(self, take: Callable[[int], None]) -> AbstractContextManager[None]:
        """Hear the signals of this world."""
        return _listening(self, take)

    def _hold_up(self) -> float:
        """Seconds until a thread gets to its work."""
        slow = self.rng.random() < self.weather.disk.get("slow", 0)
        if slow:
            self.seen["slow disk"] += 1
        return self.rng.random() ** 3 * (0.7 if slow else 0.03)

    def _fault(self, operation: Operation) -> Fault | None:
        self._operations += 1
        if operation.kind in SHOWN_OPERATIONS:
            self.say(f"disk: {operation}")
        end = self.end
        if end is not None and end.unit == "operation" and self._operations >= end.at:
            return Fault(Crashed(), written=self.rng.randrange(len(operation.data) + 1))
        if self.clock.now < self.weather.storm_seconds and operation.kind != "read":
            for name, number in (("eio", errno.EIO), ("enospc", errno.ENOSPC)):
                if self.rng.random() < self.weather.disk.get(name, 0):
                    self.seen[name] += 1
                    self.say(f"disk: {name} at {operation}")
                    return Fault(
                        OSError(number, os.strerror(number)),
                        written=self.rng.randrange(len(operation.data) + 1),
                    )
        return None

    def lift_pause(self) -> None:
        """What a user does who will not wait for so long."""
        self.end = None
        self.say("syncer state resume")
        try:
            resume(STATE, disk=self.disk)
        except StateError:
            return  # of a disk that fails
        except UsageError as error:
            # else power was lost right after it was told
            if self.network.must_keep_pauses():
                self.wrong.append(f"pause: it was not kept: {error}")
        self.seen["pause lifted"] += 1
        self.network.resumed()

    # --- processes --------------------------------------------------------------------

    def process(self, main: Callable[[], Coroutine[Any, Any, E]]) -> E | None:
        """One process; None where it did not come to its end.

        What it saw of a pause is then still to be kept.
        """
        self.processes += 1
        self.end = self._ends.pop(0) if self._ends else None
        self._operations = 0
        self.network.process_begins()
        end = self.end
        self.say(f"=== process {self.processes}{f', to end by {end}' if end else ''}")
        crash_at = (
            end.at if end is not None and end.unit == "turn" and end.how != "signal" else None
        )
        written_down = True
        ended: E | None = None
        try:
            ended = self.clock.run(main, crash_at=crash_at)
        except Wedged as wedged:
            self.wrong.append(f"wedged: {wedged}")
        except SyncerError as error:
            self.say(f"    stopped at its start: {error}")
            written_down = self._stopped(error)
        except BaseException as error:
            if not _is_crash(error):
                self.wrong.append(f"traceback: {type(error).__name__}: {error}")
            else:
                self._crashed("power" if end is not None and end.how == "power" else "kill")
        if ended is not None and ended.error is not None:
            self.say(f"    stopped: {re.sub('--state [^`]+', '--state STATE', str(ended.error))}")
            written_down = self._stopped(ended.error)
        self.network.process_ended(kept_pauses=written_down)
        self.disk.crash(EVERYTHING)  # nothing of what it had open is open any more
        self.clock.pass_(self.rng.choice([0.2, 3.0, 40.0]))
        for setting in self.weather.clock:
            if setting.unit == "process" and setting.at == self.processes:
                self.clock.set_wall(setting.seconds)
                self.say(f"the clock is set by {setting.seconds:+.1f} s")
        if (
            self.network.pause_seconds() > PATIENCE_SECONDS
            and ended is not None
            and ended.error is not None
        ):
            self.lift_pause()
        if self.processes >= PROCESSES_MAX:
            self.wrong.append(f"wedged: not done after {PROCESSES_MAX} processes")
        return ended

    def _crashed(self, how: str) -> None:
        self.say("!!! power lost" if how == "power" else "!!! killed")
        self.seen["power loss" if how == "power" else "kill"] += 1
        self.disk.crash(torn(self.rng) if how == "power" else EVERYTHING)

    def _stopped(self, error: SyncerError) -> bool:
        """There must be a reason to stop so. Was everything written down before?"""
        failing_disk = bool({"eio", "enospc"} & set(self.weather.disk))
        match error:
            case CredentialsRefused():
                fine = (
                    any(outage.kind == "token" for outage in self.weather.outages)
                    or self.tokens_revoked
                )
            case StateError():
                fine = failing_disk
            case Stopped():
                # given up, or the account: what is left is done by the next process
                fine = True
            case _:
                fine = False
        if not fine:
            self.wrong.append(f"stopped without a reason: {type(error).__name__}: {error}")
        return not failing_disk


def _is_crash(error: BaseException) -> bool:
    """The end of the process, perhaps on its way through task groups."""
    return isinstance(error, Crashed) or (
        isinstance(error, BaseExceptionGroup) and error.subgroup(Crashed) is not None
    )


@contextmanager
def _listening(world: World, tell: Callable[[int], None]) -> Iterator[None]:
    """Hear signals: none, or SIGTERM after so many
    turns of the loop, and perhaps once more.
    """
    task = asyncio.create_task(_signals(world, tell))
    try:
        yield
    finally:
        task.cancel()


async def _signals(world: World, tell: Callable[[int], None]) -> None:
    end = world.end
    if end is None or end.how != "signal":
        return
    while world.clock.turns < end.at:
        await anyio.sleep(TURN_SECONDS)
    _signal(world, tell, "SIGTERM")
    if world.rng.random() < 0.5:
        await anyio.sleep(world.rng.random())
        _signal(world, tell, "second SIGTERM")


def _signal(world: World, tell: Callable[[int], None], name: str) -> None:
    world.say(f"!!! {name}")
    world.seen[name] += 1
    tell(signal.SIGTERM)
