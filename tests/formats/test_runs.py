"""Masks as runs, beside pycocotools."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as cocotools

from syncer.formats import runs


@given(width=st.integers(1, 9), height=st.integers(1, 9), data=st.data())
def test_compressed_text_is_read_as_pycocotools_reads_it(width: int, height: int, data):
    bits = data.draw(st.lists(st.integers(0, 1), min_size=width * height, max_size=width * height))
    mask = np.array(bits, dtype=np.uint8).reshape((height, width))
    text = cocotools.encode(np.asfortranarray(mask))["counts"]
    columns = bytes(mask.flatten(order="F"))
    assert runs.expand(runs.parse_counts(text)) == columns
    assert runs.expand(runs.shorten(columns)) == columns
    assert runs.turn(bytes(bits), width) == columns
    assert runs.turn(columns, height) == bytes(bits)


def test_a_long_run_takes_several_letters():
    mask = np.zeros((1000, 900), dtype=np.uint8, order="F")
    mask[3:800, 100:700] = 1
    text = cocotools.encode(mask)["counts"].decode()
    assert runs.expand(runs.parse_counts(text)) == bytes(mask.flatten(order="F"))


@pytest.mark.parametrize("text", ["\x7f", " ", "ooooooooooooooo", "T", "o", "O"])
def test_what_is_no_mask_is_refused(text: str):
    with pytest.raises(ValueError, match="compressed mask"):
        runs.parse_counts(text)
