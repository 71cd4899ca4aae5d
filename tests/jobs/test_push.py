"""Push lanes over logs that change between two runs: what is carried on, what is
refused, and that nothing is sent of what is refused.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import anyio
import orjson
import pytest

from syncer.core.ports.wire import Reply
from syncer.errors import CredentialsRefused, LogChanged, Stopped, SyncerError
from syncer.jobs.dead import LettersToRetry, RefusedLetter, Selector
from syncer.jobs.limiters import Limiters
from syncer.jobs.push import PushLane
from syncer.jobs.push_parts import push_parts
from syncer.sources.feed import ChangeSource, SourceChunk
from syncer.sources.lines import LineOptions
from tests.support.lanes import App
from tests.support.lines import delete, patch, post

REFUSED = Reply(401, b'{"status":{"code":11009,"description":"who are you"}}')


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(tmp_path / "state")


def write(path: Path, lines: list[bytes], *, end: bytes = b"\n") -> Path:
    path.write_bytes(b"\n".join(lines) + end)
    return path


# --- a run that was stopped in the middle ---------------------------------------------

COUNT, LATE = 400, 150
"""Lines of 2 kB, so that reading leaves marks between them; the batch with the late one
is the only one that is not applied.
"""


def large(number: int, data: str = "x") -> bytes:
    return post(f"a{number:03}", data=data * 2000)


@pytest.fixture
def log(app: App, tmp_path: Path) -> Path:
    """A log whose lines are all applied, before and behind a mark, but for those of one
    batch.
    """
    path = write(tmp_path / "log.jsonl", [large(number) for number in range(COUNT)])
    late = b"a%03d" % LATE
    app.latency_seconds = lambda request: 5.0 if late in (request.body or b"") else 0.05
    app.interfering = lambda request: REFUSED if late in (request.body or b"") else None
    finished = app.push(path, push__batch_size=4, push__concurrency=4)
    assert isinstance(finished.error, CredentialsRefused)
    assert len(app.held) == COUNT - 4
    app.interfering = lambda _: None
    return path


def restored_times(path: Path, change: Callable[[], object]) -> None:
    """Change a file as tools do that keep its times."""
    before = path.stat()
    change()
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def cut(path: Path, lines: int, *, less: int = 0) -> None:
    """Keep so many lines, and of the last one all but so many bytes."""
    kept = b"".join(path.read_bytes().splitlines(keepends=True)[:lines])
    os.truncate(path, len(kept) - less)


def edit(path: Path, number: int) -> None:
    """Another content of one line, as long as it was."""
    content = path.read_bytes()
    assert len(large(number, "y")) == len(large(number))
    path.write_bytes(content.replace(large(number), large(number, "y")))


def test_it_is_carried_on_and_nothing_is_sent_twice(app: App, log: Path) -> None:
    asked = len(app.asked)
    finished = app.push(log, push__batch_size=4)
    assert finished.error is None
    assert (finished.summary.read, finished.summary.applied, finished.summary.skipped) == (
        COUNT,
        4,
        COUNT - 4,
    )
    assert len(app.asked) == asked + 1


@pytest.mark.parametrize("number", [0, 1, 100, LATE - 10, LATE + 10, 270, COUNT - 1])
def test_an_applied_line_that_was_edited_is_found_though_size_and_times_are_the_same(
    app: App, log: Path, number: int
) -> None:
    restored_times(log, lambda: edit(log, number))
    assert isinstance(app.refused(log), LogChanged)


@pytest.mark.parametrize("lines", [COUNT - 1, 300, LATE + 10, LATE, 132, 131, 130, 1])
@pytest.mark.parametrize("less", [0, 1, 100])
def test_a_log_that_was_cut_before_what_is_applied_is_refused(
    app: App, log: Path, lines: int, less: int
) -> None:
    """Exactly at a line's end, without its line ending, and in the middle of a line."""
    if (lines, less) == (COUNT - 1, 0):
        lines -= 1
    cut(log, lines, less=less)
    assert isinstance(app.refused(log), LogChanged)


def test_a_log_that_was_cut_to_nothing_is_refused(app: App, log: Path) -> None:
    os.truncate(log, 0)
    assert isinstance(app.refused(log), SyncerError)
    assert len(app.held) == COUNT - 4


def test_a_log_that_was_cut_exactly_where_reading_would_be_taken_up_is_refused(
    app: App, log: Path
) -> None:
    """What is applied behind the mark is gone."""
    block = log.read_bytes()[: 256 << 10]
    os.truncate(log, block.rindex(b"\n") + 1)
    assert isinstance(app.refused(log), LogChanged)


def test_a_line_that_is_not_applied_yet_may_be_edited(app: App, log: Path) -> None:
    edit(log, LATE)
    finished = app.push(log)
    assert finished.error is None
    assert app.held["i", f"a{LATE}"]["data"]["metadata"]["is"][:1] == "y"


def test_a_log_that_grew_is_carried_on(app: App, log: Path) -> None:
    with log.open("ab") as more:
        more.write(post("more") + b"\n")
    finished = app.push(log)
    assert (finished.error, finished.summary.applied) == (None, 5)


def test_a_log_that_grew_and_was_edited_before_is_refused(app: App, log: Path) -> None:
    edit(log, 3)
    with log.open("ab") as more:
        more.write(post("more") + b"\n")
    assert isinstance(app.refused(log), LogChanged)


def test_a_log_whose_first_line_is_another_one_is_refused(app: App, log: Path) -> None:
    log.write_bytes(post("first") + b"\n" + log.read_bytes())
    assert isinstance(app.refused(log), SyncerError)


# --- a log that was applied to its end ------------------------------------------------


@pytest.mark.parametrize("end", [b"\n", b""])
@pytest.mark.parametrize("lines", [1, 2])
def test_a_finished_log_that_was_cut_at_the_end_of_a_line_is_refused(
    app: App, tmp_path: Path, end: bytes, lines: int
) -> None:
    path = write(tmp_path / "log.jsonl", [post("a"), post("b"), post("c")], end=end)
    assert app.push(path).error is None
    cut(path, lines)
    assert isinstance(app.refused(path), LogChanged)


def test_a_last_line_without_line_ending_is_not_applied_again_when_the_log_grows(
    app: App, tmp_path: Path
) -> None:
    path = write(tmp_path / "log.jsonl", [post("a"), post("b")], end=b"")
    assert app.push(path).summary.applied == 2
    path.write_bytes(path.read_bytes() + b"\n" + post("c") + b"\n")
    finished = app.push(path)
    assert (finished.error, finished.summary.applied, finished.summary.skipped) == (None, 1, 2)


def test_a_finished_log_is_not_sent_again_and_asks_nothing(app: App, tmp_path: Path) -> None:
    path = write(tmp_path / "log.jsonl", [post("a"), patch("a"), b"bad", delete("b")])
    first = app.push(path).summary
    asked = len(app.asked)
    again = app.push(path).summary
    assert (first.applied, first.dead, first.skipped) == (3, 1, 0)
    assert (again.applied, again.dead, again.skipped, again.read) == (0, 1, 3, 4)
    assert len(app.asked) == asked


# --- several logs ---------------------------------------------------------------------


def test_the_logs_of_a_folder_take_effect_by_name_and_folders_among_them(
    app: App, tmp_path: Path
) -> None:
    folder = tmp_path / "logs"
    (folder / "b").mkdir(parents=True)
    write(folder / "c.jsonl", [patch("a", data="last")])
    write(folder / "b" / "2.jsonl", [patch("a", data="third")])
    write(folder / "b" / "10.jsonl", [patch("a", data="second")])
    write(folder / "a.jsonl", [post("a")])
    assert app.push(folder).error is None
    sent = [
        orjson.loads(request.body or b"")["annotations"][0]["data"]["metadata"]["is"]
        for request in app.asked
    ]
    assert sent == ["new", "second", "third", "last"]


def test_arguments_come_before_the_names_of_their_files(app: App, tmp_path: Path) -> None:
    first, second = (
        write(tmp_path / "z.jsonl", [post("a")]),
        write(tmp_path / "a.jsonl", [patch("a", data="last")]),
    )
    assert app.push(first, second).error is None
    assert app.held["i", "a"]["data"]["metadata"] == {"is": "last"}


def test_one_log_that_is_refused_keeps_all_others_from_being_sent(app: App, tmp_path: Path) -> None:
    good, bad = (
        write(tmp_path / "a.jsonl", [post("a")]),
        write(tmp_path / "b.jsonl", [post("b"), post("c")]),
    )
    app.push(bad)
    cut(bad, 1)
    assert isinstance(app.refused(good, bad), LogChanged)
    assert ("i", "a") not in app.held


# --- sources of users -----------------------------------------------------------------


class Numbered:
    """A source whose cursors begin with 0, a line a chunk."""

    name = "numbered"

    def __init__(self, count: int) -> None:
        self.count = count
        self.asked: list[str] = []
        self.acked: list[str] = []

    async def chunks(self, after: str) -> AsyncIterator[SourceChunk]:
        self.asked.append(after)
        for number in range(int(after) + 1 if after else 0, self.count):
            yield SourceChunk([post(f"a{number}")], str(number))

    async def ack(self, cursor: str) -> None:
        self.acked.append(cursor)


def test_a_source_is_carried_on_behind_a_cursor_that_is_0(app: App) -> None:
    first, second = Numbered(1), Numbered(3)
    assert app.push(first).summary.applied == 1
    assert (first.asked, first.acked) == ([""], ["0"])
    finished = app.push(second)
    assert (finished.summary.applied, finished.summary.skipped) == (2, 1)
    assert second.asked == ["0"]
    assert second.acked[-1] == "2"


class Careful(Numbered):
    """It has something to give back at its end, which takes a while."""

    given_back = False

    async def chunks(self, after: str) -> AsyncIterator[SourceChunk]:
        try:
            async for chunk in super().chunks(after):
                yield chunk
        finally:
            await anyio.sleep(1)
            self.given_back = True


@pytest.mark.parametrize("how", ["stopped", "cancelled"])
def test_a_run_that_ends_before_its_source_lets_go_of_it(how: str, app: App) -> None:
    source = Careful(20_000)
    end_early(app, how, source)
    assert source.given_back


@pytest.mark.parametrize("how", ["stopped", "cancelled"])
def test_a_run_that_ends_before_its_log_closes_the_file(how: str, app: App, tmp_path: Path) -> None:
    end_early(
        app,
        how,
        str(write(tmp_path / "log.jsonl", [post(f"a{number}") for number in range(20_000)])),
    )


def end_early(app: App, how: str, source: str | ChangeSource) -> None:
    """A run that is refused, or cancelled, before it has read all.

    It leaves no file open, while its lane is not closed yet.
    """
    app.interfering = lambda _: REFUSED if how == "stopped" else None

    async def run() -> list[str]:
        with push_parts(app.config(), Limiters()) as parts:
            lane = PushLane(parts, [source])
            before = open_files()
            with anyio.move_on_after(2 if how == "cancelled" else None) as scope:
                await lane.run()
            assert scope.cancelled_caught == (how == "cancelled")
            assert lane.summary().read < 20_000
            return open_files()[len(before) :]

    assert app.run(run) == []


def open_files() -> list[str]:
    """Of this process."""
    return [
        str(descriptor.readlink())
        for descriptor in Path("/proc/self/fd").iterdir()
        if descriptor.is_symlink()
    ]


# --- dead letters ---------------------------------------------------------------------

LISTS = (
    b'{"op":"patch","action":"merge","annotation":'
    b'{"id":"a","input_id":"i","data":{"metadata":{"t":["x"]}}}}'
)
SENDING = LineOptions("send")


def test_a_letter_is_not_queued_before_its_turn(app: App, tmp_path: Path) -> None:
    """A bad line may be dead long before what stands in front of it is applied."""
    path = write(tmp_path / "log.jsonl", [post("a"), LISTS])
    app.interfering = lambda _: REFUSED
    finished = app.push(path)
    assert isinstance(finished.error, CredentialsRefused)
    assert finished.summary.dead == 1
    refused: list[RefusedLetter] = []
    letters = LettersToRetry(app.state, Selector(every=True), SENDING, refused.append)
    assert letters.write().queued == 0
    assert [letter.line for letter in refused] == [2]
    assert "push first" in refused[0].reason
    app.interfering = lambda _: None
    app.push(path)
    assert LettersToRetry(app.state, Selector(every=True), SENDING).write().queued == 1
    assert app.push(path, push__lists_without_ids="send").summary.dead == 0
    assert app.held["i", "a"]["data"]["metadata"] == {"is": "new", "t": ["x"]}


def test_a_letter_of_a_patch_that_failed_is_not_held_back_by_changes_before_it(
    app: App, tmp_path: Path
) -> None:
    """It was sent, so its turn has come."""
    path = write(tmp_path / "log.jsonl", [post("b", "j"), patch("a")])
    app.latency_seconds = lambda request: 5.0 if b'"b"' in (request.body or b"") else 0.05
    app.interfering = lambda request: REFUSED if b'"b"' in (request.body or b"") else None
    assert app.push(path).summary.dead == 1
    assert LettersToRetry(app.state, Selector(every=True), LineOptions()).write().queued == 1


# --- deletions ------------------------------------------------------------------------


def test_deletions_are_bounded_over_all_runs_of_a_state(app: App, tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", [post(f"a{number}") for number in range(6)])
    app.push(tmp_path / "a.jsonl")
    path = write(tmp_path / "b.jsonl", [delete("a0"), delete("a1")])
    assert app.push(path, lane={"max_delete": 3}).error is None
    write(path, [delete(f"a{number}") for number in range(6)])
    assert isinstance(app.push(path, lane={"max_delete": 3}).error, Stopped)
    assert len(app.held) == 3
    assert app.push(path, lane={"max_delete": 6}).error is None
    assert app.held == {}
