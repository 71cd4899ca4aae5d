"""The story of an annotation: where each of its changes is, as far as the files of a
state know.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from syncer.core.ledger import Ledger
from syncer.jobs.dead import open_in
from syncer.journal.journal import Journal

StepState = Literal["waiting", "in_flight", "retrying", "applied", "dead"]


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a source."""

    source: str
    line: int


@dataclass(frozen=True, slots=True)
class Step:
    """A change of an annotation, or of its whole input."""

    source: str
    line: int
    state: StepState
    op: str | None = None
    """post, patch or delete; None of one that is applied."""
    id: str | None = None
    """Of the annotation; None where it is the delete of a whole input."""
    behind: Place | None = None
    """The change whose end it waits for."""
    attempts: int = 0
    next_at: str | None = None
    """When it is tried again at the earliest (RFC 3339)."""
    reason: str = ""
    applied_at: str | None = None

    @classmethod
    def of(cls, record: dict[str, Any]) -> Step:
        """The step that has this record."""
        behind = record.get("behind")
        return cls(**{**record, "behind": None if behind is None else Place(**behind)})

    def record(self) -> dict[str, object]:
        """Return it as JSON shows it."""
        return asdict(self)

    def sentence(self) -> str:
        """Return it as one line for people; ids and reasons are as they came."""
        what = "the whole input" if self.id is None else self.id
        head = f"{self.source}:{self.line}: {self.op or 'change'} of {what}: "
        match self.state:
            case "applied":
                return f"{head}applied at {self.applied_at}"
            case "in_flight":
                return f"{head}on its way{self._tries()}"
            case "waiting" if self.behind is not None:
                return f"{head}waits for {self.behind.source}:{self.behind.line}"
            case "waiting":
                return f"{head}waits for its request{self._why()}"
            case "retrying":
                when = "by the next run" if self.next_at is None else f"at {self.next_at}"
                return f"{head}is tried again {when}{self._tries()}{self._why()}"
            case "dead":
                return f"{head}dead{self._tries()}{self._why()}"

    def _tries(self) -> str:
        if not self.attempts:
            return ""
        return f", after {self.attempts} attempt{'s' if self.attempts > 1 else ''}"

    def _why(self) -> str:
        return f": {self.reason}" if self.reason else ""


@dataclass(frozen=True, slots=True)
class AskedAnnotation:
    """The annotation that is asked for; without an id all of its input."""

    input_id: str
    id: str | None = None

    def concerns(self, input_id: str | None, id: str | None) -> bool:
        """Return whether a change of these ids is about it: also the delete of its
        whole input, which names no annotation.
        """
        return input_id == self.input_id and (not id or self.id in (None, id))


def list_queued(ledger: Ledger, asked: AskedAnnotation) -> Iterator[Step]:
    """Yield the changes that wait in the retry queue for the next run."""
    for queued in ledger.queue.values():
        if asked.concerns(queued.input_id, queued.id):
            change = queued.change()
            yield Step(
                ledger.logs[queued.log].identity.label,
                queued.line,
                "retrying",
                change.op,
                queued.id or None,
                attempts=queued.attempts,
                reason=queued.reason,
            )


def list_dead(state: Path, asked: AskedAnnotation) -> Iterator[Step]:
    """Yield the open dead letters. It blocks. Raises StateError."""
    for found in open_in(state):
        letter = found.letter
        if asked.concerns(letter.input_id, letter.id):
            yield Step(
                letter.source,
                letter.line,
                "dead",
                letter.op,
                letter.id,
                attempts=letter.attempts,
                reason=letter.reason,
            )


def tell_story(state: Path, asked: AskedAnnotation) -> list[Step]:
    """Return what the files of a state know. It blocks. Raises StateError."""
    ledger, _, _ = Journal.read_only(state)
    return in_order([*list_queued(ledger, asked), *list_dead(state, asked)])


def in_order(steps: list[Step]) -> list[Step]:
    """Return steps as they follow each other in their sources."""
    return sorted(steps, key=lambda step: (step.source, step.line))
