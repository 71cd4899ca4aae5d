"""The brush of Label Studio, packed by an independent hand as rle-pack does it."""

from __future__ import annotations

import random

import pytest

from syncer.formats.brush import unpack_brush
from syncer.formats.faults import BadLabel
from syncer.formats.runs import shorten

SIZES = (3, 4, 8, 16)


def pack(words: list[int], word_size: int = 8, as_lists: bool = False) -> bytes:
    bits = f"{len(words):032b}{word_size - 1:05b}" + "".join(f"{size - 1:04b}" for size in SIZES)
    at = 0
    while at < len(words):
        end = at + 1
        while end < len(words) and (as_lists or words[end] == words[at]) and end - at < 1 << 16:
            end += 1
        choice = next(index for index, size in enumerate(SIZES) if end - at <= 1 << size)
        bits += f"{0 if as_lists else 1}{choice:02b}{end - at - 1:0{SIZES[choice]}b}"
        listed = words[at:end] if as_lists else words[at : at + 1]
        bits += "".join(f"{word:0{word_size}b}" for word in listed)
        at = end
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))


def paint(alphas: list[int]) -> list[int]:
    return [word for alpha in alphas for word in (12, 200, 7, alpha)]


@pytest.mark.parametrize("as_lists", [False, True])
def test_a_pixel_belongs_to_the_mask_where_its_alpha_is_not_zero(as_lists: bool) -> None:
    alphas = [0, 0, 255, 1, 0, 128, 0, 0, 0]
    packed = pack(paint(alphas), as_lists=as_lists)
    assert unpack_brush(packed, 9) == [2, 2, 1, 1, 3]


@pytest.mark.parametrize("as_lists", [False, True])
@pytest.mark.parametrize("word_size", [8, 11])
def test_any_mask_comes_back(word_size: int, as_lists: bool) -> None:
    chance = random.Random(5)
    for pixels in (1, 2, 31, 400, 20_000):
        alphas, alpha = [], 0
        while len(alphas) < pixels:
            alphas += [alpha] * chance.randrange(1, 60)
            alpha = 0 if alpha else 255
        alphas = alphas[:pixels]
        words = [word for alpha in alphas for word in [alpha] * 4]
        packed = pack(words, word_size, as_lists)
        expected = shorten(bytes(1 if alpha else 0 for alpha in alphas))
        assert tuple(unpack_brush(packed, pixels)) == expected


def test_what_the_vendor_packs_is_unpacked() -> None:
    """Two pixels of 0 and two of 255, as label-studio-sdk 2.1.2 packs them."""
    packed = bytes([0, 0, 0, 16, 57, 27, 252, 224, 19, 255, 128])
    assert unpack_brush(packed, 4) == [2, 2]


def test_a_brush_of_another_size_than_its_image_is_a_fault() -> None:
    with pytest.raises(BadLabel, match="not of its image"):
        unpack_brush(pack(paint([0, 255])), 3)


def test_a_few_bytes_that_claim_a_huge_image_cost_nothing() -> None:
    with pytest.raises(BadLabel, match="not of its image"):
        unpack_brush(b"\xff" * 12, 4)


def test_a_brush_that_breaks_off_is_a_fault() -> None:
    packed = pack(paint([0, 255, 0, 255]), as_lists=True)
    for length in range(len(packed)):
        with pytest.raises(BadLabel):
            unpack_brush(packed[:length], 4)


def test_a_brush_of_more_runs_than_memory_may_hold_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("syncer.formats.brush.RUNS_MAX", 5)
    assert unpack_brush(pack(paint([0, 255, 0, 255, 0])), 5) == [1] * 5
    with pytest.raises(BadLabel, match="too many runs"):
        unpack_brush(pack(paint([0, 255, 0, 255, 0, 255])), 6)


def test_no_bytes_do_worse_than_a_fault() -> None:
    chance = random.Random(7)
    for _ in range(2000):
        data = bytes([0, 0, 0, 64]) + chance.randbytes(chance.randrange(40))
        try:
            runs = unpack_brush(data, 16)
        except BadLabel:
            continue
        assert sum(runs) == 16
