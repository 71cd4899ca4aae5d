"""dead.jsonl written from scratch in a repair: the lines that are whole, a letter for
each one that is lost; the ledger is brought in line with it.

Letters beyond the part that the ledger counts are of changes that the journal's lost
part settled. They died, which is known; so they are settled again as what they are,
instead of being asked again: by now the remote might take what came to nothing then.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

from syncer.core.facts import (
    Closed,
    DeadFact,
    DeadFile,
    DeadLetter,
    Ending,
    LettersForgotten,
    Settled,
    Unburied,
    Unqueued,
)
from syncer.core.ledger import Ledger, LogState
from syncer.core.letters import LetterStates
from syncer.journal import dead
from syncer.journal.check import open_counts
from syncer.journal.damage import Damage
from syncer.journal.disk import Disk
from syncer.printable import counted as number_of

FILE_NEW = "dead.new"


class LettersAnew:
    """One rewriting. `when`: the time, RFC 3339."""

    def __init__(self, folder: Path, ledger: Ledger, when: str, disk: Disk) -> None:
        self._folder = folder
        self._ledger = ledger
        self._when = when
        self._disk = disk
        self._states = LetterStates()
        self._size = 0
        self._file = -1
        self._logs, self._indexes = array("q"), array("q")  # of each letter
        self._sources: dict[int, str] = {}
        self._counted = 0  # letters that the ledger counts: the first ones
        self._later: dict[
            int, int | None
        ] = {}  # the letters after them: the checksum of the line, None where only a part was kept
        self._how: dict[int, str] = {}  # what closed these
        self._sent_again: list[
            int
        ] = []  # letters of the first ones that went back to the queue, which is lost

    def write_new(self, *, beyond: bool) -> list[str]:
        """Write it as `dead.new`, synced; return what to report of it.

        `beyond`: also what the ledger does not count. Raises OSError.
        """
        path = self._folder / FILE_NEW
        self._file = self._disk.open(path)
        try:
            reopened = self._copy(beyond) + self._reopen()
            self._settle_later()
            told = list(self._forget())
            counted = open_counts(path, self._size, self._states, self._disk)
            told += [
                sentence
                for number, log in self._ledger.logs.items()
                for sentence in self._even(number, log, counted[number])
            ]
            self._disk.sync(self._file)
        finally:
            self._disk.close(self._file)
        self._ledger.apply(DeadFile(self._size))
        if reopened:
            told.append(
                f"up to {number_of(reopened, 'dead letter')} that had been dropped or sent again"
                " may be open again"
            )
        return told

    def _append(self, fact: DeadFact) -> None:
        line = dead.encode(fact, self._size)
        self._disk.write(self._file, line)
        self._size += len(line)
        self._states.note(fact)

    # --- the lines that are whole -----------------------------------------------------

    def _copy(self, beyond: bool) -> int:
        """All but what closes letters of which the number is not known for certain; how
        many of these there were.
        """
        path, counted = self._folder / dead.DEAD_FILE, self._ledger.dead_size
        there = self._disk.size(path) or 0
        damaged, left_out = False, 0
        for at, _, fact in (
            dead.pieces(path, there if beyond else min(there, counted), disk=self._disk)
            if there
            else ()
        ):
            if isinstance(fact, Damage):
                damaged = True
            elif isinstance(fact, Closed):
                if damaged or not 0 <= fact.letter < self._states.count:
                    damaged, left_out = True, left_out + 1
                else:
                    self._close(fact, counted=at < counted)
            else:
                if isinstance(fact, DeadLetter):
                    self._bury(fact, counted=at < counted)
                self._append(fact)
        return left_out

    def _bury(self, letter: DeadLetter, *, counted: bool) -> None:
        if counted:
            self._counted += 1
        else:
            self._later[self._states.count] = (
                crc32(letter.change.encode()) if letter.whole else None
            )
        self._sources[letter.log] = letter.source
        self._logs.append(letter.log)
        self._indexes.append(letter.index)

    def _close(self, fact: Closed, *, counted: bool) -> None:
        if not counted and fact.letter < self._counted:
            if fact.how == "retried":
                self._sent_again.append(fact.letter)
                return
            if self._logs[fact.letter] in self._ledger.logs:
                self._ledger.apply(Unburied(self._logs[fact.letter], "ignored"))
        self._how[fact.letter] = fact.how
        self._append(fact)

    def _reopen(self) -> int:
        """Letters that were sent again: those that died again, or are still waiting,
        are closed; how many are not.
        """
        waiting = {(queued.log, queued.index) for queued in self._ledger.queue.values()}
        died_again = {self._place(number) for number in self._later}
        reopened = 0
        for number in self._sent_again:
            if self._place(number) in died_again:
                self._append(Closed(number, "retried"))
            else:
                reopened += 1
        for number in range(self._states.count):
            if (
                self._place(number) in waiting
                and number not in self._later
                and self._states.is_open(number, self._logs[number])
            ):
                self._append(Closed(number, "retried"))
        return reopened

    def _place(self, number: int) -> tuple[int, int]:
        return self._logs[number], self._indexes[number]

    # --- the ledger -------------------------------------------------------------------

    def _settle_later(self) -> None:
        """The changes of the later letters leave the window, or the queue, for where
        their letters say.
        """
        queue = {
            (queued.log, queued.index): number for number, queued in self._ledger.queue.items()
        }
        for number, checksum in self._later.items():
            log, index = self._place(number)
            state = self._ledger.logs.get(log)
            ending: Ending = "dead" if self._states.is_open(number, log) else "ignored"
            if state is None or (ending == "ignored" and self._how.get(number) != "dropped"):
                continue  # it was sent again: it is asked again
            if (queued := queue.pop((log, index), None)) is not None:
                self._ledger.apply(Unqueued(queued, ending))
            elif _settled(state, index):
                continue
            elif checksum is None:  # a bad line dies again by itself
                self._append(Closed(number, "retried"))
            else:
                self._ledger.apply(Settled(log, index, 1, checksum, ending))

    def _forget(self) -> Iterator[str]:
        """Logs that only letters know: all of them is asked again, so their letters are
        closed.
        """
        for log in sorted(set(self._logs) - set(self._ledger.logs)):
            self._append(LettersForgotten(log))
            yield (
                f"{self._sources[log]}: only that it was pushed is known; when it is pushed"
                " again, all of it is sent again, and what was a dead letter may be applied"
                " this time"
            )

    def _even(self, number: int, log: LogState, open_: int) -> Iterator[str]:
        """As many open letters as are counted: what is lost gets a letter, what is too
        many is counted among the dead.
        """
        counts = log.counts
        lost = counts.dead - open_
        for _ in range(lost):
            self._append(_make_lost_letter(number, log, self._when))
        if lost > 0:
            yield (
                f"lost {number_of(lost, 'dead letter')} of {log.identity.label}: `dead list` has"
                " each as line 0, the quarantine the rest"
            )
        if lost < 0:
            for place in ("ignored", "applied", "queued"):
                taken = min(-lost, getattr(counts, place))
                counts.add(place, -taken)
                counts.dead += taken
                lost += taken


def _settled(log: LogState, index: int) -> bool:
    """Whether the change of this index has left the window."""
    return index < log.watermark.index or any(
        run.start <= index < run.end for run in log.watermark.runs()
    )


def _make_lost_letter(number: int, log: LogState, when: str) -> DeadLetter:
    return DeadLetter(
        source=log.identity.label,
        line=0,
        op=None,
        input_id=None,
        id=None,
        reason=(
            "this dead letter was damaged, and its line is not known; what is left of it is in"
            " the state's quarantine"
        ),
        code=None,
        attempts=0,
        first_failed_at=when,
        last_failed_at=when,
        change="",
        log=number,
        index=-1,
        whole=False,
    )
