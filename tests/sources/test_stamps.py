"""What the file system says of a file: when it was created, too, where it knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncer.sources.stamps import stamp_of, stamp_of_open
from tests.support.names import noted_names


def test_a_file_was_created_when_it_was_created_however_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.touch(exist_ok=False)
    first = stamp_of(str(path))
    assert first is not None
    assert first.birth_ns in (0, first.mtime_ns), "0: this file system does not say"
    path.write_bytes(b"{}\n")
    again = stamp_of(str(path))
    assert again is not None
    with path.open("rb") as file:
        assert again == stamp_of_open(file)
    assert (again.birth_ns, again.size) == (first.birth_ns, 3)


def test_a_path_that_is_asked_for_enters_no_table_of_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.jsonl"
    path.touch()
    named = noted_names(monkeypatch)
    assert stamp_of(str(path)) is not None
    assert named == []
