"""The output of an import: whole, or not at all, and never taken for whole."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer.errors import OutputError, UsageError
from syncer.jobs.importing import output
from syncer.jobs.importing.output import cut_within_lines, spool_lines, write_whole


def is_whole(log: bytes) -> bool:
    """Whether a log seems to be at its end: its last line is one."""
    last = log.rpartition(b"\n")[2]
    try:
        return not last or json.loads(last) is not None
    except ValueError:
        return False


@given(st.lists(st.integers(0, 40), max_size=30), st.integers(8, 24))
def test_pieces_of_a_log_end_within_a_line_but_for_the_last(sizes: list[int], size: int) -> None:
    """Wrong: a push reads what came until the import was killed, and exits 0."""
    log = b"".join(b'{"a":"%s"}\n' % (b"x" * each) for each in sizes)
    pieces = list(cut_within_lines(io.BytesIO(log), size))
    assert b"".join(pieces) == log
    assert all(0 < len(piece) <= size for piece in pieces)
    for count in range(1, len(pieces)):
        assert not is_whole(b"".join(pieces[:count]))


def test_a_reader_that_went_away_is_not_a_lack_of_space() -> None:
    """Wrong: `import --out - | head` says that the lines cannot be kept in /tmp."""
    with pytest.raises(BrokenPipeError), spool_lines():
        raise BrokenPipeError


def test_what_a_killed_import_left_is_gone_after_the_next(tmp_path: Path) -> None:
    (tmp_path / ".o.jsonl.part").write_bytes(b"half of a li")
    with write_whole(tmp_path / "o.jsonl") as out:
        out.write(b"{}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["o.jsonl"]
    assert (tmp_path / "o.jsonl").read_bytes() == b"{}\n"


def test_two_imports_into_one_file_do_not_mix(tmp_path: Path) -> None:
    with (
        write_whole(tmp_path / "o") as out,
        pytest.raises(OutputError, match="being written by another import"),
        write_whole(tmp_path / "o"),
    ):
        out.write(b"1\n")
    assert (tmp_path / "o").read_bytes() == b""


def test_an_import_that_opened_the_file_of_one_that_ends_does_not_empty_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wrong: it locks what is in its place by then, and cuts it to nothing."""
    lock = output.files.fcntl.flock

    def lock_late(file: Any, how: int) -> None:
        monkeypatch.setattr(output.files.fcntl, "flock", lock)
        (tmp_path / ".o.part").replace(tmp_path / "o")
        (tmp_path / "o").write_bytes(b"whole\n")
        lock(file, how)

    monkeypatch.setattr(output.files.fcntl, "flock", lock_late)
    with pytest.raises(OutputError, match="being written by"), write_whole(tmp_path / "o"):
        pass
    assert (tmp_path / "o").read_bytes() == b"whole\n"


def test_the_file_of_another_import_is_not_removed_when_one_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wrong: it goes by a name that is the other's by then, whose labels are lost."""
    place = output.files.place

    def place_and_be_followed(source: Path, target: Path) -> bool:
        at_once = place(source, target)
        (tmp_path / ".o.part").write_bytes(b"of another")
        return at_once

    monkeypatch.setattr(output.files, "place", place_and_be_followed)
    with write_whole(tmp_path / "o"):
        pass
    assert (tmp_path / ".o.part").read_bytes() == b"of another"


def test_what_is_no_file_is_not_replaced_by_one(tmp_path: Path) -> None:
    """Wrong: after `--out /dev/null` of root there is a file where the device was."""
    os.mkfifo(tmp_path / "pipe")
    for path, why in ((tmp_path / "pipe", "not a file"), (tmp_path, "a folder")):
        with pytest.raises(UsageError, match=f"is {why}; name a file"), write_whole(path):
            pass
    assert (tmp_path / "pipe").is_fifo()
