"""What every output of a pull promises: each row is there once and in its place,
whatever stopped the run and wherever.
"""

from __future__ import annotations

import os
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from syncer.core.ports.pull import Row
from syncer.errors import OutputError, SyncerError
from tests.sinks.made import KINDS, Kind, annotation, pages, pull, row, write
from tests.sinks.power import PowerFailure, Synced, lay, power_fails_at

of_every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def rows(some: list[list[Row]]) -> list[Row]:
    """The rows of all pages."""
    return [row for page in some for row in page]


@of_every_kind
def test_every_row_is_there_once_in_order_with_its_values(kind: Kind, tmp_path: Path) -> None:
    """Pages of many rows, of one, and of none."""
    some = [*pages(3), [], [row(annotation(1000))]]
    pull(kind.sink(tmp_path), some)
    assert kind.same(rows(some), tmp_path)


@of_every_kind
def test_nothing_but_the_output_is_left_behind(kind: Kind, tmp_path: Path) -> None:
    """No part, no spool, no marker, and no file for a page without rows."""
    pull(kind.sink(tmp_path), [[], *pages(2), [], pages(3)[2]])
    assert [kind.name.rstrip("/")] == [path.name for path in tmp_path.iterdir()]
    if kind.name == "out/":
        assert {f"part-0000000{number}.parquet" for number in range(3)} == {
            path.name for path in (tmp_path / "out").iterdir()
        }


@of_every_kind
def test_a_pull_is_taken_up_behind_every_page(kind: Kind, tmp_path: Path) -> None:
    """By another process, from nothing but the position; also after a rowless page."""
    some = [[], *pages(3)]
    for done in range(5):
        folder = tmp_path / str(done)
        folder.mkdir()
        position = write(kind.sink(folder), some[:done])
        position = write(kind.sink(folder), some[done:], position, first=done)
        sink = kind.sink(folder)
        sink.open(position)
        sink.close()
        assert kind.same(rows(some), folder)


@of_every_kind
def test_a_page_that_was_written_but_not_acknowledged_is_there_once(
    kind: Kind, tmp_path: Path
) -> None:
    """A crash came between page and checkpoint, so that the page is written again."""
    some = pages(3)
    acknowledged = write(kind.sink(tmp_path), some[:1])
    write(kind.sink(tmp_path), some[1:2], acknowledged, first=1)
    sink = kind.sink(tmp_path)
    sink.open(acknowledged)
    for number in (1, 2):
        sink.write(number, some[number])
    sink.close()
    assert kind.same(rows(some), tmp_path)


@of_every_kind
def test_a_page_that_was_not_acknowledged_may_come_back_as_another(
    kind: Kind, tmp_path: Path
) -> None:
    """The remote changed meanwhile, or its list is read in other parts: twice the run
    stops, before and behind that page.
    """
    some = pages(4)
    acknowledged = write(kind.sink(tmp_path), some[:2])
    for lost in ([some[2], some[3]], [some[3]], []):
        write(kind.sink(tmp_path), lost, acknowledged, first=2)
    other = [[row(annotation(number, task_id="other"))] for number in range(700, 702)]
    sink = kind.sink(tmp_path)
    sink.open(acknowledged)
    for number, page in enumerate(other, 2):
        sink.write(number, page)
    sink.close()
    assert kind.same(rows([*some[:2], *other]), tmp_path)


@of_every_kind
def test_a_page_that_was_not_acknowledged_and_does_not_come_back_is_gone(
    kind: Kind, tmp_path: Path
) -> None:
    """What it held was deleted at the remote."""
    some = pages(3)
    acknowledged = write(kind.sink(tmp_path), some[:2])
    write(kind.sink(tmp_path), some[2:], acknowledged, first=2)
    sink = kind.sink(tmp_path)
    sink.open(acknowledged)
    sink.close()
    assert kind.same(rows(some[:2]), tmp_path)


@of_every_kind
def test_a_first_page_that_was_not_acknowledged_is_there_once(kind: Kind, tmp_path: Path) -> None:
    """There is no position yet: the pull begins anew."""
    write(kind.sink(tmp_path), pages(2))
    some = pages(3)
    pull(kind.sink(tmp_path), some)
    assert kind.same(rows(some), tmp_path)


@of_every_kind
def test_what_was_torn_behind_the_position_is_cut_off(kind: Kind, tmp_path: Path) -> None:
    """A page that was being written when the power failed."""
    some = pages(3)
    position = write(kind.sink(tmp_path), some[:2])
    unfinished = tmp_path / kind.in_progress
    if unfinished.is_dir():
        for name in ("part-00000002.parquet", "part-00000002.new"):
            (unfinished / name).write_bytes(b"PAR1 torn")
    else:
        with unfinished.open("ab") as file:
            file.write(b'{"id":"torn')
    sink = kind.sink(tmp_path)
    sink.open(position)
    sink.write(2, some[2])
    sink.close()
    assert kind.same(rows(some), tmp_path)


@of_every_kind
def test_an_empty_result_is_a_valid_output(kind: Kind, tmp_path: Path) -> None:
    """With its columns, where the form has any."""
    pull(kind.sink(tmp_path), [])
    assert kind.same([], tmp_path)


@of_every_kind
def test_an_older_output_stays_whole_until_the_new_one_is(kind: Kind, tmp_path: Path) -> None:
    """Also one of more pages than the new one has."""
    older, newer = pages(4), [[row(annotation(9000 + number))] for number in range(2)]
    pull(kind.sink(tmp_path), older)
    position = write(kind.sink(tmp_path), newer)
    assert kind.same(rows(older), tmp_path)
    sink = kind.sink(tmp_path)
    sink.open(position)
    sink.close()
    assert kind.same(rows(newer), tmp_path)


@of_every_kind
def test_an_output_that_was_made_whole_is_not_made_again(kind: Kind, tmp_path: Path) -> None:
    """A crash came between `close` and the note that it was done."""
    some = pages(3)
    position = write(kind.sink(tmp_path), some)
    for _ in range(3):
        sink = kind.sink(tmp_path)
        sink.open(position)
        sink.close()
    assert kind.same(rows(some), tmp_path)


# --- crashes --------------------------------------------------------------------------


class Crash(BaseException):
    """The process is no more."""


@contextmanager
def crash_at(operation: int, patch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Nothing reaches the disk from this operation on; of a write, half does.

    The list is what was done before.
    """
    done: list[str] = []

    def dying(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if len(done) == operation and name == "write" and done[-1] != "dead":
                done.append("dead")
                real(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
            if len(done) >= operation:
                raise Crash
            done.append(name)
            return real(*arguments, **options)

        return call

    with patch.context() as patched:
        for name in ("write", "fsync", "ftruncate", "replace", "link", "unlink", "rmdir", "mkdir"):
            patched.setattr(os, name, dying(name, getattr(os, name)))
        yield done


def unfinished(folder: Path) -> list[Path]:
    """What a pull leaves only while it is not done."""
    return [
        path
        for path in folder.rglob("*")
        if path.suffix in (".part", ".new") or path.name.startswith("_unfinished")
    ]


def carry_on(kind: Kind, folder: Path, some: list[list[Row]], checkpoint: dict[str, Any]) -> None:
    """A run of a pull as the lane makes it: the checkpoint follows the sink."""
    sink = kind.sink(folder)
    try:
        sink.open(checkpoint["position"])
        for number in range(checkpoint["pages"], len(some)):
            position = sink.write(number, some[number])
            checkpoint.update(position=position, pages=number + 1)
        sink.close()
    finally:
        sink.abandon()  # as the system closes what a dead process held


@of_every_kind
def test_a_crash_at_any_operation_on_the_disk_loses_and_doubles_nothing(
    kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One by one: each in a run over an older output, then the same command again."""
    older, some = pages(4), pages(3, size=2)
    crashed = 0
    while True:
        folder = tmp_path / str(crashed)
        folder.mkdir()
        pull(kind.sink(folder), older)
        checkpoint = {"position": "", "pages": 0}
        try:
            with crash_at(crashed, monkeypatch):
                carry_on(kind, folder, some, checkpoint)
            break
        except Crash:
            crashed += 1
        carry_on(kind, folder, some, checkpoint)
        assert kind.same(rows(some), folder)
        assert not unfinished(folder)
        shutil.rmtree(folder)
    assert crashed > 10
    assert kind.same(rows(some), folder)


@of_every_kind
@pytest.mark.parametrize("names_kept", [True, False], ids=["names kept", "names lost"])
@pytest.mark.parametrize("older", [pages(4), None], ids=["over an older one", "new"])
def test_a_power_failure_at_any_sync_loses_and_doubles_nothing(
    kind: Kind,
    older: list[list[Row]] | None,
    names_kept: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nor one behind the last of them.

    Until a new output is whole, the older one is: also where nobody carries on.
    """
    some = pages(3, size=2)
    failed, done = 0, False
    while not done:
        folder, synced = tmp_path / str(failed), Synced()
        folder.mkdir()
        if older is not None:
            pull(kind.sink(folder), older)
        synced.sync_all(folder)
        checkpoint = {"position": "", "pages": 0}
        try:
            with power_fails_at(failed, synced, monkeypatch):
                carry_on(kind, folder, some, checkpoint)
                done = True
        except PowerFailure:
            failed += 1
        synced.after_power_failure(folder, tmp_path / "found", names_kept=names_kept)
        lay(folder, tmp_path / "found")
        # its files are moved one after another
        if older is not None and kind.name != "out/":
            assert kind.records(folder) in (kind.expected(rows(older)), kind.expected(rows(some)))
        if not done:
            carry_on(kind, folder, some, checkpoint)
        assert kind.same(rows(some), folder)
        shutil.rmtree(folder)
    assert failed > 5


@of_every_kind
def test_a_full_disk_is_told_and_carried_on_when_there_is_room(kind: Kind, tmp_path: Path) -> None:
    """A limit on the size of files stands for it."""
    some = [
        pages(1)[0],
        [row(annotation(100 + number, noise=os.urandom(200).hex())) for number in range(500)],
    ]
    sink = kind.sink(tmp_path)
    sink.open("")
    position = sink.write(0, some[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, hard))
    try:
        with pytest.raises(OutputError, match=kind.name.rstrip("/")):
            sink.write(1, some[1])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    sink.abandon()
    sink = kind.sink(tmp_path)
    sink.open(position)
    sink.write(1, some[1])
    sink.close()
    assert kind.same(rows(some), tmp_path)


# --- what is not ours -----------------------------------------------------------------


@of_every_kind
def test_an_output_that_is_gone_is_not_carried_on(kind: Kind, tmp_path: Path) -> None:
    """Carrying on would leave out what was written before."""
    position = write(kind.sink(tmp_path), pages(2))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with pytest.raises(OutputError, match=kind.name.rstrip("/")):
        kind.sink(elsewhere).open(position)


@of_every_kind
def test_a_position_of_another_output_is_refused(kind: Kind, tmp_path: Path) -> None:
    """Another pull wrote there since: as many pages, of the same sizes."""
    position = write(kind.sink(tmp_path), pages(2))
    shutil.rmtree(tmp_path / kind.in_progress) if (tmp_path / kind.in_progress).is_dir() else (
        tmp_path / kind.in_progress
    ).unlink()
    other = [
        [row({**annotation(number), "task_id": "other"}) for number in range(3)] for _ in range(2)
    ]
    write(kind.sink(tmp_path), other)
    with pytest.raises(OutputError, match=kind.name.rstrip("/")):
        kind.sink(tmp_path).open(position)


@of_every_kind
def test_an_output_that_was_cut_is_refused(kind: Kind, tmp_path: Path) -> None:
    """And left as it is."""
    position = write(kind.sink(tmp_path), pages(2))
    unfinished = tmp_path / kind.in_progress
    cut = unfinished / "part-00000000.parquet" if unfinished.is_dir() else unfinished
    if unfinished.is_dir():
        cut.unlink()
    else:
        os.truncate(cut, cut.stat().st_size - 1)
    with pytest.raises(OutputError, match=cut.name):
        kind.sink(tmp_path).open(position)


@of_every_kind
def test_a_position_of_another_kind_is_refused(kind: Kind, tmp_path: Path) -> None:
    """The state's checkpoint was edited, or is another version's."""
    write(kind.sink(tmp_path), pages(1))
    with pytest.raises(OutputError, match="another kind of output"):
        kind.sink(tmp_path).open("12")


@of_every_kind
@pytest.mark.parametrize("folder", ["missing", "/sys/kernel", "file"])
def test_a_place_that_cannot_be_written_is_told_before_anything_is_asked(
    kind: Kind, folder: str, tmp_path: Path
) -> None:
    """A folder that is not there, one nobody may write to, and one that is none."""
    (tmp_path / "file").touch()
    with pytest.raises(SyncerError, match=f"{folder}/{kind.name.rstrip('/')}"):
        kind.sink(tmp_path / folder).open("")
