"""A JSON object on one line that says its own checksum first.

{"crc":"1c291ca3", the other members }␤     crc32 of all between comma and ␤
"""

from __future__ import annotations

from zlib import crc32

_HEAD = b'{"crc":"%08x",'
_HEAD_LENGTH = len(_HEAD % 0)


def seal(members: bytes) -> bytes:
    """Return the line of these members: what follows the brace that opens an object."""
    return b"%s%s\n" % (_HEAD % crc32(members), members)


def unseal(line: bytes) -> bytes:
    """Return the members of a line. Raises ValueError where its checksum is wrong."""
    members = line[_HEAD_LENGTH:-1]
    if line[:_HEAD_LENGTH] != _HEAD % crc32(members) or line[-1:] != b"\n":
        raise ValueError("its checksum is wrong")
    return members
