"""Masks as lengths of runs: read from the forms that files have, and turned.

A pixel is a byte, 0 or 1, so that what a large mask costs is spent in C.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

PIXELS_MAX = 100_000_000
"""More than an image of the service may have (85 million): a mask of more is refused
before memory is spent on it.
"""
RUNS_MAX = 1_000_000
_BLOCK = 1 << 20


def expand(runs: Iterable[int]) -> bytearray:
    """Return the pixels of runs of 0 and 1 in turn."""
    lengths = runs if isinstance(runs, Sequence) else list(runs)
    pixels = bytearray(sum(lengths))
    block = b"\1" * _BLOCK
    at = 0
    for index, length in enumerate(lengths):
        if index & 1:
            for start in range(at, at + length, _BLOCK):
                end = min(start + _BLOCK, at + length)
                pixels[start:end] = block[: end - start]
        at += length
    return pixels


def shorten(pixels: bytes | bytearray) -> tuple[int, ...]:
    """Return the runs of these pixels: 0 first, of length 0 where the first is 1."""
    return tuple(_measure_runs(pixels))


def _measure_runs(pixels: bytes | bytearray) -> Iterator[int]:
    start, value = 0, 0
    while start < len(pixels):
        end = pixels.find(1 - value, start)
        end = len(pixels) if end < 0 else end
        yield end - start
        start, value = end, 1 - value


def turn_rows(
    runs: Iterable[int], box: tuple[int, int, int, int], width: int, height: int
) -> tuple[int, ...]:
    """Return the runs of an image, column by column, from those of a box in it that go
    row by row, and fill it.

    `box` is left, top, width and height, and within the image. Raises ValueError where
    there are more than RUNS_MAX.
    """
    left, top, box_width, box_height = box
    pixels = expand(runs)
    found = [height * left]
    for x in range(box_width):
        column = _measure_runs(pixels[x::box_width])
        _append(found, (0, top))
        _append(found, *((index & 1, length) for index, length in enumerate(column)))
        _append(found, (0, height - box_height - top))
        if len(found) > RUNS_MAX:
            raise ValueError("too many runs")
    _append(found, (0, height * (width - left - box_width)))
    return tuple(found)


def _append(runs: list[int], *pieces: tuple[int, int]) -> None:
    """Go on with pieces of a value and a length each."""
    for value, length in pieces:
        if (len(runs) - 1) & 1 == value:
            runs[-1] += length
        elif length:
            runs.append(length)


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
