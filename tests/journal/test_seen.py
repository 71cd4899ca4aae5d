"""The keys of a pull, looked at from outside, and where they cannot be kept at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncer.errors import StateError
from syncer.journal.seen import SEEN_FILE, Seen, check


def test_a_folder_in_which_no_keys_can_be_kept_is_named(tmp_path: Path) -> None:
    with pytest.raises(StateError, match=r"seen\.sqlite cannot be used"):
        Seen(tmp_path / "missing", 0)


def test_a_check_finds_whole_keys_whole_and_asks_for_none_before_the_first_page(
    tmp_path: Path,
) -> None:
    assert check(tmp_path, 0) is None
    keys = Seen(tmp_path, 0)
    keys.fresh([("i", "a"), ("i", "b")], 0)
    keys.close()
    assert check(tmp_path, 1) is None
    assert check(tmp_path, 0) is None


def test_a_page_that_was_forgotten_is_not_known_any_more_even_if_it_brought_no_new_key(
    tmp_path: Path,
) -> None:
    keys = Seen(tmp_path, 0)
    for page in range(2):
        keys.fresh([("i", "a")], page)
    keys.close()
    Seen(tmp_path, 1).close()
    assert check(tmp_path, 1) is None
    assert check(tmp_path, 2) is not None


def test_a_check_leaves_alone_what_is_not_there(tmp_path: Path) -> None:
    """A pull whose lists do not repeat themselves keeps no keys; where they are needed,
    its start says that they are missing.
    """
    assert check(tmp_path, 3) is None
    assert not (tmp_path / SEEN_FILE).exists()


def test_a_check_names_keys_of_fewer_pages_than_were_noted_and_a_file_that_is_no_database(
    tmp_path: Path,
) -> None:
    keys = Seen(tmp_path, 0)
    keys.fresh([("i", "a")], 0)
    keys.close()
    fewer = check(tmp_path, 2)
    assert fewer is not None
    assert "the first 2 pages fail their checksum" in str(fewer.error())
    (tmp_path / SEEN_FILE).write_bytes(b"not a database, " * 100)
    other = check(tmp_path, 2)
    assert other is not None
    assert "file is not a database" in str(other.error())
    assert check(tmp_path, 0) is None
