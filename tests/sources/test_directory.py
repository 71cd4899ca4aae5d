"""A folder of wishes: which changes follow from what happens to its files, and that
nothing is removed that may be there.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from syncer.core.deletions import MaxDelete
from syncer.errors import SyncerError
from syncer.sources import wish_scan
from syncer.sources.asked import AskedWishes
from syncer.sources.lines import LineOptions
from syncer.sources.wish_scan import MARKER, FolderRules, TooManyDeletions, WishScan
from tests.support.names import noted_names

REMOVAL_SECONDS = 60.0


def annotation(id: str | None, value: float = 1) -> dict[str, object]:
    concepts = [{"id": "tree", "value": value}]
    return {**({"id": id} if id else {}), "data": {"concepts": concepts}}


class Bench:
    """A folder, and the looks of processes at it."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "wanted"
        self.folder.mkdir()
        self.database = root / "state" / "labels.db"
        self.now = 0.0
        self.max_delete = MaxDelete.parse("50%")
        self.scan: WishScan
        self.asked: AskedWishes
        self.open()

    def open(self) -> None:
        self.asked = AskedWishes(self.database)
        rules = FolderRules(self.folder, self.max_delete, REMOVAL_SECONDS, marker=True)
        self.scan = WishScan(rules, self.asked, LineOptions())

    def restart(self) -> None:
        self.asked.close()
        self.now = 0.0
        self.open()

    def write(self, name: str, input_id: str, *annotations: dict[str, object]) -> None:
        self.put(name, json.dumps({"input_id": input_id, "annotations": annotations}))

    def put(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        old = time.time() - 1000 + self.now  # so that it is not racy
        os.utime(path, (old, old))

    def look(self, after: float = 1.0) -> list[str]:
        """Look after some seconds; what follows, each as `op id`."""
        self.now += after
        count = len(self.rows())
        self.scan.look(self.now)
        return self.rows()[count:]

    def rows(self) -> list[str]:
        with closing(sqlite3.connect(self.database)) as connection:
            lines = [row[0] for row in connection.execute("select change from changes order by id")]
        changes = [json.loads(line) for line in lines]
        return [
            f"{change['op']} {change['annotation']['input_id']}/{change['annotation']['id']}"
            for change in changes
        ]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.asked.close()


def test_looking_again_leaves_the_table_of_the_interpreters_names_alone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A daemon looks ten times a second, for months."""
    for number in range(3):
        bench.write(f"site/{number}.json", f"i{number}", annotation("a"))
    bench.look()
    named = noted_names(monkeypatch)
    bench.look()
    assert named == []


def test_what_is_new_is_posted_what_differs_is_patched_and_the_rest_left_alone(
    bench: Bench,
) -> None:
    bench.write("x.json", "i", annotation("a"), annotation("b"))
    assert bench.look() == ["post i/a", "post i/b"]
    assert bench.look() == []
    bench.write("x.json", "i", annotation("a"), annotation("b", 0), annotation("c"))
    assert bench.look() == ["patch i/b", "post i/c"]
    bench.restart()
    assert bench.look() == []
    bench.write("deep/y.json", "j", annotation("d"))
    assert bench.look() == ["post j/d"]


def test_what_is_missing_in_a_readable_file_goes_once_two_looks_far_apart_have_seen_it(
    bench: Bench,
) -> None:
    bench.write("x.json", "i", annotation("a"), annotation("b"))
    bench.look()
    bench.write("x.json", "i", annotation("a"))
    assert bench.look() == []
    assert bench.look(REMOVAL_SECONDS - 1) == []
    assert bench.look() == ["delete i/b"]
    assert bench.look(REMOVAL_SECONDS) == []


def test_what_comes_back_in_time_stays_and_the_time_begins_anew(bench: Bench) -> None:
    bench.write("x.json", "i", annotation("a"), annotation("b"))
    bench.look()
    bench.write("x.json", "i", annotation("a"))
    bench.look()
    bench.look(REMOVAL_SECONDS - 5)
    bench.write("x.json", "i", annotation("a"), annotation("b"))
    assert bench.look() == []
    bench.write("x.json", "i", annotation("a"))
    assert bench.look() == []
    assert bench.look(REMOVAL_SECONDS - 1) == []
    assert bench.look(2) == ["delete i/b"]


def test_a_file_that_is_gone_goes_also_over_a_restart(bench: Bench) -> None:
    bench.write("x.json", "i", annotation("a"))
    bench.write("y.json", "j", annotation("b"), annotation("c"))
    bench.look()
    (bench.folder / "y.json").unlink()
    bench.write("x.json", "i")
    assert bench.look() == []
    bench.restart()
    assert bench.look() == []
    assert bench.look(REMOVAL_SECONDS + 1) == ["delete i/a", "delete j/b", "delete j/c"]


def test_another_name_for_the_file_of_an_input_is_one_change(bench: Bench) -> None:
    bench.write("x.json", "i", annotation("a"), annotation("b"))
    bench.look()
    (bench.folder / "x.json").rename(bench.folder / "z.json")
    bench.write("z.json", "i", annotation("a"), annotation("b", 0))
    assert bench.look() == ["patch i/b"]
    assert bench.look(2 * REMOVAL_SECONDS) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty"),
        ('{"input_id":"i","annotations":[{"id":"a"', "it is not JSON, or not whole yet"),
        ('{"input_id":"i","annotations":[{"id":"a"},{"id":""}]}', 'annotation 2: "id" must be'),
        ('{"input_id":"i","annotations":[{"id":"a"},{"id":"a"}]}', "is there twice"),
        ('{"input_id":"i","annotations":[{"input_id":"j"}]}', "it is of another input"),
        ('{"input_id":"i","annotations":[{"op":"post"}]}', "it is a change"),
        ('{"input_id":"i","annotations":{}}', "it is not of the form"),
        ("[]", "it is not of the form"),
    ],
)
def test_a_file_that_cannot_be_acted_on_is_parked_and_is_never_a_removal(
    bench: Bench, text: str, why: str
) -> None:
    bench.write("x.json", "i", annotation("a"), annotation("b"))
    bench.write("y.json", "j", annotation("c"))
    bench.look()
    bench.put("x.json", text)
    assert bench.look() == []
    assert bench.look(100 * REMOVAL_SECONDS) == []
    assert why in bench.scan.faults["x.json"]
    bench.write("x.json", "i", annotation("a"))
    assert bench.look() == []
    assert bench.look(REMOVAL_SECONDS + 1) == ["delete i/b"]
    assert bench.scan.faults == {}


def test_while_a_new_file_cannot_be_read_no_other_one_counts_as_gone(bench: Bench) -> None:
    """It may be the one that was renamed."""
    bench.write("x.json", "i", annotation("a"))
    bench.look()
    (bench.folder / "x.json").unlink()
    bench.put("z.json", '{"input_id": "i", "annot')
    assert bench.look() == []
    assert bench.look(100 * REMOVAL_SECONDS) == []
    bench.write("z.json", "i", annotation("a"))
    assert bench.look(REMOVAL_SECONDS) == []
    assert bench.look(REMOVAL_SECONDS) == []


def test_an_input_that_two_files_name_is_parked_until_one_of_them_is_gone(bench: Bench) -> None:
    bench.write("x.json", "i", annotation("a"))
    bench.look()
    bench.write("y.json", "i", annotation("b"))
    assert bench.look() == []
    assert bench.look(100 * REMOVAL_SECONDS) == []
    assert bench.scan.faults == {
        "x.json": "it names the input of y.json as well",
        "y.json": "it names the input of x.json as well",
    }
    (bench.folder / "x.json").unlink()
    assert bench.look() == ["post i/b"]
    assert bench.look(REMOVAL_SECONDS + 1) == ["delete i/a"]


def test_ids_are_made_from_content_and_number_among_equals(bench: Bench) -> None:
    bench.write("x.json", "i", annotation(None), annotation(None), annotation(None, 0))
    first = bench.look()
    assert len(set(first)) == 3
    bench.write("x.json", "i", annotation(None, 0), annotation(None), annotation(None))
    assert bench.look() == []


def test_a_folder_that_is_not_there_empty_or_another_one_is_parked(bench: Bench) -> None:
    bench.write("x.json", "i", annotation("a"))
    bench.look()
    aside = bench.folder.rename(bench.folder.with_name("aside"))
    with pytest.raises(SyncerError, match="cannot be read"):
        bench.look(100 * REMOVAL_SECONDS)
    bench.folder.mkdir()
    with pytest.raises(SyncerError, match="has lost its"):
        bench.look(100 * REMOVAL_SECONDS)
    (bench.folder / MARKER).write_text("another")
    with pytest.raises(SyncerError, match="is another one"):
        bench.look(100 * REMOVAL_SECONDS)
    (bench.folder / MARKER).unlink()
    bench.folder.rmdir()
    aside.rename(bench.folder)
    assert bench.look() == []


def test_a_folder_within_that_cannot_be_read_makes_the_whole_look_void(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.write("deep/x.json", "i", annotation("a"))
    bench.write("y.json", "j", annotation("b"))
    bench.look()
    scandir = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("deep"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(SyncerError, match="deep cannot be read: Permission denied"):
        bench.look(100 * REMOVAL_SECONDS)
    monkeypatch.undo()
    assert bench.look(100 * REMOVAL_SECONDS) == []


def test_a_link_that_leads_nowhere_is_parked_and_no_removal(bench: Bench) -> None:
    bench.write("x.json", "i", annotation("a"))
    bench.look()
    (bench.folder / "x.json").rename(bench.folder.with_name("x.json"))
    (bench.folder / "x.json").symlink_to("nowhere")
    assert bench.look() == []
    assert bench.look(100 * REMOVAL_SECONDS) == []
    assert "cannot be read" in bench.scan.faults["x.json"]


def test_more_deletions_than_may_go_wait_until_exactly_these_are_let_go(bench: Bench) -> None:
    for n in range(20):
        bench.write(f"{n}.json", f"i{n}", annotation("a"))
    bench.look()
    for n in range(15):
        (bench.folder / f"{n}.json").unlink()
    bench.write("new.json", "j", annotation("b"))
    assert bench.look() == ["post j/b"]
    with pytest.raises(TooManyDeletions, match="15 of 21 annotations are missing") as raised:
        bench.look(REMOVAL_SECONDS + 1)
    assert raised.value.count == 15
    bench.scan.allowed = 14
    with pytest.raises(TooManyDeletions):
        bench.look()
    bench.scan.allowed = 15
    assert len(bench.look()) == 15
    assert bench.look(2 * REMOVAL_SECONDS) == []


def test_under_a_share_nine_may_always_go_and_a_number_binds_at_once(bench: Bench) -> None:
    bench.max_delete = MaxDelete.parse("2")
    bench.restart()
    bench.write("x.json", "i", *(annotation(f"a{n}") for n in range(3)))
    bench.look()
    bench.write("x.json", "i")
    bench.look()
    with pytest.raises(TooManyDeletions):
        bench.look(REMOVAL_SECONDS + 1)
    bench.max_delete = MaxDelete.parse("1%")
    bench.restart()
    bench.look()
    assert len(bench.look(REMOVAL_SECONDS + 1)) == 3


def test_a_file_that_was_written_just_now_is_read_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another write may leave its times as they are."""
    bench.write("x.json", "i", annotation("a"))
    path = bench.folder / "x.json"
    now = time.time_ns()
    os.utime(path, ns=(now, now))
    monkeypatch.setattr(wish_scan.time, "time_ns", lambda: now + 1_000_000)
    bench.look()
    size = path.stat().st_size
    path.write_text(path.read_text().replace('"value": 1', '"value": 0'))
    os.utime(path, ns=(now, now))
    assert path.stat().st_size == size
    assert bench.look() == ["patch i/a"]


def test_hidden_files_and_those_with_other_endings_are_left_alone(bench: Bench) -> None:
    for name in (".x.json", "x.json~", "x.jsonl", ".x.json.swp", "x.tmp"):
        bench.put(name, "{")
    assert bench.look() == []
    assert bench.scan.faults == {}
