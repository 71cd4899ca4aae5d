"""The seam to a network: one request, and one answer or the reason why none came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, ready to be sent: `path` is quoted and includes the query."""

    method: str
    path: str
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete HTTP answer."""

    status: int
    body: bytes
    retry_after: str | None = None
    """The Retry-After header as it came: seconds, or an HTTP date; several of them
    joined by commas.
    """
    date: str | None = None
    """The Date header as it came: the remote's clock, needed for a Retry-After with a
    date.
    """
    headers: Mapping[str, str] | None = field(default=None, compare=False, repr=False)
    """All of them, for those who look for others than these two."""


@dataclass(frozen=True, slots=True)
class NoReply:
    """No complete answer came.

    `sent`: the request, or a part of it, may have reached the remote.
    """

    reason: str
    sent: bool
    cause: Literal["outage", "cut", "never"] = "outage"
    """`outage`: it may pass by itself. `cut`: the request left and nothing came back,
    as where something on the way takes no body of this size. `never`: no request can be
    answered there, as long as address, certificate, authority and proxy are what they
    are.
    """


class AnotherTurn(Protocol):
    """The right to send one request, which a transport may have to ask for again."""

    async def another(self, *, gone: bool) -> None:
        """Wait for one more turn in the place of the one that was taken. `gone`: a
        request has gone for that one.

        Raises where no further request is to go.
        """
        ...


class Transport(Protocol):
    """Sends one request within its deadlines.

    Never raises for what the network or the remote does.
    """

    async def send(self, request: Request, turn: AnotherTurn) -> Reply | NoReply:
        """Send once; return the answer, or why none came.

        Where a request has to wait for something else first, or goes a second time,
        another turn is waited for: rate and pauses hold for it, too.
        """
        ...
