"""The answers of the API: taken out of their envelope, or the reason why nothing is in
it (wire, 1b and 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from syncer.core.outcome import Failed, Halt, Refused, Throttled
from syncer.core.ports.push import LookUpFailure
from syncer.core.ports.wire import NoReply, Reply
from syncer.remotes.replies import good, no_reply, one_line

T = TypeVar("T")
Cursor = int | str
"""What `cursorId` is: a number in the input API, a number or a text in Kognic's (wire,
1b).
"""

NO_SUCH_ADDRESS = (404, 405, 410)
"""HTTP statuses of a path that the service does not have; of what a path names, too."""
NULL = msgspec.Raw(b"null")


class _PageMetadata(msgspec.Struct, rename="camel", gc=False):
    next_cursor_id: Cursor | None = None


class _Envelope(msgspec.Struct, gc=False):
    data: msgspec.Raw = NULL
    metadata: msgspec.Raw = NULL


class _ErrorMessage(msgspec.Struct, gc=False):
    """The words of an error: no more is known of its form than `message` (wire, 3).

    A gateway's own has a code and details beside it.
    """

    message: str = ""
    code: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    details: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET

    @property
    def of_gateway(self) -> bool:
        return self.code is not msgspec.UNSET and self.details is not msgspec.UNSET


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_METADATA = msgspec.json.Decoder(_PageMetadata | None)
_MESSAGE = msgspec.json.Decoder(_ErrorMessage)
DECODE_ERRORS = (msgspec.DecodeError, ValueError, RecursionError)
"""ValueError: bytes that are not UTF-8."""


@dataclass(frozen=True, slots=True)
class Unwrapped(Generic[T]):
    """The data of an answer, and the cursor of the page after it: None after the last
    page.
    """

    data: T
    next: Cursor | None


def unwrap(
    reply: Reply | NoReply,
    decoder: msgspec.json.Decoder[T],
    *,
    bare: bool = True,
    paged: bool = False,
) -> Unwrapped[T] | LookUpFailure:
    """The data of an answer, read by `decoder`.

    As the official clients unwrap it (annotell-base-clients 0.1.0: http_client.py): a
    list is data itself; else `data` is, beside `metadata` or not; an object that has no
    `data` is data itself, unless it is not to be `bare`: an empty one would pass for an
    answer. `paged`: there may be a next page. Else one that is named is a refusal: what
    it holds would be left out unseen.
    """
    if isinstance(reply, NoReply):
        return no_reply(reply)
    if not good(reply):
        return failure(reply)
    try:
        check_utf8(reply.body)
        if reply.body.lstrip()[:1] != b"{":
            return Unwrapped(decoder.decode(reply.body), None)
        envelope = _ENVELOPE.decode(reply.body)
        metadata = _METADATA.decode(envelope.metadata)
        data = reply.body if bare and bytes(envelope.data) == b"null" else envelope.data
        following = metadata.next_cursor_id if metadata else None
        if following is not None and not paged:
            return Refused(
                f"the answer names a next page ({one_line(str(following))}), where none was known"
                " to be"
            )
        return Unwrapped(decoder.decode(data), following)
    except DECODE_ERRORS:
        return Failed(
            f"HTTP {reply.status}, but not what was asked for", in_doubt=False, strange="perhaps"
        )


def read_probe(reply: Reply | NoReply) -> LookUpFailure | None:
    """Return why the service cannot be asked at this address, None if it can: by the
    answer to a question that any such service takes.

    Whether the client may ask that is another thing.
    """
    if isinstance(reply, NoReply):
        return no_reply(reply)
    if good(reply):
        return (
            None
            if reply.body.lstrip()[:1] in (b"{", b"[")
            else Failed(f"HTTP {reply.status}, but not what was asked for", strange="perhaps")
        )
    failed = failure(reply)
    there = reply.status == 403 or (
        isinstance(failed, Refused) and reply.status not in NO_SUCH_ADDRESS
    )
    return None if there else failed


def failure(reply: Reply) -> LookUpFailure:
    """Return what follows from an answer that is not a success. The code of `Refused`
    is the HTTP status.

    A 404 in the form of the service's own errors says that something is `missing`. One
    in another form is that of some host which does not know the address, and says
    nothing of what was asked for.
    """
    text = f"HTTP {reply.status}"
    try:
        message = _MESSAGE.decode(reply.body)
    except DECODE_ERRORS:
        message = _ErrorMessage()  # a proxy's page, or nothing
    said = one_line(message.message)
    text = f"{text}: {said}" if said else text
    if reply.status in (401, 403):
        return Halt(text, kind="credentials")
    if reply.status == 429:
        return Throttled(text)
    if 300 <= reply.status < 400:
        return Halt(
            f"{text}: a redirect, which is not followed; set [annotell] base_url to where the"
            " service is now",
            kind="address",
        )
    if reply.status >= 500 or reply.status < 300 or reply.status in (408, 425):
        return Failed(text, in_doubt=False)
    if reply.status != 404:
        return Refused(text, reply.status, of_app="perhaps")
    if message.of_gateway:
        return Failed(
            f"{text}, which is a gateway's, not the service's", in_doubt=False, strange="perhaps"
        )
    if not said:
        return Refused(f"{text} without a message of the service", 404, of_app="perhaps")
    return Refused(text, 404, missing=True, of_app="perhaps")


def check_utf8(body: bytes) -> None:
    """Check what the decoder skips. Raises ValueError."""
    if not body.isascii():
        body.decode()
