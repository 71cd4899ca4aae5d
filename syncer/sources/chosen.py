"""The logs that a run reads, and the notes on them and on what cannot be read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from syncer.core.change import LogIdentity
from syncer.errors import LogChanged
from syncer.printable import as_argument
from syncer.sources.identity import EMPTIED, REPLACED
from syncer.sources.logs import LogPath

NAMED_MAX = 5


@dataclass(frozen=True, slots=True)
class ChosenLog:
    """A log of the run."""

    number: int
    identity: LogIdentity
    at: int
    """Which of the named files it belongs to."""

    @property
    def path(self) -> str:
        """The path where it is."""
        return self.identity.path


@dataclass(slots=True)
class Choice:
    """The logs that a run reads, in order."""

    logs: list[ChosenLog] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    """Known logs that would be read, too, if there were still a file of them.
    Where files were named: rotated ones that were not done.
    """
    unsure: list[int] = field(default_factory=list)
    """Known logs that a file which was left out may be."""
    replaced: list[int] = field(default_factory=list)
    """Known logs of which nothing was applied and whose path is now that of another
    known log.
    """
    displaced: list[tuple[int, LogIdentity]] = field(default_factory=list)
    """Known logs that no file holds and at whose path another log is now: what they are
    called from now on.
    """
    unread: list[LogPath] = field(default_factory=list)
    """Files with names of a log that was rotated, neither named nor known."""
    notes: list[str] = field(default_factory=list)


class Notes:
    """The notes on single logs; of many of a kind only the first few."""

    def __init__(self) -> None:
        self._twins: list[str] = []
        self._moves: list[str] = []
        self._copies: list[str] = []

    def twin(self, left: str, read: str) -> None:
        """Say that of two files one is read."""
        self._twins.append(
            f"{left} holds nothing that is not in {read}: they are one log, and {read} is read"
        )

    def move(self, old: str, new: str, line: int) -> None:
        """Say that a known log has a new name."""
        self._moves.append(
            f"{new} is the log that was {old}, read up to line {line}: it is carried on under its"
            " new name"
        )

    def copy(self, copy: str, original: str) -> None:
        """Say that a file is applied although another log holds the same."""
        self._copies.append(
            f"{copy} begins with all that was read of {original}, which is still there: it is a log"
            " of its own"
        )

    def sentences(self) -> list[str]:
        """Return all notes."""
        return [
            *_first_few(self._twins, "more files hold nothing that is not in the file beside them"),
            *_first_few(self._moves, "more logs are carried on under new names"),
            *_first_few(self._copies, "more files are copies, each a log of its own"),
        ]


def _first_few(notes: list[str], others: str) -> list[str]:
    more = len(notes) - NAMED_MAX
    return notes if more <= 1 else [*notes[:NAMED_MAX], f"{more:,} {others}"]


def note_gone(labels: Sequence[str]) -> str:
    """Say that logs are gone of which nothing is missing."""
    one = len(labels) == 1
    return (
        f"{enumerate_few(labels)} {'is gone, and was' if one else 'are gone, and were'} applied to"
        f" {'its' if one else 'their'} end"
    )


def tell_lost(logs: Sequence[tuple[str, int]]) -> str:
    """Say that logs (label, last line that was read) are gone before their end."""
    one = len(logs) == 1
    each = [f"{label} (read up to line {line})" for label, line in logs]
    names = " ".join(as_argument(label) for label, _ in logs) if len(logs) <= NAMED_MAX else "LOG…"
    return (
        f"{'a log is' if one else f'{len(logs):,} logs are'} gone before"
        f" {'its' if one else 'their'} end: {enumerate_few(each)}. Everything else is done. Put"
        f" {'it' if one else 'them'} back, or name {'its file' if one else 'their files'} under the"
        f" new name, or give up what was not read: `syncer state forget {names}`"
    )


def tell_missing(label: str, line: int) -> str:
    """Say that a log that is followed is gone before its end."""
    return (
        f"the log {label} is gone before its end (read up to line {line}): put it back; or give up"
        f" what was not read: `syncer state forget {as_argument(label)}`"
    )


def tell_uncompared(labels: Sequence[str]) -> str:
    """Say that logs are gone with which nothing can be compared."""
    are, they = ("is", "it") if len(labels) == 1 else ("are", "they")
    return (
        f"{enumerate_few(labels)} {are} gone: what {they} asked for is not known, and only inputs"
        " that other logs name were compared"
    )


@dataclass(frozen=True, slots=True)
class UnclearLog:
    """A file that may be a known log under a new name."""

    label: str
    known: str
    """The label of the known log."""
    line: int
    """Up to which it was read."""
    replaced: bool
    """Whether another log is now where it was."""


def refuse_unclear(logs: Sequence[UnclearLog]) -> NoReturn:
    """Raise LogChanged for files that the user has to distinguish from known logs."""
    each = [
        f"{log.label} begins with all that was applied of {log.known} (up to line {log.line}), "
        f"{'where another log is now' if log.replaced else 'which is not there any more'}"
        for log in logs
    ]
    one = len(logs) == 1
    raise LogChanged(
        f"{enumerate_few(each, '; ')}; whether {'it is' if one else 'they are'} the same under"
        f" {'a new name' if one else 'new names'} does not show from times or inodes. Nothing was"
        f" sent. If {'it is that log' if one else 'they are those logs'}, add --moved same: only"
        f" what comes after is applied. If {'it is a new log' if one else 'they are new logs'}, add"
        f" --moved new: all of {'it' if one else 'them'} is applied, and what is known of"
        f" {logs[0].known if one else 'the old ones'} stays as it is"
    )


@dataclass(frozen=True, slots=True)
class ChangedLog:
    """A known log that no file holds any more."""

    label: str
    how: str
    aside: str
    """A name that no file and no other log has."""


def tell_changed(label: str, how: str) -> str:
    """Say that a log that is followed was cut, edited or replaced."""
    return (
        f"the log {label} was {how}: put back what it held; or `syncer state forget"
        f" {as_argument(label)}`, and it is read from its start"
    )


def refuse_changed(logs: Sequence[ChangedLog]) -> NoReturn:
    """Raise LogChanged for logs that were cut, edited or replaced."""
    each = [f"the log {log.label} was {log.how}" for log in logs]
    label, aside = as_argument(logs[0].label), as_argument(logs[0].aside)
    if all(log.how in (EMPTIED, REPLACED) for log in logs):
        way_out = (
            f"If the old log is in another file now, say so: `syncer state move {label} FILE`. If"
            " it is in none, keep what is known of it under a name that no file has: `syncer state"
            f" move {label} {aside}`. Then push again: the new log is read from its start. (`syncer"
            f" state forget {label}` does that, too, but a file of the old log that is pushed later"
            " would be applied again.)"
        )
    else:
        way_out = (
            "Restore it, and append what is to be changed. Or have the file applied as it is now,"
            " from its first line, with all its deletes and patches once more: `syncer state"
            f" forget {label}`, and push again"
        )
    raise LogChanged(f"{enumerate_few(each, '; ')}. Nothing was sent. {way_out}")


def enumerate_few(names: Iterable[str], between: str = ", ") -> str:
    """Return the first few of these, and how many more there are."""
    names = list(names)
    more = len(names) - NAMED_MAX
    return between.join(names[:NAMED_MAX]) + (f"{between}and {more:,} more" if more > 0 else "")
