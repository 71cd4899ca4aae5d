"""The news of the daemon: each watcher gets all of them, at its own pace."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

from syncer.core.events import ChangesSettled, SourceFailed, SourceRecovered
from syncer.daemon.news import ALIVE_SECONDS, OUTCOMES_MAX, News, NewsFeed, NewsRecord
from tests.support.virtual import VirtualTime


class Lanes:
    """One lane, as it is looked at."""

    def __init__(self) -> None:
        self.rate = 0.0
        self.looks = 0
        self.fault: Exception | None = None
        self.said: list[str] = []

    async def look(self) -> NewsRecord:
        self.looks += 1
        if self.fault is not None:
            raise self.fault
        return {"lanes": [{"name": "prod", "rate": self.rate, "rate_limit": 15.0}]}


def run(main: Callable[[NewsFeed, Lanes], Awaitable[None]]) -> None:
    async def follow() -> bool:
        feed, lanes = NewsFeed(), Lanes()
        async with feed.looking(lanes.look, lanes.said.append):
            await main(feed, lanes)
        return True

    VirtualTime().run(follow)


async def first(feed: NewsFeed, count: int, last_id: str = "") -> list[News]:
    """The first news that a watcher gets."""
    found = []
    async for one in feed.watch(last_id):
        found.append(one)
        if len(found) == count:
            break
    return found


def kinds(news: list[News]) -> list[str]:
    return [one.kind for one in news]


def test_a_watcher_gets_all_that_is_known_and_then_what_changes() -> None:
    async def main(feed: NewsFeed, lanes: Lanes) -> None:
        await anyio.sleep(3)
        feed.tell("paused", "prod", "throttled")
        async with anyio.create_task_group() as tasks:
            found: list[News] = []

            async def watch() -> None:
                found.extend(await first(feed, 3))

            tasks.start_soon(watch)
            await anyio.sleep(3)
            feed.tell("open", "prod", "")
            lanes.rate = 7.5
        assert kinds(found) == ["reset", "outcome", "status"]
        (paused,) = found[0].data["outcomes"]  # type: ignore[misc]
        assert paused["reason"] == "throttled"
        assert found[1].data["what"] == "open"

    run(main)


def test_who_comes_back_gets_what_was_missed() -> None:
    async def main(feed: NewsFeed, _: Lanes) -> None:
        feed.tell("open", "prod", "")
        (known,) = await first(feed, 1)
        for n in range(3):
            feed.tell("dead", "prod", f"reason {n}")
        missed = await first(feed, 3, known.id)
        assert [one.data["reason"] for one in missed] == ["reason 0", "reason 1", "reason 2"]

    run(main)


def test_who_was_away_for_too_long_or_knew_another_process_begins_again() -> None:
    async def main(feed: NewsFeed, _: Lanes) -> None:
        feed.tell("open", "prod", "")
        (known,) = await first(feed, 1)
        for n in range(OUTCOMES_MAX + 5):
            feed.tell("dead", "prod", str(n))
        assert kinds(await first(feed, 1, known.id)) == ["reset"]
        boot = known.id.partition("-")[0]
        for strange in ("other-1", "1", "", f"{boot}-999999", f"{boot}-{'9' * 5000}", "é-é"):
            assert kinds(await first(feed, 1, strange)) == ["reset"]

    run(main)


def test_a_watcher_that_is_too_slow_begins_again_and_not_with_a_gap() -> None:
    async def main(feed: NewsFeed, _: Lanes) -> None:
        watching = feed.watch()
        assert (await anext(watching)).kind == "reset"
        for n in range(2 * OUTCOMES_MAX):
            feed.tell("dead", "prod", str(n))
        assert (await anext(watching)).kind == "reset"
        await watching.aclose()

    run(main)


def test_what_a_busy_lane_applies_pushes_no_dead_letter_out() -> None:
    async def main(feed: NewsFeed, _: Lanes) -> None:
        feed.tell("dead", "prod", "no such input")
        watching = feed.watch()
        for _ in range(300):
            feed.note("prod", ChangesSettled(5, 0, 0, 0))
            await anyio.sleep(5)
        (known,) = await first(feed, 1)
        outcomes = known.data["outcomes"]
        assert isinstance(outcomes, list)
        assert [one["what"] for one in outcomes] == ["dead", "applied"]
        await watching.aclose()

    run(main)


def test_ids_only_grow() -> None:
    async def main(feed: NewsFeed, _: Lanes) -> None:
        (known,) = await first(feed, 1)
        for n in range(5):
            feed.tell("dead", "prod", str(n))
        news = await first(feed, 5, known.id)
        numbers = [int(one.id.partition("-")[2]) for one in news]
        assert numbers == sorted(set(numbers))

    run(main)


def test_who_hears_nothing_is_told_that_it_is_still_on_and_all_end_with_it() -> None:
    found: list[News] = []

    async def main(feed: NewsFeed, _: Lanes) -> None:
        async def watch() -> None:
            found.extend([one async for one in feed.watch()])

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch)
            await anyio.sleep(ALIVE_SECONDS * 1.5)
            feed.close()

    run(main)
    assert kinds(found) == ["reset", "status", "alive", "end"] or kinds(found) == [
        "reset",
        "alive",
        "end",
    ]


def test_applied_changes_are_summed_up_and_a_source_that_stays_parked_is_told_once() -> None:
    async def main(feed: NewsFeed, _: Lanes) -> None:
        for _ in range(3):
            feed.note("prod", ChangesSettled(5, 0, 0, 0))
            feed.note("prod", SourceFailed("labels", "gone", 1.0))
        feed.note("prod", SourceRecovered("labels"))
        await anyio.sleep(10)
        (known,) = await first(feed, 1)
        outcomes = known.data["outcomes"]
        assert isinstance(outcomes, list)
        assert [one["what"] for one in outcomes] == ["source parked", "source follows", "applied"]
        assert outcomes[-1]["count"] == 15

    run(main)


def test_while_nobody_watches_it_looks_less_often() -> None:
    async def main(feed: NewsFeed, lanes: Lanes) -> None:
        await anyio.sleep(99)
        assert lanes.looks == 20

    run(main)


def test_a_look_that_fails_as_none_should_is_said_and_the_next_one_is_news() -> None:
    async def main(feed: NewsFeed, lanes: Lanes) -> None:
        await anyio.sleep(4.5)
        lanes.fault = KeyError("a-token")
        await anyio.sleep(5)
        lanes.fault, lanes.rate = None, 3.0
        await anyio.sleep(5)
        (known,) = await first(feed, 1)
        status = known.data["status"]
        assert isinstance(status, dict)
        assert status["lanes"][0]["rate"] == 3.0
        before, said, after = lanes.said
        assert (before, after) == ("", "")
        assert "KeyError in syncer/daemon/news.py" in said
        assert "a-token" not in said

    run(main)
