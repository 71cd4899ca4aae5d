"""What a script did to its disk and its remote, operation by operation, so that it can
be ended behind any of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from syncer.journal.journal import Journal
from tests.journal.made import state
from tests.proof.crash.script import DESTINATION, STEPS, World
from tests.support.disk import NOTHING, STATE, Fault, Operation, SimulatedDisk, Survives

End = Survives | None
"""How the process ends: the power goes, and so much survives; None: it is killed, and
the system stays.
"""


@dataclass(frozen=True, slots=True)
class Moment:
    """How things stood before an operation."""

    image: bytes
    """Of the remote."""
    seconds: float
    step: int
    """Which command was carried out."""


@dataclass
class Recording:
    """One run of the script from some start."""

    start: SimulatedDisk
    operations: list[Operation] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)
    """One before each operation, and one at the end."""
    states: list[tuple[int, object]] = field(default_factory=list)
    """What was durable, and behind how many operations that was said: by a start, or a
    commit.
    """

    def ended(self, count: int, end: End) -> SimulatedDisk:
        """The disk behind so many operations, and this end."""
        disk = self.start.then(self.operations[:count])
        if end is None:
            disk.kill()
        else:
            disk.crash(end)
        return disk

    def images(self, count: int) -> Iterator[Moment]:
        """What the remote may hold by then: as the last operation began, and all that
        was sent until the next one.
        """
        moment = self.moments[count]
        if count and self.moments[count - 1].image != moment.image:
            yield Moment(self.moments[count - 1].image, moment.seconds, moment.step)
        yield moment

    def allowed(self, count: int) -> list[object]:
        """What a start may find: the last commit that was said to be durable, or the
        next one, which may have been.
        """
        known = [at for at, (done, _) in enumerate(self.states) if done <= count]
        last = known[-1] if known else 0
        return [value for _, value in self.states[last : last + 2]]


def recorded(
    folder: Path,
    seed: int,
    *,
    disk: SimulatedDisk | None = None,
    moment: Moment | None = None,
    faults: bool = True,
) -> Recording:
    """Play the script, or what is left, to its end, and check that the end is right."""
    world = World(
        folder, seed, (disk or SimulatedDisk()).then(()), moment.image if moment else None
    )
    recording = Recording(world.disk.then(()))
    recording.states.append((0, found(recording.ended(0, NOTHING))))
    step = first = moment.step if moment else 0
    world.clock.pass_(moment.seconds if moment else 0.0)

    def observed(_: Operation) -> Fault | None:
        note()
        return None

    def note() -> None:
        del recording.moments[len(world.disk.operations) :]
        recording.moments.append(Moment(world.remote.image(), world.clock.now, step))

    def durable(journal: Journal) -> None:
        recording.states.append((len(world.disk.operations), state(journal.ledger)))

    world.disk.fault = observed
    world.durable = durable
    for step in range(first, len(STEPS)):
        world.play([STEPS[step]], faults=faults)
    note()
    recording.operations = list(world.disk.operations)
    if wrong := world.wrong():
        raise AssertionError("\n".join(wrong))
    return recording


def found(disk: SimulatedDisk) -> object:
    """What a start finds. The disk is left as it is."""
    journal = Journal.open(STATE, DESTINATION, disk=disk.then(()))
    return state(journal.ledger)
