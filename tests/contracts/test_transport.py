"""What every transport promises: one sending, one answer as it came or the reason why
there is none, and never an exception.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

import pytest

from syncer.core.ports.wire import NoReply, Reply, Request, Transport
from syncer.emulator.clarifai.part import Clarifai
from syncer.emulator.settings import behaviour
from syncer.transport.http import HttpTransport
from syncer.transport.oauth import OAuthTransport, Tokens
from tests.engine.lists import Remote
from tests.proof.simulation.clock import Clock
from tests.proof.simulation.network import Network, SimulatedTransport
from tests.proof.simulation.scenario import Outage, Weather
from tests.support.fakes import OTHER, Service
from tests.support.turns import UNPACED
from tests.transport.test_http import Answer, free_port, resets, says, says_and_hangs_up, serving

Scene = Literal["answered", "page", "throttled", "nobody", "reset", "cut"]
GET = Request("GET", "/v2/users/me/apps/app/annotations?page=1&per_page=1")

pytestmark = pytest.mark.anyio

ANSWERS: dict[Scene, Answer] = {
    "answered": says('HTTP/1.1 200 OK\nContent-Length: 12\n\n{"status":1}'),
    "page": says("HTTP/1.1 503 Service Unavailable\nContent-Length: 6\n\n<html>"),
    "throttled": says("HTTP/1.1 429 Too Many\nRetry-After: 7\nContent-Length: 2\n\n{}"),
    "reset": resets,
    "cut": says_and_hangs_up('HTTP/1.1 200 OK\nContent-Length: 99\n\n{"status"'),
}

TOKEN = '{"access_token":"t","expires_in":3600}'


@dataclass
class Way:
    """A transport, and how often the other side was asked."""

    transport: Transport
    asked: Callable[[], int]


def http_to(url: str) -> HttpTransport:
    """Real HTTP."""
    return HttpTransport(base_url=url, connect_timeout_seconds=5, request_timeout_seconds=5)


@asynccontextmanager
async def by_http(scene: Scene) -> AsyncIterator[Way]:
    """Over a socket, to a server that does as told."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    async with (
        serving(ANSWERS.get(scene, ANSWERS["answered"])) as server,
        http_to(nowhere if scene == "nobody" else server.url) as transport,
    ):
        yield Way(transport, lambda: len(server.heads))


@asynccontextmanager
async def by_oauth(scene: Scene) -> AsyncIterator[Way]:
    """The same with a token, fetched from a server of its own."""
    granted = says(f"HTTP/1.1 200 OK\nContent-Length: {len(TOKEN)}\n\n{TOKEN}")
    async with serving(ANSWERS.get(scene, ANSWERS["answered"])) as server, serving(granted) as auth:
        url = f"http://127.0.0.1:{free_port()}" if scene == "nobody" else server.url
        async with OAuthTransport(
            api=http_to(url), auth=http_to(auth.url), tokens=Tokens("id", "secret")
        ) as transport:
            yield Way(transport, lambda: len(server.heads))


FAULTS: dict[Scene, str] = {
    "page": "html",
    "throttled": "throttle",
    "reset": "reset-after",
    "cut": "cut",
}


@asynccontextmanager
async def by_simulation(scene: Scene) -> AsyncIterator[Way]:
    """The simulation's network, with one kind of weather."""
    weather = Weather(
        seed=1,
        settings={"push.requests_per_second": 1000, "retry.cap_seconds": 60},
        switches={},
        faults={FAULTS[scene]: 1.0} if scene in FAULTS else {},
        disk={},
        ends=(),
        outages=(Outage(-1.0, 1.0, "refused"),) if scene == "nobody" else (),
        clock=(),
        latency_seconds=0.0,
        service_rps=0,
    )
    network = Network(weather, Clarifai(behaviour("").switches), Clock(), lambda _: None)
    async with SimulatedTransport(network, 5.0, "Key token") as transport:
        yield Way(transport, lambda: network.sends)


TOLD: dict[Scene, Reply | NoReply] = {
    "answered": Reply(200, b'{"status":1}'),
    "page": Reply(503, b"<html>"),
    "throttled": Reply(429, b"{}", "7"),
    "nobody": NoReply("no connection", sent=False),
    "reset": NoReply("the connection broke", sent=True),
    "cut": NoReply("the answer was cut off", sent=True),
}


@asynccontextmanager
async def by_hand(scene: Scene) -> AsyncIterator[Way]:
    """The fake of the tests of a pull's engine."""
    remote = Remote({GET.path: [TOLD[scene]]})
    yield Way(remote, lambda: len(remote.asked))


@asynccontextmanager
async def by_fake(scene: Scene) -> AsyncIterator[Way]:
    """The fake of the tests of a push's engine."""
    service = Service(latency_seconds=0.0)
    service.always(OTHER, TOLD[scene])
    yield Way(service, lambda: len(service.asked))


Ways = Callable[[Scene], AbstractAsyncContextManager[Way]]
on_every_way: Any = pytest.mark.parametrize(
    "way", [by_http, by_oauth, by_simulation, by_hand, by_fake]
)


@on_every_way
async def test_an_answer_is_handed_back_whole_whatever_its_status(way: Ways) -> None:
    async with way("answered") as there:
        found = await there.transport.send(GET, UNPACED)
        assert isinstance(found, Reply)
        assert (found.status, found.body[:10]) == (200, b'{"status":')
    async with way("page") as there:
        found = await there.transport.send(GET, UNPACED)
        assert isinstance(found, Reply)
        assert (found.status, found.body[:6]) == (503, b"<html>")


@on_every_way
async def test_a_throttle_is_an_answer_with_its_header_as_it_came(way: Ways) -> None:
    async with way("throttled") as there:
        found = await there.transport.send(GET, UNPACED)
    assert isinstance(found, Reply)
    assert found.status == 429
    assert found.retry_after is not None
    assert found.retry_after.isdigit()


@on_every_way
async def test_where_nobody_listens_nothing_was_sent(way: Ways) -> None:
    async with way("nobody") as there:
        found = await there.transport.send(GET, UNPACED)
    assert isinstance(found, NoReply)
    assert not found.sent


@on_every_way
@pytest.mark.parametrize("scene", ["reset", "cut"])
async def test_an_answer_that_does_not_come_whole_leaves_it_in_doubt_and_is_not_asked_for_again(
    way: Ways, scene: Scene
) -> None:
    async with way(scene) as there:
        found = await there.transport.send(GET, UNPACED)
        assert isinstance(found, NoReply)
        assert found.sent
        assert found.reason
        assert there.asked() == 1


@on_every_way
async def test_what_failed_does_not_spoil_what_comes_after_it(way: Ways) -> None:
    async with way("reset") as there:
        results = [await there.transport.send(GET, UNPACED) for _ in range(3)]
        assert [isinstance(result, NoReply) and result.sent for result in results] == [True] * 3
        assert there.asked() == 3
