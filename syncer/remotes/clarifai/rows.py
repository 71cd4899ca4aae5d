"""The answers of lists: rows as the bytes that came, or as values for a look-up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import msgspec

from syncer.core.outcome import Failed, Refused
from syncer.core.ports.push import LookUpFailure
from syncer.core.ports.wire import NoReply, Reply
from syncer.remotes.clarifai.answers import ItemStatus, Said, Status, failure, read
from syncer.remotes.clarifai.codes import SUCCESS, number
from syncer.remotes.replies import good, no_reply

T = TypeVar("T")
L = TypeVar("L", bound=Said)
Id = Annotated[str, msgspec.Meta(min_length=1)]
"""A row without one cannot be distinguished from others: it would pass for a repeat of
them.
"""


class Hit(msgspec.Struct, gc=False):
    """A hit of a search."""

    annotation: msgspec.Raw


class ListedRows(Said, gc=False):
    """The answer to a list or a search; each row as it came."""

    annotations: list[msgspec.Raw] | None = None
    inputs: list[msgspec.Raw] | None = None
    dataset_inputs: list[msgspec.Raw] | None = None
    hits: list[Hit] | None = None


class Rows(Said, gc=False):
    """The answer to a look-up; each row as a value."""

    annotations: list[dict[str, Any]] | None = None
    inputs: list[ItemStatus] | None = None


class InputHead(msgspec.Struct, gc=False):
    """The key of an input."""

    id: Id


class Head(InputHead, gc=False):
    """The key of an annotation."""

    input_id: Id
    input_level: bool | None = None  # proto3 JSON may write null for what is not set


class DatasetInput(msgspec.Struct, gc=False):
    """An input of a dataset."""

    input: InputHead


_LISTED = msgspec.json.Decoder(ListedRows)
_ROWS = msgspec.json.Decoder(Rows)
_HEAD = msgspec.json.Decoder(Head)
_INPUT_HEAD = msgspec.json.Decoder(InputHead)
_DATASET_INPUT = msgspec.json.Decoder(DatasetInput)


class ListedLine(msgspec.Struct, frozen=True, gc=False):
    """A row: its ids, and its bytes."""

    id: str
    input_id: str
    input_level: bool
    raw: bytes


class Dated(msgspec.Struct, gc=False):
    """The fields that searches go by."""

    status: Status | None = None
    modified_at: str | None = None

    @property
    def code(self) -> int:
        """The code of its status; 0 if that is not known."""
        return 0 if self.status is None else number(self.status.code) or 0


_DATED = msgspec.json.Decoder(Dated)


def read_dates(line: ListedLine) -> Dated:
    """Return when an annotation was updated last, and its status, as far as it says
    so.
    """
    try:
        return _DATED.decode(line.raw)
    except msgspec.DecodeError:
        return Dated()


def of_look_up(reply: Reply | NoReply, asked: int) -> Rows | LookUpFailure:
    """Return the rows of a look-up of this number of things."""
    return _read_list(reply, _ROWS, asked)


def of_list(reply: Reply | NoReply) -> list[ListedLine] | LookUpFailure:
    """The annotations of a list."""
    return _rows(reply, lambda listed: listed.annotations, _annotation)


def of_search(reply: Reply | NoReply) -> list[ListedLine] | LookUpFailure:
    """The annotations that a search hit."""
    return _rows(reply, lambda listed: [hit.annotation for hit in listed.hits or ()], _annotation)


def of_inputs(reply: Reply | NoReply) -> list[ListedLine] | LookUpFailure:
    """The inputs of a list."""
    return _rows(
        reply,
        lambda listed: listed.inputs,
        lambda raw: ListedLine(_INPUT_HEAD.decode(raw).id, "", False, bytes(raw)),
    )


def of_dataset(reply: Reply | NoReply) -> list[str] | LookUpFailure:
    """The ids of a dataset's inputs."""
    return _rows(
        reply, lambda listed: listed.dataset_inputs, lambda raw: _DATASET_INPUT.decode(raw).input.id
    )


def _annotation(raw: msgspec.Raw) -> ListedLine:
    head = _HEAD.decode(raw)
    return ListedLine(head.id, head.input_id, head.input_level is True, bytes(raw))


def _rows(
    reply: Reply | NoReply,
    of: Callable[[ListedRows], list[msgspec.Raw] | None],
    row: Callable[[msgspec.Raw], T],
) -> list[T] | LookUpFailure:
    listed = _read_list(reply, _LISTED)
    if not isinstance(listed, ListedRows):
        return listed
    try:
        return [row(raw) for raw in of(listed) or ()]
    except msgspec.DecodeError as error:
        return Failed(f"a row of the answer cannot be read: {error}", in_doubt=False)


def _read_list(
    reply: Reply | NoReply, decoder: msgspec.json.Decoder[L], asked: int | None = None
) -> L | LookUpFailure:
    """The answer, where it is a plain success: one that was accepted has yet to be
    carried out, so what it leaves out may be there. A list may be left out where it is
    empty (wire, 3.3).

    `asked`: about how many things, where a look-up that is refused goes again in parts.
    Then a refusal settles something only where it is of one thing, and a 400 of anyone
    is one.
    """
    if isinstance(reply, NoReply):
        return no_reply(reply)
    answer = read(reply, decoder)
    if not isinstance(answer, tuple):
        return Refused(answer.reason) if asked is not None and reply.status == 400 else answer
    listed, status = answer
    if number(status.code) == SUCCESS and good(reply):
        return listed
    return failure(status, reply, settles=asked is None or asked == 1)
