"""The change logs in a folder, in the order of their names, and what is left out of it
and has to be named.

FOLDER/.hidden.jsonl       left out, named
FOLDER/2026/a.jsonl        a log: a folder is entered where its name stands
                           among the others
FOLDER/a.ndjson            left out, named
FOLDER/b.jsonl.gz          a log
FOLDER/latest -> 2026      entered once, under the first of its names
FOLDER/old -> gone         the walk ends: nobody knows what is missing
FOLDER/state/journal       a state: syncer's own, left out
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass
from typing import Literal, Protocol

from syncer.errors import UsageError

ENDINGS = (".jsonl", ".jsonl.gz")
NAMED_MAX = 10

_LIKE_A_LOG = re.compile(
    r"\.(jsonl|ndjson|ldjson|jsonlines)(?![a-z0-9])(?!.*\.json$)", re.IGNORECASE
)


class Ours(Protocol):
    """The test for syncer's own files among users'."""

    def is_state(self, folder: str, names: Set[str]) -> bool:
        """Return whether this folder, in which there are these names, is a state: of
        any push or pull.
        """
        ...

    def is_pulled(self, path: str, status: os.stat_result) -> bool:
        """Return whether a pull of the same [state] dir wrote this file (its resolved
        path, and what stat says of it).
        """
        ...


@dataclass(frozen=True, slots=True)
class FoundLog:
    """A file in a folder that is a log."""

    path: str
    """Resolved."""
    label: str
    """As users would name it: the folder as it was given, and the way from there."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that looks like a log, or holds one, and is not read."""

    label: str
    why: Literal["hidden", "ending", "pulled", "state", "rotated"]
    path: str | None = None
    """Resolved, where it is a file."""


@dataclass(frozen=True, slots=True)
class _Folder:
    path: str
    label: str


Unread = Callable[[str, str], None]
"""Receives what cannot be read, and why."""


class Walk:
    """A walk through one folder, once. `left_out` is complete when `logs` has ended."""

    def __init__(self, ours: Ours, skip: Unread | None = None) -> None:
        """`skip`: what cannot be read is left out; None: it ends the walk."""
        self.left_out: list[LeftOut] = []
        self._ours = ours
        self._skip = skip
        self.folders: dict[tuple[int, int], str] = {}
        """Those that were entered, by device and inode."""

    def logs(self, root: str) -> Iterator[FoundLog]:
        """Yield the logs in order.

        Raises UsageError, which names what cannot be read.
        """
        ahead: list[_Folder | FoundLog] = [_Folder(os.path.realpath(root), tidy(root))]
        while ahead:
            found = ahead.pop()
            if isinstance(found, FoundLog):
                yield found
            else:
                ahead += reversed(list(self._in(found)))

    def _in(self, folder: _Folder) -> Iterable[_Folder | FoundLog]:
        try:
            status = os.stat(folder.path)
            with os.scandir(folder.path) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            self._leave_out(folder.label, f"the folder {folder.label}", error)
            return
        if self._ours.is_state(folder.path, {entry.name for entry in listed}):
            # the root, which the user named: say why nothing is read
            if not self.folders:
                self.left_out.append(LeftOut(folder.label, "state"))
            return
        if (place := (status.st_dev, status.st_ino)) in self.folders:
            return
        self.folders[place] = folder.path
        for entry in listed:
            label = _within(folder.label, entry.name)
            if entry.name.startswith("."):
                self._note_hidden(entry, label)
            elif (inner := self._folder(entry, label)) is not None:
                yield inner
            elif entry.name.endswith(ENDINGS):
                yield from self._log(entry, label)
            elif _LIKE_A_LOG.search(entry.name):
                self.left_out.append(LeftOut(label, "ending", os.path.realpath(entry.path)))

    def _folder(self, entry: os.DirEntry[str], label: str) -> _Folder | None:
        """Return the folder that the entry is, or is a link to; None where it is
        something else.
        """
        if not entry.is_symlink():
            return _Folder(entry.path, label) if entry.is_dir() else None
        try:
            status = entry.stat()
        except OSError as error:
            self._leave_out(label, f"{label}, a link to {_target(entry)},", error)
            return None
        return (
            _Folder(os.path.realpath(entry.path), label) if stat.S_ISDIR(status.st_mode) else None
        )

    def _log(self, entry: os.DirEntry[str], label: str) -> Iterator[FoundLog]:
        try:
            status = entry.stat()
        except FileNotFoundError:
            return  # it was renamed or removed since it was listed
        except OSError as error:
            self._leave_out(label, f"the change log {label}", error)
            return
        path = os.path.realpath(entry.path) if entry.is_symlink() else entry.path
        try:
            check_readable(path, label, status)
        except UsageError as error:
            if self._skip is None:
                raise
            self._skip(label, str(error))
            return
        if self._ours.is_pulled(path, status):
            self.left_out.append(LeftOut(label, "pulled"))
        else:
            yield FoundLog(path, label)

    def _leave_out(self, label: str, what: str, error: OSError) -> None:
        why = f"{what} cannot be read: {error.strerror or error}"
        if self._skip is None:
            raise UsageError(
                f"{why}. Nothing was sent, since it may hold change logs: make it readable, remove"
                " it, or name the logs one by one"
            ) from None
        self._skip(label, why)

    def _note_hidden(self, entry: os.DirEntry[str], label: str) -> None:
        if entry.is_dir(follow_symlinks=False):
            if self._holds_logs(entry.path):
                self.left_out.append(LeftOut(_within(label, "…"), "hidden"))
        elif _LIKE_A_LOG.search(entry.name):
            self.left_out.append(LeftOut(label, "hidden"))

    def _holds_logs(self, folder: str) -> bool:
        """Return whether something in a hidden folder looks like a log.

        What cannot be read there is passed over like the rest.
        """
        for inside, folders, files in os.walk(folder):
            if self._ours.is_state(inside, {*folders, *files}):
                folders.clear()
            elif any(_LIKE_A_LOG.search(name) for name in files):
                return True
        return False


def check_readable(path: str, label: str, status: os.stat_result) -> None:
    """Raise UsageError unless this is a regular file that may be read."""
    if not stat.S_ISREG(status.st_mode):
        raise UsageError(
            f"the change log {label} is not a file but a pipe or a device: pipe it in, and name -"
            " for it"
        )
    if not os.access(path, os.R_OK, effective_ids=os.access in os.supports_effective_ids):
        raise UsageError(f"the change log {label} cannot be read: Permission denied")


def tidy(path: str) -> str:
    """Return a path without what says nothing in it: a slash at its end, `./`, `//`."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    return ("/" if path.startswith("/") else "") + "/".join(parts) or "."


def _within(folder: str, name: str) -> str:
    return name if folder == "." else os.path.join(folder, name)


def _target(entry: os.DirEntry[str]) -> str:
    try:
        return os.readlink(entry.path)
    except OSError:
        return "?"


_EXPLAINED = {
    "hidden": "in folders, names that begin with a dot are left out",
    "ending": f"change logs in a folder are called *{' or *'.join(ENDINGS)}",
    "pulled": "written by a pull",
    "state": "a state folder of syncer",
    "rotated": "named like a part of a log that was rotated, but no log that the state knows",
}


def explain_left_out(left_out: Iterable[LeftOut]) -> list[str]:
    """Return a sentence for each reason for which something was left out."""
    named: dict[str, list[str]] = {}
    for one in left_out:
        named.setdefault(one.why, []).append(one.label)
    return [
        f"not read: {_enumerate(labels)} ({_EXPLAINED[why]}; a file named outright is always read)"
        for why, labels in named.items()
    ]


def _enumerate(labels: list[str]) -> str:
    more = len(labels) - NAMED_MAX
    return ", ".join(labels[:NAMED_MAX]) + (f" and {more:,} more" if more > 0 else "")
