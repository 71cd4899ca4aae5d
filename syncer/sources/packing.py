"""Recognises files that are not JSON Lines in UTF-8 by their first bytes.

A line that is bad is a dead letter. A file of another kind would be nothing but bad
lines, or worse: a stored archive has good ones.
"""

from __future__ import annotations

from dataclasses import dataclass

from syncer.sources.gunzip import GZIP

HEAD_BYTES = 512


@dataclass(frozen=True, slots=True)
class Packing:
    """A kind of file that is not a change log, and what to do with it."""

    name: str
    """As in "the file is …"."""
    remedy: str


_UNPACK = "unpack it first (gzip is the one compression that is read as it is)"
_WRITE = "write its labels as one JSON object per line"


def _name_compressed(by: str) -> Packing:
    return Packing(f"compressed with {by}", _UNPACK)


_ARCHIVE = Packing("a zip archive", _UNPACK)
_TAR = Packing("a tar archive", _UNPACK)
_TWICE = Packing("compressed with gzip twice", _UNPACK)

_MAGIC: tuple[tuple[bytes, Packing], ...] = (
    (b"PK\x03\x04", _ARCHIVE),
    (b"PK\x05\x06", _ARCHIVE),
    (b"PK\x07\x08", _ARCHIVE),
    (b"\x28\xb5\x2f\xfd", _name_compressed("zstd")),
    (b"\xfd7zXZ\0", _name_compressed("xz")),
    (b"\x5d\0\0", _name_compressed("lzma")),
    (b"LZIP\1", _name_compressed("lzip")),
    (b"BZh91AY&SY", _name_compressed("bzip2")),
    (b"\x04\x22\x4d\x18", _name_compressed("lz4")),
    (b"\x02\x21\x4c\x18", _name_compressed("lz4")),
    (b"\xff\x06\0\0sNaPpY", _name_compressed("snappy")),
    (b"\x1f\x9d", _name_compressed("compress")),
    (b"7z\xbc\xaf\x27\x1c", Packing("a 7z archive", _UNPACK)),
    (b"Rar!\x1a\x07", Packing("a rar archive", _UNPACK)),
    (b"SQLite format 3\0", Packing("a SQLite database", _WRITE)),
    (b"ARROW1\0\0", Packing("an Arrow file", _WRITE)),
    (b"\xff\xff\xff\xff", Packing("an Arrow stream", _WRITE)),
    (b"Obj\1", Packing("an Avro file", _WRITE)),
    (b"\x89HDF\r\n\x1a\n", Packing("an HDF5 file", _WRITE)),
    (b"\x89PNG\r\n\x1a\n", Packing("an image (PNG)", "name the change log")),
    (b"\xff\xd8\xff", Packing("an image (JPEG)", "name the change log")),
    (b"\x80\2", Packing("a Python pickle", _WRITE)),
    (b"\x80\3", Packing("a Python pickle", _WRITE)),
    (b"\x80\4\x95", Packing("a Python pickle", _WRITE)),
    (b"\x80\5\x95", Packing("a Python pickle", _WRITE)),
)
_MAGIC_OF_LETTERS: tuple[tuple[bytes, Packing], ...] = (
    (b"PAR1", Packing("a Parquet file", _WRITE)),
    (b"ORC", Packing("an ORC file", _WRITE)),
    (b"07070", Packing("a cpio archive", _UNPACK)),
)
"""These count only where what follows is not text."""

_JSON_BEGINS = b'{["\t\r\n '


def packing(head: bytes, *, within_gzip: bool = False) -> Packing | None:
    """Return what a file that begins so (HEAD_BYTES of it, where there are as many) is;
    None: it may be a change log.

    `within_gzip`: these bytes are what gzip unpacked. A change log in gzip is fine, one
    in gzip in gzip is not.
    """
    if within_gzip and head.startswith(GZIP):
        return _TWICE
    if (encoding := _encoding(head)) is not None:
        return Packing(f"in {encoding}, not in UTF-8", f"convert it (iconv -f {encoding} -t UTF-8)")
    for magic, found in _MAGIC:
        if head.startswith(magic):
            return found
    if head[1:4] == b"\x2a\x4d\x18" and head[0] >> 4 == 5:
        # What begins some files of zstd and of lz4.
        return _name_compressed("zstd or lz4")
    if b"\0" not in head:
        return None
    return next(
        (found for magic, found in _MAGIC_OF_LETTERS if head.startswith(magic)),
        _TAR if _is_tar(head) else None,
    )


def _encoding(head: bytes) -> str | None:
    """Return the encoding, where it is one with zero bytes in plain text; with or
    without a byte-order mark.
    """
    if head.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        return "UTF-32"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16"
    first, zeros = head[:8].strip(b"\0")[:1], [not byte for byte in head[:8]]
    if not first or first not in _JSON_BEGINS:
        return None
    if zeros in ([False, True] * 4, [True, False] * 4):
        return "UTF-16LE" if zeros[1] else "UTF-16BE"
    if zeros in ([False, True, True, True] * 2, [True, True, True, False] * 2):
        return "UTF-32LE" if zeros[1] and not zeros[0] else "UTF-32BE"
    return None


def _is_tar(head: bytes) -> bool:
    """Return whether these are the first 512 bytes of a tar archive of any kind: they
    hold their own checksum.
    """
    if len(head) < HEAD_BYTES:
        return False
    noted = head[148:156].strip(b" \0")
    return (
        bool(noted)
        and not noted.strip(b"01234567")
        and int(noted, 8) == sum(head[:148]) + sum(b"        ") + sum(head[156:])
    )
