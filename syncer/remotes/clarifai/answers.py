"""An HTTP answer before it is joined to any change: its status, or why it has none, and
what that means.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from syncer.core.outcome import Failed, Halt, Refused, Throttled
from syncer.core.ports.wire import Reply
from syncer.remotes.clarifai.codes import CODES, CODES_FROM, Meaning, meaning, number
from syncer.remotes.replies import good, one_line

Failure = Failed | Halt | Refused | Throttled
REFUSALS = (Meaning.REFUSED, Meaning.MISSING, Meaning.FAILURE)
NO_SUCH_ADDRESS = (404, 405, 407, 410, 421, 501, 505)
"""HTTP statuses that speak of the path, the method or the way there, never of what was
sent; the service has codes of its own for that.
"""


class Status(msgspec.Struct, gc=False):
    """`clarifai.api.status.Status`, as much of it as matters.

    The code comes as a number, a numeric string or a name.
    """

    code: int | str | None = None
    description: str | None = None
    details: str | None = None


class ItemStatus(msgspec.Struct, gc=False):
    """One annotation (or input) of an answer; its data is skipped unread."""

    id: str | None = None
    input_id: str | None = None
    status: Status | None = None


class Said(msgspec.Struct, gc=False):
    """The members that every answer of the service holds."""

    status: Status | None = None


class ServiceAnswer(Said, gc=False):
    """The answer to a POST, PATCH or DELETE."""

    annotations: list[ItemStatus] | None = None


A = TypeVar("A", bound=Said)

ANSWERS = msgspec.json.Decoder(ServiceAnswer)
_STATUS = msgspec.json.Decoder(Said)


def read(reply: Reply, decoder: msgspec.json.Decoder[A]) -> tuple[A, Status] | Failure:
    """The answer and its status, or what follows from there being none: a proxy's page,
    a gateway's envelope, an empty body.
    """
    if 300 <= reply.status < 400:
        reason = (
            f"HTTP {reply.status}: a redirect, which is not followed; set [clarifai] base_url to"
            " where the service is now"
        )
        return Halt(reason, kind="address")
    try:
        answer = decoder.decode(reply.body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        # ValueError: bytes that are not UTF-8.
        return _without_status(reply)
    code = None if answer.status is None else number(answer.status.code)
    if answer.status is None or (code is not None and code < CODES_FROM):
        return _without_status(reply)
    return answer, answer.status


def says_missing(answer: object) -> bool:
    """Whether the service refused because what it was asked for does not exist: in its
    own envelope, by a code that means just that.
    """
    return isinstance(answer, Refused) and answer.missing


def refuses_credentials(reply: Reply) -> bool:
    """Whether the token of the request is refused, or what it may do."""
    if good(reply):
        return False
    answer = read(reply, _STATUS)
    failed = failure(answer[1], reply) if isinstance(answer, tuple) else answer
    return isinstance(failed, Halt) and failed.kind == "credentials"


def failure(
    status: Status, reply: Reply, *, duplicates: bool = False, settles: bool = True
) -> Failure:
    """Return what follows from a request that failed as a whole. `duplicates`: it can
    be refused because an id is there already.

    `settles`: something would be over for good by a refusal; else its parts are asked
    for next. The code says more than the HTTP status, where it is one that says which
    side is to change something.
    """
    code = number(status.code)
    what = meaning(code)
    text = reason(status)
    if what is Meaning.ACCOUNT:
        return Halt(text, code, "account")
    if what is Meaning.DUPLICATE:
        return Refused(text, code, duplicate=duplicates)
    if what is Meaning.TOO_LARGE:
        return Refused(text, code, too_large=True)
    if what is Meaning.THROTTLED or reply.status == 429:
        return Throttled(text)
    if what is Meaning.CREDENTIALS or reply.status in (401, 403):
        # The details may hold the key.
        return Halt(reason(Status(status.code, status.description)), code, "credentials")
    if reply.status == 413:
        return Refused(text, code, too_large=True)
    if duplicates and what in REFUSALS and "duplicate" in text.lower():
        return Refused(text, code, duplicate=True)
    if what in REFUSALS and reply.status < 500:
        if what is Meaning.MISSING:
            return Refused(text, code, missing=True, of_app="likely")
        return Refused(text, code, of_app="perhaps" if settles else "no")
    in_doubt = what not in (Meaning.BUSY, Meaning.PENDING)
    return Failed(f"HTTP {reply.status}: {text}", code, in_doubt)


def reason(status: Status) -> str:
    """The code's name and what the service says, as one short printable line; queries
    of URLs (signatures) are left out.
    """
    known = CODES.get(number(status.code) or 0)
    texts = [known[0] if known else f"code {status.code}", status.description, status.details]
    return one_line(": ".join(text for text in texts if text))


def _without_status(reply: Reply) -> Failure:
    text = f"HTTP {reply.status} without a status of the service"
    if reply.status in (401, 403):
        return Halt(text, kind="credentials")
    if reply.status == 429:
        return Throttled(text)
    if reply.status in (413, 414, 431):
        return Refused(text, too_large=reply.status == 413)
    if reply.status in NO_SUCH_ADDRESS:
        return Failed(text, strange="surely")
    return Failed(
        text, strange="no" if reply.status >= 500 or reply.status in (408, 425) else "perhaps"
    )
