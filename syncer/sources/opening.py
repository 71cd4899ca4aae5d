"""Opens a change log: its uncompressed bytes come out.

Gzip is recognised by its first bytes, never by the file's name.
"""

from __future__ import annotations

import io
import os

from syncer.errors import UsageError
from syncer.sources.gunzip import GZIP, DamagedLog, Gunzip
from syncer.sources.packing import HEAD_BYTES, packing


def open_log(path: str, label: str) -> io.BufferedReader:
    """Return the log, open for reading at its start. Raises UsageError where it cannot
    be read, or is a file of another kind.

    Reading a compressed log raises EOFError where it is cut off, DamagedLog where the
    rest cannot be unpacked.
    """
    try:
        file = open(path, "rb")  # noqa: SIM115 - it is returned
        try:
            head = file.peek(HEAD_BYTES)[:HEAD_BYTES]
            if not head.startswith(GZIP):
                _refuse_other_kinds(head, label)
                return file
            unpacked: io.BufferedReader = io.BufferedReader(Gunzip(file))
            _refuse_other_kinds(_first_unpacked(unpacked), label, within_gzip=True)
            return unpacked
        except BaseException:
            file.close()
            raise
    except OSError as error:
        raise UsageError(
            f"the change log {label} cannot be read: {error.strerror or error}"
        ) from None


def is_packed(file: io.BufferedReader) -> bool:
    """Return whether an open log is compressed."""
    return isinstance(file.raw, Gunzip)


def place_on_disk(file: io.BufferedReader) -> int:
    """Return how many bytes of the file, packed or not, were read."""
    return file.raw.file.tell() if isinstance(file.raw, Gunzip) else file.tell()


def holds_before(file: io.BufferedReader, last: bytes, place: int) -> bool:
    """Return whether the bytes right before this place are still these. Of a packed
    file nobody knows. Raises OSError.
    """
    if is_packed(file):
        return True
    return os.pread(file.fileno(), len(last), place - len(last)) == last


def _first_unpacked(file: io.BufferedReader) -> bytes:
    try:
        return file.peek(HEAD_BYTES)[:HEAD_BYTES]
    except (EOFError, DamagedLog):
        return b""  # reading says so


def _refuse_other_kinds(head: bytes, label: str, *, within_gzip: bool = False) -> None:
    if (found := packing(head, within_gzip=within_gzip)) is not None:
        raise UsageError(
            f"{label} is not a change log: the file is {found.name}. None of it was sent;"
            f" {found.remedy}"
        )
