"""Masks as images, the form in which the service takes them."""

from __future__ import annotations

import struct
import zlib

from syncer.formats.labels import Mask

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY = 0
_EIGHT_BITS = 8
_WHITE = 255
_PACKED_BYTES = 1 << 16
_ZLIB = b"\x78\x01"
"""The head of a zlib stream (RFC 1950) of this strategy."""
_ADLER = 65521


def write_png(mask: Mask) -> bytes:
    """Return a grey PNG, in which what is masked is white.

    The runs are as long as the image is large.
    """
    rows, checksum = _write_rows(mask)
    # a sixth of the time of the usual search, and fewer bytes: masks are runs. The
    # checksum of zlib would take a quarter of the rest
    packing = zlib.compressobj(6, wbits=-zlib.MAX_WBITS, strategy=zlib.Z_RLE)
    with memoryview(rows) as view:
        data = b"".join(
            packing.compress(view[at : at + _PACKED_BYTES])
            for at in range(0, len(rows), _PACKED_BYTES)
        )
    head = struct.pack(">IIBBBBB", mask.width, mask.height, _EIGHT_BITS, _GREY, 0, 0, 0)
    return b"".join(
        (
            _SIGNATURE,
            _write_chunk(b"IHDR", head),
            _write_chunk(b"IDAT", _ZLIB + data + packing.flush() + checksum),
            _write_chunk(b"IEND", b""),
        )
    )


def _write_rows(mask: Mask) -> tuple[bytearray, bytes]:
    """Return its pixels row by row, each row after a byte for its filter, and their
    Adler-32 (RFC 1950): white bytes are summed up, and how many bytes are left from
    each of them on.
    """
    step, height = mask.width + 1, mask.height
    size, count, left = step * height, 0, 0
    row, white = bytearray(step), bytes((_WHITE,)) * max(step, height)
    begin = 0
    for index, length in enumerate(mask.runs):
        if index & 1 and length >= height:  # whole columns are in all rows
            column, after = -(-begin // height), (begin + length) // height
            row[column + 1 : after + 1] = white[: after - column]
        begin += length
    rows = row * height
    begin = 0
    for index, length in enumerate(mask.runs):
        end = begin + length
        while index & 1 and begin < end:
            column, top = divmod(begin, height)
            if not top and end - begin >= height:
                columns = (end - begin) // height
                begin += columns * height
                count += columns * height
                middle = 2 * size - 2 * column - columns - 1 - step * (height - 1)
                left += columns * height * middle // 2
                continue
            # the part of the run that is in one column
            bottom = min(top + end - begin, height)
            at = column + 1 + top * step
            rows[at : column + 1 + bottom * step : step] = white[: bottom - top]
            begin += bottom - top
            count += bottom - top
            left += (bottom - top) * (2 * (size - column - 1) - step * (top + bottom - 1)) // 2
        begin = end
    sums = (size + _WHITE * left) % _ADLER, (1 + _WHITE * count) % _ADLER
    return rows, struct.pack(">HH", *sums)


def _write_chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(data, zlib.crc32(kind))
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)
