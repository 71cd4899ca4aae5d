"""HTTP over aiohttp, with explicit deadlines and nothing hidden.

What went wrong is told as a value: a request that certainly never left (no connection) apart from one that may have been applied.
"""

from __future__ import annotations

import ssl
from types import TracebackType
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from syncer import __version__
from syncer.core.ports import NoReply, Reply, Request
from syncer.errors import UsageError

ANSWER_BYTES_MAX = 256 << 20
READ_BYTES = 1 << 18

_NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError)


class HttpTransport:
    """Sends requests to one base URL with one token. An async context manager."""

    def __init__(
        self, *, base_url: str, token: str, connect_timeout_seconds: float, request_timeout_seconds: float, ca_file: str = ""
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._token = token
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect_timeout_seconds, connect=connect_timeout_seconds)
        self._request_timeout_seconds = request_timeout_seconds
        self._ssl = _trust(ca_file)
        self._session: aiohttp.ClientSession | None = None
        self._sends = 0
        self._asked = 0

    @property
    def hidden_retries(self) -> int:
        """Requests that aiohttp sent again by itself: it repeats a GET, PUT or DELETE once when a kept connection turns out closed."""
        return max(0, self._sends - self._asked)

    async def __aenter__(self) -> HttpTransport:
        trace = aiohttp.TraceConfig()
        trace.on_request_headers_sent.append(self._count)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=self._ssl, ttl_dns_cache=300),
            headers={"Authorization": f"Key {self._token}", "User-Agent": f"syncer/{__version__}"},
            timeout=self._timeout,
            proxy=_proxy(self._base_url),
            trace_configs=[trace],
            read_bufsize=READ_BYTES,
        )
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._session is not None
        await self._session.close()

    async def _count(self, *_: object) -> None:
        self._sends += 1

    async def send(self, request: Request) -> Reply | NoReply:
        """Send once. Never raises for what the network or the remote does."""
        assert self._session is not None, "used outside of its context"
        headers = {"Content-Type": "application/json"} if request.body is not None else None
        url = URL(self._base_url + request.path, encoded=True)
        timeout = aiohttp.ClientTimeout(
            total=self._request_timeout_seconds + (self._timeout.connect or 0),
            connect=self._timeout.connect,
            sock_connect=self._timeout.sock_connect,
            sock_read=self._request_timeout_seconds,
        )
        sends = self._sends
        self._asked += 1
        try:
            async with self._session.request(
                request.method, url, data=request.body, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                body = await response.read()
                if len(body) > ANSWER_BYTES_MAX:
                    return NoReply(f"an answer of {len(body):,} bytes, more than the {ANSWER_BYTES_MAX:,} allowed", sent=True)
                return Reply(response.status, body, response.headers.get("Retry-After"), response.headers.get("Date"))
        except _NOT_SENT as error:
            self._asked -= self._sends == sends
            return NoReply(_why_no_connection(error), sent=False)
        except TimeoutError:
            return NoReply(f"no complete answer within {self._request_timeout_seconds:g} s", sent=True)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return NoReply(f"the connection broke: {type(error).__name__}", sent=True)

    def __repr__(self) -> str:
        return f"HttpTransport({self._base_url!r})"


def _trust(ca_file: str) -> ssl.SSLContext | bool:
    if not ca_file:
        return True
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(f"[clarifai] ca_file = {ca_file!r} cannot be used: {error.strerror or error}") from None


def _proxy(base_url: str) -> str | None:
    """The environment's proxy for this address. Asked once: aiohttp's own `trust_env` also reads ~/.netrc for every request."""
    url = urlsplit(base_url)
    if proxy_bypass(url.hostname or ""):
        return None
    return getproxies().get(url.scheme)


def _why_no_connection(error: aiohttp.ClientError | TimeoutError) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"the certificate of {error.host} cannot be verified; if it is your own authority's, name it in [clarifai] ca_file"
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy refused to connect (HTTP {error.status})"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"no connection to {error.host}:{error.port}: {error.strerror or type(error.os_error).__name__}"
    return "no connection in time"
