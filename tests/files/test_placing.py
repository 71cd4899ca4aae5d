"""Files that are put into their places: renamed, or copied from another file system;
and what is lacking told from what fails.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncer import files


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A folder on another file system than that of `tmp_path`: memory."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, elsewhere: Path) -> None:
    assert tmp_path.stat().st_dev != elsewhere.stat().st_dev, (
        "these tests need /dev/shm to be a file system of its own"
    )


def named(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("older", [None, b"older and longer"])
def test_a_file_is_placed_on_its_own_file_system_and_on_another_at_once(
    older: bytes | None, tmp_path: Path, elsewhere: Path
) -> None:
    for target in (tmp_path / "in" / "out", elsewhere / "out"):
        target.parent.mkdir(exist_ok=True)
        source = tmp_path / "source"
        source.write_bytes(b"content")
        if older is not None:
            target.write_bytes(older)
        assert files.place(source, target)
        assert target.read_bytes() == b"content"
        assert not source.exists()
        assert named(target.parent) == ["out"]


def test_a_new_file_is_put_where_there_is_none_and_nothing_is_replaced(
    tmp_path: Path, elsewhere: Path
) -> None:
    for folder in (tmp_path / "in", elsewhere):
        folder.mkdir(exist_ok=True)
        source = tmp_path / "source"
        source.write_bytes(b"content")
        assert files.put_new(source, folder / "out")
        assert (folder / "out").read_bytes() == b"content"
        source.unlink()
        source.write_bytes(b"other")
        with pytest.raises(FileExistsError):
            files.put_new(source, folder / "out")
        assert (folder / "out").read_bytes() == b"content"
        assert named(folder) == ["out"]


@pytest.mark.parametrize(
    ("size", "copied"),
    [
        (None, 5_000_000),
        (0, 0),
        (1, 1),
        (1 << 20, 1 << 20),
        ((1 << 20) + 1, (1 << 20) + 1),
        (9_000_000, 5_000_000),
    ],
)
def test_the_first_bytes_of_a_file_are_copied(
    size: int | None, copied: int, tmp_path: Path, elsewhere: Path
) -> None:
    content = os.urandom(5_000_000)
    (tmp_path / "source").write_bytes(content)
    files.copy(tmp_path / "source", elsewhere / "copy", size)
    assert (elsewhere / "copy").read_bytes() == content[:copied]


def test_links_are_tried_and_leave_nothing(tmp_path: Path) -> None:
    assert files.links(tmp_path)
    assert named(tmp_path) == []
    with pytest.raises(FileNotFoundError):
        files.links(tmp_path / "nowhere")


def test_a_failure_that_is_none_of_the_file_systems_is_not_hidden(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"content")
    with pytest.raises(NotADirectoryError):
        files.place(tmp_path / "source", tmp_path / "source" / "out")
    with pytest.raises(FileNotFoundError):
        files.put_new(tmp_path / "source", tmp_path / "nowhere" / "out")
    with pytest.raises(FileNotFoundError):
        files.sync(tmp_path / "nowhere")
    assert (tmp_path / "source").read_bytes() == b"content"


def test_what_is_lacking_is_told_with_the_file_and_the_way_out(tmp_path: Path) -> None:
    lacking = OSError(errno.EOPNOTSUPP, "x")
    with (tmp_path / "journal").open("w") as file:
        unable = files.explain(lacking, "append to a file", file.fileno(), ". Go elsewhere")
    assert isinstance(unable, files.Unable)
    assert unable.what == "append to a file"
    assert (
        files.why(unable)
        == f"its file system cannot append to a file ({tmp_path}/journal: Operation not supported)."
        " Go elsewhere"
    )
    full = OSError(errno.ENOSPC, "x")
    assert files.explain(full, "append to a file", tmp_path) is full
    assert files.why(full) == "No space left on device"
    assert "(a file: " in str(files.why(files.explain(lacking, "append to a file", 10_000)))


def test_a_folder_or_a_file_whose_sync_fails_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no such call there is nothing to be asked for; where it fails,
    something is not on the disk.
    """

    def fails(number: int) -> None:
        def fsync(descriptor: int) -> None:
            raise OSError(number, "x")

        monkeypatch.setattr(os, "fsync", fsync)

    for number in (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS):
        fails(number)
        files.sync(tmp_path)
    for number in (errno.EIO, errno.ENOSPC, errno.EROFS):
        fails(number)
        with pytest.raises(OSError, match=f"Errno {number}"):
            files.sync(tmp_path)


def test_a_file_is_written_whole_or_left_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "target"
    files.write(target, b"first")

    def fail(_: Path) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(files, "sync", fail)
    with pytest.raises(OSError, match="no space"):
        files.write(target, b"second")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("target", b"first")]
