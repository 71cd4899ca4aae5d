"""Rows of list answers, as the bytes that came."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeVar

import msgspec

from syncer.core.outcome import Failed
from syncer.core.ports.push import LookUpFailure
from syncer.core.ports.wire import NoReply, Reply
from syncer.remotes.clarifai.answers import Said, Status, failure, listing_succeeded, read
from syncer.remotes.clarifai.codes import number
from syncer.remotes.replies import no_reply

T = TypeVar("T")
Id = Annotated[str, msgspec.Meta(min_length=1)]
"""A row without one cannot be told from others: it would pass for a repeat of them."""


class Hit(msgspec.Struct, gc=False):
    """A hit of a search."""

    annotation: msgspec.Raw


class Listed(Said, gc=False):
    """The answer to a list or a search; each row as it came."""

    annotations: list[msgspec.Raw] | None = None
    inputs: list[msgspec.Raw] | None = None
    dataset_inputs: list[msgspec.Raw] | None = None
    hits: list[Hit] | None = None


class InputHead(msgspec.Struct, gc=False):
    """What tells an input from others."""

    id: Id


class Head(InputHead, gc=False):
    """What tells an annotation from others."""

    input_id: Id
    input_level: bool | None = None  # proto3 JSON may write null for what is not set


class DatasetInput(msgspec.Struct, gc=False):
    """An input of a dataset."""

    input: InputHead


_LISTED = msgspec.json.Decoder(Listed)
_HEAD = msgspec.json.Decoder(Head)
_INPUT_HEAD = msgspec.json.Decoder(InputHead)
_DATASET_INPUT = msgspec.json.Decoder(DatasetInput)


class Line(msgspec.Struct, frozen=True, gc=False):
    """A row: its ids, and its bytes."""

    id: str
    input_id: str
    input_level: bool
    raw: bytes


class Dated(msgspec.Struct, gc=False):
    """What searches go by."""

    status: Status | None = None
    modified_at: str | None = None

    @property
    def code(self) -> int:
        """Of its status; 0 where it has none that is known."""
        return 0 if self.status is None else number(self.status.code) or 0


_DATED = msgspec.json.Decoder(Dated)


def dated(line: Line) -> Dated:
    """When an annotation was updated last, and its status, as far as it says so."""
    try:
        return _DATED.decode(line.raw)
    except msgspec.DecodeError:
        return Dated()


def of_list(reply: Reply | NoReply) -> list[Line] | LookUpFailure:
    """The annotations of a list."""
    return _rows(reply, lambda listed: listed.annotations, _annotation)


def of_search(reply: Reply | NoReply) -> list[Line] | LookUpFailure:
    """The annotations that a search hit."""
    return _rows(reply, lambda listed: [hit.annotation for hit in listed.hits or ()], _annotation)


def of_inputs(reply: Reply | NoReply) -> list[Line] | LookUpFailure:
    """The inputs of a list."""
    return _rows(
        reply,
        lambda listed: listed.inputs,
        lambda raw: Line(_INPUT_HEAD.decode(raw).id, "", False, bytes(raw)),
    )


def of_dataset(reply: Reply | NoReply) -> list[str] | LookUpFailure:
    """The ids of a dataset's inputs."""
    return _rows(
        reply, lambda listed: listed.dataset_inputs, lambda raw: _DATASET_INPUT.decode(raw).input.id
    )


def _annotation(raw: msgspec.Raw) -> Line:
    head = _HEAD.decode(raw)
    return Line(head.id, head.input_id, head.input_level is True, bytes(raw))


def _rows(
    reply: Reply | NoReply,
    of: Callable[[Listed], list[msgspec.Raw] | None],
    row: Callable[[msgspec.Raw], T],
) -> list[T] | LookUpFailure:
    listed = _listed(reply)
    if not isinstance(listed, Listed):
        return listed
    try:
        return [row(raw) for raw in of(listed) or ()]
    except msgspec.DecodeError as error:
        return Failed(f"a row of the answer cannot be read: {error}", in_doubt=False)


def _listed(reply: Reply | NoReply) -> Listed | LookUpFailure:
    """The answer, where it is a success.

    A list may be left out where it is empty (wire, 3.3).
    """
    if isinstance(reply, NoReply):
        return no_reply(reply)
    answer = read(reply, _LISTED)
    if not isinstance(answer, tuple):
        return answer
    listed, status = answer
    return listed if listing_succeeded(status, reply) else failure(status, reply)
