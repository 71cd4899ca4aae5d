"""The items of large JSON files."""

from __future__ import annotations

import io
import json
import math
import re
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncer.formats import json_items
from syncer.formats.json_items import iterate_items

LEAVES = st.none() | st.booleans() | st.integers(-9, 9) | st.text('ab"\\[]{}:,é', max_size=5)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text('a[{"', max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(
    wanted=st.lists(VALUES, max_size=4),
    other=VALUES,
    indent=st.sampled_from([None, 1]),
    block=st.integers(1, 40),
    window=st.integers(1, 9),
)
def test_the_items_are_those_that_a_parser_of_all_finds(wanted, other, indent, block, window):
    document = {"o": other, "s": "x", "images": wanted, "n": {"images": [1]}, "z": [other]}
    text = json.dumps(document, indent=indent, ensure_ascii=False).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_items, "_BLOCK_BYTES", block)
        patch.setattr(json_items, "_WINDOW_BYTES", window)
        patch.setattr(json_items, "_SKIPPED_BYTES", window * 4)
        assert [item.value for item in iterate_items(io.BytesIO(text), "images")] == wanted
        listed = json.dumps(wanted).encode()
        assert [item.value for item in iterate_items(io.BytesIO(listed))] == wanted


def test_brackets_are_taken_for_those_of_strings_as_a_look_at_each_string_does():
    for length in range(7):
        for letters in product(b'"[{', repeat=length):
            text = bytes(letters)
            before, quote, _ = re.sub(rb'"[^"]*"', b"", text).partition(b'"')
            assert json_items._take_strings(text) == (before, quote)


@settings(deadline=None)
@given(
    texts=st.lists(
        VALUES.map(json.dumps)
        | st.sampled_from(["{}", '{"x": NaN}', '{"x": tru}', '{"x": [{}, {}]}', '{"x": "},{"}']),
        max_size=9,
    ),
    between=st.sampled_from([",", ", ", ",\n ", ",,"]),
    run=st.integers(4, 60),
)
def test_items_cut_in_runs_are_those_that_are_cut_one_by_one(texts, between, run):
    """Runs are an optimisation: also beside items that are not JSON, and within what
    looks like the end of one.
    """
    text = f'{{"a": [{between.join(texts)}]}}'.encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_items, "_RUN_BYTES", 0)
        one_by_one = list(map(repr, iterate_items(io.BytesIO(text), "a")))
        for size in (run, 1 << 16):
            patch.setattr(json_items, "_RUN_BYTES", size)
            assert list(map(repr, iterate_items(io.BytesIO(text), "a"))) == one_by_one


def test_many_small_values_are_passed_over_in_time_that_grows_with_them():
    many = b",".join(b'"%d": [0]' % number for number in range(20_000))
    text = b"{%b, %b}" % (many, b'"a": [{"x": 1}]')
    assert [item.value for item in iterate_items(io.BytesIO(text), "a")] == [{"x": 1}]


def test_an_item_that_is_not_json_does_not_end_the_list():
    text = b'\xef\xbb\xbf{"a": [{"x": NaN}, {"x": tru}, {"x": 1}]}'
    first, second, third = iterate_items(io.BytesIO(text), "a")
    assert isinstance(first.value, dict)
    assert math.isnan(first.value["x"])
    assert (second.value, second.fault.startswith("not JSON")) == (None, True)
    assert (third.value, third.place) == ({"x": 1}, "a[2]")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "empty"),
        (b'{"a": [{"x": 1}', "ends within"),
        (b'{"a": [1]} x', "something follows"),
        (b"text", "neither"),
        ("{}".encode("utf-16"), "not UTF-8"),
        (b'{"a": [}]}', "bracket too many"),
        (b"{]", "bracket too many"),
    ],
)
def test_a_file_that_is_not_json_is_named(text: bytes, why: str):
    with pytest.raises(ValueError, match=why):
        list(iterate_items(io.BytesIO(text), "a"))


def test_brackets_in_any_depth_do_not_take_time_that_grows_with_their_square():
    deep = (
        b'{"z": '
        + b"[" * 300_000
        + b"]" * 300_000
        + b', "a": ['
        + b"[" * 9000
        + b"]" * 9000
        + b"]}"
    )
    (item,) = iterate_items(io.BytesIO(deep), "a")
    assert item.fault


def test_an_item_that_would_fill_the_memory_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(json_items, "ITEM_BYTES_MAX", 1 << 16)
    monkeypatch.setattr(json_items, "_BLOCK_BYTES", 1 << 12)
    with pytest.raises(ValueError, match="larger than"):
        list(iterate_items(io.BytesIO(b'{"a": [{"x": "' + b"y" * 200_000 + b'"}]}'), "a"))
