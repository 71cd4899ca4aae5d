"""Masks as images, the form in which the service takes them."""

from __future__ import annotations

import struct
import zlib

from syncer.formats import runs
from syncer.formats.labels import Mask

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY = 0
_EIGHT_BITS = 8
_WHITE = 255
_PACKED_BYTES = 1 << 16


def write_png(mask: Mask) -> bytes:
    """Return a grey PNG, in which what is masked is white.

    The runs are as long as the image is large.
    """
    columns = runs.expand(mask.runs, _WHITE)
    # a sixth of the time of the usual search, and fewer bytes: masks are runs
    packing = zlib.compressobj(6, strategy=zlib.Z_RLE)
    at_once = max(1, _PACKED_BYTES // mask.width)
    data = b"".join(
        packing.compress(
            b"".join(
                [b"\0" + columns[row :: mask.height] for row in range(mask.height)[at:][:at_once]]
            )
        )
        for at in range(0, mask.height, at_once)
    )
    head = struct.pack(">IIBBBBB", mask.width, mask.height, _EIGHT_BITS, _GREY, 0, 0, 0)
    return b"".join(
        (
            _SIGNATURE,
            _write_chunk(b"IHDR", head),
            _write_chunk(b"IDAT", data + packing.flush()),
            _write_chunk(b"IEND", b""),
        )
    )


def _write_chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(data, zlib.crc32(kind))
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)
