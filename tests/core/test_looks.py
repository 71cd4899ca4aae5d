"""What becomes of a change after a look at what it was planned against."""

from __future__ import annotations

import pytest

from syncer.core.change import Change, Verb
from syncer.core.looks import explain_changed, is_fresh, judge_look

OLD, NEW = "0" * 32, "1" * 32


def change(verb: Verb) -> Change:
    return Change(0, 0, 1, verb, "i", "a", b"{}", expect=OLD)


@pytest.mark.parametrize("verb", ["merge", "overwrite", "remove"])
@pytest.mark.parametrize(
    ("digest", "shown", "step"),
    [
        (OLD, True, "applied"),
        (NEW, True, "applied"),
        (OLD, False, "send"),
        (NEW, False, "changed"),
        (None, False, "changed"),
    ],
)
def test_a_patch_goes_where_its_annotation_is_as_it_was(
    verb: Verb, digest: str | None, shown: bool, step: str
) -> None:
    assert judge_look(change(verb), digest, shown=shown) == step


@pytest.mark.parametrize(("digest", "step"), [(OLD, "send"), (NEW, "changed"), (None, "applied")])
def test_a_delete_goes_where_its_annotation_is_as_it_was(digest: str | None, step: str) -> None:
    assert judge_look(change("delete"), digest, shown=False) == step


def test_a_look_is_fresh_for_five_seconds() -> None:
    assert is_fresh(5.0, 0.1)
    assert not is_fresh(5.1, 0.1)


def test_where_requests_are_slower_than_that_a_look_is_fresh_until_they_can_go() -> None:
    assert is_fresh(39.0, 10.0)
    assert not is_fresh(41.0, 10.0)


@pytest.mark.parametrize("digest", [NEW, None])
def test_the_letter_says_what_to_do(digest: str | None) -> None:
    reason = explain_changed(digest)
    assert reason.startswith("changed since it was planned: ")
    assert "plan again" in reason
