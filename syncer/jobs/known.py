"""The logs that a state knows, as users name them: given up, or given another path."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePath

import msgspec

from syncer.core.change import LogIdentity
from syncer.core.facts import Fact, Opened
from syncer.core.settle import forgotten
from syncer.errors import LogChanged, UsageError
from syncer.jobs.ours import SPOOL
from syncer.journal.journal import Journal
from syncer.sources.chosen import enumerate_few
from syncer.sources.files import LogFiles
from syncer.sources.logs import LogPath, resolve
from syncer.sources.places import STDIN, Places

LOGS_MAX = 1000
"""Given up in one commit."""


@dataclass(frozen=True, slots=True)
class LogName:
    """A log, or a pattern of logs, as a user names it."""

    name: str
    path: str
    """Absolute: what the name means in the user's folder."""

    @classmethod
    def of(cls, name: str) -> LogName:
        """Return what is named here and now."""
        return cls(name, resolve(name))


@dataclass(frozen=True, slots=True)
class GivenUp:
    """The things that a state no longer knows."""

    logs: list[str]
    waiting: int
    """Changes that waited to be sent again."""
    dead: int
    """Open dead letters."""

    def sentence(self) -> str:
        """One line for people."""
        held = describe_held(self.waiting, self.dead)
        return f"forgot {enumerate_few(self.logs)}" + (f" with {held}" if held else "")

    def record(self) -> dict[str, object]:
        """Return it as `--json` shows it."""
        return {"forgotten": self.logs, "waiting": self.waiting, "dead": self.dead}


@dataclass(frozen=True, slots=True)
class ForgetLogs:
    """Let a state know nothing of these logs any more: of all of them, or of none."""

    names: tuple[LogName, ...]
    force: bool
    """Also logs with waiting changes or dead letters."""

    def carry_out(self, journal: Journal) -> GivenUp:
        """Forget them.

        Raises UsageError for a name that no log has, for what is not read from a file,
        and without `force` for logs that hold something; StateError.
        """
        logs = journal.ledger.logs
        found = (number for name in self.names for number in _matching(journal, name))
        numbers = list(dict.fromkeys(found))
        holding = [
            f"{logs[number].identity.label} has {held}"
            for number in numbers
            if (held := describe_held(logs[number].counts.queued, logs[number].counts.dead))
        ]
        if holding and not self.force:
            raise UsageError(
                f"{enumerate_few(holding, '; ')}. Nothing was forgotten: push until nothing waits"
                " and look at `syncer dead list`, or give them up with --force"
            )
        waiting, dead = (
            sum(getattr(logs[number].counts, place) for number in numbers)
            for place in ("queued", "dead")
        )
        result = GivenUp([logs[number].identity.label for number in numbers], waiting, dead)
        for start in range(0, len(numbers), LOGS_MAX):
            journal.commit(
                [fact for number in numbers[start : start + LOGS_MAX] for fact in forgotten(number)]
            )
        return result

    def write(self, folder: Path) -> GivenUp:
        """Forget them, where nobody uses the state. Raises as `carry_out` does."""
        with closing(Journal.open(folder, None)) as journal:
            return self.carry_out(journal)


@dataclass(frozen=True, slots=True)
class Renamed:
    """A known log under another path."""

    old: str
    new: str
    is_there: bool
    """Whether there is a file at the new path."""

    def sentence(self) -> str:
        """One line for people."""
        return f"{self.old} is {self.new} from now on" + (
            "" if self.is_there else ", though there is no such file yet"
        )

    def record(self) -> dict[str, object]:
        """Return it as `--json` shows it."""
        return {"moved": self.old, "to": self.new, "is_there": self.is_there}


@dataclass(frozen=True, slots=True)
class MoveLog:
    """Give a known log another path."""

    old: LogName
    new: LogName

    def carry_out(self, journal: Journal) -> Renamed:
        """Move it.

        Raises UsageError for a name that no log or several have, LogChanged where the
        file at the new path is not that log; StateError.
        """
        if not self.new.name or self.new.name == STDIN:
            raise UsageError(f"the new name of a log is a path, not {self.new.name!r}")
        ledger = journal.ledger
        numbers = _matching(journal, self.old)
        if len(numbers) > 1:
            paths = enumerate_few(ledger.logs[number].identity.path for number in numbers)
            raise UsageError(
                f"{len(numbers):,} logs match {self.old.name}: name one of them by its path,"
                f" {paths}"
            )
        before = ledger.logs[numbers[0]].identity.label
        places = Places(ledger, journal.folder / SPOOL)
        facts, is_there = _move(places, numbers[0], LogPath(self.new.path, self.new.name))
        journal.commit(facts)
        return Renamed(before, self.new.name, is_there)

    def write(self, folder: Path) -> Renamed:
        """Move it, where nobody uses the state. Raises as `carry_out` does."""
        with closing(Journal.open(folder, None)) as journal:
            return self.carry_out(journal)


def _move(places: Places, number: int, log: LogPath) -> tuple[list[Fact], bool]:
    """Return what is true of a log once it has this path, and whether there is a
    file.
    """
    files, facts, new = LogFiles(), list[Fact](), log.label
    known = places.identity(number)
    other = places.at(log)
    if other is not None and other != number:
        if places.applied(other):
            raise LogChanged(
                f"the state knows {new} as a log of its own, of which something was applied:"
                " nothing was changed"
            )
        facts += forgotten(other)
    stamp = files.stamp(log, known.stamp)
    if stamp is None:
        if Path(log.path).exists():
            raise UsageError(f"{new} is not a file")
        return [
            *facts,
            Opened(
                number,
                msgspec.structs.replace(known, path=log.path, label=new, was="", twin=None),
            ),
        ], False
    if (applied := places.applied(number)) and (
        how := files.difference(log, known.head, applied)
    ) is not None:
        raise LogChanged(
            f"{new} does not hold all that was applied of {known.label}: it was {how}. Nothing was"
            " changed"
        )
    identity = LogIdentity.of(log.path, new, known.head, stamp)
    if known.stamp.is_untouched(stamp):
        identity = msgspec.structs.replace(identity, end=known.end)
    return [*facts, Opened(number, identity)], True


def _matching(journal: Journal, named: LogName) -> list[int]:
    """The logs of this label or path, else those that match it as a pattern.

    Raises UsageError if no log matches, and for what is not read from a file.
    """
    ledger, folder, name = journal.ledger, journal.folder, named.name
    paths = Places(ledger, folder / SPOOL)
    known = {
        number: (log.identity.label, paths.path(number)) for number, log in ledger.logs.items()
    }
    if found := [n for n, (label, at) in known.items() if name == label or named.path == at]:
        if any(ledger.logs[number].identity.is_inbox for number in found):
            raise UsageError(
                f"{name} is not a log: the state {folder} itself keeps what came from there, since"
                " it cannot be read again. Nothing was changed"
            )
        return found
    pattern = str(PurePath(name))
    is_pattern = any(sign in name for sign in "*?[")
    known = {n: names for n, names in known.items() if not ledger.logs[n].identity.is_inbox}
    if is_pattern and (found := [n for n, names in known.items() if _match(names, pattern)]):
        return found
    labels = enumerate_few(label for label, _ in known.values()) or "none"
    raise UsageError(
        f"the state {folder} does not know {'a log that matches' if is_pattern else 'the log'}"
        f" {name}; it knows: {labels}"
    )


def _match(names: Iterable[str], pattern: str) -> bool:
    """Whether one of these paths ends so, as the shell compares names: a star does not
    match a slash.
    """
    return any(PurePath(name).match(pattern) for name in names)


def describe_held(waiting: int, dead: int) -> str:
    """Say how many changes wait and how many are dead; nothing if there are none."""
    parts = [
        f"{count:,} {one if count == 1 else one + 's'}"
        for count, one in ((waiting, "waiting change"), (dead, "dead letter"))
        if count
    ]
    return " and ".join(parts)
