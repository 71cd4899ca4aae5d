"""Dead letters of a lane that runs, over HTTP, on a real socket and in real time."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import anyio.lowlevel
import pytest

from syncer.daemon.errands import NotPushing
from syncer.daemon.http.guard import Guard
from syncer.daemon.http.letters import letters
from syncer.daemon.http.server import serving
from syncer.daemon.lane import Lane
from syncer.engine.push import Push
from syncer.jobs.dead import DropResult, RetryResult, Selector, open_in
from tests.daemon.following import REFUSING, Following, RealTime, post
from tests.support.lanes import App

ALL: Any = {"all": True}
PLACE = ("source", "line", "number")


class Asking:
    """A lane with two letters, and requests about them: line 1 was refused by the
    service, which would take it now; line 2 is not a change.
    """

    def __init__(self, folder: Path) -> None:
        self.following = Following(App(folder / "state"))
        self.following.app.time = RealTime()  # type: ignore[assignment]
        self.following.lines = [post(0), b"bad"]
        self.ask: aiohttp.ClientSession

    def run(self, then: Callable[[], Awaitable[None]]) -> None:
        app = self.following.app
        app.interfering = lambda request: REFUSING if request.body else None

        async def meanwhile(lane: Lane) -> None:
            async with (
                serving("127.0.0.1:0", letters([lane]), Guard()) as url,
                aiohttp.ClientSession(url) as self.ask,
            ):
                while len(await self.listed()) < 2:  # noqa: ASYNC110 - as users would
                    await anyio.sleep(0.01)
                app.interfering = lambda _: None
                with anyio.fail_after(20):
                    await then()

        self.following.run(meanwhile, push__requests_per_second=1000)

    async def listed(self) -> list[dict[str, Any]]:
        return (await self.page())[0]

    async def page(self, **query: Any) -> tuple[list[dict[str, Any]], bool]:
        """Some letters, and whether there are more."""
        async with self.ask.get("/api/dead", params=query) as answer:
            if answer.status == 503:
                return [], False  # the state is not there yet
            told = await answer.json()
            return list(told["letters"]), told["more"]

    async def post(self, verb: str, body: object) -> tuple[int, Any]:
        text = body if isinstance(body, str) else json.dumps(body)
        async with self.ask.post(f"/api/dead/{verb}", data=text) as answer:
            return answer.status, await answer.json()


@pytest.fixture
def asking(tmp_path: Path) -> Asking:
    return Asking(tmp_path)


def test_they_are_shown_as_dead_list_shows_them(asking: Asking) -> None:
    async def then() -> None:
        first, second = await asking.listed()
        named = {(one["source"], one["line"]): one for one in (first, second)}
        assert set(named) == {("log", 1), ("log", 2)}
        assert set(first) == {
            "source",
            "line",
            "op",
            "input_id",
            "id",
            "reason",
            "code",
            "attempts",
            "first_failed_at",
            "last_failed_at",
            "superseded",
            "change",
            "number",
        }
        assert named["log", 1]["code"] == 11102
        assert json.loads(named["log", 1]["change"]) == json.loads(post(0))

    asking.run(then)


def test_what_is_retried_is_applied_by_the_lane_that_runs_and_what_is_refused_is_named(
    asking: Asking,
) -> None:
    async def then() -> None:
        code, told = await asking.post("retry", ALL)
        (refused,) = told.pop("refused")
        assert (code, told) == (200, {"selected": 2})
        assert (refused["source"], refused["line"]) == ("log", 2)
        assert "not a valid change" in refused["reason"]
        while not asking.following.app.held:  # noqa: ASYNC110 - as users would
            await anyio.sleep(0.01)
        assert [one["line"] for one in await asking.listed()] == [2]

    asking.run(then)


@pytest.mark.parametrize(
    ("body", "left"),
    [
        (ALL, []),
        ({"all": True, "lane": "prod", "force": True}, []),
        ({"code": 11102}, [2]),
        ({"source": "log", "line": 1}, [2]),
        ({"letters": [{"source": "log", "line": 2}]}, [1]),
        ({"source": "elsewhere", "path": "/log", "line": 2}, [1]),
    ],
)
def test_they_are_selected_by_place_by_code_or_all(
    asking: Asking, body: dict[str, Any], left: list[int]
) -> None:
    async def then() -> None:
        assert await asking.post("drop", body) == (200, {"selected": 2 - len(left), "refused": []})
        assert [one["line"] for one in await asking.listed()] == left

    asking.run(then)


def test_a_bad_request_is_told_what_is_wrong_with_it_and_does_nothing(asking: Asking) -> None:
    async def then() -> None:
        for status, body, reason in (
            (400, "{", "not JSON"),
            (400, "[1]", "not a JSON object"),
            (400, {}, "say which dead letters"),
            (400, {"all": False}, "say which dead letters"),
            (400, {"all": True, "code": 1}, "one of these"),
            (400, {"all": True, "source": "log", "line": 1}, "one of these"),
            (400, {"letters": []}, "say which dead letters"),
            (400, {"letters": [1]}, '"source" and its "line"'),
            (400, {"source": "log"}, '"source" and its "line"'),
            (400, {"source": "log", "line": "1"}, '"line" is not a whole number'),
            (400, {"source": "log", "line": True}, '"line" is not a whole number'),
            (400, {"source": "log", "line": 1, "number": "1"}, '"number" is not a whole number'),
            (400, {"code": "11102"}, '"code" is not a whole number'),
            (400, {"all": True, "force": 1}, '"force" is not true or false'),
            (400, {"all": True, "lane": None}, '"lane" is not the name of a lane'),
            (400, {"code": 1, "letters": []}, "one of these"),
            (400, {"all": True, "dry_run": True}, 'there is no "dry_run"'),
            (404, {"all": True, "lane": "other"}, "no lane other, only prod"),
            (404, {"code": 5}, "no dead letter matches code 5"),
            (404, {"source": "log", "line": 1, "number": 9}, "matches log:1 (number 9)"),
            (404, {"source": "log", "line": 9}, "no dead letter matches log:9"),
        ):
            for verb in ("retry", "drop"):
                code, told = await asking.post(verb, body)
                assert (code, reason in told["error"]) == (status, True), (body, told)
        assert len(await asking.listed()) == 2

    asking.run(then)


def test_page_after_page_shows_each_letter_once_while_others_come_and_go(asking: Asking) -> None:
    async def then() -> None:
        for n in range(5):
            asking.following.add(b"bad %d" % n)
        while len(await asking.listed()) < 7:  # noqa: ASYNC110 - as users would
            await anyio.sleep(0.01)
        whole = await asking.listed()
        (first, more) = await asking.page(limit=3)
        assert (first, more) == (whole[:3], True)
        await asking.post("drop", {"letters": [{name: first[0][name] for name in PLACE}]})
        asking.following.add(b"bad 9")
        while len(await asking.listed()) < 7:  # noqa: ASYNC110 - as users would
            await anyio.sleep(0.01)
        second, more = await asking.page(limit=4, after=first[-1]["number"])
        assert (second, more) == (whole[3:], True)
        third, more = await asking.page(limit=4, after=second[-1]["number"])
        assert ([one["change"] for one in third], more) == (["bad 9"], False)
        assert await asking.page(limit=0, after=second[-1]["number"]) == ([], True)
        assert await asking.page(limit=9, q="bad 3") == (whole[5:6], False)

    asking.run(then)


def test_a_letter_that_died_again_is_not_the_one_that_was_looked_at(asking: Asking) -> None:
    async def then() -> None:
        (before,) = (one for one in await asking.listed() if one["line"] == 1)
        asking.following.app.interfering = lambda request: REFUSING if request.body else None
        assert (await asking.post("retry", {"source": "log", "line": 1}))[0] == 200
        while len(listed := await asking.listed()) < 2:  # noqa: ASYNC110 - as users would
            await anyio.sleep(0.01)
        (after,) = (one for one in listed if one["line"] == 1)
        old, new = ({name: one[name] for name in PLACE} for one in (before, after))
        code, told = await asking.post("drop", old)
        assert code == 404
        assert f"log:1 (number {old['number']})" in told["error"]
        assert await asking.post("drop", {"letters": [new]}) == (
            200,
            {"selected": 1, "refused": []},
        )

    asking.run(then)


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["limit", "after"])
@pytest.mark.parametrize("limit", ["", "-1", "1.5", "1" * 10, "9" * 5000])
async def test_a_limit_that_is_not_a_number_of_letters_is_told(
    asking: Asking, limit: str, name: str
) -> None:
    async with (
        serving("127.0.0.1:0", letters([asking.following.lane("prod")]), Guard()) as url,
        aiohttp.ClientSession(url) as ask,
        ask.get("/api/dead", params={name: limit}) as answer,
    ):
        assert answer.status == 400
        assert f'"{name}" is not a whole number' in (await answer.json())["error"]


@pytest.mark.anyio
async def test_while_no_push_is_on_the_answer_is_to_come_again(asking: Asking) -> None:
    lane = asking.following.lane("prod")
    async with (
        serving("127.0.0.1:0", letters([lane]), Guard()) as url,
        aiohttp.ClientSession(url) as asking.ask,
    ):
        code, told = await asking.post("retry", ALL)
    assert (code, "lane prod does not push" in told["error"]) == (503, True)


@pytest.mark.anyio
async def test_of_several_lanes_one_has_to_be_named(asking: Asking) -> None:
    lanes = [asking.following.lane(name) for name in ("prod", "test")]
    async with (
        serving("127.0.0.1:0", letters(lanes), Guard()) as url,
        aiohttp.ClientSession(url) as asking.ask,
    ):
        assert await asking.post("drop", ALL) == (400, {"error": "say which lane: prod, test"})
        async with asking.ask.get("/api/dead") as answer:
            assert answer.status == 400


def test_letters_of_a_lane_that_is_paused_by_hand_are_queued_and_sent_once_it_goes_on(
    tmp_path: Path,
) -> None:
    following = Following(App(tmp_path / "state"))
    following.app.interfering = lambda request: REFUSING if request.body else None

    async def then(lane: Lane) -> None:
        await anyio.sleep(10)
        following.app.interfering = lambda _: None
        await lane.hold(held=True)
        assert await lane.retry(Selector(every=True)) == RetryResult(queued=1)
        await anyio.sleep(100)
        assert following.app.held == {}
        await lane.hold(held=False)
        await anyio.sleep(10)

    following.run(then)
    assert len(following.app.held) == 1


def test_what_comes_while_a_push_ends_is_written_before_its_state_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    following = Following(App(tmp_path / "state"))
    following.lines = [post(0), b"bad"]
    dropped: list[DropResult] = []

    push = Push.run

    async def then(lane: Lane) -> None:
        await anyio.sleep(10)
        lane.drain()
        await anyio.sleep(10)
        with pytest.raises(NotPushing, match="the lane was drained"):
            await lane.drop(Selector(every=True))

    async def main() -> bool:
        async with anyio.create_task_group() as tasks:

            async def drop() -> None:
                dropped.append(await lane.drop(Selector(every=True)))

            async def run(engine: Push) -> None:
                await push(engine)
                tasks.start_soon(drop)
                await anyio.lowlevel.checkpoint()

            monkeypatch.setattr(Push, "run", run)
            lane = following.lane("prod")
            tasks.start_soon(lane.run)
            await then(lane)
        return True

    following.app.run(main)
    assert dropped == [DropResult(1)]
    assert list(open_in(tmp_path / "state")) == []
