"""Masks as lengths of runs: read from the forms that files have, and turned.

A pixel is a byte, 0 or 1, so that what a large mask costs is spent in C.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

PIXELS_MAX = 100_000_000
"""More than an image of the service may have (85 million): a mask of more is refused
before memory is spent on it.
"""


def expand(runs: Iterable[int]) -> bytes:
    """Return the pixels of runs of 0 and 1 in turn."""
    return b"".join(bytes((index & 1,)) * length for index, length in enumerate(runs))


def shorten(pixels: bytes) -> tuple[int, ...]:
    """Return the runs of these pixels: 0 first, of length 0 where the first is 1."""
    return tuple(_measure_runs(pixels))


def _measure_runs(pixels: bytes) -> Iterator[int]:
    start, value = 0, 0
    while start < len(pixels):
        end = pixels.find(1 - value, start)
        end = len(pixels) if end < 0 else end
        yield end - start
        start, value = end, 1 - value


def turn(pixels: bytes, width: int) -> bytes:
    """Return pixels that stand row by row, `width` a row, column by column; and the
    other way round with the height.
    """
    return b"".join(pixels[column::width] for column in range(width))


def parse_counts(text: str | bytes) -> tuple[int, ...]:
    """Return the runs of COCO's compressed text.

    Raises ValueError where it is not one. Five bits a letter, the sixth says that more
    follow; from the fourth run on, a run is the difference to the one before last.
    """
    runs: list[int] = []
    value = shift = 0
    for letter in text.encode("ascii") if isinstance(text, str) else text:
        bits = letter - 48
        if not 0 <= bits < 64 or shift > 55:
            raise ValueError("not a compressed mask")
        value |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:
            continue
        if bits & 0x10:
            value -= 1 << shift
        if len(runs) > 2:
            value += runs[-2]
        if value < 0:
            raise ValueError("a run of a compressed mask is negative")
        runs.append(value)
        value = shift = 0
    if shift:
        raise ValueError("a compressed mask ends within a run")
    return tuple(runs)
