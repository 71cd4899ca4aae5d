"""From what was asked to what is wanted: applied to the one, the changes give the
other.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from syncer.core.wanted import ChangeLine, WantedLabel, find_changes
from syncer.emulator.clarifai.patching import apply_patch

VALUES = st.one_of(
    st.lists(st.fixed_dictionaries({"id": st.sampled_from("ab"), "value": st.integers(0, 2)})),
    st.dictionaries(
        st.sampled_from(("regions", "concepts")), st.lists(st.integers(0, 2)), max_size=2
    ),
    st.sampled_from(("t-1", "t-2")),
)
WISHES = st.dictionaries(st.sampled_from(("data", "annotation_info", "task_id")), VALUES)
SWITCHES = {"region-merge": "replace", "remove-without-ids": "append"}


def apply(wish: WantedLabel | None, changes: list[ChangeLine]) -> Any:
    """What a service makes of these changes."""
    held: Any = None if wish is None else dict(wish)
    for change in changes:
        annotation = change["annotation"]
        assert isinstance(annotation, dict)
        sent = {name: value for name, value in annotation.items() if name not in ("id", "input_id")}
        match change["op"]:
            case "post":
                assert held is None, "a post of what is there"
                held = sent
            case "delete":
                assert held is not None
                held = None
            case _:
                held = apply_patch(held, sent, "overwrite", SWITCHES)
    return held


def full(wish: Any) -> Any:
    """Without what is empty: it says nothing."""
    return wish if wish is None else {name: value for name, value in wish.items() if value}


@given(st.none() | WISHES, st.none() | WISHES)
def test_the_changes_make_of_what_was_asked_what_is_wanted(
    asked: WantedLabel | None, wanted: WantedLabel | None
) -> None:
    changes = find_changes("i", "a", asked, wanted)
    assert full(apply(asked, changes)) == full(wanted)
    assert find_changes("i", "a", wanted, wanted) == []


def test_only_what_differs_is_sent_and_what_is_gone_is_made_empty() -> None:
    asked = {"data": {"concepts": [1]}, "annotation_info": {"by": "x"}, "task_id": "t"}
    assert find_changes("i", "a", asked, {"data": {"concepts": [2]}, "task_id": "t"}) == [
        {
            "op": "patch",
            "action": "overwrite",
            "annotation": {
                "id": "a",
                "input_id": "i",
                "annotation_info": {},
                "data": {"concepts": [2]},
            },
        }
    ]


def test_what_has_no_empty_form_is_deleted_and_posted_again() -> None:
    changes = find_changes("i", "a", {"task_id": "t"}, {"data": {}})
    assert [change["op"] for change in changes] == ["delete", "post"]
