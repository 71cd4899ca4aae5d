"""How many annotations one look at the wanted state may delete."""

from __future__ import annotations

import pytest

from syncer.core.deletions import MaxDelete


@pytest.mark.parametrize(
    ("bound", "deletions", "of", "allowed"),
    [
        ("50%", 50, 100, True),
        ("50%", 51, 100, False),
        ("50%", 10, 20, True),
        ("50%", 10, 19, False),
        ("0.5%", 10, 2000, True),
        ("0.5%", 11, 2000, False),
        ("33.3%", 333, 1000, True),
        ("100%", 5000, 5000, True),
    ],
)
def test_a_share_allows_what_is_not_more_than_it(
    bound: str, deletions: int, of: int, *, allowed: bool
) -> None:
    assert MaxDelete.parse(bound).allows(deletions, of=of) is allowed


@pytest.mark.parametrize("bound", ["0%", "1%", "50%"])
def test_nine_may_always_go_under_a_share_and_the_tenth_is_asked(bound: str) -> None:
    parsed = MaxDelete.parse(bound)
    assert parsed.allows(9, of=9)
    assert not parsed.allows(10, of=10)


@pytest.mark.parametrize(
    ("bound", "deletions", "allowed"),
    [("0", 0, True), ("0", 1, False), ("3", 3, True), ("3", 4, False), ("200", 200, True)],
)
def test_a_number_binds_at_once_however_many_there_are(
    bound: str, deletions: int, *, allowed: bool
) -> None:
    assert MaxDelete.parse(bound).allows(deletions, of=10**6) is allowed


@pytest.mark.parametrize(
    "text", ["", "%", "-1", "-1%", "1.5", "50 %", "½", "٣", "1e3", "50%%", ".5%", "9" * 19]
)
def test_what_is_neither_a_number_nor_a_share_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match=r"^is neither a whole number nor a share$"):
        MaxDelete.parse(text)


def test_more_than_all_is_not_a_share() -> None:
    with pytest.raises(ValueError, match="more than 100%"):
        MaxDelete.parse("100.1%")


@pytest.mark.parametrize("text", ["50%", "0.5%", "12"])
def test_a_bound_is_shown_as_it_was_written(text: str) -> None:
    assert str(MaxDelete.parse(text)) == text
