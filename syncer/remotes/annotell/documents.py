"""Documents: what a list and the storage say of them, and the lines that they become.

A document's bytes stand in its line as they came.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

import msgspec

from syncer.core.outcome import Failed, Refused, Throttled
from syncer.core.ports.pull import Row
from syncer.core.ports.push import LookUpFailure
from syncer.core.ports.wire import NoReply, Reply
from syncer.remotes.annotell.answers import DECODE_ERRORS, NULL, Unwrapped, check_utf8, unwrap
from syncer.remotes.replies import good, no_reply

OTHER = "the service answered with another annotation than the one that was asked for"
DocumentKey = tuple[str, str]
"""(input uuid, annotation type); of what has no type, its annotation's id."""


# --- what a list says -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Item:
    """An annotation as a list names it. `created` is kept as the text that it is."""

    input_uuid: str
    annotation_type: str | None
    created: str | None
    annotation_id: str | None = None
    uri: str = field(default="", repr=False)
    """Signed: anyone who has it can read the document."""
    place: str = ""
    """Its address without the signature, if nothing else distinguishes it from another
    one of its input.
    """

    @property
    def key(self) -> DocumentKey:
        """The key that no other of its list has."""
        return self.input_uuid, self.annotation_type or self.annotation_id or self.place

    @property
    def what(self) -> str:
        """Its ids, for people."""
        of = (
            f", type {self.annotation_type}"
            if self.annotation_type
            else f", annotation {self.annotation_id}"
            if self.annotation_id
            else ""
        )
        return f"input {self.input_uuid}{of}"


ItemPage = Unwrapped[list[Item]]


class _Partial(msgspec.Struct, rename="camel", gc=False):
    """A2, A3, A6, A7: `PartialAnnotation` of annotell-input-api 1.3.1
    (client_annotation.py) and kognic-io 2.19.0 (annotation.py).
    """

    input_uuid: str
    uri: str
    annotation_type: str | None = None
    created: str | None = None


class _Signed(msgspec.Struct, rename="camel", gc=False):
    """A8: `SignedAnnotation` of kognic-io 2.19.0 (annotation.py)."""

    id: str
    request_input_id: str
    signed_url: str
    created: str | None = None


class _Single(msgspec.Struct, rename="camel", gc=False):
    """A5: `Annotation` of annotell-input-api 1.3.1 (client_annotation.py)."""

    input_uuid: str
    content: msgspec.Raw
    annotation_type: str | None = None
    created: str | None = None


class _Export(msgspec.Struct, rename="camel", gc=False):
    """A1: `ExportAnnotation` of annotell-input-api 1.3.1 (export_annotation.py)."""

    export_content: msgspec.Raw
    annotation_id: int | str | None = None


class _OpenLabelHead(msgspec.Struct, gc=False):
    openlabel: dict[str, msgspec.Raw]


class _DocumentHead(msgspec.Struct, gc=False):
    uuid: str | None = None


_PARTIALS = msgspec.json.Decoder(list[_Partial])
_PARTIAL = msgspec.json.Decoder(_Partial)
_SIGNED = msgspec.json.Decoder(_Signed)
_SINGLE = msgspec.json.Decoder(_Single)
_EXPORTS = msgspec.json.Decoder(dict[str, list[_Export]])
_OPENLABEL = msgspec.json.Decoder(_OpenLabelHead)
_NAMED = msgspec.json.Decoder(_DocumentHead)


def read_page(reply: Reply | NoReply) -> ItemPage | LookUpFailure:
    """A page of a list (A3)."""
    return _page(unwrap(reply, _PARTIALS, paged=True))


def read_list(reply: Reply | NoReply) -> ItemPage | LookUpFailure:
    """A list that has no pages (A2, A7)."""
    return _page(unwrap(reply, _PARTIALS))


def _page(answer: Unwrapped[list[_Partial]] | LookUpFailure) -> ItemPage | LookUpFailure:
    return (
        Unwrapped(_distinguish([_item(partial) for partial in answer.data]), answer.next)
        if isinstance(answer, Unwrapped)
        else answer
    )


def _distinguish(items: list[Item]) -> list[Item]:
    """A scene may have several annotations of one input, and A7 names neither type nor
    id: their addresses differ.
    """
    alike = Counter(item.key for item in items)
    return [
        replace(item, place=item.uri.partition("?")[0])
        if not item.key[1] and alike[item.key] > 1
        else item
        for item in items
    ]


def read_one(reply: Reply | NoReply) -> ItemPage | LookUpFailure:
    """The annotation of a request input (A6)."""
    answer = unwrap(reply, _PARTIAL)
    return Unwrapped([_item(answer.data)], None) if isinstance(answer, Unwrapped) else answer


def read_signed(reply: Reply | NoReply) -> ItemPage | LookUpFailure:
    """An annotation by its id (A8)."""
    answer = unwrap(reply, _SIGNED)
    if not isinstance(answer, Unwrapped):
        return answer
    signed = answer.data
    return Unwrapped(
        [Item(signed.request_input_id, None, signed.created, signed.id, signed.signed_url)], None
    )


def _item(partial: _Partial) -> Item:
    return Item(partial.input_uuid, partial.annotation_type, partial.created, None, partial.uri)


# --- documents ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Document:
    """An OpenLABEL document, byte for byte, and the uuid in its metadata."""

    raw: bytes
    uuid: str | None


@dataclass(frozen=True, slots=True)
class Expired:
    """The storage does not take the signed URL (any more)."""

    reason: str


def document(raw: bytes) -> Document | None:
    """The bytes as a document; None where they are not JSON with an object `openlabel`
    at its top.
    """
    try:
        check_utf8(raw)
        members = _OPENLABEL.decode(raw).openlabel
    except DECODE_ERRORS:
        return None
    try:
        return Document(raw, _NAMED.decode(members.get("metadata", NULL)).uuid)
    except DECODE_ERRORS:
        return Document(raw, None)


def read_stored(reply: Reply | NoReply) -> Document | Expired | LookUpFailure:
    """Return what the storage answers to a signed URL.

    An expired one is refused with 400 and a wrong signature with 403, as Google's
    storage does (wire, section 3: not attested for Annotell). An answer that is not a
    document may be a proxy's: it fails for now.
    """
    if isinstance(reply, NoReply):
        return no_reply(reply)
    if good(reply):
        return document(reply.body) or Failed(
            f"HTTP {reply.status}, but no OpenLABEL document", in_doubt=False
        )
    text = f"the storage answered HTTP {reply.status}"
    if reply.status in (400, 401, 403):
        return Expired(text)
    if reply.status == 429:
        return Throttled(text)
    if reply.status >= 500 or reply.status == 408:
        return Failed(text, in_doubt=False)
    return Refused(text, reply.status)


def read_single(reply: Reply | NoReply) -> Row | LookUpFailure:
    """One annotation with its document in it (A5)."""
    answer = unwrap(reply, _SINGLE)
    if not isinstance(answer, Unwrapped):
        return answer
    single = answer.data
    found = document(bytes(single.content))
    if found is None:
        return Refused("its content is not an OpenLABEL document")
    return row(Item(single.input_uuid, single.annotation_type, single.created), found)


def read_exports(reply: Reply | NoReply) -> list[Row] | LookUpFailure:
    """The annotations of some inputs, in the format of the client (A1): neither type
    nor time is given, and nothing of it is checked.
    """
    answer = unwrap(reply, _EXPORTS, bare=False)
    if not isinstance(answer, Unwrapped):
        return answer
    return [
        Row(
            (uuid, str(export.annotation_id or f"number {number}")),
            line(uuid, None, None, export.annotation_id, bytes(export.export_content)),
        )
        for uuid, exports in answer.data.items()
        for number, export in enumerate(exports, 1)
    ]


def line(
    input_uuid: str,
    annotation_type: str | None,
    created: str | None,
    annotation_id: int | str | None,
    content: bytes,
) -> bytes:
    """The line of an annotation; its content as it came."""
    head = msgspec.json.encode(
        {
            "input_uuid": input_uuid,
            "annotation_type": annotation_type,
            "created": created,
            "annotation_id": annotation_id,
        }
    )
    return head[:-1] + b',"content":' + content + b"}"


def row(item: Item, found: Document) -> Row:
    """An annotation with its document.

    Where the list names no id, the document's own stands for it.
    """
    annotation_id = item.annotation_id or found.uuid
    return Row(
        (item.input_uuid, item.annotation_type or annotation_id or item.place),
        line(item.input_uuid, item.annotation_type, item.created, annotation_id, found.raw),
    )
