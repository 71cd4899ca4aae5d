"""The masks that Label Studio's brush leaves: bits, packed as thi.ng's rle-pack does.

    32 bits   number of words         of an image, 4 (red, green, blue, alpha) per pixel
     5 bits   size of a word - 1      8 bits as a rule
 4 x 4 bits   sizes of a count - 1    four of them, to choose from
 then, until there are enough words:
     1 bit    is it a run of one word, or a list of words?
     2 bits   which size the count has
     n bits   the count - 1
              one word for a run, as many as were counted for a list

Only alpha matters: a pixel belongs to the mask where it is not 0.
"""

from __future__ import annotations

from collections.abc import Iterator

from syncer.formats.faults import BadLabel
from syncer.formats.runs import RUNS_MAX

__all__ = ["unpack_brush"]


class _Bits:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, size: int) -> int:
        end = self.at + size
        if end > len(self.data) * 8:
            raise BadLabel("a brush ends too early")
        piece = int.from_bytes(self.data[self.at >> 3 : (end + 7) >> 3], "big")
        self.at = end
        return (piece >> (-end & 7)) & ((1 << size) - 1)


def unpack_brush(packed: bytes, pixels: int) -> list[int]:
    """Return runs of 0 and 1, row by row, of an image of so many `pixels`.

    Raises: BadLabel.
    """
    bits = _Bits(packed)
    words = bits.take(32)
    if words != pixels * 4:
        raise BadLabel("a brush is not of its image's size")
    runs = [0]
    for is_set, length in _alphas(bits, words):
        if not length:
            continue
        if (len(runs) - 1) % 2 == is_set:
            runs[-1] += length
        elif len(runs) < RUNS_MAX:
            runs.append(length)
        else:
            raise BadLabel("a mask has too many runs")
    return runs


def _alphas(bits: _Bits, words: int) -> Iterator[tuple[bool, int]]:
    """Yield whether alpha is set, and for how many pixels."""
    word_size = bits.take(5) + 1
    count_sizes = [bits.take(4) + 1 for _ in range(4)]
    at = 0
    while at < words:
        is_run = bits.take(1)
        end = at + 1 + bits.take(count_sizes[bits.take(2)])
        if end > words:
            raise BadLabel("a brush has more values than it says")
        if is_run:
            yield bits.take(word_size) != 0, end // 4 - at // 4
        else:
            begin = bits.at
            for alpha in range(at | 3, end, 4):
                bits.at = begin + (alpha - at) * word_size
                yield bits.take(word_size) != 0, 1
            bits.at = begin + (end - at) * word_size
        at = end
