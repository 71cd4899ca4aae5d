"""Masks as images, the form in which the service takes them."""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache

from syncer.formats.labels import Mask

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY = 0
_EIGHT_BITS = 8
_WHITE = 255
_PACKED_BYTES = 1 << 16
_BLACK_BYTES = 1 << 12
"""Black is packed in so many bytes, and in powers of two of them."""
_LAST = b"\x03\x00"
"""An empty block that ends packed bytes (RFC 1951)."""
_ZLIB = b"\x78\x01"
"""The head of a zlib stream (RFC 1950) of this strategy."""
_ADLER = 65521


def write_png(mask: Mask) -> bytes:
    """Return a grey PNG, in which what is masked is white.

    The runs are as long as the image is large.
    """
    rows, checksum = _write_rows(mask)
    head = struct.pack(">IIBBBBB", mask.width, mask.height, _EIGHT_BITS, _GREY, 0, 0, 0)
    return b"".join(
        (
            _SIGNATURE,
            _write_chunk(b"IHDR", head),
            _write_chunk(b"IDAT", _ZLIB + _pack(rows) + checksum),
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


def _pack(rows: bytearray) -> bytes:
    """Return rows packed (RFC 1951). What is black before the first white byte and
    after the last, most of many masks, was packed before.
    """
    first = max(0, rows.find(_WHITE)) // _BLACK_BYTES
    after = (len(rows) - 1 - rows.rfind(_WHITE)) // _BLACK_BYTES
    # a sixth of the time of the usual search, and fewer bytes: masks are runs. The
    # checksum of zlib would take a quarter of the rest
    packing = zlib.compressobj(6, wbits=-zlib.MAX_WBITS, strategy=zlib.Z_RLE)
    parts = [_pack_black(first)]
    with memoryview(rows) as view:
        end = len(rows) - after * _BLACK_BYTES
        parts += [
            packing.compress(view[at : min(at + _PACKED_BYTES, end)])
            for at in range(first * _BLACK_BYTES, end, _PACKED_BYTES)
        ]
    parts += (packing.flush(zlib.Z_SYNC_FLUSH), _pack_black(after), _LAST)
    return b"".join(parts)


def _pack_black(count: int) -> bytes:
    """Return so many times `_BLACK_BYTES` packed, with more to come."""
    powers = range(count.bit_length())
    return b"".join([_pack_power(power) for power in powers if count >> power & 1])


@lru_cache(maxsize=20)
def _pack_power(power: int) -> bytes:
    packing = zlib.compressobj(9, wbits=-zlib.MAX_WBITS, strategy=zlib.Z_RLE)
    piece, packed = bytes(_BLACK_BYTES), [b""]
    packed += [packing.compress(piece) for _ in range(1 << power)]
    return b"".join((*packed, packing.flush(zlib.Z_SYNC_FLUSH)))


def _write_chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(data, zlib.crc32(kind))
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)
