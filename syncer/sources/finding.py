"""The files that may be logs of a run, and which known logs they begin with.

    named files, or all known logs
        ──► twins: x.jsonl beside x.jsonl.gz
        ──► does each still hold the log of its path?
        ──► rotated files near those that do not
        ──► whose applied part does a file begin with?

A file is opened only where its stamp is not the known one, and read only where its
first line is that of a known log.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import chain
from typing import Literal

from syncer.core.change import Stamp
from syncer.core.moves import KnownLog, MovedHere, is_name_of
from syncer.errors import SyncerError, UsageError
from syncer.sources.candidates import Candidate, Decided
from syncer.sources.chosen import Notes
from syncer.sources.files import LogFiles
from syncer.sources.logs import NAME_ONE, LogPath, beside
from syncer.sources.places import STDIN, Places

PACKED = ".gz"

LeaveOut = Callable[[LogPath, SyncerError], None]
"""Receives a file that is left out, and why."""


class Finder:
    """The files of a run, which become more while it is found out what they hold."""

    def __init__(
        self, places: Places, look: LogFiles, notes: Notes, leave_out: LeaveOut | None = None
    ) -> None:
        """`leave_out`: gets files that cannot be looked at; None: one ends it all."""
        self.files: dict[str, Candidate] = {}
        """By path."""
        self.lost: dict[int, int] = {}
        """Known logs of the run that are not at their path, and which of the named
        files each belongs to.
        """
        self.moved_along: dict[int, str] = {}
        """Logs that were rotated, and where the log is now that has their old name."""
        self.rotated_from: dict[str, set[int]] = defaultdict(set)
        """Files with names that logs which are not at their paths may have got, and
        those logs.
        """
        self.unsure: set[int] = set()
        """Known logs that a file which was left out may be."""
        self._near: dict[str, set[int]] = defaultdict(set)
        """Files that logs which are not at their paths may be, and those logs."""
        self._places = places
        self._look = look
        self._notes = notes
        self._leave_out = leave_out
        self._added: set[str] = set()
        self._by_place: dict[tuple[int, int], Candidate] = {}
        self._there: set[int] = set()

    # --- which files there are --------------------------------------------------------

    def add(self, log: LogPath, at: int, *, named: bool, may_be_gone: bool) -> None:
        """Add the file at this path, and what was rotated from there.

        Raises UsageError if it does not exist and was not known.
        """
        if (path := log.path) in self._added:
            return
        self._added.add(path)
        file = self._file(log, at, named=named)
        same = None if file is None or file.known is not None else self._same_file(file.stamp)
        first = file
        if file is not None:
            first = self._by_place.get(file.place, file)
            at = first.at
            if same is None:
                self._by_place[file.place] = first
            if named and same is None and file.known is None:
                self._add_moved_along(path, at)
        for rotated in self._places.list_rotated(path):
            self.add(self._places.log(rotated), at, named=False, may_be_gone=True)
        if file is None:
            number = self._places.at(log)
            if number is None or not may_be_gone:
                raise UsageError(f"there is no change log {log.label}{NAME_ONE}")
            self.lost.setdefault(number, at)
        elif same is not None:
            self.add(self._places.log(same), at, named=named, may_be_gone=may_be_gone)
        elif first is file:
            self.files[file.path] = file
        elif file.known is not None:  # its path is now another name of a file of the run
            self.lost.setdefault(file.known, at)

    def _add_moved_along(self, path: str, at: int) -> None:
        """Add the known logs that were rotated away from this unknown path: the folder
        was renamed after that, and no run saw it in between.
        """
        for near in self._look.near(path, (path,), inode=0):
            stamp = self._stamp(LogPath(near, near))
            number = None if stamp is None else self._places.of_file(stamp)
            if stamp is not None and number is not None and self._same_file(stamp) is None:
                self.moved_along[number] = path
                self.lost.setdefault(number, at)

    def _file(self, log: LogPath, at: int, *, named: bool) -> Candidate | None:
        """Return the file at this path; None if it does not exist."""
        number = self._places.at(log)
        stamp = self._stamp(log, None if number is None else self._places.identity(number).stamp)
        return None if stamp is None else Candidate(log, log.path, stamp, at, number, named)

    def _stamp(self, log: LogPath, known: Stamp | None = None) -> Stamp | None:
        try:
            return self._look.stamp(log, known)
        except UsageError as error:
            if self._leave_out is None:
                raise
            self._leave_out(log, error)
            if (number := self._places.at(log)) is not None:
                self.unsure.add(number)
            return None

    def _same_file(self, stamp: Stamp) -> int | None:
        """The known log of which this file is another name, both names being there."""
        if (number := self._places.of_file(stamp)) is None:
            return None
        now = self._stamp(self._places.log(number))
        same = now is not None and (now.device, now.inode) == (stamp.device, stamp.inode)
        return number if same else None

    def merge_twins(self) -> None:
        """Leave of each x.jsonl and x.jsonl.gz that are one log the longer."""
        for plain in dict.fromkeys(path.removesuffix(PACKED) for path in self.files):
            self._merge_twins(plain)

    def _merge_twins(self, plain: str) -> None:
        """Of x.jsonl and x.jsonl.gz, where one begins with the other, the longer is
        read as the log that both are.
        """
        one, other = self.files.get(plain), self.files.get(plain + PACKED)
        if one is None or other is None:
            here = one or other
            if here is None or here.known is not None:
                return
            one, other = here, self._beside(here, plain if here is other else plain + PACKED)
        if other is not None:
            known_first = sorted(
                (one, other), key=lambda file: (file.known is None, file.path.endswith(PACKED))
            )
            self._merge(*known_first)

    def _beside(self, file: Candidate, path: str) -> Candidate | None:
        """The file at the path of a twin that is not in the run: a known log, or
        another name of a file that is.
        """
        log = LogPath(path, beside(file.log.label, path))
        if (number := self._places.at(log)) is not None:
            return self._file(self._places.log(number), file.at, named=True)
        if (twin := self._file(log, file.at, named=True)) is None:
            return None
        return next(
            (one for one in self.files.values() if one is not file and one.place == twin.place),
            None,
        )

    def _merge(self, first: Candidate, second: Candidate) -> None:
        """`first` is known if one of the two is."""
        owner, applied = first.known, self._places.applied
        if owner is not None and second.known is not None:
            owner = max(owner, second.known, key=lambda number: applied(number).index)
        identity = None if first.known is None else self._places.identity(first.known)
        if (
            identity is not None
            and identity.twin == second.stamp
            and identity.stamp.is_untouched(first.stamp)
        ):
            read, left = first, second
        else:
            try:
                longer = self._look.longer(first.log, second.log)
            except SyncerError:
                if self._leave_out is None:
                    raise
                return  # the one that cannot be read is left out
            if longer is None:
                return
            read, left = (first, second) if longer is first.log else (second, first)
            self._notes.twin(left.log.label, read.log.label)
        self.files.pop(left.path, None)
        read.at, read.twin, read.known = min(first.at, second.at), left.stamp, owner
        self.files[read.path] = read

    def _add_rotated(self, number: int, at: int) -> None:
        """Files in the folder of a log that is not at its path, which may be that log:
        by their names, or as the same file.
        """
        identity = self._places.identity(number)
        names = self.names(number)
        folders = (self._places.path(number), self.moved_along.get(number))
        for near in chain(
            *(self._look.near(path, names, identity.inode) for path in folders if path is not None)
        ):
            self._near[near].add(number)
            if any(is_name_of(near, name) for name in names):
                self.rotated_from[near].add(number)
            if near in self.files:
                continue
            label = near
            if identity.label != STDIN:
                label = beside(identity.label, near)
            file = self._file(LogPath(near, label), at, named=False)
            if file is not None and not self._holds_its_own(file):
                file.known = None
                self.files[near] = file

    def names(self, number: int) -> tuple[str, ...]:
        """The paths of which a rotated log's own path is a longer form."""
        names = (
            self._places.path(number),
            self._places.identity(number).was,
            self.moved_along.get(number, ""),
        )
        return tuple(filter(None, names))

    def _holds_its_own(self, file: Candidate) -> bool:
        """Whether a file that nobody named is that of a known log, which is there."""
        return file.known is not None and self.where(file.known) == "there"

    # --- what they hold ---------------------------------------------------------------

    def look(self) -> None:
        """Find out what the files hold, and add those that lost logs may be in."""
        for file in list(self.files.values()):
            with self._leaving_out(file):
                self._compare(file)
        for number, at in list(self.lost.items()):
            self._add_rotated(number, at)
        for file in list(self.files.values()):
            with self._leaving_out(file):
                self._find_held(file)

    @contextmanager
    def _leaving_out(self, file: Candidate) -> Iterator[None]:
        try:
            yield
        except SyncerError as error:
            if self._leave_out is None:
                raise
            self._leave_out(file.log, error)
            self.files.pop(file.path, None)
            self.unsure |= self._near[file.path]
            if file.known is not None:
                self.unsure.add(file.known)

    def follow(self, decided: Decided) -> bool:
        """Add to the run what was rotated from a log that has moved, and may have moved
        along. Return whether there was any.
        """
        before = len(self.files) + len(self.lost)
        for file, decision in decided:
            if isinstance(decision, MovedHere):
                now = self.moved_along.get(decision.log, file.path)
                for number in self._places.list_rotated(self._places.path(decision.log)):
                    self.moved_along[number] = now
                    self.add(self._places.log(number), file.at, named=False, may_be_gone=True)
        return len(self.files) + len(self.lost) > before

    def known(self) -> dict[int, KnownLog]:
        """The known logs that the files may be."""
        numbers = {number for file in self.files.values() for number in (file.known, *file.holds)}
        return {
            number: KnownLog(
                number,
                self.names(number),
                self._places.identity(number).stamp,
                self.where(number),
                begun=bool(self._places.applied(number)),
            )
            for number in numbers
            if number is not None
        }

    def where(self, number: int) -> Literal["there", "gone", "other"]:
        """Whether a known log is still at its path."""
        if number in self._there:
            return "there"
        log, identity = self._places.log(number), self._places.identity(number)
        if number in self.lost or not self._places.applied(number):
            return "gone" if self._stamp(log) is None else "other"
        if identity.label == STDIN:
            return "gone"  # the file is ours: users know no path of it
        if (stamp := self._stamp(log, identity.stamp)) is None:
            return "gone"
        if identity.stamp.is_untouched(stamp):
            return "there"
        applied = self._places.applied(number)
        return "other" if self._look.difference(log, identity.head, applied) else "there"

    def _compare(self, file: Candidate) -> None:
        """Find out whether a file at a known path holds the log of that path."""
        if file.known is None or file.awaited:
            return
        if file.known in self._there or file.known in self.lost:
            return
        identity, applied = self._places.identity(file.known), self._places.applied(file.known)
        if not applied:
            file.awaited = True
            if (identity.device, identity.inode) != (file.stamp.device, file.stamp.inode):
                self.lost[file.known] = file.at
            return
        if not identity.stamp.is_untouched(file.stamp):
            file.difference = self._look.difference(file.log, identity.head, applied)
        if file.difference is None:
            self._there.add(file.known)
        else:
            self.lost[file.known] = file.at

    def _find_held(self, file: Candidate) -> None:
        """Find out which known logs a file begins with, if not with its path's."""
        if file.known in self._there or file.was_read:
            return
        file.was_read = True
        try:
            head = self._look.head(file.log)
            known = {number: self._places.applied(number) for number in self._places.of_head(head)}
            file.holds = self._look.find_held(file.log, known) + self._not_begun(file, head)
            file.continues = next(filter(partial(self._is_rest, file), file.holds), None)
        except UsageError:
            if file.named or file.known is not None or self._leave_out is not None:
                raise
            del self.files[file.path]  # nobody asked for it

    def _is_rest(self, file: Candidate, number: int) -> bool:
        """Whether a known log came by stdin, broke off within a line, and goes on."""
        if self._places.identity(number).label != STDIN:
            return False
        log = self._places.log(number)
        if self._places.is_read_to_its_end(number) or self._stamp(log) is None:
            return False
        return self._look.is_continued(log, file.log)

    def _not_begun(self, file: Candidate, head: str) -> tuple[int, ...]:
        """Return the logs of which nothing was applied and that this file may be: the
        same file, or one with a lost log's first line.
        """
        same = self._places.of_file(file.stamp)
        if same is not None and not self._places.applied(same):
            return (same,)
        alike = self._places.not_begun(head) if file.stamp.size else ()
        return tuple(number for number in alike if number in self.lost)
