"""A lane of the daemon: whatever stops its push, it goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import anyio
import pytest

from syncer.core.events import Event, SourceFailed
from syncer.core.facts import OPEN, Destination, Fact, Opened
from syncer.core.ports.wire import NoReply, Reply, Request
from syncer.daemon.errands import NotPushing
from syncer.daemon.followed import Followed
from syncer.daemon.lane import Lane
from syncer.daemon.status import LaneStatus, SourceStatus
from syncer.engine.push import Push
from syncer.errors import StateError, SyncerError
from syncer.jobs.push_parts import PushParts, push_parts
from syncer.journal.journal import Journal
from syncer.journal.replay import replay
from tests.daemon.following import LOG, Following, post
from tests.support.fakes import Script
from tests.support.lanes import App


@pytest.fixture
def following(tmp_path: Path) -> Following:
    return Following(App(tmp_path / "state"))


def test_what_comes_later_is_applied_too_and_a_drain_ends_it(following: Following) -> None:
    seen: list[LaneStatus] = []

    async def then(lane: Lane) -> None:
        await anyio.sleep(10)
        following.add(post(1), post(2))
        await anyio.sleep(10)
        seen.append(await lane.status())

    following.run(then)
    assert len(following.app.held) == 3
    assert (seen[0].state, seen[0].totals.applied, seen[0].reason) == ("open", 3, "")


def test_a_lane_keeps_a_pause_of_the_remote_that_could_not_be_written_down(
    following: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_at: list[float] = []
    known: list[Destination] = []
    commit = Journal.commit

    def throttle(_: Request) -> Reply | None:
        asked_at.append(anyio.current_time())
        return Reply(429, b"{}", "30") if len(asked_at) == 1 else None

    def fail_once(journal: Journal, facts: Sequence[Fact]) -> None:
        if any(isinstance(fact, Destination) for fact in facts):
            monkeypatch.setattr(Journal, "commit", commit)
            raise StateError("the disk is full")
        commit(journal, facts)

    async def then(lane: Lane) -> None:
        await anyio.sleep(20)
        known.append(replay(following.app.state / "journal").ledger.destination)
        await anyio.sleep(70)

    following.app.interfering = throttle
    monkeypatch.setattr(Journal, "commit", fail_once)
    following.run(then)
    assert "the disk is full" in following.paused
    assert asked_at[1] - asked_at[0] >= 30
    assert len(following.app.held) == 1
    # and writes it down once there is room, for the process may end before it is over
    assert known[0].state == "paused"


def test_a_lane_that_is_cut_off_closes_all_its_sources_and_keeps_the_pause_of_its_remote(
    following: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a reload does that is tired of waiting for what is in flight."""
    asked_at: list[float] = []
    closed: list[str] = []

    def throttle(_: Request) -> Reply | None:
        asked_at.append(anyio.current_time())
        return Reply(429, b"{}", "30") if len(asked_at) == 1 else None

    async def close(source: Script) -> None:
        await anyio.sleep(1)
        closed.append(source.label)

    def make_sources(parts: PushParts, engine: Callable[[], Push]) -> Sequence[Followed]:
        other = Script(LOG + 1, [])
        other.label, other.grows = "another", True
        return [*following.sources(parts, engine), Followed("changelog", other)]

    monkeypatch.setattr(Script, "close", close, raising=False)
    following.app.interfering = throttle

    async def main() -> bool:
        lane = following.lane("prod")
        lane.take_up(following.app.config(), make_sources)
        with anyio.move_on_after(10):
            await lane.run()
        assert sorted(closed) == ["another", "log"]
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lane.run)
            await anyio.sleep(60)
            lane.drain()
        return True

    following.app.run(main)
    assert asked_at[1] - asked_at[0] >= 30


def test_a_pause_lasts_as_long_as_was_asked_though_the_clock_is_set_while_a_lane_restarts(
    following: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_at: list[float] = []

    def throttle(_: Request) -> Reply | None:
        asked_at.append(anyio.current_time())
        return Reply(429, b"{}", "30") if len(asked_at) == 1 else None

    async def main() -> bool:
        lane = following.lane("prod")
        with anyio.move_on_after(10):
            await lane.run()
        before = time.time
        with monkeypatch.context() as machine:
            machine.setattr(time, "time", lambda: before() + 25)
            with anyio.move_on_after(60):
                await lane.run()
        return True

    following.app.interfering = throttle
    following.app.run(main)
    assert 30 <= asked_at[1] - asked_at[0] < 31


def test_a_pause_that_is_lifted_between_two_pushes_is_over(following: Following) -> None:
    asked_at: list[float] = []

    def throttle(_: Request) -> Reply | None:
        asked_at.append(anyio.current_time())
        return Reply(429, b"{}", "3000") if len(asked_at) == 1 else None

    async def then(lane: Lane) -> None:
        await anyio.sleep(10)
        await lane.alter(lambda journal: journal.commit([OPEN]))
        await anyio.sleep(10)

    following.app.interfering = throttle
    following.run(then)
    assert len(asked_at) == 2


def test_a_state_that_has_no_room_for_hours_pauses_the_lane_which_is_said_once(
    following: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though each try gets as far as its first write. A push that is under way is shown
    as a try, until it has written; the remote is asked seldom.
    """
    commit, states = Journal.commit, set[str]()
    is_full = True

    def fail(journal: Journal, facts: Sequence[Fact]) -> None:
        if is_full and not any(isinstance(fact, Opened) for fact in facts):
            raise StateError("the disk is full")
        commit(journal, facts)

    async def then(lane: Lane) -> None:
        nonlocal is_full
        await anyio.sleep(5)
        for _ in range(3600):
            await anyio.sleep(1.03)
            states.add((await lane.status()).state)
        assert len(following.app.asked) < 300
        is_full = False
        await anyio.sleep(61)
        states.add((await lane.status()).state)

    monkeypatch.setattr(Journal, "commit", fail)
    following.run(then)
    assert set(following.paused[:-1]) == {"the disk is full"}
    assert following.paused[-1] == ""
    assert states == {"paused", "probing", "open"}
    assert len(following.app.held) == 1


def test_a_client_that_is_sent_away_comes_again_soon_though_the_clock_was_set_back(
    following: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds: list[float] = []
    other = push_parts(following.app.config(), following.app.limiters)
    other.__enter__()

    async def then(lane: Lane) -> None:
        await anyio.sleep(100)
        before = time.time
        with monkeypatch.context() as machine:
            machine.setattr(time, "time", lambda: before() - 3600)
            with pytest.raises(NotPushing) as caught:
                lane.inbox()
        seconds.append(caught.value.retry_seconds)
        other.__exit__(None, None, None)

    following.run(then)
    assert 1 <= seconds[0] <= 60


def test_a_lane_that_has_nothing_to_send_after_a_failure_is_open_after_a_while(
    following: Following,
) -> None:
    seen: list[LaneStatus] = []
    other = push_parts(following.app.config(), following.app.limiters)
    other.__enter__()
    following.lines.clear()

    async def then(lane: Lane) -> None:
        await anyio.sleep(2)
        other.__exit__(None, None, None)
        for seconds in (3, 12):
            await anyio.sleep(seconds)
            seen.append(await lane.status())

    following.run(then)
    assert [(one.state, bool(one.reason), len(one.checks)) for one in seen] == [
        ("probing", True, 1),
        ("open", False, 0),
    ]


def test_a_refused_token_pauses_the_lane_and_another_one_lets_it_go_on_within_seconds(
    following: Following, tmp_path: Path
) -> None:
    """Nothing is dead, and nothing is asked all the time."""
    token = tmp_path / "token"
    token.write_text("refused-token")
    seen: list[LaneStatus] = []

    async def then(lane: Lane) -> None:
        await anyio.sleep(600)
        seen.append(await lane.status())
        assert len(following.app.asked) < 60
        token.write_text("a-token")
        await anyio.sleep(5)
        seen.append(await lane.status())

    following.run(then, clarifai__token_file=str(token))
    assert [one.state for one in seen] == ["paused", "open"]
    assert "refused" in seen[0].reason
    assert (seen[1].totals.applied, seen[1].totals.dead) == (1, 0)


def test_a_remote_that_is_down_for_a_day_is_asked_seldom_and_then_gets_everything(
    following: Following,
) -> None:
    down = True
    seen: list[LaneStatus] = []
    asked: list[int] = []

    def interfere(_: Request) -> Reply | NoReply | None:
        return NoReply("connection refused", sent=False) if down else None

    following.app.interfering = interfere

    async def then(lane: Lane) -> None:
        nonlocal down
        await anyio.sleep(12 * 3600)
        seen.append(await lane.status())
        asked.append(len(following.app.asked))
        following.add(post(1))
        down = False
        await anyio.sleep(120)
        seen.append(await lane.status())

    following.run(then)
    assert seen[0].state in ("paused", "probing")
    assert asked[0] <= 12 * 3600 / 25
    assert seen[1].totals.applied == 2
    assert following.paused == []  # the push itself goes on all the time


def test_a_state_that_another_process_holds_is_waited_for(following: Following) -> None:
    seen: list[LaneStatus] = []
    other = push_parts(following.app.config(), following.app.limiters)
    other.__enter__()

    async def then(lane: Lane) -> None:
        await anyio.sleep(100)
        seen.append(await lane.status())
        other.__exit__(None, None, None)
        await anyio.sleep(100)
        seen.append(await lane.status())

    following.run(then)
    assert [(one.state, one.totals.applied) for one in seen] == [("paused", 0), ("open", 1)]
    assert "is locked: process" in seen[0].reason


def test_a_source_that_fails_is_parked_with_its_reason_until_it_works_again(
    following: Following,
) -> None:
    seen: list[SourceStatus] = []

    async def then(lane: Lane) -> None:
        def look(event: Event) -> None:
            if isinstance(event, SourceFailed):
                seen.extend(lane.sources())

        following.at_event = look
        await anyio.sleep(1)
        assert following.source is not None
        following.source.fails_next = SyncerError("the folder is gone")
        following.add(post(1))
        await anyio.sleep(60)
        seen.extend(lane.sources())

    following.run(then)
    assert [(one.state, one.reason) for one in seen] == [
        ("parked", "the folder is gone"),
        ("following", ""),
    ]
    assert len(following.app.held) == 2


def test_an_error_that_nobody_expected_pauses_the_lane_and_shows_none_of_its_words(
    following: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[LaneStatus] = []
    commit = Journal.commit

    def fail_once(journal: Journal, facts: Sequence[Fact]) -> None:
        monkeypatch.setattr(Journal, "commit", commit)
        raise KeyError("secret")

    async def then(lane: Lane) -> None:
        await anyio.sleep(10)
        monkeypatch.setattr(Journal, "commit", fail_once)
        following.add(post(1))
        await anyio.sleep(100)
        seen.append(await lane.status())

    following.run(then)
    [reason, resumed] = following.paused
    assert reason.startswith("internal error: KeyError in syncer/")
    assert "secret" not in reason
    assert (resumed, seen[0].state, seen[0].totals.applied) == ("", "open", 2)


def test_the_lag_of_a_source_is_how_long_its_oldest_change_waits(following: Following) -> None:
    lags: list[float | None] = []

    async def then(lane: Lane) -> None:
        def look() -> None:
            lags.extend(source.lag_seconds for source in lane.sources())

        await anyio.sleep(10)
        look()
        following.app.interfering = lambda _: NoReply("no connection", sent=False)
        following.add(post(1))
        await anyio.sleep(600)
        look()
        following.app.interfering = lambda _: None
        await anyio.sleep(600)
        look()

    following.run(then)
    assert lags == [0.0, pytest.approx(600, abs=1), 0.0]


def test_a_source_without_the_change_that_is_expected_is_late_and_later_an_error(
    following: Following,
) -> None:
    following.expected_every_seconds = 60.0
    seen: list[tuple[str, list[str]]] = []

    async def then(lane: Lane) -> None:
        def look() -> None:
            seen.extend(
                (source.state, [check.status for check in source.checks])
                for source in lane.sources()
            )

        for seconds in (50, 30, 60):
            await anyio.sleep(seconds)
            look()
        following.add(post(1))
        await anyio.sleep(10)
        look()

    following.run(then)
    assert seen == [
        ("following", []),
        ("late", ["late"]),
        ("late", ["error"]),
        ("following", []),
    ]


def test_a_lane_that_is_paused_by_hand_sends_nothing_after_a_restart_either(
    following: Following,
) -> None:
    """Until somebody lets it go on."""
    seen: list[LaneStatus] = []

    async def pause(lane: Lane) -> None:
        await anyio.sleep(10)
        await lane.hold(held=True)
        following.add(post(1))
        await anyio.sleep(1000)
        seen.append(await lane.status())

    async def resume(lane: Lane) -> None:
        await anyio.sleep(1000)
        seen.append(await lane.status())
        await lane.hold(held=False)
        await anyio.sleep(10)
        seen.append(await lane.status())

    following.run(pause)
    following.run(resume)
    assert [(one.state, one.totals.applied) for one in seen] == [
        ("paused", 1),
        ("paused", 1),
        ("open", 2),
    ]
    assert "by hand" in seen[1].reason
    assert seen[1].paused_until is None


def test_a_source_that_was_away_for_hours_is_read_seconds_after_it_is_back(
    following: Following,
) -> None:
    """It is local: looking costs nothing."""
    away = True
    applied: list[int] = []

    async def then(lane: Lane) -> None:
        nonlocal away
        await anyio.sleep(1)
        source = following.source
        assert source is not None

        def look(event: Event) -> None:
            if isinstance(event, SourceFailed) and away:
                source.fails_next = SyncerError("the share is not mounted")

        following.at_event = look
        source.fails_next = SyncerError("the share is not mounted")
        following.add(post(1))
        await anyio.sleep(4 * 3600)
        applied.append((await lane.status()).totals.applied)
        away = False
        await anyio.sleep(25)
        applied.append((await lane.status()).totals.applied)

    following.run(then)
    assert applied == [1, 2]
