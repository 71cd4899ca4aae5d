"""Access tokens: fetched once for all, renewed in time, refused and throttled; over the
real transport too.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

import anyio
import pytest

from syncer.core.ports.wire import NoReply, Reply, Request
from syncer.emulator import Emulator, running
from syncer.transport.http import HttpTransport
from syncer.transport.oauth import LEEWAY_SECONDS, TRIES_MAX, OAuthTransport, Tokens
from tests.support.turns import UNPACED

ID, SECRET = "client-7", "sécret/of+it"
PROJECTS = Request("GET", "/v1/projects")

pytestmark = pytest.mark.anyio


class AuthServer:
    """Answers the n-th question with its n-th answer, any further one with the last."""

    def __init__(self, *answers: Reply | NoReply) -> None:
        self.answers = answers
        self.forms: list[dict[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.slept: list[float] = []
        self.now = 1000.0
        self.tokens = Tokens(
            ID, SECRET, clock=lambda: self.now, sleep=self.sleep, rng=random.Random(1)
        )

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def ask(self, headers: dict[str, str], request: Request) -> Reply | NoReply:
        assert (request.method, request.path) == ("POST", "/v1/auth/oauth/token")
        await anyio.lowlevel.checkpoint()
        self.forms.append(
            {name: values[0] for name, values in parse_qs((request.body or b"").decode()).items()}
        )
        self.headers.append(headers)
        return self.answers[min(len(self.forms), len(self.answers)) - 1]

    async def access(self, refused: str = "") -> str | Reply | NoReply:
        return await self.tokens.access(self.ask, refused)

    @property
    def grants(self) -> list[str]:
        return [form["grant_type"] for form in self.forms]


def granted(token: str, **more: Any) -> Reply:
    return Reply(
        200,
        json.dumps(
            {"access_token": token, "token_type": "bearer", "expires_in": 3600, **more}
        ).encode(),
    )


INVALID_CLIENT = Reply(
    401, b'{"error":"invalid_client","error_description":"unknown client client-7"}'
)


# --- getting one ----------------------------------------------------------------------


async def test_a_token_is_fetched_with_the_client_in_the_body_as_the_official_clients_do() -> None:
    server = AuthServer(granted("t-1"))
    assert await server.access() == "t-1"
    assert server.forms == [
        {"grant_type": "client_credentials", "client_id": ID, "client_secret": SECRET}
    ]
    assert server.headers[0]["Content-Type"] == "application/x-www-form-urlencoded"
    assert "Authorization" not in server.headers[0]


async def test_however_many_wait_for_a_token_it_is_fetched_once() -> None:
    server = AuthServer(granted("t-1"), granted("t-2"))
    got: list[object] = []

    async def one() -> None:
        got.append(await server.access())

    async with anyio.create_task_group() as tasks:
        for _ in range(50):
            tasks.start_soon(one)
    assert got == ["t-1"] * 50
    assert len(server.forms) == 1


async def test_a_failure_holds_for_all_who_waited_and_the_next_one_asks_again() -> None:
    server = AuthServer(Reply(429, b"", "7"), granted("t-1"))
    got: list[object] = []

    async def one() -> None:
        got.append(await server.access())

    async with anyio.create_task_group() as tasks:
        for _ in range(50):
            tasks.start_soon(one)
    assert (
        got
        == [Reply(429, b'{"message": "no access token: the auth server answered HTTP 429"}', "7")]
        * 50
    )
    assert await server.access() == "t-1"
    assert len(server.forms) == 2


@pytest.mark.parametrize("status", [429, 500, 503, 504])
async def test_an_auth_server_that_asks_to_wait_is_not_asked_again_and_its_wait_is_handed_on(
    status: int,
) -> None:
    server = AuthServer(
        Reply(status, b"<html>", "7", "Tue, 24 Nov 2026 02:00:00 GMT"), granted("t-1")
    )
    found = await server.access()
    assert isinstance(found, Reply)
    assert (found.status, found.retry_after, found.date) == (
        status,
        "7",
        "Tue, 24 Nov 2026 02:00:00 GMT",
    )
    assert len(server.forms) == 1
    assert server.slept == []


async def test_whoever_gives_up_waiting_leaves_the_others_their_token() -> None:
    server = AuthServer(granted("t-1"))
    with anyio.CancelScope() as scope:
        scope.cancel()
        await server.access()
    assert await server.access() == "t-1"


async def test_a_client_that_is_not_known_in_the_body_is_shown_by_http_basic() -> None:
    server = AuthServer(INVALID_CLIENT, granted("t-1", expires_in=0), granted("t-2"))
    assert await server.access() == "t-1"
    assert (
        server.headers[1]["Authorization"]
        == "Basic " + base64.b64encode(f"{ID}:{SECRET}".encode()).decode()
    )
    assert server.forms[1] == {"grant_type": "client_credentials"}
    assert await server.access() == "t-2"  # and from then on at once
    assert len(server.forms) == 3


@pytest.mark.parametrize(
    "second", [Reply(429, b"", "7"), Reply(503, b"", "7"), NoReply("reset", sent=True)]
)
async def test_a_client_that_is_unknown_in_one_form_is_refused_only_once_the_other_form_is_answered(
    second: Reply | NoReply,
) -> None:
    """A throttle or a silence says nothing of the client: it is waited for, and the
    other form is asked again.
    """
    answers = [second] * (TRIES_MAX if isinstance(second, NoReply) else 1)
    server = AuthServer(INVALID_CLIENT, *answers, granted("t-1"))
    first = await server.access()
    assert isinstance(first, Reply if isinstance(second, Reply) else NoReply)
    if isinstance(first, Reply):
        assert (first.status, first.retry_after) == (second.status, "7")  # type: ignore[union-attr]
    assert await server.access() == "t-1"
    assert "Authorization" in server.headers[-1]


@pytest.mark.parametrize(
    "refusal", [INVALID_CLIENT, Reply(400, b'{"error":"invalid_client"}'), Reply(403, b"")]
)
async def test_a_client_that_is_refused_is_told_as_401_without_what_the_server_says_of_it(
    refusal: Reply,
) -> None:
    server = AuthServer(refusal)
    answer = await server.access()
    assert isinstance(answer, Reply)
    assert answer.status == 401
    message = json.loads(answer.body)["message"]
    assert message.startswith(f"the auth server refused the client: HTTP {refusal.status}")
    assert ID not in message
    assert SECRET not in message
    assert server.slept == []


@pytest.mark.parametrize("status", [302, 404])
async def test_an_auth_server_without_such_an_address_is_never_going_to_give_a_token(
    status: int,
) -> None:
    answer = await AuthServer(Reply(status, b"<html>")).access()
    assert isinstance(answer, NoReply)
    assert (answer.cause, answer.sent) == ("never", False)
    assert "auth_url" in answer.reason


@pytest.mark.parametrize(
    "failure",
    [
        Reply(503, b""),
        Reply(408, b""),
        Reply(200, b"<html>"),
        Reply(200, b'{"access_token":"two words"}'),
        NoReply("reset", sent=True),
    ],
)
async def test_what_may_pass_is_tried_again_with_growing_pauses(failure: Reply | NoReply) -> None:
    server = AuthServer(failure, failure, granted("t-1"))
    assert await server.access() == "t-1"
    assert len(server.slept) == 2
    server = AuthServer(failure)
    answer = await server.access()
    assert isinstance(answer, NoReply)
    assert not answer.sent  # the request itself never left
    assert answer.reason.startswith("no access token: ")
    assert len(server.forms) == TRIES_MAX


# --- renewing it ----------------------------------------------------------------------


async def test_a_token_is_kept_until_shortly_before_it_expires_and_then_refreshed() -> None:
    server = AuthServer(granted("t-1", refresh_token="r-1"), granted("t-2", refresh_token="r-2"))
    assert await server.access() == "t-1"
    server.now += 3600 - LEEWAY_SECONDS - 1
    assert await server.access() == "t-1"
    server.now += 2
    assert await server.access() == "t-2"
    assert server.forms[1] == {
        "grant_type": "refresh_token",
        "refresh_token": "r-1",
        "client_id": ID,
        "client_secret": SECRET,
    }


async def test_a_token_of_a_minute_is_used_for_most_of_it() -> None:
    server = AuthServer(granted("t-1", expires_in="60"), granted("t-2"))
    await server.access()
    server.now += 53
    assert await server.access() == "t-1"
    server.now += 2
    assert await server.access() == "t-2"


@pytest.mark.parametrize(
    "refusal", [Reply(401, b'{"error":"invalid_token"}'), Reply(400, b'{"error":"invalid_grant"}')]
)
async def test_a_refresh_token_that_is_refused_gives_way_to_the_clients_credentials(
    refusal: Reply,
) -> None:
    server = AuthServer(granted("t-1", refresh_token="r-1", expires_in=0), refusal, granted("t-2"))
    await server.access()
    assert await server.access() == "t-2"
    assert server.grants == ["client_credentials", "refresh_token", "client_credentials"]


async def test_without_a_refresh_token_the_clients_credentials_are_shown_again() -> None:
    server = AuthServer(granted("t-1", expires_in=0), granted("t-2"))
    assert [await server.access(), await server.access()] == ["t-1", "t-2"]
    assert server.grants == ["client_credentials"] * 2


@pytest.mark.parametrize("life", [None, "soon", [], {}])
async def test_a_token_of_which_nobody_says_how_long_it_lives_is_kept_until_it_is_refused(
    life: object,
) -> None:
    server = AuthServer(granted("t-1", expires_in=life, refresh_token="r-1"), granted("t-2"))
    await server.access()
    server.now += 1e9
    assert await server.access() == "t-1"
    assert await server.access(refused="t-1") == "t-2"
    assert server.grants == ["client_credentials"] * 2


async def test_a_token_that_others_have_replaced_meanwhile_is_not_renewed_again() -> None:
    server = AuthServer(granted("t-1"), granted("t-2"), granted("t-3"))
    await server.access()
    assert await server.access(refused="t-1") == "t-2"
    assert await server.access(refused="t-1") == "t-2"
    assert len(server.forms) == 2


def test_tokens_show_neither_the_client_nor_its_secret() -> None:
    shown = repr(Tokens(ID, SECRET))
    assert ID not in shown
    assert SECRET not in shown


# --- requests that carry it, over the network -----------------------------------------


@asynccontextmanager
async def signed_in(
    server: Emulator, *, secret: str = SECRET, others: frozenset[str] = frozenset()
) -> AsyncIterator[OAuthTransport]:
    def plain(base_url: str | None) -> HttpTransport:
        return HttpTransport(
            base_url=base_url,
            connect_timeout_seconds=5,
            request_timeout_seconds=5,
        )

    async def no_sleep(_: float) -> None:
        await anyio.lowlevel.checkpoint()

    tokens = Tokens(ID, secret, sleep=no_sleep)
    transport = OAuthTransport(
        api=plain(server.url),
        auth=plain(server.url),
        tokens=tokens,
        elsewhere=plain(None),
        other_hosts=others,
    )
    async with transport:
        yield transport


def statuses(replies: list[Reply | NoReply]) -> list[int]:
    return [reply.status if isinstance(reply, Reply) else 0 for reply in replies]


@pytest.mark.parametrize(
    "switches", ["", "client-auth=basic", "client-auth=post", "refresh-token=none"]
)
async def test_many_requests_share_a_token(switches: str) -> None:
    async with running(rps=0, faults=switches) as server, signed_in(server) as transport:
        replies = [await transport.send(PROJECTS, UNPACED) for _ in range(5)]
        assert statuses(replies) == [200] * 5
        assert sum(server.annotell.tokens.granted.values()) == 1
        assert transport.hidden_retries == (2 if "basic" in switches else 1)


@pytest.mark.parametrize("switches", ["", "refresh-token=none", "refresh-token=expired"])
async def test_tokens_that_have_run_out_are_renewed_before_they_are_used(switches: str) -> None:
    async with (
        running(rps=0, faults=f"token-seconds=-1,{switches}") as server,
        signed_in(server) as transport,
    ):
        assert statuses([await transport.send(PROJECTS, UNPACED) for _ in range(3)]) == [200] * 3
        granted = server.annotell.tokens.granted
        assert granted["refresh_token"] == (2 if not switches else 0)
        assert sum(granted.values()) == 3


async def test_a_token_that_the_api_refuses_is_renewed_once_and_the_request_repeated() -> None:
    async with running(rps=0, faults="token-uses=3") as server, signed_in(server) as transport:
        assert statuses([await transport.send(PROJECTS, UNPACED) for _ in range(8)]) == [200] * 8
        assert server.annotell.tokens.granted["client_credentials"] == 3
        assert transport.hidden_retries == 3 + 2


async def test_an_api_that_refuses_every_token_is_asked_twice_and_not_for_ever() -> None:
    async with running(rps=0) as server, running(rps=0) as another, signed_in(server) as transport:
        transport._auth._base_url = another.url  # its tokens are not known here
        assert statuses([await transport.send(PROJECTS, UNPACED)]) == [401]
        assert server.counts["unauthorized"] == 2


async def test_refused_credentials_are_told_without_sending_the_request() -> None:
    async with running(rps=0) as server, signed_in(server, secret="refused-secret") as transport:
        reply = await transport.send(PROJECTS, UNPACED)
        assert isinstance(reply, Reply)
        assert (reply.status, b"invalid_client" in reply.body) == (401, True)
        assert b"refused-secret" not in reply.body
        assert "refused-secret" not in repr(transport)
        assert server.annotell.counts["annotell projects"] == 0


async def test_a_throttle_of_the_auth_server_comes_back_with_the_time_to_wait() -> None:
    async with running(rps=0, faults="throttle=1") as server, signed_in(server) as transport:
        reply = await transport.send(PROJECTS, UNPACED)
        assert isinstance(reply, Reply)
        assert (reply.status, reply.retry_after) == (429, "1")
        assert server.counts["requests"] == 1


async def test_the_token_goes_to_the_hosts_it_is_for_and_nowhere_else() -> None:
    async with (
        running(rps=0) as server,
        running(rps=0) as other,
        signed_in(server, others=frozenset({other.url})) as transport,
    ):
        other.annotell.tokens = server.annotell.tokens
        assert statuses(
            [await transport.send(Request("GET", f"{other.url}/v1/projects"), UNPACED)]
        ) == [200]
        for elsewhere in (
            "http://127.0.0.1:9/v1/projects",
            f"{other.url}.evil.test/",
            f"{other.url}@evil.test/",
        ):
            before = other.counts["requests"]
            with pytest.raises(ValueError, match="not for"):
                await transport.send(Request("GET", elsewhere), UNPACED)
            assert other.counts["requests"] == before


async def test_whole_urls_are_asked_without_any_token_and_never_shown() -> None:
    async with running(rps=0) as server:
        storage = HttpTransport(base_url=None, connect_timeout_seconds=5, request_timeout_seconds=5)
        held = next(
            held for _, scene in server.annotell.projects.scenes() for held in scene.annotations
        )
        url = server.annotell.signatures.url(
            server.url.removeprefix("http://"), f"{held.id}.json", server.annotell.switches
        )
        async with storage:
            found = await storage.send(Request("GET", url), UNPACED)
            assert isinstance(found, Reply)
            assert (found.status, found.body) == (200, held.document)
            lost = await storage.send(
                Request("GET", "http://127.0.0.1:9/x?X-Goog-Signature=secret"), UNPACED
            )
            odd = await storage.send(Request("GET", "no address ?X-Goog-Signature=secret"), UNPACED)
        for reply in (lost, odd):
            assert isinstance(reply, NoReply)
            assert not reply.sent
            assert "secret" not in reply.reason
        assert "Signature" not in repr(storage)
