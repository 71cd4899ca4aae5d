"""The form of a token."""

from __future__ import annotations

import pytest

from syncer.core.token import is_token


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("0123456789abcdef-_.~+/=", True),
        ("", False),
        (" ", False),
        ("two words", False),
        ("line\n", False),
        ("tab\t", False),
        ("\x7f", False),
        ("schlüssel", False),
    ],
)
def test_a_token_is_one_word_of_ascii_that_a_header_can_hold(text: str, is_one: bool) -> None:
    assert is_token(text) is is_one
