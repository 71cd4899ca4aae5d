"""One look at a folder of wishes: what changed since the last one, and what follows.

    files ──► those that changed, read ──► per input: wishes beside what was asked
                                                  ──► changes and memory, as one write
                     missing for long enough ──► deletes, where so many may go

A file that cannot be acted on is parked, and asks for nothing: never for a removal.
"""

from __future__ import annotations

import os
import secrets
import stat
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from syncer.core.change import Key
from syncer.core.deletions import MaxDelete
from syncer.errors import SyncerError
from syncer.files import sync
from syncer.sources.asked import AskedWishes, FileSeen, FileStamp
from syncer.sources.hints import Inode
from syncer.sources.lines import LineOptions
from syncer.sources.wish_file import UnreadableWish, WishFile, parse_wishes

MARKER = ".syncer-folder"
FILE_BYTES_MAX = 256 << 20
RACY_NS = 2_000_000_000
"""A file that was written so shortly before it was read is read again: another write
may leave its times as they are.
"""
UNSEEN: FileStamp = (0, 0, 0, 0, 0)


class TooManyDeletions(SyncerError):
    """So many annotations would go that somebody has to say that this is meant."""

    def __init__(self, message: str, count: int) -> None:
        super().__init__(message)
        self.count = count


@dataclass(frozen=True, slots=True)
class FolderRules:
    """The settings of a folder."""

    path: Path
    max_delete: MaxDelete
    removal_seconds: float
    marker: bool


class WishScan:
    """Looks at a folder again and again. It blocks; one thread at a time uses it."""

    def __init__(self, rules: FolderRules, asked: AskedWishes, options: LineOptions) -> None:
        self._rules = rules
        self._marker = rules.path / MARKER
        self._asked = asked
        self._options = options
        self._files = asked.list_files()
        self._inputs = asked.list_inputs()
        """Those of which something may be asked."""
        self._since: dict[Key, float] = {}
        """Since when each annotation is missing, by this process's own clock."""
        self.folders: dict[str, Inode] = {}
        """Those that the last look went through."""
        self.allowed = 0
        """So many deletions may pass once, also beyond the bound."""

    @property
    def faults(self) -> dict[str, str]:
        """The reasons why files are parked, by their paths within the folder."""
        return {path: seen.fault for path, seen in self._files.items() if seen.fault}

    def look(self, now: float) -> None:
        """Look at the folder, and let changes follow. `now`: of a clock that never
        jumps.

        Raises TooManyDeletions; SyncerError where the folder is not there, or is
        another one.
        """
        self._check_folder()
        stamps = dict(self._walk())
        wishes, files = self._read(stamps)
        _park_doubles(files)
        changed = {wish.input_id: wish for path, wish in wishes.items() if not files[path].fault}
        with self._asked.writing():
            doomed = self._find_removals(changed, files, now)
            self._check_count(doomed)
            self._write(changed, files, doomed)
        self._files = files
        for key in doomed:
            self._since.pop(key, None)

    # --- the folder -------------------------------------------------------------------

    def _check_folder(self) -> None:
        path = self._rules.path
        try:
            with os.scandir(path):
                pass
        except OSError as error:
            raise SyncerError(f"the folder {path} cannot be read: {error.strerror}") from None
        if not self._rules.marker:
            return
        known, here = self._asked.read_fact("marker"), self._read_marker()
        if known is None:
            known = here or self._make_marker()
            with self._asked.writing():
                self._asked.write_fact("marker", known)
        elif here is None:
            raise SyncerError(
                f"the folder {path} has lost its {MARKER}: it is empty, not mounted, or another"
                f" one. Put it back; or, if it is the right one, write {known} into {MARKER}"
            )
        elif here != known:
            raise SyncerError(
                f"the folder {path} is another one: its {MARKER} says {here[:40]!r}, and {known}"
                " is expected. Put the right one there, or give the source another name"
            )

    def _read_marker(self) -> str | None:
        try:
            return self._marker.read_text("utf-8", "replace").strip()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SyncerError(f"{self._marker} cannot be read: {error.strerror}") from None

    def _make_marker(self) -> str:
        marker, path = secrets.token_hex(16), self._marker
        try:
            with path.open("x") as file:
                file.write(f"{marker}\n")
            sync(path)
            sync(path.parent)
        except OSError as error:
            raise SyncerError(
                f"{path} cannot be made: {error.strerror}. It tells this folder from an empty one"
                " in its place; set marker = false to do without"
            ) from None
        return marker

    def _walk(self) -> Iterator[tuple[str, FileStamp]]:
        """Yield each file, by its path within the folder, as it is now. Raises
        SyncerError where a folder cannot be read: then nobody knows what is missing.
        """
        root = os.fspath(self._rules.path)
        self.folders = {}

        def fail(error: OSError) -> NoReturn:
            raise SyncerError(f"{error.filename} cannot be read: {error.strerror}")

        # Plain strings: the names of each Path that is made enter a table of the
        # interpreter, which only grows while they come and go, many times a second.
        for folder, folders, names in os.walk(root, onerror=fail):
            try:
                status = os.stat(folder)
            except OSError as error:
                fail(error)
            self.folders[os.path.realpath(folder)] = (status.st_dev, status.st_ino)
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                if not name.endswith(".json") or name.startswith("."):
                    continue
                path = f"{folder}/{name}"
                try:
                    stamp = _stamp(os.stat(path))
                except OSError:
                    if not os.path.lexists(path):
                        continue  # it went away just now
                    stamp = UNSEEN  # reading says why
                yield path[len(root) :].lstrip("/"), stamp

    # --- files ------------------------------------------------------------------------

    def _read(
        self, stamps: dict[str, FileStamp]
    ) -> tuple[dict[str, WishFile], dict[str, FileSeen]]:
        """Read the files that changed: their wishes, and how all files are now."""
        wishes, files = dict[str, WishFile](), dict[str, FileSeen]()
        for path, stamp in stamps.items():
            known = self._files.get(path)
            if known is not None and known.stamp == stamp != UNSEEN:
                files[path] = known
                continue
            content, stamp, fault = self._read_file(path)
            try:
                if fault:
                    raise UnreadableWish(fault)
                wishes[path] = wish = parse_wishes(content, self._options)
                files[path] = FileSeen(stamp, wish.input_id, "")
            except UnreadableWish as error:
                input_id = error.input_id or (known.input_id if known else None)
                files[path] = FileSeen(stamp, input_id, str(error))
        return wishes, files

    def _read_file(self, path: str) -> tuple[bytes, FileStamp, str]:
        """Return what is in a file, its stamp, or UNSEEN where it may change without
        another one, and why it cannot be read.
        """
        try:
            with open(f"{self._rules.path}/{path}", "rb") as file:
                before = os.fstat(file.fileno())
                if not stat.S_ISREG(before.st_mode) or before.st_size > FILE_BYTES_MAX:
                    return b"", UNSEEN, f"it is not a file of up to {FILE_BYTES_MAX >> 20} MiB"
                content = file.read()
                after = os.fstat(file.fileno())
        except OSError as error:
            return b"", UNSEEN, f"it cannot be read: {error.strerror}"
        if _stamp(before) != _stamp(after):
            return b"", UNSEEN, "it is being written"
        racy = time.time_ns() - after.st_mtime_ns < RACY_NS
        return content, UNSEEN if racy else _stamp(after), ""

    # --- what follows -----------------------------------------------------------------

    def _find_removals(
        self, changed: dict[str, WishFile], files: dict[str, FileSeen], now: float
    ) -> list[Key]:
        """Return what is missing for long enough."""
        for input_id, wish in changed.items():
            asked = self._asked.list_asked(input_id)
            self._asked.note_missing(input_id, asked.keys() - wish.wishes.keys())
        missing = set(self._asked.list_missing())
        held_back = {seen.input_id for seen in files.values() if seen.fault}
        here = {seen.input_id for seen in files.values()}
        if None not in held_back:  # else that file may be the one of any input
            for input_id in self._inputs - here:
                gone = self._asked.list_asked(input_id)
                missing.update((input_id, id) for id in gone)
                if not gone:
                    self._inputs.discard(input_id)
        else:
            missing = {key for key in missing if key[0] in here}
        missing = {key for key in missing if key[0] not in held_back}
        self._since = {key: self._since.get(key, now) for key in missing}
        ripe = self._rules.removal_seconds
        return sorted(key for key, since in self._since.items() if since < now >= since + ripe)

    def _check_count(self, doomed: list[Key]) -> None:
        """Raise TooManyDeletions where more is missing than may go at once."""
        if not doomed:
            return
        count, of = len(self._since), self._asked.count_asked()
        if self._rules.max_delete.allows(count, of=of):
            return
        if self.allowed == count:
            return
        raise TooManyDeletions(
            f"{count} of {of} annotations are missing in the folder {self._rules.path}, more than"
            f" max_delete = {self._rules.max_delete} lets go: put them back, or let them go by POST"
            f' /api/sources/NAME/resume with {{"deletions": {count}}}',
            count,
        )

    def _write(
        self, changed: dict[str, WishFile], files: dict[str, FileSeen], doomed: list[Key]
    ) -> None:
        asked = self._asked
        for input_id, wish in changed.items():
            before = asked.list_asked(input_id)
            self._inputs.add(input_id)
            for id, wanted in wish.wishes.items():
                if before.get(id) != wanted:
                    asked.ask(input_id, id, before.get(id), wanted)
        for input_id, id in doomed:
            asked.ask(input_id, id, b"{}", None)
        for path in self._files.keys() - files.keys():
            asked.note_file(path, None)
        for path, seen in files.items():
            if self._files.get(path) != seen:
                asked.note_file(path, seen)
        asked.forget_applied()
        if doomed:
            self.allowed = 0


DOUBLED = "it names the input of "


def _park_doubles(files: dict[str, FileSeen]) -> None:
    """Park all files that name the same input: nobody knows which is meant."""
    by_input = defaultdict[str, list[str]](list)
    for path, seen in files.items():
        if seen.input_id is not None:
            by_input[seen.input_id].append(path)
    for paths in by_input.values():
        for path in paths if len(paths) > 1 else ():
            other = next(one for one in paths if one != path)
            if not files[path].fault:
                fault = f"{DOUBLED}{other} as well"
                files[path] = files[path]._replace(stamp=UNSEEN, fault=fault)


def _stamp(status: os.stat_result) -> FileStamp:
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )
