"""An answer of the service as a question sees it, and why there may be none to see.

Nothing of what the service says in words gets further than here: a profile holds
nothing that is anybody's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from syncer.core.ports.wire import NoReply, Reply
from syncer.remotes.clarifai.codes import CODES_FROM, Meaning, meaning, number

OK, MIXED, FAILURE, MISSING, DUPLICATE, TOO_LARGE = 10000, 10010, 10020, 11101, 40010, 40033
FOR_NOW = (Meaning.BUSY, Meaning.UNKNOWN, Meaning.PENDING)
REFUSED_FOR_SIZE = (413, 414, 431)
WireObject = dict[str, Any]


class NotPlain(Exception):
    """A fault, and not an answer: the question has to be asked again from its start."""


class NotClear(Exception):
    """An answer that the question cannot be concluded from. Says why."""


class Hidden(NotClear):
    """The same, where asking again would change nothing."""


class Halted(Exception):
    """An answer that may mean the end of the run: credentials, account, address."""


class Denied(Halted):
    """The same: what the token may do is not enough."""


class Crowded(NotPlain):
    """Too many requests, says the service."""

    def __str__(self) -> str:
        return "the service said that there were too many requests"


@dataclass(frozen=True, slots=True)
class Shown:
    """An answer that is one. `code` is None where a proxy refused what was too long."""

    http: int
    code: int | None
    body: WireObject

    @property
    def good(self) -> bool:
        """Whether all of it was done."""
        return self.code == OK

    @property
    def taken_in_part(self) -> bool:
        """Whether items were looked at one by one: all, some or none of them failed."""
        return self.code in (OK, MIXED, FAILURE)

    @property
    def too_large(self) -> bool:
        """Whether it was refused for its size."""
        return self.code == TOO_LARGE or self.http in REFUSED_FOR_SIZE

    def rows(self, member: str) -> list[WireObject]:
        """Return the objects of a list of the answer."""
        rows = self.body.get(member)
        return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []

    def words(self) -> str:
        """Return how it was answered, for people."""
        return f"HTTP {self.http}" + ("" if self.code is None else f", code {self.code}")


STORED = (24150, 24250)
"""Codes of an item that was written."""


def code_of(row: Mapping[str, Any]) -> int | None:
    """Return the status code of an item, in any of its forms."""
    status = row.get("status")
    return number(status.get("code")) if isinstance(status, dict) else None


def raise_if_mixed(shown: Shown, notes: Sequence[WireObject]) -> None:
    """Raise Hidden where labels were too large, and NotClear where some of these labels
    were taken, and some were not.
    """
    if shown.too_large:
        raise Hidden("hidden by body-limit: no label is small enough")
    ids = {note["id"] for note in notes}
    rows = shown.rows("annotations")
    if not shown.good and any(row.get("id") in ids and code_of(row) in STORED for row in rows):
        raise NotClear("some labels were taken, and some of the same kind were not")


def read_shown(reply: Reply | NoReply) -> Shown:
    """Read an answer. Raises NotPlain, Crowded, Halted, Denied."""
    if isinstance(reply, NoReply):
        if reply.cause == "never":
            raise Halted("no request can be answered there")
        raise NotPlain("no answer came")
    if 300 <= reply.status < 400:
        raise Halted(f"HTTP {reply.status}: a redirect")
    try:
        body = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        body = None
    code = code_of(body) if isinstance(body, dict) else None
    if code is None or code < CODES_FROM:
        return _read_without_code(reply)
    _check_code(code, reply)
    shown = Shown(reply.status, code, body)
    for member in ("annotations", "inputs"):
        if any(meaning(code_of(row) or 0) is Meaning.BUSY for row in shown.rows(member)):
            raise NotPlain("an item failed for now")
    return shown


def _check_code(code: int, reply: Reply) -> None:
    what = meaning(code)
    if what is Meaning.THROTTLED or (reply.status == 429 and what is not Meaning.ACCOUNT):
        raise Crowded
    if what is Meaning.ACCOUNT:
        raise Halted(f"HTTP {reply.status}, code {code}")
    if what is Meaning.CREDENTIALS or reply.status in (401, 403):
        raise Denied(f"HTTP {reply.status}, code {code}")
    if what in FOR_NOW or reply.status >= 500:
        raise NotPlain(f"HTTP {reply.status}, code {code}")


def _read_without_code(reply: Reply) -> Shown:
    if reply.status in REFUSED_FOR_SIZE:
        return Shown(reply.status, None, {})
    if reply.status == 429:
        raise Crowded
    if reply.status in (401, 403):
        raise Denied(f"HTTP {reply.status} without a status of the service")
    raise NotPlain(f"HTTP {reply.status} without a status of the service")
