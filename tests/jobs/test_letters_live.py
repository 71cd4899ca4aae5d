"""Dead letters of a push that runs: retried and dropped while it goes on, each change
counted once at every moment, whatever ends the run.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest

from syncer.core.ports.wire import NoReply, Reply, Request
from syncer.errors import CredentialsRefused, UsageError
from syncer.jobs.dead import DropResult, LetterPlace, RefusedLetter, RetryResult, Selector
from syncer.jobs.push import Finished, PushLane
from syncer.jobs.push_parts import push_parts
from tests.jobs.test_letters import ALL, REFUSING, counts, lines
from tests.support.lanes import App
from tests.support.lines import delete, holds, patch, post

SLOWLY = {"push__requests_per_second": 5, "push__batch_size": 1, "push__linger_seconds": 0}


@dataclass
class Refusing:
    """Requests that name one of these annotations are refused."""

    ids: set[str] = field(default_factory=set)

    def __call__(self, request: Request) -> Reply | NoReply | None:
        body = request.body or b""
        return REFUSING if any(f'"{id}"'.encode() in body for id in self.ids) else None


@pytest.fixture
def refusing() -> Refusing:
    return Refusing({"bad"})


@pytest.fixture
def app(tmp_path: Path, refusing: Refusing) -> App:
    app = App(tmp_path / "state")
    app.interfering = refusing
    return app


def write(path: Path, *lines: bytes) -> Path:
    """A log of these lines."""
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def pushed(
    app: App, log: Path, meanwhile: Callable[[PushLane], Awaitable[None]], **options: Any
) -> Finished:
    """One run, and what is done meanwhile; what is read is always accounted for."""
    config = app.config(**{**SLOWLY, **options})

    async def run() -> Finished:
        with push_parts(config, app.limiters) as parts:
            lane = PushLane(parts, [str(log)])

            def observe(_: object) -> None:
                summary = lane.summary()
                assert summary.conserved
                assert min(summary.applied, summary.dead, summary.pending) >= 0

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(meanwhile, lane)
                return await lane.run(observe)
        raise AssertionError

    return app.run(run)


async def until(true: Callable[[], bool]) -> None:
    """Wait for it, in virtual time."""
    while not true():  # noqa: ASYNC110 - a look from outside, at a lane that tells nobody
        await anyio.sleep(0.05)


async def died(lane: PushLane, count: int = 1) -> None:
    """Wait until so many letters are open."""
    await until(lambda: lane.ledger.dead >= count)


def write_patched(path: Path, later: str, others: int) -> Path:
    """A log of an annotation, a patch of it that dies, one with this data, and so many
    others.
    """
    posts = [post(f"a{n}") for n in range(others)]
    return write(path, post("a"), patch("a", data="bad"), patch("a", data=later), *posts)


def answer_late(app: App, id: str, seconds: float) -> None:
    """Requests that name it are answered after so long, so the run goes on for a
    while.
    """
    app.latency_seconds = lambda request: (
        seconds if f'"{id}"'.encode() in (request.body or b"") else 0.05
    )


def sent(app: App, id: str) -> int:
    """How many requests that write named the annotation."""
    return sum(
        f'"{id}"'.encode() in (request.body or b"")
        for request in app.asked
        if request.method in ("POST", "PATCH", "DELETE")
    )


def test_a_letter_is_retried_in_the_run_that_it_was_born_in_while_the_source_goes_on(
    app: App, refusing: Refusing, tmp_path: Path
) -> None:
    log = write(tmp_path / "log.jsonl", post("bad"), *[post(f"a{n}") for n in range(40)])

    async def retry(lane: PushLane) -> None:
        await died(lane)
        refusing.ids.clear()
        assert await lane.retry(ALL) == RetryResult(queued=1)
        assert lane.summary().applied < 10

    done = pushed(app, log, retry)
    assert (done.error, done.exit_code) == (None, 0)
    assert (done.summary.read, done.summary.applied, done.summary.dead) == (41, 41, 0)
    assert len(app.held) == 41
    assert sent(app, "bad") == 2
    assert counts(app) == (41, 0, 0, 0)


def test_a_letter_that_dies_again_is_a_letter_again_and_counted_once(
    app: App, tmp_path: Path
) -> None:
    log = write(tmp_path / "log.jsonl", post("bad"), *[post(f"a{n}") for n in range(20)])

    async def retry(lane: PushLane) -> None:
        await died(lane)
        await lane.retry(ALL)

    done = pushed(app, log, retry)
    assert (done.summary.applied, done.summary.dead, done.exit_code) == (20, 1, 3)
    assert lines(app) == [1]


def test_a_letter_goes_before_a_later_change_of_its_annotation_that_has_not_been_sent(
    app: App, refusing: Refusing, tmp_path: Path
) -> None:
    """The later one is read, and waits for its turn behind many others."""
    between = [post(f"a{n}") for n in range(10)]
    log = write(tmp_path / "log.jsonl", post("bad"), *between, delete("bad"))

    async def retry(lane: PushLane) -> None:
        await died(lane)
        refusing.ids.clear()
        assert await lane.retry(ALL) == RetryResult(queued=1)

    done = pushed(app, log, retry)
    assert (done.summary.applied, done.summary.dead) == (12, 0)
    assert len(app.held) == 10


@pytest.mark.parametrize("force", [False, True])
def test_a_letter_that_a_later_change_superseded_is_refused_unless_it_is_forced(
    app: App, refusing: Refusing, tmp_path: Path, force: bool
) -> None:
    log = write_patched(tmp_path / "log.jsonl", "good", others=20)
    answer_late(app, "a19", 30)
    told: list[RefusedLetter] = []

    async def retry(lane: PushLane) -> None:
        await died(lane)
        await until(lambda: app.held["i", "a"]["data"] == holds("good"))
        refusing.ids.clear()
        result = await lane.retry(ALL, told.append, force=force)
        assert (result.queued, result.refused) == ((1, 0) if force else (0, 1))

    done = pushed(app, log, retry)
    assert [letter.line for letter in told] == ([] if force else [2])
    assert done.summary.dead == (0 if force else 1)
    assert app.held["i", "a"]["data"] == holds("bad" if force else "good")


def test_what_is_on_its_way_is_waited_for_and_decides_whether_a_letter_is_superseded(
    app: App, refusing: Refusing, tmp_path: Path
) -> None:
    log = write_patched(tmp_path / "log.jsonl", "slow", others=5)
    answer_late(app, "slow", 20)

    async def retry(lane: PushLane) -> None:
        await died(lane)
        await until(lambda: sent(app, "slow") == 1)
        refusing.ids.clear()
        assert await lane.retry(ALL) == RetryResult(refused=1)

    assert pushed(app, log, retry).summary.dead == 1


def test_a_letter_that_is_dropped_is_ignored_from_then_on(app: App, tmp_path: Path) -> None:
    log = write(tmp_path / "log.jsonl", post("bad"), *[post(f"a{n}") for n in range(20)])

    async def drop(lane: PushLane) -> None:
        await died(lane)
        assert await lane.drop(Selector((LetterPlace(str(log), 1),))) == DropResult(1)

    done = pushed(app, log, drop)
    assert (done.summary.applied, done.summary.ignored, done.summary.dead) == (20, 1, 0)
    assert done.exit_code == 0


def test_a_selection_that_means_nothing_is_told_and_the_run_goes_on(
    app: App, tmp_path: Path
) -> None:
    log = write(tmp_path / "log.jsonl", *[post(f"a{n}") for n in range(20)])

    async def ask(lane: PushLane) -> None:
        await anyio.sleep(1)
        for wanted in (Selector(code=5), Selector((LetterPlace(str(log), 1),))):
            with pytest.raises(UsageError, match="no dead letter matches"):
                await lane.retry(wanted)

    assert pushed(app, log, ask).summary.applied == 20


def test_bad_lines_and_changes_that_are_read_meanwhile_are_kept(
    app: App, refusing: Refusing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow disk, one letter a portion, more of the annotation to come."""
    monkeypatch.setattr("syncer.jobs.dead.COMMIT_LETTERS_MAX", 1)
    ids = ["bad", "bad-1", "bad-2"]
    refusing.ids.update(ids)
    more = [line for n in range(20) for line in (patch("bad", data=f"c{n}"), b"{", post(f"a{n}"))]
    log = write(tmp_path / "log.jsonl", *map(post, ids), *more)
    app.time.thread_seconds = 0.2

    async def retry(lane: PushLane) -> None:
        await died(lane, 3)
        refusing.ids.clear()
        await lane.retry(ALL)

    done = pushed(app, log, retry)
    assert (done.error, done.summary.read, done.summary.pending) == (None, 63, 0)
    assert done.summary.applied + done.summary.dead == 63


def test_letters_of_several_portions_all_go_before_a_later_change_that_was_read(
    app: App, refusing: Refusing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncer.jobs.dead.COMMIT_LETTERS_MAX", 1)
    first = [patch("a", data="bad"), patch("a", data="bad-2")]
    between = [post(f"a{n}") for n in range(10)]
    log = write(tmp_path / "log.jsonl", post("a"), *first, *between, patch("a", data="last"))
    refusing.ids.add("bad-2")

    async def retry(lane: PushLane) -> None:
        await died(lane, 2)
        refusing.ids.clear()
        assert await lane.retry(ALL) == RetryResult(queued=2)

    assert pushed(app, log, retry).summary.applied == 14
    assert app.held["i", "a"]["data"] == holds("last")


@pytest.mark.parametrize("after_seconds", [0.0, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0])
def test_a_run_that_is_killed_about_a_retry_leaves_each_change_once(
    app: App, refusing: Refusing, tmp_path: Path, after_seconds: float
) -> None:
    log = write(tmp_path / "log.jsonl", post("bad"), *[post(f"a{n}") for n in range(15)])
    app.time.thread_seconds = 0.1

    async def die(lane: PushLane) -> None:
        await died(lane)
        refusing.ids.clear()
        with anyio.move_on_after(after_seconds):
            await lane.retry(ALL)
            await anyio.sleep(60)
        raise RuntimeError("killed")

    with pytest.raises(ExceptionGroup):
        pushed(app, log, die)
    left = app.push(log).summary
    assert left.conserved
    assert (left.read, left.pending) == (16, 0)
    assert left.dead == len(lines(app))
    assert len(app.held) == 16 - left.dead
    if left.dead:  # it was never queued
        assert sent(app, "bad") == 1


def test_a_letter_that_is_retried_while_the_run_is_stopped_is_sent_by_the_next(
    app: App, refusing: Refusing, tmp_path: Path
) -> None:
    log = write(tmp_path / "log.jsonl", post("bad"), post("stopped"))
    answer_late(app, "stopped", 20)
    app.interfering = lambda request: (
        Reply(401, b'{"status":{"code":11009,"description":"no"}}')
        if b'"stopped"' in (request.body or b"")
        else refusing(request)
    )

    async def retry(lane: PushLane) -> None:
        await died(lane)
        await until(lambda: sent(app, "stopped") == 1)
        assert await lane.retry(ALL) == RetryResult(queued=1)

    assert isinstance(pushed(app, log, retry).error, CredentialsRefused)
    assert counts(app) == (0, 0, 0, 1)
    app.interfering = lambda _: None
    assert app.push(log).summary.applied == 2


def test_a_letter_that_is_retried_while_the_run_fails_is_written_down_and_sent_by_the_next(
    app: App, refusing: Refusing, tmp_path: Path
) -> None:
    """An observer fails while the next change of the annotation is on its way."""
    log = write(tmp_path / "log.jsonl", post("bad"), patch("bad"), post("a"))
    answer_late(app, "patched", 20)
    results: list[RetryResult] = []

    async def run() -> Finished:
        with push_parts(app.config(**SLOWLY), app.limiters) as parts:
            lane = PushLane(parts, [str(log)])

            def observe(_: object) -> None:
                if sent(app, "patched"):
                    raise RuntimeError("the observer fails")

            async def retry() -> None:
                await died(lane)
                await until(lambda: sent(app, "patched") == 1)
                results.append(await lane.retry(ALL))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(retry)
                with pytest.raises(RuntimeError):
                    await lane.run(observe)
            return Finished(lane.summary(), None, None)

    app.run(run)
    assert results == [RetryResult(queued=1)]
    app.interfering = lambda _: None
    assert app.push(log).summary.dead == 0


def test_a_run_that_begins_while_letters_are_put_back_sends_them(
    app: App, refusing: Refusing, tmp_path: Path
) -> None:
    log = write(tmp_path / "log.jsonl", post("bad"), post("a"))
    app.push(log)
    refusing.ids.clear()
    app.time.thread_seconds = 1.0

    async def run() -> Finished:
        with push_parts(app.config(), app.limiters) as parts:
            lane = PushLane(parts, [str(log)])
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(lane.retry, ALL)
                await anyio.sleep(0.5)
                assert lane.ledger.dead == 1, "the event loop waited for the disk"
                return await lane.run()
        raise AssertionError

    summary = app.run(run).summary
    assert (summary.applied, summary.dead, summary.pending) == (1, 0, 0)


def test_letters_are_put_back_before_and_after_a_run_as_well(
    app: App, refusing: Refusing, tmp_path: Path
) -> None:
    log = write(tmp_path / "log.jsonl", post("bad"), post("a"))
    app.push(log)

    async def run() -> tuple[Finished, RetryResult, DropResult]:
        with push_parts(app.config(), app.limiters) as parts:
            lane = PushLane(parts, [str(log)])
            queued = await lane.retry(ALL)
            return await lane.run(), queued, await lane.drop(ALL)

    done, queued, dropped = app.run(run)
    assert (queued, done.summary.dead, dropped) == (RetryResult(queued=1), 1, DropResult(1))
    assert counts(app) == (1, 1, 0, 0)
