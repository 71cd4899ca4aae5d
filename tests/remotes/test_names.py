"""Names and answers that both remotes read in the same way: what can stand in a path,
and what a missing answer means.
"""

from __future__ import annotations

import pytest

from syncer.core.outcome import Failed, Halt
from syncer.core.ports.wire import NoReply
from syncer.remotes.clarifai.selection import Selection
from syncer.remotes.clarifai.selection import fault as clarifai_fault
from syncer.remotes.paths import describe_change, segment, unfit_for_path
from syncer.remotes.replies import no_reply, one_line


@pytest.mark.parametrize("name", ["", ".", "..", "a/..", "../a", "a//b", "a\\.", "/a", "a/"])
def test_a_name_that_may_mean_another_place_cannot_stand_in_a_path(name: str) -> None:
    why = unfit_for_path(name)
    assert why is not None
    assert repr(name) in why or "empty name" in why


@pytest.mark.parametrize("name", ["a", "...", ".a", "a.", "a/b", "ä ö", "%2e%2e", "a\nb"])
def test_every_other_name_can_and_is_written_with_each_sign_quoted(name: str) -> None:
    assert unfit_for_path(name) is None
    assert "/" not in segment(name)


@pytest.mark.parametrize(
    ("names", "sign"),
    [(("a", "b/c"), "'/'"), (("a%b",), "'%'"), (("a\nb",), "'\\n'"), (("a", "ä b"), "")],
)
def test_of_names_that_are_not_found_the_sign_is_told_that_may_have_been_changed(
    names: tuple[str, ...], sign: str
) -> None:
    told = describe_change(*names)
    assert told.startswith(f" ({sign} in a name") if sign else told == ""


def test_an_address_that_can_never_answer_stops_and_any_other_silence_is_tried_again() -> None:
    assert no_reply(NoReply("no such host", sent=False, cause="never")) == Halt(
        "no such host", kind="address"
    )
    assert no_reply(NoReply("reset", sent=True)) == Failed(
        "reset", in_doubt=True, unreachable=False
    )
    assert no_reply(NoReply("refused", sent=False)) == Failed(
        "refused", in_doubt=False, unreachable=True
    )


def test_what_a_service_says_is_one_short_line_without_signatures() -> None:
    assert (
        one_line("see\n https://s/o.json?sig=secret now\x1b[0m") == "see https://s/o.json?… now�[0m"
    )
    assert len(one_line("x" * 1000)) == 300


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"dataset_id": ".."}, "dataset_id: the path of a URL cannot hold '..'"),
        ({"dataset_id": "\udc80"}, "dataset_id is "),
        ({"dataset_id": 7}, "must be a string"),
        ({"with_inputs": "yes"}, "must be a bool"),
        ({"input_ids": ("a", "")}, "must be a tuple of ids"),
        ({"pairs": (("a",),)}, "must be a tuple of pairs of ids"),
    ],
)
def test_a_selection_that_means_nothing_is_told(given: dict[str, object], why: str) -> None:
    assert why in (clarifai_fault(Selection(**given)) or "")  # type: ignore[arg-type]
