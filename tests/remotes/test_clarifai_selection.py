"""What users name, as a selection."""

from __future__ import annotations

import pytest

from syncer.errors import UsageError
from syncer.remotes.clarifai.selection import inputs_or_pairs


def test_inputs_without_annotations_are_inputs() -> None:
    assert inputs_or_pairs(["i", "j"], []) == (("i", "j"), ())


def test_annotations_are_those_of_the_inputs_at_the_same_places() -> None:
    assert inputs_or_pairs(["i", "j"], ["a", "b"]) == ((), (("i", "a"), ("j", "b")))


def test_annotations_without_their_inputs_are_refused_by_the_names_that_users_know() -> None:
    with pytest.raises(UsageError, match="2 --pairs but 1 --input_ids"):
        inputs_or_pairs(["i"], ["a", "b"], lambda name: f"--{name}")
