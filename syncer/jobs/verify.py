"""The check that the remote holds what the logs should have left. Logs folded by input,
inputs listed, compared.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from syncer.config import Loaded
from syncer.core.change import Change
from syncer.core.moves import Moved
from syncer.core.ports.pull import Found, Unit
from syncer.engine.advice import PARTLY_COMPARED
from syncer.errors import SyncerError
from syncer.jobs.compare.groups import RecordedGroups, hold_users_rows
from syncer.jobs.compare.logs import LogsToCompare, logs_to_compare
from syncer.jobs.compare.parts import PartFiles, Recorded
from syncer.jobs.compare.sample import InputSample
from syncer.jobs.limiters import Limiters
from syncer.jobs.origins import clarifai_origin
from syncer.jobs.signals import Listen, ignore, until_signal
from syncer.jobs.verified import SIGNS, Finding, Tell, Verified
from syncer.jobs.wiring import EarlierRun, wire
from syncer.remotes.clarifai.expected import Difference, DiffMark, compare, fold
from syncer.remotes.clarifai.listing import AnnotationListing
from syncer.remotes.clarifai.selection import Selection

EVERY_ANNOTATION = Selection(all_makers=True, input_level=False)


@dataclass(frozen=True, slots=True)
class Verification:
    """The work of a verification: what is compared, and how."""

    loaded: Loaded
    limiters: Limiters
    logs: Sequence[str]
    """As named on the command line; none: every log that the state knows."""
    sample: int | None = None
    """Only this many of the inputs, chosen at random."""
    exclusive: bool = False
    """What the logs do not know of is a difference, too."""
    moved: Moved | None = None
    """The decision about files that may be known logs under new names."""

    async def run(self, tell: Tell, *, signals: Listen = ignore) -> Verified:
        """Compare.

        Raises UsageError, StateError; what stops a run later is in what it returns.
        """
        origin = clarifai_origin(self.loaded, self.limiters, EVERY_ANNOTATION)
        assert isinstance(origin.listing, AnnotationListing)
        interrupted: list[int] = []
        with tempfile.TemporaryDirectory(prefix="syncer-verify-") as name:
            folder = Path(name)
            logs = logs_to_compare(self.loaded, self.logs, folder, self.moved)
            parts, sample = await self._read(folder, logs)
            result = Verified(
                bad_lines=logs.bad_lines, error=logs.error, gone=logs.gone, notes=logs.notes
            )
            groups = RecordedGroups(parts, origin.listing, sample)

            async def deliver(unit: Unit, found: Found) -> None:
                _compare(
                    groups.recorded.pop(unit.cursor), found, result, tell, exclusive=self.exclusive
                )

            left = logs.ledger.destination  # a pause of its push holds for it, too
            async with wire(
                origin,
                lambda _: None,
                earlier=EarlierRun(left, state=logs.state if left.state == "paused" else None),
                listing=groups,
                leaves=PARTLY_COMPARED,
            ) as engine:
                try:
                    await until_signal(
                        lambda: engine.run("", deliver), engine.drain, interrupted, signals
                    )
                except SyncerError as error:
                    result.error = error
                result.requests = engine.ways["api"].turns.requests
        result.interrupted = interrupted[0] if interrupted and not engine.complete else None
        return result

    async def _read(self, folder: Path, logs: LogsToCompare) -> tuple[PartFiles, set[str] | None]:
        """Every change that the remote should have taken, by input; and the inputs of
        the sample.
        """
        parts, sample = PartFiles.for_bytes(folder, logs.size_bytes), InputSample(self.sample)

        def add(change: Change) -> None:
            parts.add(change)
            sample.add(change.input_id)

        await logs.read(add)
        parts.write()
        return parts, sample.inputs()


def _compare(
    recorded: dict[str, list[Recorded]],
    found: Found,
    result: Verified,
    tell: Tell,
    *,
    exclusive: bool,
) -> None:
    held = hold_users_rows(found)
    unread = {problem.input_id: problem.reason for problem in found.problems}
    for input_id, changes in recorded.items():
        if (reason := unread.get(input_id)) is not None:
            result.unreadable += 1
            tell(Finding("!", input_id, reason=reason))
            continue
        for difference in compare(input_id, fold(changes), held.get(input_id, {})):
            _count(difference, result, tell, exclusive=exclusive)


def _count(found: Difference, result: Verified, tell: Tell, *, exclusive: bool) -> None:
    # It may be of a log that is gone.
    mark: DiffMark = "extra" if found.mark == "doubled" and result.gone else found.mark
    setattr(result, mark, getattr(result, mark) + 1)
    result.compared += mark in ("same", "missing", "differs")
    if mark == "extra" and not exclusive:
        return
    looked = Finding(SIGNS[mark], found.input_id, found.id, found.fields)
    result.differences += looked.differs
    tell(looked)
