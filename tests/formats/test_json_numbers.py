"""Numbers that JSON has not, on their way through a parser of JSON."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer.formats import json_numbers
from syncer.formats.json_numbers import OddNumbers, restore_numbers
from syncer.formats.pieces import PieceTooLarge

TEXTS = st.text(st.sampled_from('aN"\\ ,:[]{}1e9'), max_size=8) | st.just("NaN, Infinity")
VALUES = st.recursive(
    st.floats() | st.integers() | TEXTS | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def restore(value: Any) -> Any:
    match value:
        case str():
            return next(restore_numbers(iter([("string", value)])))[1]
        case list():
            return [restore(each) for each in value]
        case dict():
            return {key: restore(each) for key, each in value.items()}
    return value


@given(VALUES, st.integers(1, 9), st.integers(1, 9))
def test_what_a_parser_takes_is_what_python_wrote(value: Any, block: int, size: int) -> None:
    text = json.dumps([value, 1e300]).replace("1e+300", "-1E999")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_numbers, "BLOCK_BYTES", block)
        file = OddNumbers(io.BytesIO(text.encode()), 1 << 20)
        found = b"".join(iter(lambda: file.read(size), b""))

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    assert repr(restore(json.loads(found, parse_constant=refuse))) == repr(json.loads(text))


def test_a_text_without_end_does_not_fill_the_memory() -> None:
    file = OddNumbers(io.BytesIO(b'["' + b"a" * 300_000), 1 << 16)
    with pytest.raises(PieceTooLarge):
        list(iter(file.read, b""))
