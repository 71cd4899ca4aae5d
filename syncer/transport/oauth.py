"""OAuth 2 client credentials: requests with an access token that is fetched, renewed
and shared as needed (RFC 6749, 4.4 and 6).

What the official clients of Annotell and Kognic do is in wire/annotell.md, section 2;
this does the same, except what they do badly: a 401 of the API renews the token, and
however many requests wait for a token, it is fetched once.
"""

from __future__ import annotations

import base64
import json
import math
import random
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import anyio

from syncer.core.backoff import Backoff
from syncer.core.ports.wire import NoReply, Reply, Request
from syncer.core.token import is_token
from syncer.transport.http import HttpTransport
from syncer.transport.tokens import TokenTransport

TOKEN_PATH = "/v1/auth/oauth/token"  # noqa: S105 - a path (annotell-auth 2.0.1, kognic-auth 4.5.2: auth_session.py)
NO_SUCH_ADDRESS = (*range(300, 400), 404, 405, 410)
"""HTTP statuses that say nothing of the client: there is no auth server at that
address.
"""
TRIES_MAX = 4
"""The tries of one question to the auth server, where it fails in a way that may pass.
kognic-auth: MAX_RETRIES = 3.
"""
BACKOFF_SECONDS = (0.5, 8.0)
"""Base and cap between them."""
LEEWAY_SECONDS = 60.0
"""A token is renewed this long before it expires, or a tenth of its life where that is
less. kognic-auth (authlib 1.9): 60.
"""

GrantAsk = Callable[[dict[str, str], Request], Awaitable[Reply | NoReply]]
"""How the auth server is asked: headers, and a request."""


class Tokens:
    """The access token of one client at one auth server.

    All lanes of a process that sign in there with it are to share one of these.
    """

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        rng: random.Random | None = None,
    ) -> None:
        """`clock` gives seconds that never go back."""
        self._client_id = client_id
        self._client_secret = client_secret
        self._clock = clock
        self._sleep = sleep
        rng = rng or random.Random()  # noqa: S311 - jitter, not a secret
        self._backoff = Backoff(*BACKOFF_SECONDS, rng)
        self._lock = anyio.Lock()
        # how the client shows who it is: in the body, as the official clients do, or by
        # HTTP Basic
        self._basic = False
        self._refresh = ""
        self._access = ""
        self._renew_at = 0.0
        self._fetched = 0
        self._last: str | Reply | NoReply = ""

    async def access(self, ask: GrantAsk, refused: str = "") -> str | Reply | NoReply:
        """A token that has not expired and is not the one that was `refused`; else why
        no token came.

        A Reply is the auth server's own throttle or its request to wait, or 401 where
        it refuses the client. NoReply: it could not be asked; nothing was sent.
        """
        if self._good(refused):
            return self._access
        fetched = self._fetched
        async with self._lock:
            if self._good(refused):
                return self._access
            # Else somebody asked while this one waited: what came of it holds for all.
            if self._fetched == fetched:
                self._last = await self._fetch(ask, anew=bool(refused))
                self._fetched += 1
            return self._last

    def at_hand(self) -> str:
        """The token, where nothing has to be asked for it; else empty."""
        return self._access if self._good("") else ""

    def _good(self, refused: str) -> bool:
        return bool(self._access) and self._access != refused and self._clock() < self._renew_at

    async def _fetch(self, ask: GrantAsk, *, anew: bool) -> str | Reply | NoReply:
        """By the refresh token where there is one and the access token has merely run
        out, else by the client's credentials.
        """
        refresh, self._refresh = self._refresh, ""
        reply: Reply | NoReply | None = None
        if refresh and not anew:
            reply = await self._ask_grant(
                ask, {"grant_type": "refresh_token", "refresh_token": refresh}
            )
        if reply is None or (isinstance(reply, Reply) and _refuses(reply)):
            reply = await self._ask_grant(ask, {"grant_type": "client_credentials"})
        if isinstance(reply, NoReply):
            return NoReply(f"no access token: {reply.reason}", sent=False, cause=reply.cause)
        if _asks_to_wait(reply):
            said = json.dumps(
                {"message": f"no access token: the auth server answered HTTP {reply.status}"}
            ).encode()
            return Reply(reply.status, said, reply.retry_after, reply.date)
        if reply.status in NO_SUCH_ADDRESS:
            why = (
                f"no access token: the auth server has no {TOKEN_PATH} (HTTP {reply.status}): check"
                " auth_url"
            )
            return NoReply(why, sent=False, cause="outage" if self._access else "never")
        if _refuses(reply):
            error = _member(reply, "error")
            named = (
                f" ({error})" if isinstance(error, str) and re.fullmatch(r"\w{1,40}", error) else ""
            )
            return Reply(
                401,
                json.dumps(
                    {"message": f"the auth server refused the client: HTTP {reply.status}{named}"}
                ).encode(),
            )
        return self._take(reply)

    async def _ask_grant(self, ask: GrantAsk, grant: dict[str, str]) -> Reply | NoReply:
        """Return what the auth server says, with the client shown in the other way too
        if it does not know it in the one (RFC 6749, 2.3.1).
        """
        reply = await self._ask_until_answered(ask, grant)
        if (
            isinstance(reply, Reply)
            and _refuses(reply)
            and _member(reply, "error") == "invalid_client"
        ):
            self._basic = not self._basic
            second = await self._ask_until_answered(ask, grant)
            if isinstance(second, NoReply) or not _refuses(second):
                # also a throttle or a silence: only an answer to both ways shows that
                # the client is refused
                return second
            self._basic = not self._basic
        return reply

    async def _ask_until_answered(self, ask: GrantAsk, grant: dict[str, str]) -> Reply | NoReply:
        """Ask until there is an answer to the point: a token, a refusal, a throttle, a
        time to wait for.
        """
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        if self._basic:
            pair = f"{self._client_id}:{self._client_secret}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        else:
            grant = {**grant, "client_id": self._client_id, "client_secret": self._client_secret}
        request = Request("POST", TOKEN_PATH, urlencode(grant).encode())
        attempt = 1
        while True:
            reply = await ask(headers, request)
            if isinstance(reply, Reply):
                if _asks_to_wait(reply) or _refuses(reply) or _token(reply):
                    return reply
                never = attempt == TRIES_MAX and reply.status < 300 and not self._access
                why = f"the auth server answered HTTP {reply.status} and no token"
                reply = NoReply(
                    f"{why}: check auth_url" if never else why,
                    sent=True,
                    cause="never" if never else "outage",
                )
            if attempt == TRIES_MAX or reply.cause == "never":
                return reply
            await self._sleep(self._backoff.delay(attempt))
            attempt += 1

    def _take(self, reply: Reply) -> str:
        self._access = _token(reply)
        refresh = _member(reply, "refresh_token")
        self._refresh = (
            refresh
            if isinstance(refresh, str) and refresh.isascii() and refresh.isprintable()
            else ""
        )
        try:
            life_seconds = float(_member(reply, "expires_in"))
        except (TypeError, ValueError, OverflowError):
            life_seconds = math.nan
        if not math.isfinite(life_seconds):
            # not said, or no time: good until the API refuses it
            life_seconds = math.inf
        self._renew_at = self._clock() + life_seconds - min(LEEWAY_SECONDS, life_seconds / 10)
        return self._access

    def __repr__(self) -> str:
        return "Tokens(…)"


@dataclass(frozen=True, slots=True)
class _FromServer:
    """The tokens of a client, with the way to its auth server. Implements
    `TokenSource`.
    """

    tokens: Tokens
    auth: HttpTransport

    def token(self) -> str:
        return self.tokens.at_hand()

    async def fetch(self, refused: str) -> str | Reply | NoReply:
        return await self.tokens.access(self.auth.send_with, refused)


class OAuthTransport(TokenTransport):
    """Requests that carry an access token. An async context manager. Implements
    `Transport`.

    A path belongs to the base URL of `api`; a whole URL must be at one of
    `other_hosts`: the token goes nowhere else. A token that the API refuses (401) is
    renewed once, and the request repeated once.
    """

    def __init__(
        self,
        *,
        api: HttpTransport,
        auth: HttpTransport,
        tokens: Tokens,
        elsewhere: HttpTransport | None = None,
        other_hosts: frozenset[str] = frozenset(),
    ) -> None:
        """The transports have no authorization of their own; this enters and leaves
        them. `elsewhere` takes whole URLs.

        `other_hosts`: base URLs, without a last slash.
        """
        others = (auth,) if elsewhere is None else (auth, elsewhere)
        super().__init__(api, "Bearer", _FromServer(tokens, auth), _says_401, *others)
        self._auth = auth
        self._elsewhere = elsewhere
        self._other_hosts = other_hosts

    @property
    def hidden_retries(self) -> int:
        """Requests that left without being asked for, those for tokens among them."""
        return self._auth.requests + super().hidden_retries

    def _at(self, path: str) -> HttpTransport:
        """Return what takes requests for this path or whole URL.

        Raises ValueError for a host that is not to have the token.
        """
        if path.startswith("/"):
            return self._http
        parts = urlsplit(path)
        if self._elsewhere is None or f"{parts.scheme}://{parts.netloc}" not in self._other_hosts:
            raise ValueError(f"the access token is not for {parts.hostname}")
        return self._elsewhere


def _says_401(reply: Reply) -> bool:
    return reply.status == 401


def _asks_to_wait(reply: Reply) -> bool:
    """Too many requests, or a failure that names a time: the wait is that of the
    request that needs the token.
    """
    return reply.status == 429 or (reply.status >= 500 and reply.retry_after is not None)


def _refuses(reply: Reply) -> bool:
    """Whether asking again is of no use."""
    return 300 <= reply.status < 500 and reply.status not in (408, 429)


def _token(reply: Reply) -> str:
    """The access token of an answer that grants one, empty if it grants none that a
    header can hold.
    """
    found = _member(reply, "access_token") if 200 <= reply.status < 300 else None
    return found if isinstance(found, str) and is_token(found) else ""


def _member(reply: Reply, name: str) -> Any:
    """A member of the JSON object that the answer is, None if it is not one."""
    try:
        value = json.loads(reply.body)
    except (ValueError, RecursionError):
        return None
    return value.get(name) if isinstance(value, dict) else None
