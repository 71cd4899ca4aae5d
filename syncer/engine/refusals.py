"""Changes that the remote refuses where the input may be the reason: they wait for one
that is being processed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from syncer.core.backlog import Backlog
from syncer.core.change import Change
from syncer.core.entry import Entry
from syncer.core.outcome import Missing, Refused, Rejected
from syncer.core.ports.push import Created
from syncer.engine.asking import Asker
from syncer.engine.turns import Turn

PROCESSING = "its input was still being processed"
READY = "its input has become ready"
INPUTS_MAX = 4096
"""Inputs that are remembered; beyond, all are forgotten, and asked for again."""


class Refusals:
    """The end of what is refused, or its wait."""

    def __init__(
        self,
        backlog: Backlog,
        asker: Asker,
        created: Created,
        now: Callable[[], float],
        draw_due: Callable[[int], float],
    ) -> None:
        """`draw_due`: when a change of so many attempts goes again."""
        self._backlog = backlog
        self._asker = asker
        self._created = created
        self._now = now
        self._draw_due = draw_due
        self._taking: set[str] | None = None
        """Inputs that took a change since a whole request was refused; None where none
        was.
        """
        self._processed: set[str] = set()
        """Inputs that were seen to be processed."""
        self._has_processed = False
        """Whether any was, ever."""

    def begin_search(self) -> None:
        """Whole requests are refused: from now on, note which inputs take changes."""
        if self._taking is None:
            self._taking = set()

    def note_taken(self, changes: Iterable[Change]) -> None:
        """The inputs of these are ready."""
        if self._taking is not None:
            _remember(self._taking, [change.input_id for change in changes])

    async def settle_missing(self, missing: Sequence[tuple[Entry, Missing]], turn: Turn) -> None:
        """Changes of what is not there: wait where this state made it or its input is
        being processed, else they are dead.
        """
        due = self._draw_due(max(entry.attempts for entry, _ in missing))
        unknown: list[tuple[Entry, Missing]] = []
        for entry, outcome in missing:
            if entry.change.verb in ("delete", "delete_input"):
                self._backlog.applied((entry,))
            elif entry.change.expect or (
                entry.change.verb != "post" and entry.change.key in self._created
            ):  # another look tells, or it was made a moment ago
                self._wait(entry, outcome, due)
            else:
                unknown.append((entry, outcome))
        await self._settle_by_inputs(unknown, due, turn)

    async def settle_refused(self, refused: Sequence[tuple[Entry, Rejected]], turn: Turn) -> None:
        """Changes that are refused for a reason that is not known: a service may say no
        more of an input that is being processed. Such posts wait, the rest is dead.
        """
        due = self._draw_due(max(entry.attempts for entry, _ in refused))
        unknown: list[tuple[Entry, Rejected]] = []
        for entry, outcome in refused:
            if entry.change.verb == "post" and not self._takes(entry.change.input_id):
                unknown.append((entry, outcome))
            else:
                self._backlog.rejected(entry, outcome.reason, outcome.code, self._now())
        await self._settle_by_inputs(unknown, due, turn)

    async def _settle_by_inputs(
        self, refused: Sequence[tuple[Entry, Missing | Rejected]], due: float, turn: Turn
    ) -> None:
        """Ask for their inputs: those of inputs that become ready wait."""
        told = await self._asker.by_parts(
            [entry.change for entry, _ in refused], self._asker.inputs, turn
        )
        processing = frozenset().union(*(inputs.processing for inputs in told.answers))
        ready = frozenset().union(*(inputs.ready for inputs in told.answers))
        _remember(self._processed, processing)
        self._has_processed |= bool(processing)
        for entry, outcome in refused[: told.answered]:
            if entry.change.input_id in processing:
                self._wait(entry, outcome, due, f"{PROCESSING}: ")
            elif entry.change.input_id in ready and self._may_have_been_early(entry, outcome):
                self._wait(entry, outcome, due, f"{READY}: ")
            else:
                self._backlog.rejected(entry, outcome.reason, outcome.code, self._now())
        for entry, outcome in refused[told.answered :]:
            if isinstance(outcome, Rejected) and isinstance(told.failure, Refused):
                self._backlog.rejected(entry, outcome.reason, outcome.code, self._now())
            else:
                self._wait(entry, outcome, due)

    def _takes(self, input_id: str) -> bool:
        """Whether it is known that this input is not what is wrong."""
        taking = self._taking is not None and input_id in self._taking
        return taking and input_id not in self._processed

    def _may_have_been_early(self, entry: Entry, outcome: Missing | Rejected) -> bool:
        """Whether a post was refused for its input, which is ready by now: the answer
        says so, or inputs were seen to be processed (this one became ready unseen),
        and the post has not been sent since it is ready.
        """
        if entry.change.verb != "post":
            return False  # it is the annotation that is missing
        if isinstance(outcome, Missing):
            return True
        seen = self._has_processed or entry.reason.startswith(PROCESSING)
        return seen and not entry.reason.startswith(READY)

    def _wait(self, entry: Entry, outcome: Missing | Rejected, due: float, why: str = "") -> None:
        reason = f"{why}{outcome.reason}"
        self._backlog.retriable(entry, reason, outcome.code, self._now(), due)


def _remember(inputs: set[str], more: Collection[str]) -> None:
    if len(inputs) + len(more) > INPUTS_MAX:
        inputs.clear()
    inputs.update(more)
