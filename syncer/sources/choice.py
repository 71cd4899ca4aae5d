"""The choice of the logs that a run reads, and of the known log that each file is, made
before any of them is read: `finding` says what the files hold, `core.moves` decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from itertools import chain
from pathlib import Path

import msgspec

from syncer.core.change import LogIdentity
from syncer.core.ledger import Ledger
from syncer.core.moves import (
    CarriedOn,
    Changed,
    Decision,
    FoundFile,
    Moved,
    MovedHere,
    New,
    Unclear,
    decide,
)
from syncer.errors import LogChanged, SyncerError
from syncer.sources.candidates import Candidate, Decided, in_order
from syncer.sources.chosen import (
    ChangedLog,
    Choice,
    ChosenLog,
    Notes,
    UnclearLog,
    refuse_changed,
    refuse_unclear,
    tell_changed,
)
from syncer.sources.files import LogFiles
from syncer.sources.finding import Finder, LeaveOut
from syncer.sources.log_disk import REAL_LOGS, LogDisk
from syncer.sources.logs import LogPath
from syncer.sources.places import STDIN, Places


class Chooser:
    """One look at the files."""

    def __init__(
        self,
        ledger: Ledger,
        spool: Path,
        disk: LogDisk = REAL_LOGS,
        leave_out: LeaveOut | None = None,
    ) -> None:
        """`spool`: where the state keeps what comes by stdin. `leave_out`: gets the
        files that are left out since they cannot be read, or are not the log that they
        were; None: any such file ends the choice.
        """
        self._places = Places(ledger, spool)
        self._look = LogFiles(disk)
        self._notes = Notes()
        self._leave_out = leave_out
        self._finder = Finder(self._places, self._look, self._notes, leave_out)
        self._next_number = ledger.next_log()

    def choose(
        self,
        named: Sequence[LogPath] | None,
        moved: Moved | None = None,
        sought: Sequence[int] = (),
    ) -> Choice:
        """Choose the logs of these files; None: all that the state knows. `moved`: what
        the user says of those that are unclear. `sought`: known logs that are chosen,
        too, where their files are found.

        Raises UsageError for a file that is not there or cannot be read, LogChanged if
        a log was changed or the user has to decide.
        """
        logs = map(self._places.log, self._places.all()) if named is None else named
        for at, log in enumerate(logs):
            self._finder.add(log, at, named=True, may_be_gone=named is None)
        for at, number in enumerate(sought, len(named or ())):
            self._finder.add(self._places.log(number), at, named=False, may_be_gone=True)
        self._finder.merge_twins()
        decided = self._decide(moved)
        while self._finder.follow(decided):
            decided = self._decide(moved)
        return self._choose(decided, follow=named is None)

    def _decide(self, moved: Moved | None) -> list[tuple[Candidate, Decision | None]]:
        """Return which log each file is, as far as files are known so far."""
        self._finder.look()
        files = list(self._finder.files.values())
        found = [
            FoundFile(
                file.path,
                file.stamp,
                file.known,
                file.holds,
                file.named,
                file.awaited,
                file.continues,
            )
            for file in files
        ]
        return list(zip(files, decide(self._finder.known(), found, moved), strict=True))

    # --- what is chosen ---------------------------------------------------------------

    def _choose(self, decided: Decided, *, follow: bool) -> Choice:
        decided = self._refuse(decided)
        if self._leave_out is not None:
            decided = self._let_wait(self._adopt(decided), self._leave_out)
        choice = Choice(unread=list(self._unread(decided)))
        for at, file, decision in in_order(decided, self._places.path):
            choice.logs.append(
                ChosenLog(self._number(file, decision), self._identity(file, decision), at)
            )
        self._note_equals(
            [file for file, decision in decided if decision == New() and not file.awaited]
        )
        taken = {log.number for log in choice.logs}
        choice.unsure = sorted(self._finder.unsure - taken)
        lost = sorted(self._finder.lost.keys() - taken - self._finder.unsure)
        choice.gone = [
            number for number in lost if follow or not self._places.is_read_to_its_end(number)
        ]
        self._displace(choice, taken)
        choice.notes = self._notes.sentences()
        return choice

    def _unread(self, decided: Decided) -> Iterator[LogPath]:
        """Yield the files that look like other parts of a rotated log, and of which
        nothing is known.
        """
        rotated = _list_moved(decided)
        for file, decision in decided:
            if _is_unknown(file, decision) and self._finder.rotated_from[file.path] & rotated:
                yield file.log

    def _adopt(self, decided: Decided) -> Decided:
        """Take those that were written after a log that is followed for new logs: they
        had its name for so short a time that nobody saw it.
        """
        rotated = _list_moved(decided) | self._finder.lost.keys()
        adopted: list[Candidate] = []
        for file, decision in decided:
            logs = self._finder.rotated_from[file.path] & rotated
            known = [self._places.identity(number) for number in logs]
            written_after = any(file.stamp.mtime_ns >= log.mtime_ns for log in known)
            if written_after and _is_unknown(file, decision):
                file.was = min((log.was or log.path for log in known), key=len)
                adopted.append(file)
        adopted.sort(key=lambda file: file.stamp.mtime_ns)
        others = [(file, decision) for file, decision in decided if file not in adopted]
        return [*((file, New()) for file in adopted), *others]

    def _let_wait(self, decided: Decided, leave_out: LeaveOut) -> Decided:
        """Leave out, too, what is to be read after a log that may be in a file which
        was left out.
        """
        unsure = self._finder.unsure - {_log_of(decision) for _, decision in decided}
        left: list[tuple[Candidate, Decision | None]] = []
        for file, decision in decided:
            before = [number for number in unsure if self._follows(file, decision, number)]
            if before:
                label = self._label(before[0])
                leave_out(file.log, SyncerError(f"{file.log.label} is read after {label}"))
            else:
                left.append((file, decision))
        return left

    def _follows(self, file: Candidate, decision: Decision | None, number: int) -> bool:
        """Whether a file is to be read after this log, whose name it has."""
        names = {file.path, file.was}
        if (log := _log_of(decision)) is not None:
            if log < number:
                return False
            names.add(self._places.identity(log).was)
        return not names.isdisjoint(self._finder.names(number))

    def _displace(self, choice: Choice, taken: Set[int]) -> None:
        """A log that no file holds leaves its path to the one that is there now."""
        for log in choice.logs:
            number = self._places.at(LogPath(log.path, log.identity.label))
            if number is None or number in taken:
                continue
            if self._places.applied(number):
                identity = self._places.identity(number)
                path, label = self._free_name(log.identity.path, identity.label)
                choice.displaced.append(
                    (number, msgspec.structs.replace(identity, path=path, label=label))
                )
            else:
                choice.replaced.append(number)
                head = self._places.identity(number).head
                if number in choice.gone and head == log.identity.head:
                    # All of it is read as the log that is there now: nothing is missed.
                    choice.gone.remove(number)

    def _refuse(self, decided: Decided) -> Decided:
        """Return what is left. Raises LogChanged, where no file may be left out."""
        unclear, changed = [], []
        for file, decision in decided:
            if isinstance(decision, Unclear):
                line = self._places.applied(decision.log).resume.line
                replaced = self._finder.where(decision.log) == "other"
                label = self._label(decision.log)
                unclear.append(UnclearLog(file.log.label, label, line, replaced))
            elif isinstance(decision, Changed):
                label, how = file.log.label, str(file.difference)
                if self._leave_out is not None:
                    self._leave_out(file.log, LogChanged(tell_changed(label, how)))
                    continue
                old = self._free_name(file.path, label)[1]
                changed.append(ChangedLog(label, how, old))
        if unclear:
            refuse_unclear(unclear)
        if changed:
            refuse_changed(changed)
        return [(file, one) for file, one in decided if not isinstance(one, Changed)]

    def _free_name(self, path: str, label: str) -> tuple[str, str]:
        """A path and a label that no file has, and no known log."""
        for count in chain([""], range(2, 1 << 30)):
            log = LogPath(f"{path}.old{count}", f"{label}.old{count}")
            if self._places.at(log) is None and self._look.stamp(log) is None:
                return log.path, log.label
        raise AssertionError(path)

    def _number(self, file: Candidate, decision: Decision) -> int:
        match decision:
            case CarriedOn():
                return decision.log
            case MovedHere():
                line = self._places.applied(decision.log).resume.line
                self._notes.move(self._label(decision.log), file.log.label, line)
                return decision.log
            case New():
                if decision.copy_of is not None:
                    self._notes.copy(file.log.label, self._label(decision.copy_of))
                self._next_number += 1
                return self._next_number - 1
            case Unclear() | Changed():  # refused before
                raise AssertionError(decision)

    def _identity(self, file: Candidate, decision: Decision) -> LogIdentity:
        if isinstance(decision, New):
            head = self._look.head(file.log)
            return LogIdentity.of(
                file.path, file.log.label, head, file.stamp, was=file.was, twin=file.twin
            )
        known = self._places.identity(decision.log)
        was = known.was
        if isinstance(decision, MovedHere):
            path = self._places.path(decision.log)
            # A path that was named is named again: what left it is read before what is
            # there now.
            successor = self._finder.files.get(path)
            named_again = successor is not None and successor.named
            before = self._finder.moved_along.get(decision.log)
            before = before or (path if named_again else was or path)
            of_its_own = decision.how == "name" or not file.named
            was = before if before != file.path and of_its_own else ""
        head = known.head if self._places.applied(decision.log) else self._look.head(file.log)
        identity = LogIdentity.of(
            file.path, file.log.label, head, file.stamp, was=was, twin=file.twin or known.twin
        )
        same = known.stamp.is_untouched(file.stamp) or known.stamp.is_renamed(file.stamp)
        return msgspec.structs.replace(identity, end=known.end) if same else identity

    def _note_equals(self, files: Sequence[Candidate]) -> None:
        """Say which new logs hold the same as another new one."""
        first: dict[tuple[str, int], Candidate] = {}
        for file in files:
            other = first.setdefault((self._look.head(file.log), file.stamp.size), file)
            if other is file or not file.stamp.size:
                continue
            if self._look.longer(file.log, other.log) is not None:
                self._notes.copy(file.log.label, other.log.label)

    def _label(self, number: int) -> str:
        label = self._places.identity(number).label
        return "the stdin of an earlier push" if label == STDIN else label


def _is_unknown(file: Candidate, decision: Decision | None) -> bool:
    return decision is None and not file.holds and bool(file.stamp.size)


def _log_of(decision: Decision | None) -> int | None:
    return decision.log if isinstance(decision, CarriedOn | MovedHere) else None


def _list_moved(decided: Decided) -> set[int]:
    return {decision.log for _, decision in decided if isinstance(decision, MovedHere)}
