"""The extent to which a log is settled, when its changes settle out of order.

    settled:  ■■■■■■■■■■■■■■■□■■■□□■■□□□□…
                   ▲       ▲  └ runs ahead of the watermark
              resume   watermark (all before it have left the window)

Reading is taken up at `resume`, the last mark that a reader left at or below the
watermark, and skips what the runs cover. Runs carry a checksum of their lines, `resume`
one of all bytes before it: so an edited log differs from an untouched one.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from syncer.core.change import Mark


@dataclass(frozen=True, slots=True)
class Run:
    """`count` neighbouring settled changes, and the crc32 of their lines, joined."""

    start: int
    count: int
    crc: int

    @property
    def end(self) -> int:
        """The index after its last change."""
        return self.start + self.count


class Watermark:
    """The settled part of one log.

    Memory grows with what is settled out of order, never with the log. A state has one
    of each log that it ever had, so it is small.
    """

    __slots__ = ("_ahead", "_marks", "_runs", "index", "resume")

    def __init__(self, resume: Mark = Mark()) -> None:
        self.resume = resume
        self.index = resume.index
        self._runs: dict[int, Run] = {}
        self._ahead: dict[int, Run] = {}
        self._marks: list[Mark] = []

    def settle(self, run: Run) -> None:
        """A run of changes left the window. Runs never overlap."""
        assert run.count > 0, run
        end = run.end
        assert end > self.index, (run, self)
        self._runs[run.start] = run
        if run.start <= self.index:
            # A run that straddles `resume` is seen again when a compacted journal is
            # read.
            self.index = end
        else:
            self._ahead[run.start] = run
        while (next_run := self._ahead.pop(self.index, None)) is not None:
            self.index = next_run.end
        self._advance()

    def mark(self, mark: Mark) -> None:
        """The reader passed this place (places come in order)."""
        last = self._marks[-1] if self._marks else self.resume
        if mark.offset > last.offset:
            self._marks.append(mark)
            self._advance()

    def copy_from(self, resume: Mark) -> Watermark:
        """Return one of the same log for a reader that begins at this place, at or
        after `resume`. It does not move with this one.
        """
        copy = Watermark(resume)
        for run in self.runs():
            if run.end > resume.index:
                copy.settle(run)
        return copy

    def runs(self) -> list[Run]:
        """Return what is settled at or after `resume`, in order."""
        return [self._runs[start] for start in sorted(self._runs)]

    def marks(self) -> list[Mark]:
        """The places after `resume` at which reading may be taken up later."""
        return list(self._marks)

    def settled_end(self) -> int:
        """The index after the furthest settled change."""
        return max((run.end for run in self._ahead.values()), default=self.index)

    def _advance(self) -> None:
        passed = 0
        for mark in self._marks:
            if mark.index > self.index:
                break
            passed += 1
        if passed:  # for every run, so no property is asked
            self.resume = self._marks[passed - 1]
            del self._marks[:passed]
            resume, runs = self.resume.index, self._runs.items()
            # Others, since a dictionary that was large stays large.
            self._runs = {start: run for start, run in runs if start + run.count > resume}
            self._ahead = dict(self._ahead)

    def __repr__(self) -> str:
        return f"Watermark(index={self.index}, resume={self.resume!r}, ahead={len(self._ahead)})"


class Skip:
    """The changes that a reader that starts at `resume` passes over, asked in ascending
    order of index.
    """

    def __init__(self, runs: list[Run]) -> None:
        self._starts = [run.start for run in runs]
        self._runs = runs
        self.end = runs[-1].end if runs else 0

    def __contains__(self, index: int) -> bool:
        at = bisect_right(self._starts, index) - 1
        return at >= 0 and index < self._runs[at].end
