"""Which lanes of a process share a limit."""

from __future__ import annotations

import gc
from pathlib import Path

import anyio
import pytest

from syncer.config import load
from syncer.core.limiter import LanePace, Wish
from syncer.core.ports.wire import Request
from syncer.jobs.clarifai import app as clarifai
from syncer.jobs.limiters import Limiters, in_use
from syncer.jobs.push import PushLane
from syncer.jobs.push_parts import push_parts
from tests.support.lanes import App
from tests.support.lines import post

pytestmark = pytest.mark.anyio

URL = "http://127.0.0.1:1"


def lane(limiters: Limiters, *names: str, url: str = URL, wish: Wish = 15) -> LanePace:
    """A lane of the credential that is called this, in use from now on."""
    return going(limiters.lane(url, names, wish))


def going(pace: LanePace) -> LanePace:
    pace.join(anyio.current_time())
    return pace


def shared(first: LanePace, second: LanePace) -> bool:
    """Do they share a limit?"""
    return first.limiter is second.limiter


async def test_lanes_of_one_token_share_a_limit_and_lanes_of_two_do_not() -> None:
    limiters = Limiters()
    assert shared(lane(limiters, "token a"), lane(limiters, "token a"))
    assert not shared(lane(limiters, "token a"), lane(limiters, "token b"))


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "HTTP://127.0.0.1:1"])
async def test_one_address_may_be_written_in_several_ways(url: str) -> None:
    limiters = Limiters()
    assert shared(lane(limiters, "token"), lane(limiters, "token", url=url))


async def test_another_address_has_a_limit_of_its_own() -> None:
    limiters = Limiters()
    assert not shared(lane(limiters, "token"), lane(limiters, "token", url=URL + "/v2"))


async def test_a_file_of_one_name_is_one_credential_whatever_token_it_holds() -> None:
    limiters = Limiters()
    before = lane(limiters, "token old", "file a")
    assert shared(before, lane(limiters, "token new", "file a"))
    assert shared(before, lane(limiters, "token new"))


async def test_credentials_that_turn_out_to_be_one_share_a_limit_from_then_on() -> None:
    limiters = Limiters()
    first = lane(limiters, "token a", "file a")
    second = lane(limiters, "token b", "variable B", wish=4)
    assert not shared(first, second)
    limiters.same(URL, ("token b", "file a"))
    assert shared(first, second)
    assert first.requests_per_second == 4
    assert shared(first, lane(limiters, "variable B"))


async def test_a_process_of_another_owner_knows_nothing_of_it() -> None:
    assert not shared(lane(Limiters(), "token"), lane(Limiters(), "token"))


async def test_a_limiter_holds_no_token() -> None:
    limiters = Limiters()
    lane(limiters, "token hush-hush")
    tokens = limiters.tokens("https://auth", "id", "hush-hush")
    assert "hush-hush" not in repr((vars(limiters), dict(limiters._tokens), tokens))


def test_a_client_at_an_auth_server_has_one_token_for_all_lanes() -> None:
    limiters = Limiters()
    tokens = limiters.tokens("https://auth", "id", "secret")
    assert limiters.tokens("https://auth", "id", "secret") is tokens
    assert limiters.tokens("https://auth", "id", "another") is not tokens
    assert limiters.tokens("https://other", "id", "secret") is not tokens
    assert Limiters().tokens("https://auth", "id", "secret") is not tokens


def test_access_tokens_are_forgotten_once_no_lane_goes_with_them() -> None:
    limiters = Limiters()
    tokens = limiters.tokens("https://auth", "id", "secret")
    assert list(limiters._tokens.values()) == [tokens]
    del tokens
    gc.collect()
    assert not limiters._tokens


async def test_the_configured_token_and_its_place_name_the_credential(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("from-file")
    options: dict[str, object] = {"clarifai.app_id": "app", "clarifai.base_url": URL}
    limiters = Limiters()

    def of(environment: dict[str, str]) -> LanePace:
        return going(clarifai(load(None, environment, options), limiters).pace)

    by_file = of({"SYNCER_CLARIFAI_TOKEN_FILE": str(file)})
    assert shared(by_file, of({"CLARIFAI_PAT": "from-file"}))
    file.write_text("another")
    assert shared(by_file, of({"SYNCER_CLARIFAI_TOKEN_FILE": str(file)}))
    assert shared(by_file, of({"CLARIFAI_PAT": "yet-another"}))  # the variable had its first one


def test_two_pushes_at_the_same_time_go_together_at_the_slower_rate_and_in_turns(
    tmp_path: Path,
) -> None:
    app = App(tmp_path / "state", latency_seconds=0.01)
    sent: list[tuple[float, str]] = []

    def note(request: Request) -> None:
        sent.append((app.time.now, "first" if b'"first-' in (request.body or b"") else "second"))

    app.interfering = note

    async def push(name: str, rate: float) -> int:
        log = tmp_path / f"{name}.jsonl"
        log.write_bytes(b"".join(post(f"{name}-{number}") + b"\n" for number in range(20)))
        config = app.config(
            state__dir=str(tmp_path / name), push__batch_size=1, push__requests_per_second=rate
        )
        with push_parts(config, app.limiters) as parts:
            return (await PushLane(parts, [str(log)]).run()).exit_code

    async def both() -> bool:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(push, "first", 100.0)
            tasks.start_soon(push, "second", 4.0)
        return True

    assert app.run(both)
    times = [at for at, _ in sent]
    assert len(sent) == 40
    slow = times[: max(place for place, (_, who) in enumerate(sent) if who == "second")]
    assert all(later - earlier >= 1.0 for earlier, later in zip(slow, slow[4:], strict=False))
    assert [who for _, who in sent[4:34]].count("first") == pytest.approx(15, abs=1)


async def _while_in_use(pace: LanePace) -> float:
    with in_use(pace):
        return pace.requests_per_second


async def test_a_lane_that_has_ended_slows_nobody_down() -> None:
    limiters = Limiters()
    fast = limiters.lane(URL, ("token",), 15)
    with in_use(fast):
        assert await _while_in_use(limiters.lane(URL, ("token",), 2)) == 2
        assert fast.requests_per_second == 15
