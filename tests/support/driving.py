"""Listings driven without any I/O: their questions are answered from a function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from syncer.core.outcome import Failed, Halt, Throttled
from syncer.core.ports.pull import Ask, Done, Found, Listing, Problem, Row, Unit
from syncer.core.ports.wire import NoReply, Reply, Request


class NoAnswer(Exception):
    """What the engine would deal with: asked again, or the end of the run."""


@dataclass(slots=True)
class Driver:
    """Asks a function whatever a listing asks, and keeps what was asked."""

    answer: Callable[[Request], Reply | NoReply]
    asked: list[str] = field(default_factory=list)
    """METHOD path; of a signed URL, without its query."""
    at_once: list[int] = field(default_factory=list)
    """How many questions were asked at the same time, each time."""

    def pulled(
        self,
        listing: Listing,
        after: str = "",
        *,
        done: Done | None = (),
        stop_behind: int | None = None,
    ) -> list[tuple[Unit, Found]]:
        """The units after a cursor without the parts that are done, each with what its
        flow came to; all of them, or this many.
        """
        pulled: list[tuple[Unit, Found]] = []
        units = listing.units(after, done)
        answers: Sequence[object] | None = None
        try:
            while stop_behind is None or len(pulled) < stop_behind:
                step = units.send(answers)
                answers = None
                if isinstance(step, Unit):
                    pulled.append((step, self.found(step)))
                else:
                    answers = self.answers(step)
        except StopIteration:
            pass
        return pulled

    def found(self, unit: Unit) -> Found:
        """What a unit's flow comes to."""
        flow = unit.flow()
        answers: Sequence[object] | None = None
        try:
            while True:
                answers = self.answers(flow.send(answers))  # type: ignore[arg-type]
        except StopIteration as end:
            found: Found = end.value
            return found

    def answers(self, asks: Sequence[Ask[object]]) -> list[object]:
        """What a flow is sent: answers, and refusals."""
        self.at_once.append(len(asks))
        answers: list[object] = []
        for ask in asks:
            path = ask.request.path.partition("?")[0] if ask.via == "storage" else ask.request.path
            self.asked.append(f"{ask.request.method} {path}")
            read = ask.read(self.answer(ask.request))
            if isinstance(read, Failed | Throttled | Halt):
                raise NoAnswer(read)
            answers.append(read)
        return answers


def rows_of(done: Sequence[tuple[Unit, Found]]) -> list[Row]:
    """All rows, in order."""
    return [row for _, found in done for row in found.rows]


def parts_of(done: Sequence[tuple[Unit, Found]]) -> set[str]:
    """What these units are noted as."""
    return {part for unit, _ in done for part in unit.parts}


def problems_of(done: Sequence[tuple[Unit, Found]]) -> list[Problem]:
    """All problems, in order."""
    return [problem for _, found in done for problem in found.problems]
