"""A plan on disk: a change log, and beside it what it was made for.

The old side file goes first, the new one comes last: a log without one is never taken
for a plan that is whole.
"""

from __future__ import annotations

from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from types import TracebackType

import orjson

from syncer import files
from syncer.errors import OutputError, UsageError
from syncer.jobs.plan.side_file import FORMAT, VERSION, meta_path


class PlanFile:
    """A plan that is being written, within the block; it is there at `place` or never.
    Without a path, it goes nowhere.
    """

    def __init__(self, path: Path | None) -> None:
        """Raises UsageError for a path that cannot be a plan's."""
        if path is not None and not files.is_place(path):
            raise UsageError(f"--out {path}: it must be a file in a folder that exists")
        self._path = path
        self._part = None if path is None else path.with_name(f".{path.name}.part")
        self._digest = blake2b(digest_size=16)
        try:
            self._file = None if self._part is None else files.open_part(self._part)
        except BlockingIOError:
            raise OutputError(f"{path} is being written by another plan; wait for it") from None
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {error.strerror}") from None

    def __enter__(self) -> PlanFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._part is not None:
            with suppress(OSError):
                self._part.unlink(missing_ok=True)
        if self._file is not None:
            with suppress(OSError):
                self._file.close()

    def add(self, change: object) -> None:
        """Write one more change. Raises OutputError."""
        if self._file is None:
            return
        line = orjson.dumps(change, option=orjson.OPT_APPEND_NEWLINE)
        self._digest.update(line)
        try:
            self._file.write(line)
        except OSError as error:
            raise OutputError(f"{self._path} cannot be written: {error.strerror}") from None

    def place(self, facts: dict[str, object]) -> None:
        """Put the plan in its place, with its side file. Raises OutputError."""
        if self._file is None or self._part is None or self._path is None:
            return
        meta = meta_path(self._path)
        document = {"format": FORMAT, "version": VERSION, **facts}
        document["digest"] = self._digest.hexdigest()
        try:
            self._file.flush()
            files.sync(self._part)
            meta.unlink(missing_ok=True)
            files.sync(meta.parent)
            files.place(self._part, self._path)
            self._part = None  # the name may be another plan's by now
            files.write(meta, orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")
        except OSError as error:
            raise OutputError(f"{self._path} cannot be written: {files.why(error)}") from None
