"""The stamp of a file: what the file system says of it, by which an untouched file is
known again without reading it.
"""

from __future__ import annotations

import ctypes
import os
import stat
import sys
from functools import cache
from typing import Any, BinaryIO

import msgspec

from syncer.core.change import Stamp


def stamp_of(path: str, known: Stamp | None = None) -> Stamp | None:
    """Return what the file system says of the file at this path; None if it does not
    exist.

    Raises OSError if it does not say. If the file is untouched since `known`, `known`
    is returned: that costs one stat.
    """
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return _stamp(status, known, os.fsencode(path)) if stat.S_ISREG(status.st_mode) else None


def stamp_of_open(file: BinaryIO, known: Stamp | None = None) -> Stamp:
    """Return the same of an open file. Raises OSError."""
    descriptor = file.fileno()
    return _stamp(os.fstat(descriptor), known, b"", descriptor)


def inodes_in(folder: str) -> list[tuple[str, int]]:
    """Return (path, inode) of all that is in a folder, in the order of the names.

    Raises OSError.
    """
    with os.scandir(folder) as entries:
        return sorted((entry.path, entry.inode()) for entry in entries)


def _stamp(
    status: os.stat_result, known: Stamp | None, path: bytes, descriptor: int | None = None
) -> Stamp:
    stamp = Stamp(
        status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
    )
    if known is not None and known.device and known.is_untouched(stamp):
        return known
    birth_ns = _birth_ns(path, _AT_FDCWD if descriptor is None else descriptor)
    return msgspec.structs.replace(stamp, birth_ns=birth_ns) if birth_ns else stamp


_STATX_BYTES, _STATX_BTIME, _AT_EMPTY_PATH, _AT_FDCWD = 256, 0x800, 0x1000, -100
_ORDER = sys.byteorder
_MASK_AT, _SECONDS_AT, _NANOSECONDS_AT = slice(0, 4), slice(80, 88), slice(88, 92)


def _birth_ns(path: bytes, descriptor: int) -> int:
    """Return when a file was created; 0 if nobody says.

    Python has no call for it: statx(2), which glibc and musl have.
    """
    if (statx := _statx()) is None:
        return 0
    buffer = ctypes.create_string_buffer(_STATX_BYTES)
    if statx(descriptor, path, 0 if path else _AT_EMPTY_PATH, _STATX_BTIME, buffer) != 0:
        return 0
    raw = buffer.raw
    if not int.from_bytes(raw[_MASK_AT], _ORDER) & _STATX_BTIME:
        return 0
    return int.from_bytes(raw[_SECONDS_AT], _ORDER, signed=True) * 1_000_000_000 + int.from_bytes(
        raw[_NANOSECONDS_AT], _ORDER
    )


@cache
def _statx() -> Any:
    try:
        function = ctypes.CDLL(None).statx
    except (AttributeError, OSError):
        return None
    function.argtypes = (
        ctypes.c_int,
        ctypes.c_char_p,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.c_char_p,
    )
    return function
