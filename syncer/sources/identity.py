"""What tells one change log from another."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

from syncer.core.change import LogIdentity
from syncer.sources.cutter import without_bom
from syncer.sources.gunzip import DamagedLog
from syncer.sources.lines import LINE_BYTES_MAX


def first_line(file: BinaryIO) -> bytes:
    """The first line of a log that was just opened, without line ending and byte-order mark; empty where it cannot be read."""
    try:
        line = file.readline(LINE_BYTES_MAX)
    except (OSError, EOFError, DamagedLog):
        line = b""  # empty, or no gzip file: reading says so
    return without_bom(line.rstrip(b"\r\n"))


def identify(path: Path, label: str, first_line: bytes) -> LogIdentity:
    """The file at this path, as it is now."""
    stat = path.stat()
    head = blake2b(first_line, digest_size=16).hexdigest()
    return LogIdentity(str(path), label, head, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)


def is_untouched(known: LogIdentity, found: LogIdentity) -> bool:
    """Whether this is the same file, and nobody wrote to it."""
    return (known.inode, known.size, known.mtime_ns, known.ctime_ns) == (found.inode, found.size, found.mtime_ns, found.ctime_ns)
