"""What a log's identity says of it."""

from __future__ import annotations

import pytest

from syncer.core.change import LogIdentity


@pytest.mark.parametrize(
    ("path", "is_file"),
    [("/logs/a.jsonl", True), ("a.jsonl", True), ("source:table", False), ("inbox:http", False)],
)
def test_a_log_is_a_file_unless_it_has_a_name_in_the_place_of_its_path(
    path: str, is_file: bool
) -> None:
    assert LogIdentity(path, "label", "head", 0, 0, 0, 0).is_file == is_file
