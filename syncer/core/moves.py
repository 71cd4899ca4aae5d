"""Telling which log a file is. A log is known by what is in it; its path is only where
it was seen last.

a file at a known path that holds its log             that log, carried on
a file that begins with all that was applied of a log which is not at its path any more,
and
    is the same file: device, inode, time of birth    that log, moved
    has a name that begins with the log's             that log, moved: it was rotated
                                                      or compressed
    has the log's modification time                   that log, moved
    has the rest of the line in which it broke off    that log, moved: it came by a pipe
    none of these                                     unclear: the user says `same`
                                                      or `new`
the same, but the log is still at its path            a copy: a log of its own
a file at a known path whose log is nowhere           changed: cut, edited or replaced
a file at the path of a log of which nothing was
    applied, and which is certainly no other log      that log, from its start
any other                                             a new log

Nothing here looks at a file: the caller says what files hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from syncer.core.change import Stamp

SECOND_NS = 1_000_000_000

Moved = Literal["same", "new"]
"""What the user says of files that may be known logs under new names."""


How = Literal["file", "name", "time", "line", "said"]
"""The sign by which a moved log is known again."""


@dataclass(frozen=True, slots=True)
class KnownLog:
    """A log of the state."""

    number: int
    names: tuple[str, ...]
    """Its path; where it was rotated, also the path that it had before."""
    stamp: Stamp
    """Of its file when it was last looked at."""
    where: Literal["there", "gone", "other"]
    """Whether the file at its path holds it, is gone, or holds another log."""
    begun: bool = True
    """Whether something of it was applied. Else only its first line says which it is,
    and it may be read from its start as any new log.
    """


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file that may be a log of this run."""

    path: str
    stamp: Stamp
    known: int | None = None
    """The log that the state knows by this path."""
    holds: tuple[int, ...] = ()
    """The known logs whose applied part it begins with, the longest part first; last,
    those of which nothing was applied: the same file, or one with their first line.
    """
    named: bool = True
    """Whether it is to be read in any case; else only if it is a known log that moved.
    """
    awaited: bool = False
    """Whether nothing was applied of this path's log: only its path identifies it."""
    continues: int | None = None
    """The known log of which it holds all, and the rest of the line in which that broke
    off: of what comes by a pipe there is no other sign.
    """


@dataclass(frozen=True, slots=True)
class CarriedOn:
    """The file is this known log, at its path."""

    log: int


@dataclass(frozen=True, slots=True)
class MovedHere:
    """The file is this known log, which was at another path before."""

    log: int
    how: How


@dataclass(frozen=True, slots=True)
class New:
    """The file is a new log; perhaps a copy of a known one."""

    copy_of: int | None = None


@dataclass(frozen=True, slots=True)
class Unclear:
    """The file may be this known log, moved, or a new one."""

    log: int


@dataclass(frozen=True, slots=True)
class Changed:
    """The file is at the path of this known log, which no file holds any more."""

    log: int


Decision = CarriedOn | MovedHere | New | Unclear | Changed


def decide(
    known: Mapping[int, KnownLog], found: Sequence[FoundFile], moved: Moved | None
) -> list[Decision | None]:
    """Decide for each file which log it is; None for one that is not named and not a
    known log.
    """
    return _Deciding(known, found).decide(moved)


class _Deciding:
    """Strong signs come before weak ones, in any order of the files; a known log goes
    to one file only.
    """

    def __init__(self, known: Mapping[int, KnownLog], found: Sequence[FoundFile]) -> None:
        self._known = known
        self._found = found
        self._decisions: dict[int, Decision] = {}
        self._taken: set[int] = set()

    def decide(self, moved: Moved | None) -> list[Decision | None]:
        for at, file in enumerate(self._found):
            if file.known is not None and self._known[file.known].where == "there":
                self._take(at, CarriedOn(file.known))
        self._find("file", lambda file, log: _is_same_file(log.stamp, file.stamp))
        self._find("name", lambda file, log: any(is_name_of(file.path, name) for name in log.names))
        self._find("line", lambda file, log: file.continues == log.number)
        self._find("time", lambda file, log: _is_same_time(log.stamp.mtime_ns, file.stamp.mtime_ns))
        if moved == "same":
            self._find("said", lambda file, _: file.named and not file.awaited)
        for at, file in self._list_undecided():
            if file.named:
                self._decisions[at] = self._rest(file, moved)
        return [self._decisions.get(at) for at in range(len(self._found))]

    def _find(
        self,
        how: How,
        is_it: Callable[[FoundFile, KnownLog], bool],
    ) -> None:
        for at, file in self._list_undecided():
            for number in self._list_lost(file):
                if is_it(file, self._known[number]):
                    self._take(
                        at, CarriedOn(number) if file.known == number else MovedHere(number, how)
                    )
                    break

    def _rest(self, file: FoundFile, moved: Moved | None) -> Decision:
        if file.awaited:
            return (
                New() if file.known is None or file.known in self._taken else CarriedOn(file.known)
            )
        lost = next((number for number in self._list_lost(file) if self._known[number].begun), None)
        if lost is not None and moved is None:
            return Unclear(lost)
        if file.known is not None and file.known not in self._taken:
            return Changed(file.known)
        begun = (number for number in file.holds if self._known[number].begun)
        return New(next((number for number in begun if number != lost), None))

    def _list_undecided(self) -> Iterator[tuple[int, FoundFile]]:
        return ((at, file) for at, file in enumerate(self._found) if at not in self._decisions)

    def _list_lost(self, file: FoundFile) -> Iterator[int]:
        """Logs that the file holds, and that are neither at their path nor found in
        another file.
        """
        return (
            number
            for number in file.holds
            if number not in self._taken and self._known[number].where != "there"
        )

    def _take(self, at: int, decision: CarriedOn | MovedHere) -> None:
        self._decisions[at] = decision
        self._taken.add(decision.log)


def _is_same_file(known: Stamp, found: Stamp) -> bool:
    """Whether no other file can have these marks: without a time of birth, an inode may
    have been given to another.
    """
    return known.birth_ns > 0 and (known.device, known.inode, known.birth_ns) == (
        found.device,
        found.inode,
        found.birth_ns,
    )


def _is_same_time(one: int, other: int) -> bool:
    """Whether two modification times are one, which some file systems and packers keep
    in whole seconds.
    """
    return one == other or (
        one // SECOND_NS == other // SECOND_NS and not (one % SECOND_NS and other % SECOND_NS)
    )


def is_name_of(path: str, log: str) -> bool:
    """Whether a path is that of the log once it was rotated, compressed or unpacked: in
    its folder, and beginning with its name.
    """
    return path != log and (
        (path.startswith(log) and "/" not in path[len(log) :]) or log == f"{path}.gz"
    )
