"""HTTP over aiohttp, with explicit deadlines and nothing hidden.

What went wrong is a value, and a request that certainly never left differs from one
that may have been applied.
"""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import SimpleNamespace, TracebackType

import aiohttp
from yarl import URL

from syncer.core.address import address_fault
from syncer.core.ports.wire import AnotherTurn, NoReply, Reply, Request
from syncer.errors import UsageError
from syncer.transport.causes import SentOnceOnly, explain_proxy_refusal, not_answered, not_sent
from syncer.transport.proxies import Route, route
from syncer.transport.trust import speaks_tls, trust
from syncer.version import __version__

ANSWER_BYTES_MAX = 256 << 20
"""The bytes of an answer's body, decompressed."""
READ_BYTES = 1 << 18
BODY_AT_ONCE_BYTES_MAX = 1 << 20
"""A larger body is handed over piece by piece, so that writing it does not hold up
everything else.
"""
DNS_CACHE_SECONDS = 300


@dataclass(slots=True)
class _RequestOnItsWay:
    """One request on its way: its deadline starts to run when the request leaves."""

    deadline: asyncio.Timeout
    count: int = 0
    begun: bool = False
    """Its answer has begun."""
    reused: bool = False
    """Its connection has carried another one before."""
    broken: bool = False
    """Its connection broke before its answer began."""


class HttpTransport:
    """Sends requests to one base URL, or to whole URLs. An async context manager.

    A GET whose kept connection turns out closed goes once more, in another turn: where
    a proxy closes each connection after its answer, what follows an answer at once
    meets a closed one.

    Proxies come from the environment (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY).
    `ca_file` replaces the system's authorities. Redirects are handed back as they are,
    so credentials go nowhere else; it has none of its own. Raises UsageError for
    settings that cannot be used.
    """

    def __init__(
        self,
        *,
        base_url: str | None,
        connect_timeout_seconds: float,
        request_timeout_seconds: float,
        ca_file: str = "",
        ca_named: str = "ca_file",
    ) -> None:
        """Connecting includes names, proxy and TLS; the request's time runs from
        sending to the end of the answer.

        `base_url`: what paths are appended to; None where the path of every request is
        a whole URL. `ca_named`: who named `ca_file`, for messages.
        """
        self.requests = 0
        """Requests that left."""
        self.hidden_retries = 0
        """Those among them that were not asked for: sent once more, or by aiohttp."""
        self._base_url = "" if base_url is None else _check_base_url(base_url)
        self._routes: dict[tuple[str, str], Route] = {}
        if base_url is not None and (fault := self._route(URL(self._base_url, encoded=True)).fault):
            raise UsageError(fault)
        self._answered: set[tuple[str, str]] = set()
        """Where an HTTP answer came from: scheme and authority."""
        self._plain: set[tuple[str, str]] = set()
        """The places where HTTP without TLS is spoken, as far as is known."""
        self._ssl = trust(ca_file, ca_named)
        self._headers = {"User-Agent": f"syncer/{__version__}"}
        self._connect_timeout_seconds = connect_timeout_seconds
        self._request_timeout_seconds = request_timeout_seconds
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> HttpTransport:
        trace = aiohttp.TraceConfig()
        trace.on_request_headers_sent.append(self._leaves)
        trace.on_connection_reuseconn.append(_finds_connection)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=self._ssl, ttl_dns_cache=DNS_CACHE_SECONDS),
            headers=self._headers,
            timeout=aiohttp.ClientTimeout(total=None, connect=self._connect_timeout_seconds),
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=[trace],
            middlewares=[_once],
            read_bufsize=READ_BYTES,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        assert self._session is not None
        await self._session.close()

    async def send(self, request: Request, turn: AnotherTurn) -> Reply | NoReply:
        """Send once; a GET once more where a kept connection turns out closed.

        Never raises for what the network or the remote does.
        """
        return await self.send_with({}, request, turn)

    async def send_with(
        self, headers: Mapping[str, str], request: Request, turn: AnotherTurn | None = None
    ) -> Reply | NoReply:
        """As `send` does, with these headers too. Without a turn nothing goes twice."""
        assert self._session is not None, "used outside of its context"
        try:
            url = URL(self._base_url + request.path, encoded=True)
        except ValueError as error:
            return not_sent(error, self._connect_timeout_seconds, Route())
        way = self._route(url)
        if way.fault:
            return NoReply(way.fault, sent=False, cause="never")
        sending = _RequestOnItsWay(asyncio.timeout(None))
        reply = await self._send(request, url, way, headers, sending)
        if turn and request.method == "GET" and sending.reused and sending.broken:
            await turn.another(gone=True)
            self.hidden_retries += 1
            again = _RequestOnItsWay(asyncio.timeout(None))
            reply = await self._send(request, url, way, headers, again)
        if isinstance(reply, Reply) and reply.status == 407 and way.proxy is not None:
            return explain_proxy_refusal(way, reply.status)
        if url.scheme == "http" and way.proxy is None and _origin(url) not in self._plain:
            return await self._plainly(reply, url)
        return reply

    async def _send(
        self,
        request: Request,
        url: URL,
        way: Route,
        headers: Mapping[str, str],
        sending: _RequestOnItsWay,
    ) -> Reply | NoReply:
        assert self._session is not None
        body = request.body
        sent_headers = {} if body is None else {"Content-Type": "application/json"}
        try:
            async with (
                sending.deadline,
                self._session.request(
                    request.method,
                    url,
                    data=(
                        body
                        if body is None or len(body) <= BODY_AT_ONCE_BYTES_MAX
                        else io.BytesIO(body)
                    ),
                    headers={**sent_headers, **headers},
                    # Not by `trust_env`, which reads the environment in a thread and
                    # ~/.netrc for every single request.
                    proxy=way.proxy,
                    allow_redirects=False,
                    trace_request_ctx=sending,
                ) as response,
            ):
                sending.begun = True
                self._answered.add(_origin(url))
                answer = await _read_body(response)
                if answer is None:
                    return NoReply(
                        f"the answer is larger than the {ANSWER_BYTES_MAX >> 20} MiB allowed",
                        sent=True,
                    )
                waits = ", ".join(response.headers.getall("Retry-After", ()))
                return Reply(
                    response.status,
                    answer,
                    waits or None,
                    response.headers.get("Date"),
                    response.headers,
                )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            sending.broken = isinstance(error, SentOnceOnly)
            return self._no_reply(error, url, way, sending)

    async def _plainly(self, reply: Reply | NoReply, url: URL) -> Reply | NoReply:
        """The reply of a server that was asked without TLS for the first time.

        One that wants TLS hangs up, or says 400 in words of its own: so it is asked
        whether it speaks TLS.
        """
        if isinstance(reply, NoReply) and reply.cause != "cut":
            return reply
        if isinstance(reply, NoReply) or (
            reply.status == 400 and not reply.body.lstrip().startswith(b"{")
        ):
            if url.host and url.port and await speaks_tls(url.host, url.port):
                return NoReply(
                    f"{url.host}:{url.port} speaks TLS: its address begins with https://",
                    sent=True,
                    cause="never",
                )
        self._plain.add(_origin(url))
        return reply

    def _no_reply(
        self, error: Exception, url: URL, way: Route, sending: _RequestOnItsWay
    ) -> NoReply:
        """Return why no answer came. What has answered once can answer again: there
        nothing is wrong for good.
        """
        if sending.count:
            reply = not_answered(
                error, self._request_timeout_seconds, f"{url.host}:{url.port}", begun=sending.begun
            )
        else:
            reply = not_sent(error, self._connect_timeout_seconds, way)
        return (
            replace(reply, cause="outage")
            if reply.cause == "never" and _origin(url) in self._answered
            else reply
        )

    async def _leaves(
        self,
        session: aiohttp.ClientSession,
        context: SimpleNamespace,
        params: aiohttp.TraceRequestHeadersSentParams,
    ) -> None:
        """From here on the request may have reached the remote."""
        sending: _RequestOnItsWay = context.trace_request_ctx
        sending.count += 1
        self.requests += 1
        if sending.count > 1:
            self.hidden_retries += 1
        else:
            sending.deadline.reschedule(
                asyncio.get_running_loop().time() + self._request_timeout_seconds
            )

    def _route(self, url: URL) -> Route:
        """The way to this address: the environment is read once a host."""
        place = _origin(url)
        if place not in self._routes:
            self._routes[place] = route(url, os.environ)
        return self._routes[place]

    def __repr__(self) -> str:
        return f"HttpTransport({self._base_url!r})"


def _origin(url: URL) -> tuple[str, str]:
    return url.scheme, url.authority


async def _finds_connection(
    session: aiohttp.ClientSession,
    context: SimpleNamespace,
    params: aiohttp.TraceConnectionReuseconnParams,
) -> None:
    """A kept connection is there for the request."""
    sending: _RequestOnItsWay = context.trace_request_ctx
    sending.reused = True


async def _once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Keep aiohttp from sending a GET, PUT or DELETE a second time, past the rate limit
    and unseen.

    It does so when the connection breaks, and its switch is private. What it looks at
    are these two exceptions, after all middlewares: an exception of another kind is the
    public way to say no. Should a later version do it all the same, `hidden_retries`
    shows it.
    """
    try:
        return await handler(request)
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
        # Never repeated, and distinguished later.
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise SentOnceOnly from error


async def _read_body(response: aiohttp.ClientResponse) -> bytes | None:
    """The whole body, None where it is larger than an answer may be."""
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > ANSWER_BYTES_MAX:
            return None
        parts.append(part)
    return b"".join(parts)


def _check_base_url(base_url: str) -> str:
    """Without its last slash. Raises UsageError."""
    if (fault := address_fault(base_url)) is not None:
        raise UsageError(f"the base URL {fault}: check base_url")
    # Names and paths in the forms that are sent.
    return (base_url if base_url.isascii() else str(URL(base_url))).rstrip("/")
