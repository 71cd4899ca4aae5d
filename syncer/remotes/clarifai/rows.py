"""Rows of list answers, as the bytes that came."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from syncer.core.outcome import Failed
from syncer.core.ports import LookUpFailure, NoReply, Reply
from syncer.remotes.clarifai.answers import Said, failure, read
from syncer.remotes.clarifai.codes import Meaning, meaning, number
from syncer.remotes.replies import good, no_reply

_NOTHING = msgspec.Raw(b"null")


class Hit(msgspec.Struct, gc=False):
    """A hit of a search."""

    annotation: msgspec.Raw = _NOTHING


class Listed(Said, gc=False):
    """The answer to a list or a search; each row as it came."""

    annotations: list[msgspec.Raw] | None = None
    inputs: list[msgspec.Raw] | None = None
    dataset_inputs: list[msgspec.Raw] | None = None
    hits: list[Hit] | None = None
    annotation: msgspec.Raw = _NOTHING


class Head(msgspec.Struct, gc=False):
    """What tells a row from others."""

    id: str | None = None  # proto3 JSON may write null for what is not set
    input_id: str | None = None
    input_level: bool | None = None


class DatasetInput(msgspec.Struct, gc=False):
    """An input of a dataset."""

    input: Head


_LISTED = msgspec.json.Decoder(Listed)
_HEAD = msgspec.json.Decoder(Head)
_DATASET_INPUT = msgspec.json.Decoder(DatasetInput)


class Line(msgspec.Struct, frozen=True, gc=False):
    """A row: its ids, and its bytes."""

    id: str
    input_id: str
    input_level: bool
    raw: bytes


def of_list(reply: Reply | NoReply) -> list[Line] | LookUpFailure:
    """The annotations of a list."""
    return _rows(reply, lambda listed: listed.annotations or [])


def of_one(reply: Reply | NoReply) -> list[Line] | LookUpFailure:
    """The one annotation that was asked for; none where it does not exist."""
    return _rows(reply, lambda listed: [raw for raw in (listed.annotation,) if raw != _NOTHING])


def of_search(reply: Reply | NoReply) -> list[Line] | LookUpFailure:
    """The annotations that a search hit."""
    return _rows(reply, lambda listed: [hit.annotation for hit in listed.hits or () if hit.annotation != _NOTHING])


def of_inputs(reply: Reply | NoReply) -> list[Line] | LookUpFailure:
    """The inputs of a list."""
    return _rows(reply, lambda listed: listed.inputs or [])


def of_dataset(reply: Reply | NoReply) -> list[str] | LookUpFailure:
    """The ids of a dataset's inputs."""
    listed = _listed(reply)
    if not isinstance(listed, Listed):
        return listed
    try:
        return [_DATASET_INPUT.decode(raw).input.id or "" for raw in listed.dataset_inputs or ()]
    except msgspec.DecodeError as error:
        return Failed(f"an input of the answer cannot be read: {error}", in_doubt=False)


def _rows(reply: Reply | NoReply, of: Callable[[Listed], list[msgspec.Raw]]) -> list[Line] | LookUpFailure:
    listed = _listed(reply)
    if not isinstance(listed, Listed):
        return listed
    lines = []
    try:
        for raw in of(listed):
            head = _HEAD.decode(raw)
            lines.append(Line(head.id or "", head.input_id or "", head.input_level is True, bytes(raw)))
    except msgspec.DecodeError as error:
        return Failed(f"a row of the answer cannot be read: {error}", in_doubt=False)
    return lines


def _listed(reply: Reply | NoReply) -> Listed | LookUpFailure:
    """The answer; an empty one where the service says that nothing of it exists."""
    if isinstance(reply, NoReply):
        return no_reply(reply)
    answer = read(reply, _LISTED)
    if not isinstance(answer, tuple):
        return answer
    listed, status = answer
    what = meaning(number(status.code))
    if what is Meaning.OK and good(reply):
        return listed
    return failure(status, reply)
