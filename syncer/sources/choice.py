"""Which logs a run reads, and which known log each file is, found out before any of
them is read.

    named files, or all known logs ──► twins: x.jsonl beside x.jsonl.gz ──► does each still hold the log of its path?
        ──► rotated files near those that do not ──► whose applied part does a file begin with? ──► `core.moves` decides

A file is opened only where its stamp is not the known one, and read only where its
first line is that of a known log.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence, Set
from itertools import chain
from pathlib import Path
from typing import Literal

import msgspec

from syncer.core.change import LogIdentity, Stamp
from syncer.core.ledger import Ledger
from syncer.core.moves import (
    CarriedOn,
    Changed,
    Decision,
    FoundFile,
    KnownLog,
    Moved,
    MovedHere,
    New,
    Unclear,
    decide,
    is_name_of,
)
from syncer.errors import UsageError
from syncer.sources.candidates import Candidate, Decided, in_order
from syncer.sources.chosen import (
    ChangedLog,
    Choice,
    ChosenLog,
    Notes,
    UnclearLog,
    refuse_changed,
    refuse_unclear,
)
from syncer.sources.files import LogFiles
from syncer.sources.logs import LogPath
from syncer.sources.places import STDIN, Places

PACKED = ".gz"


class Chooser:
    """One look at the files. `spool`: where the state keeps what comes by stdin."""

    def __init__(self, ledger: Ledger, spool: Path, files: LogFiles | None = None) -> None:
        self._places = Places(ledger, spool)
        self._next_number = ledger.next_log()
        self._look = files or LogFiles()
        self._files: dict[str, Candidate] = {}
        self._added: set[str] = set()
        self._there: set[int] = set()
        self._lost: dict[int, int] = {}
        """Known logs of the run that are not at their path, and which of the named
        files each belongs to.
        """
        self._moved_along: dict[int, str] = {}
        """Logs that were rotated, and where the log is now that has their old name."""
        self._rotated_from: dict[str, set[int]] = defaultdict(set)
        """Files with names that logs which are not at their paths may have got, and
        those logs.
        """
        self._notes = Notes()

    def choose(self, named: Sequence[LogPath] | None, moved: Moved | None = None) -> Choice:
        """Choose the logs of these files; None: all that the state knows. `moved`: what
        the user says of those that are unclear.

        Raises UsageError for a file that is not there or cannot be read, LogChanged
        where a log was changed or has to be told apart.
        """
        for at, log in enumerate(
            map(self._places.log, self._places.all()) if named is None else named
        ):
            self._add(log, at, named=True, may_be_gone=named is None)
        for plain in dict.fromkeys(path.removesuffix(PACKED) for path in self._files):
            self._merge_twins(plain)
        decided = self._decided(moved)
        while self._follow(decided):
            decided = self._decided(moved)
        return self._chosen(decided, follow=named is None)

    def _decided(self, moved: Moved | None) -> list[tuple[Candidate, Decision | None]]:
        """Which log each file is, as far as files are known so far."""
        for file in list(self._files.values()):
            self._compare(file)
        for number, at in list(self._lost.items()):
            self._add_rotated(number, at)
        for file in list(self._files.values()):
            self._find_held(file)
        files = list(self._files.values())
        found = [
            FoundFile(file.path, file.stamp, file.known, file.holds, file.named, file.awaited)
            for file in files
        ]
        return list(
            zip(
                files,
                decide({log.number: log for log in self._known(files)}, found, moved),
                strict=True,
            )
        )

    def _follow(self, decided: Decided) -> bool:
        """Where a log has moved, what was rotated from it may have moved along: add
        that to the run. Whether there was any.
        """
        before = len(self._files) + len(self._lost)
        for file, decision in decided:
            if isinstance(decision, MovedHere):
                for number in self._places.rotated_from(self._places.path(decision.log)):
                    self._moved_along[number] = file.path
                    self._add(self._places.log(number), file.at, named=False, may_be_gone=True)
        return len(self._files) + len(self._lost) > before

    # --- which files there are --------------------------------------------------------

    def _add(self, log: LogPath, at: int, *, named: bool, may_be_gone: bool) -> None:
        if (path := str(log.path)) in self._added:
            return
        self._added.add(path)
        for rotated in self._places.rotated_from(path):
            self._add(self._places.log(rotated), at, named=False, may_be_gone=True)
        file = self._file(log, at, named=named)
        if file is None:
            number = self._places.at(log)
            if number is None or not may_be_gone:
                raise UsageError(f"there is no change log {log.label}")
            self._lost.setdefault(number, at)
        elif file.known is None and (same := self._same_file(file.stamp)) is not None:
            self._add(self._places.log(same), at, named=named, may_be_gone=may_be_gone)
        else:
            self._files[file.path] = file

    def _file(self, log: LogPath, at: int, *, named: bool) -> Candidate | None:
        """The file at this path; None where there is none."""
        number = self._places.at(log)
        stamp = self._look.stamp(
            log, None if number is None else self._places.identity(number).stamp
        )
        return None if stamp is None else Candidate(log, str(log.path), stamp, at, number, named)

    def _same_file(self, stamp: Stamp) -> int | None:
        """The known log of which this file is another name, where both names are there."""
        if (number := self._places.of_file(stamp)) is None:
            return None
        now = self._look.stamp(self._places.log(number))
        return (
            number
            if now is not None and (now.device, now.inode) == (stamp.device, stamp.inode)
            else None
        )

    def _merge_twins(self, plain: str) -> None:
        """Of x.jsonl and x.jsonl.gz, where one begins with the other, the longer is
        read as the log that both are.
        """
        one, other = self._files.get(plain), self._files.get(plain + PACKED)
        if one is None or other is None:
            here = one or other
            if here is None or here.known is not None:
                return
            one, other = here, self._beside(here, plain if here is other else plain + PACKED)
        if other is not None:
            self._merge(
                *sorted(
                    (one, other), key=lambda file: (file.known is None, file.path.endswith(PACKED))
                )
            )

    def _beside(self, file: Candidate, path: str) -> Candidate | None:
        """The file at the path of a twin that is not in the run: a known log, or
        another name of a file that is.
        """
        log = LogPath(Path(path), str(Path(file.log.label).with_name(Path(path).name)))
        if (number := self._places.at(log)) is not None:
            return self._file(self._places.log(number), file.at, named=True)
        if (twin := self._file(log, file.at, named=True)) is None:
            return None
        return next(
            (one for one in self._files.values() if one is not file and one.place == twin.place),
            None,
        )

    def _merge(self, first: Candidate, second: Candidate) -> None:
        """`first` is known if one of the two is."""
        owner = first.known
        if (
            owner is not None
            and second.known is not None
            and self._places.applied(second.known).index > self._places.applied(owner).index
        ):
            owner = second.known
        identity = None if first.known is None else self._places.identity(first.known)
        if (
            identity is not None
            and identity.twin == second.stamp
            and identity.stamp.is_untouched(first.stamp)
        ):
            read, left = first, second
        else:
            longer = self._look.longer(first.log, second.log)
            if longer is None:
                return
            read, left = (first, second) if longer is first.log else (second, first)
            self._notes.twin(left.log.label, read.log.label)
        self._files.pop(left.path, None)
        read.at, read.twin, read.known = min(first.at, second.at), left.stamp, owner
        self._files[read.path] = read

    def _add_rotated(self, number: int, at: int) -> None:
        """Files in the folder of a log that is not at its path, which may be that log:
        by their names, or as the same file.
        """
        identity = self._places.identity(number)
        names = self._names(number) if self._places.applied(number) else ()
        folders = (self._places.path(number), self._moved_along.get(number))
        for near in chain(
            *(self._look.near(path, names, identity.inode) for path in folders if path is not None)
        ):
            if any(is_name_of(near, name) for name in names):
                self._rotated_from[near].add(number)
            if near in self._files:
                continue
            label = (
                str(Path(identity.label).with_name(Path(near).name))
                if identity.label != STDIN
                else near
            )
            file = self._file(LogPath(Path(near), label), at, named=False)
            if file is not None and not self._holds_its_own(file):
                file.known = None
                self._files[near] = file

    def _names(self, number: int) -> tuple[str, ...]:
        """The paths of which a rotated log's own path is a longer form."""
        names = (
            self._places.path(number),
            self._places.identity(number).was,
            self._moved_along.get(number, ""),
        )
        return tuple(filter(None, names))

    def _holds_its_own(self, file: Candidate) -> bool:
        """Whether a file that nobody named is that of a known log, which is still
        there.
        """
        return file.known is not None and self._where(file.known) == "there"

    # --- what they hold ---------------------------------------------------------------

    def _compare(self, file: Candidate) -> None:
        """Find out whether a file at a known path holds the log of that path."""
        if (
            file.known is None
            or file.known in self._there
            or file.known in self._lost
            or file.awaited
        ):
            return
        identity, applied = self._places.identity(file.known), self._places.applied(file.known)
        if not applied:
            file.awaited = True
            if (identity.device, identity.inode) != (file.stamp.device, file.stamp.inode):
                self._lost[file.known] = file.at
            return
        if not identity.stamp.is_untouched(file.stamp):
            file.difference = self._look.difference(file.log, identity.head, applied)
        if file.difference is None:
            self._there.add(file.known)
        else:
            self._lost[file.known] = file.at

    def _find_held(self, file: Candidate) -> None:
        """Find out which known logs a file begins with, where it does not hold that of
        its path.
        """
        if file.known in self._there or file.was_read:
            return
        file.was_read = True
        try:
            known = {
                number: self._places.applied(number)
                for number in self._places.of_head(self._look.head(file.log))
            }
            file.holds = self._look.held_by(file.log, known)
            if (
                number := self._places.of_file(file.stamp)
            ) is not None and not self._places.applied(number):
                file.holds += (number,)
        except UsageError:
            if file.named:
                raise
            del self._files[file.path]  # nobody asked for it

    def _where(self, number: int) -> Literal["there", "gone", "other"]:
        """Whether a known log is still at its path."""
        if number in self._there:
            return "there"
        log, identity = self._places.log(number), self._places.identity(number)
        if number in self._lost or not self._places.applied(number):
            return "gone" if self._look.stamp(log) is None else "other"
        if identity.label == STDIN:
            return "gone"  # the file is ours: users know no path of it
        if (stamp := self._look.stamp(log, identity.stamp)) is None:
            return "gone"
        if identity.stamp.is_untouched(stamp):
            return "there"
        return (
            "other"
            if self._look.difference(log, identity.head, self._places.applied(number))
            else "there"
        )

    # --- what is chosen ---------------------------------------------------------------

    def _known(self, files: Sequence[Candidate]) -> Iterator[KnownLog]:
        for number in {
            number for file in files for number in (file.known, *file.holds) if number is not None
        }:
            yield KnownLog(
                number,
                self._names(number),
                self._places.identity(number).stamp,
                self._where(number),
            )

    def _chosen(self, decided: Decided, *, follow: bool) -> Choice:
        self._refuse(decided)
        choice = Choice(unread=list(self._unread(decided)))
        for at, file, decision in in_order(decided, self._places.path):
            choice.logs.append(
                ChosenLog(self._number(file, decision), self._identity(file, decision), at)
            )
        self._note_equals(
            [file for file, decision in decided if decision == New() and not file.awaited]
        )
        taken = {log.number for log in choice.logs}
        lost = sorted(number for number in self._lost if number not in taken)
        choice.gone = [
            number for number in lost if follow or not self._places.is_read_to_its_end(number)
        ]
        self._displace(choice, taken)
        choice.notes = self._notes.said()
        return choice

    def _unread(self, decided: Decided) -> Iterator[LogPath]:
        """Where a log was rotated, the files that look like other parts of it, and of
        which nothing is known.
        """
        rotated = {decision.log for _, decision in decided if isinstance(decision, MovedHere)}
        for file, decision in decided:
            if (
                decision is None
                and not file.holds
                and file.stamp.size
                and self._rotated_from[file.path] & rotated
            ):
                yield file.log

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
                if (
                    number in choice.gone
                    and self._places.identity(number).head == log.identity.head
                ):
                    choice.gone.remove(
                        number
                    )  # nothing of it is missed: all of it is read as the log that is there now

    def _refuse(self, decided: Decided) -> None:
        unclear, changed = [], []
        for file, decision in decided:
            if isinstance(decision, Unclear):
                line = self._places.applied(decision.log).resume.line
                unclear.append(
                    UnclearLog(
                        file.log.label,
                        self._label(decision.log),
                        line,
                        self._where(decision.log) == "other",
                    )
                )
            elif isinstance(decision, Changed):
                changed.append(
                    ChangedLog(
                        file.log.label,
                        str(file.difference),
                        self._free_name(file.path, file.log.label)[1],
                    )
                )
        if unclear:
            refuse_unclear(unclear)
        if changed:
            refuse_changed(changed)

    def _free_name(self, path: str, label: str) -> tuple[str, str]:
        """A path and a label that no file has, and no known log."""
        for count in chain([""], range(2, 1 << 30)):
            log = LogPath(Path(f"{path}.old{count}"), f"{label}.old{count}")
            if self._places.at(log) is None and self._look.stamp(log) is None:
                return str(log.path), log.label
        raise AssertionError(path)

    def _number(self, file: Candidate, decision: Decision) -> int:
        match decision:
            case CarriedOn():
                return decision.log
            case MovedHere():
                self._notes.move(
                    self._label(decision.log),
                    file.log.label,
                    self._places.applied(decision.log).resume.line,
                )
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
            return LogIdentity.of(
                file.path, file.log.label, self._look.head(file.log), file.stamp, twin=file.twin
            )
        known = self._places.identity(decision.log)
        was = known.was
        if isinstance(decision, MovedHere):
            path = self._places.path(decision.log)
            successor = self._files.get(
                path
            )  # a path that was named is named again: what left it is read before what is there now
            before = self._moved_along.get(decision.log) or (
                path if successor is not None and successor.named else was or path
            )
            was = (
                before if before != file.path and (decision.how == "name" or not file.named) else ""
            )
        head = known.head if self._places.applied(decision.log) else self._look.head(file.log)
        identity = LogIdentity.of(
            file.path, file.log.label, head, file.stamp, was=was, twin=file.twin or known.twin
        )
        return (
            msgspec.structs.replace(identity, end=known.end)
            if known.stamp.is_untouched(file.stamp)
            else identity
        )

    def _note_equals(self, files: Sequence[Candidate]) -> None:
        """Say which new logs hold the same as another new one."""
        first: dict[tuple[str, int], Candidate] = {}
        for file in files:
            other = first.setdefault((self._look.head(file.log), file.stamp.size), file)
            if (
                other is not file
                and file.stamp.size
                and self._look.longer(file.log, other.log) is not None
            ):
                self._notes.copy(file.log.label, other.log.label)

    def _label(self, number: int) -> str:
        label = self._places.identity(number).label
        return "the stdin of an earlier push" if label == STDIN else label
