"""A request as the parts of the emulator get it, and the answer that they give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from syncer.emulator import codes

ItemFault = Callable[[str], int]
"""The code that the item of this id fails with; 0 where it does not."""


@dataclass(slots=True)
class Request:
    """An HTTP request, whole.

    `path` is as it came, percent signs and all; `query` is decoded.
    """

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes
    url_length: int = 0
    """Of path and query, as they came."""


@dataclass(slots=True)
class Answer:
    """An HTTP answer; `text` is sent if there is not a JSON body."""

    body: dict[str, Any] | None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    text: str = ""
    content_type: str = "application/json"
    file: bytes = b""
    """Sent instead, where it is not empty."""

    @classmethod
    def of(cls, code: int = codes.OK, details: str = "", /, **members: Any) -> Answer:
        """An answer with a status object and the HTTP status of its code."""
        return cls({"status": codes.status(code, details), **members}, codes.http_status(code))


class Part(Protocol):
    """One service of those that the emulator stands in for, on the same port.

    The server draws faults; a part gives them their form.
    """

    @property
    def name(self) -> str:
        """One word, used by the limits."""

    @property
    def counts(self) -> Mapping[str, int]:
        """The counts of what was done, to be reported."""

    def claims(self, request: Request) -> bool:
        """Whether the request is for this service."""

    def limited(self, request: Request) -> bool:
        """Whether the request counts against the limit of requests a second."""

    def refuse(self, request: Request) -> Answer | None:
        """The answer where the credentials are not taken."""

    def credential(self, request: Request) -> str:
        """Return the credential whose limit the request counts against."""

    def answer(self, request: Request, item_fault: ItemFault) -> Answer:
        """Carry the request out."""

    def throttle(self, request: Request, *, silent: bool) -> Answer:
        """Too many requests. `silent`: names no time to wait."""

    def fail(self, request: Request) -> tuple[Answer, bool]:
        """An error of the service's own, and whether it may come after the request was
        applied.
        """

    def gateway(self) -> Answer:
        """Return the answer of a gateway before the service."""

    def load(self, load: str) -> bool:
        """Take what `--load` names; false where it is not for this service.

        Raises UsageError with file and line.
        """
