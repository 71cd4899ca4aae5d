"""The reasons why no answer came: what aiohttp and the system raise, in words for
people, and whether it can pass by itself.

Nothing of what the exceptions say themselves is passed on: some of them quote URLs.
"""

from __future__ import annotations

import os
import socket
import ssl

import aiohttp

from syncer.core.ports.wire import NoReply
from syncer.transport.proxies import Route

_OF_ITS_TIME = (9, 10)
"""OpenSSL's numbers for a certificate that is not valid yet, and for one that has
expired.
"""


class SentOnceOnly(aiohttp.ClientError):
    """A connection broke under a request, and aiohttp is not to send it again.

    The cause says how.
    """


def not_sent(error: Exception, connect_timeout_seconds: float, way: Route) -> NoReply:
    """There was no connection, so certainly nothing has left."""
    match error:
        case SentOnceOnly():  # a proxy hung up while it was asked for the way
            return NoReply(
                f"the proxy {way.show()} closed the connection before the remote was reached",
                sent=False,
            )
        case aiohttp.ClientConnectorCertificateError():
            why = getattr(error.certificate_error, "verify_message", None) or "it does not match"
            code = getattr(error.certificate_error, "verify_code", None)
            way_out = (
                "look at the clock of this machine, or have it renewed"
                if code in _OF_ITS_TIME
                else "if your own authority issued it, name that one in ca_file"
            )
            return _never(f"the certificate of {error.host} is not accepted ({why}); {way_out}")
        case aiohttp.ClientHttpProxyError():
            return explain_proxy_refusal(way, error.status)
        case aiohttp.ClientConnectorError():
            return _not_connected(error)
        case TimeoutError():
            return NoReply(f"no connection within {connect_timeout_seconds:g} s", sent=False)
        case aiohttp.InvalidURL() | ValueError():  # a UnicodeError is a ValueError
            return _never("the address holds no host that could be looked up")
        case _:
            return NoReply(f"no connection: {type(error).__name__}", sent=False)


def not_answered(
    error: Exception, request_timeout_seconds: float, place: str, *, begun: bool
) -> NoReply:
    """The request has left for this place, and may have been applied.

    `begun`: some of the answer came.
    """
    match error:
        case TimeoutError():
            return NoReply(
                f"no complete answer within {request_timeout_seconds:g} s",
                sent=True,
                cause="outage" if begun else "cut",
            )
        case aiohttp.ClientPayloadError():
            return NoReply("the answer was cut off", sent=True)
        case SentOnceOnly():
            return NoReply(
                f"the connection broke before the answer came ({_why_broken(error.__cause__)})",
                sent=True,
                cause="cut",
            )
        case aiohttp.ClientResponseError():
            return NoReply(f"what {place} answers is not HTTP", sent=True, cause="never")
        case _:
            return NoReply(f"the answer could not be read ({type(error).__name__})", sent=True)


def explain_proxy_refusal(way: Route, status: int) -> NoReply:
    """The proxy says no, or that it does not reach the remote."""
    if status == 407:
        return _never(
            f"the proxy {way.show()} does not take its credentials (HTTP 407): check those in the"
            f" variable {way.variable}"
        )
    refused = (
        f"the proxy {way.show()} (from the variable {way.variable}) refused to connect to the"
        f" remote (HTTP {status})"
    )
    return _never(refused) if _refuses(status) else NoReply(refused, sent=False)


def _never(reason: str) -> NoReply:
    return NoReply(reason, sent=False, cause="never")


def _refuses(status: int) -> bool:
    """Whether it is the proxy's own decision.

    With 5xx it speaks of the remote, or of a moment.
    """
    return status == 501 or (300 <= status < 500 and status not in (408, 425, 429))


def _not_connected(error: aiohttp.ClientConnectorError) -> NoReply:
    whom = "the proxy " if isinstance(error, aiohttp.ClientProxyConnectionError) else ""
    reason = f"no connection to {whom}{error.host}:{error.port}: {_why_not(error.os_error)}"
    # The other side hung up: that may be a moment.
    ended = isinstance(error.os_error, ssl.SSLEOFError | ssl.SSLZeroReturnError)
    return (
        _never(reason)
        if isinstance(error.os_error, ssl.SSLError) and not ended
        else NoReply(reason, sent=False)
    )


def _why_broken(error: BaseException | None) -> str:
    return (
        _why_not(error)
        if isinstance(error, OSError) and error.errno
        else "the other side closed it"
    )


def _why_not(error: OSError) -> str:
    """The system's own words for its errors: what the event loop says of them repeats
    the address. TLS and DNS have other numbers.
    """
    if error.errno and not isinstance(error, ssl.SSLError | socket.gaierror):
        return os.strerror(error.errno)
    if isinstance(error, ssl.SSLError) and error.reason == "WRONG_VERSION_NUMBER":
        return "it does not speak TLS; an address without TLS begins with http://"
    return error.strerror or type(error).__name__
