"""Bodies by their keys, however many there are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from syncer.sources.body import LineFault
from syncer.sources.body_index import BodyIndex, KnownBody, Receipt


@pytest.fixture(params=["a file", "memory"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BodyIndex]:
    with closing(BodyIndex(tmp_path / "index" if request.param == "a file" else None)) as made:
        yield made


def body(key: int, at: float = 0.0, accepted: int = 1) -> KnownBody:
    return KnownBody(f"{key:032x}", "b" * 32, at, Receipt(accepted, (LineFault(3, "is bad"),)))


def test_a_body_is_found_as_it_was_put(index: BodyIndex) -> None:
    index.put(body(1, 0.1))
    assert index.find(body(1).key) == body(1, 0.1)
    assert index.find(body(2).key) is None


def test_the_oldest_is_the_one_that_was_put_first_and_one_that_comes_again_is_the_last(
    index: BodyIndex,
) -> None:
    for key in (1, 2, 1):
        index.put(body(key))
    assert (index.count, index.oldest()) == (2, body(2))
    index.remove(body(2).key)
    assert (index.count, index.oldest()) == (1, body(1))
    index.remove(body(1).key)
    assert (index.count, index.oldest()) == (0, None)


def test_the_file_has_no_name_so_that_nothing_stays_of_a_process_that_is_gone(
    tmp_path: Path,
) -> None:
    (tmp_path / "index").write_bytes(b"of a process that was killed before it took the name away")
    with closing(BodyIndex(tmp_path / "index")) as index:
        index.put(body(1))
        assert list(tmp_path.iterdir()) == []


def test_on_a_full_disk_what_was_taken_is_known_and_written_once_there_is_room(
    tmp_path: Path,
) -> None:
    with closing(BodyIndex(tmp_path / "index")) as index:
        index._db.execute("pragma max_page_count = 4")
        for key in range(200):
            index.put(body(key))
        assert index.count < 200
        assert all(index.find(body(key).key) is not None for key in range(200))
        index._db.execute("pragma max_page_count = 4000")
        index.put(body(200))
        assert index.count == 201
        assert not index._unwritten
