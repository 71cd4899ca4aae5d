"""Masks as runs, beside pycocotools."""

from __future__ import annotations

import tracemalloc
import zlib
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as cocotools

from syncer.formats import runs
from syncer.formats.labels import Mask
from syncer.formats.png import write_png


@settings(deadline=None)
@given(width=st.integers(1, 9), height=st.integers(1, 9), data=st.data())
def test_compressed_text_is_read_as_pycocotools_reads_it(width: int, height: int, data):
    bits = data.draw(st.lists(st.integers(0, 1), min_size=width * height, max_size=width * height))
    mask = np.array(bits, dtype=np.uint8).reshape((height, width))
    text = cocotools.encode(np.asfortranarray(mask))["counts"]
    columns = bytes(mask.flatten(order="F"))
    assert runs.expand(runs.parse_counts(text)) == columns
    assert runs.expand(runs.shorten(columns)) == columns
    box = (0, 0, width, height)
    assert runs.turn_rows(runs.shorten(bytes(bits)), box, width, height) == runs.shorten(columns)


def test_a_long_run_takes_several_letters():
    mask = np.zeros((1000, 900), dtype=np.uint8, order="F")
    mask[3:800, 100:700] = 1
    text = cocotools.encode(mask)["counts"].decode()
    assert runs.expand(runs.parse_counts(text)) == bytes(mask.flatten(order="F"))


@settings(deadline=None)
@given(width=st.integers(1, 9), height=st.integers(1, 9), data=st.data())
def test_an_image_of_a_mask_has_its_pixels_row_by_row(width: int, height: int, data):
    ends = data.draw(st.sets(st.integers(0, width * height - 1)))
    places = [0, *sorted(ends), width * height]
    lengths = tuple(end - begin for begin, end in pairwise(places))
    image = write_png(Mask(width, height, lengths))
    begin = image.index(b"IDAT") + 4
    packed = image[begin : begin + int.from_bytes(image[begin - 8 : begin - 4])]
    rows = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, width + 1)
    assert not rows[:, 0].any()
    columns = rows[:, 1:].flatten(order="F")
    assert bytes(columns) == bytes(runs.expand(lengths)).replace(b"\1", b"\xff")


@pytest.mark.parametrize(
    "lengths",
    [
        *((0, 60_000), (60_000,), (59_999, 1), (0, 1, 59_999), (30_077, 1, 29_922)),
        *((7, 150, 60, 3, 4_000, 30_000, 25_780), (*[123, 77] * 300,), (*[93, 17, 90] * 300,)),
    ],
)
def test_a_mask_is_unpacked_to_its_pixels_and_hardly_larger_than_zlib_packs_it(
    lengths: tuple[int, ...],
):
    image = write_png(Mask(300, 200, lengths))
    begin = image.index(b"IDAT") + 4
    packed = image[begin : begin + int.from_bytes(image[begin - 8 : begin - 4])]
    unpacking = zlib.decompressobj()
    unpacked = unpacking.decompress(packed)
    rows = np.frombuffer(unpacked, np.uint8).reshape(200, 301)
    columns = bytes(rows[:, 1:].flatten(order="F"))
    assert columns == bytes(runs.expand(lengths)).replace(b"\1", b"\xff")
    assert not rows[:, 0].any()
    assert (unpacking.eof, unpacking.unused_data) == (True, b"")
    packing = zlib.compressobj(6, strategy=zlib.Z_RLE)
    assert len(packed) <= len(packing.compress(unpacked) + packing.flush()) + 120


@pytest.mark.parametrize("text", ["\x7f", " ", "ooooooooooooooo", "T", "o", "O"])
def test_what_is_no_mask_is_refused(text: str):
    with pytest.raises(ValueError, match="compressed mask"):
        runs.parse_counts(text)


def test_a_mask_of_more_runs_than_memory_may_hold_is_refused() -> None:
    """A few bytes of runs that go along rows are many down the columns."""
    rows = [1500] * 1500
    with pytest.raises(ValueError, match="too many runs"):
        runs.turn_rows(rows, (0, 0, 1500, 1500), 1500, 1500)


def test_a_large_mask_costs_one_byte_for_each_pixel() -> None:
    tracemalloc.start()
    try:
        found = runs.turn_rows([0, 9_000_000], (0, 0, 3000, 3000), 3000, 3000)
        png = write_png(Mask(3000, 3000, found))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found == (0, 9_000_000)
    assert len(png) < 50_000
    assert peak < 13_000_000
