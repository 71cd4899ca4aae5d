"""From what is named on the command line to logs: files, folders, stdin."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from syncer.errors import UsageError
from syncer.printable import is_unicode
from syncer.sources.folders import ENDINGS, LeftOut, Ours, Walk, check_readable, explain_left_out
from syncer.sources.stdin import StdinStore


@dataclass(frozen=True, slots=True)
class LogPath:
    """A log: where it is, and the name by which users know it."""

    path: str
    """Absolute, without links and `..`: the same for each way to name the file, except
    hard links. Text, not a Path: a daemon makes many, and the parts of each Path stay
    in a table of names that never shrinks.
    """
    label: str


def resolve(path: str) -> str:
    """Return the absolute path without links and `..`; the file need not be there."""
    return os.path.realpath(path)


def beside(label: str, path: str) -> str:
    """Return the label of the file at this path, which is in the folder of that with
    this label.
    """
    return os.path.join(os.path.dirname(label), os.path.basename(path))


NAME_ONE = ": name a file, a folder, or - for stdin"


class NamedLogs:
    """The logs that arguments name, in order.

    A path comes once, even where links or spellings name it again. A file may have
    several: hard links.
    """

    def __init__(self, spool: StdinStore, stdin: BinaryIO | None, ours: Ours) -> None:
        self.left_out: list[LeftOut] = []
        """What is in the folders, looks like a log and is not read."""
        self._spool = spool
        self._stdin = stdin
        self._ours = ours
        self._paths: set[str] = set()

    def of(self, argument: str) -> Iterator[LogPath]:
        """Yield the logs of the next argument, less those that came before.

        Raises UsageError, StateError.
        """
        for log in self._all_of(argument):
            if not os.path.exists(log.path):
                continue  # in a folder, it was removed since it was listed
            if log.path not in self._paths:
                self._paths.add(log.path)
                yield log

    def notes(self, read: Collection[str] = (), rotated: Iterable[LogPath] = ()) -> list[str]:
        """Return what users are to know of what was left out. `read`: files that are
        read all the same, as parts of known logs.

        `rotated`: files that are not read although their names say that they were
        rotated.
        """
        left_out = [one for one in dict.fromkeys(self.left_out) if one.path not in read]
        named = {one.path for one in left_out}
        left_out += [
            LeftOut(log.label, "rotated", log.path) for log in rotated if log.path not in named
        ]
        return explain_left_out(left_out)

    def _all_of(self, argument: str) -> Iterator[LogPath]:
        if argument == "-":
            if self._stdin is None:
                raise UsageError("there is no standard input to read: name a file or a folder")
            yield LogPath(str(self._spool.keep(self._stdin)), "-")
            return
        status = _status(argument)
        if stat.S_ISDIR(status.st_mode):
            yield from self._in_folder(argument)
        else:
            path = resolve(argument)
            check_readable(path, argument, status)
            yield check_name(LogPath(path, argument))

    def _in_folder(self, folder: str) -> Iterator[LogPath]:
        walk, count = Walk(self._ours), 0
        for found in walk.logs(folder):
            count += 1
            yield check_name(LogPath(found.path, found.label))
        self.left_out += walk.left_out
        if not count:
            why = "".join(f"; {sentence}" for sentence in explain_left_out(walk.left_out))
            raise UsageError(
                f"the folder {folder} holds no change log ({' or '.join(ENDINGS)}){why}"
            )


def _status(argument: str) -> os.stat_result:
    if not argument:
        raise UsageError(
            "a change log is named by an empty string: name a file, a folder, or - for stdin"
        )
    try:
        return Path(argument).stat()
    except FileNotFoundError:
        path = Path(argument)
        link = (
            f": it is a link to {path.readlink()}, which is not there" if path.is_symlink() else ""
        )
        raise UsageError(f"there is no change log {argument}{link or NAME_ONE}") from None
    except (OSError, ValueError) as error:
        raise UsageError(
            f"the change log {argument} cannot be read: {getattr(error, 'strerror', None) or error}"
        ) from None


def check_name(log: LogPath) -> LogPath:
    """Raise UsageError for a name that no state can hold: Python carries bytes that are
    not text as halves of characters.
    """
    if not is_unicode(f"{log.path}{log.label}"):
        raise UsageError(
            f"the name of the change log {log.label} is not UTF-8, so no state can hold it:"
            " rename it"
        )
    return log
