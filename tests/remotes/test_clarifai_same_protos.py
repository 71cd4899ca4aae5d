"""Every field of an annotation, and of all that it holds, compared as the official
parser of the protos reads it.

Each pair of ways to write a value is parsed by clarifai-grpc; where it reads two equal
protos, the annotations are the same, and else not.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from clarifai_grpc.channel.custom_converters.custom_dict_to_message import dict_to_protobuf
from clarifai_grpc.grpc.api import resources_pb2
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from syncer import protos
from syncer.remotes.clarifai import digest_annotation, same_annotation
from syncer.remotes.clarifai.same import FILLED, message_of
from syncer.remotes.clarifai.scalars import READERS

F = FieldDescriptor
Json = dict[str, Any]
MISSING = object()
WHOLE = [
    0,
    "0",
    1,
    1.0,
    "1",
    "1.0",
    "1e3",
    1000,
    -1,
    1 << 24,
    (1 << 24) + 1,
    str((1 << 24) + 1),
    (1 << 31) - 1,
]
LONG = [
    *WHOLE,
    1 << 53,
    (1 << 53) + 1,
    str(1 << 53),
    str((1 << 53) + 1),
    (1 << 63) - 1,
    str((1 << 63) - 1),
    (1 << 64) - 1,
    str((1 << 64) - 1),
]
NUMBERS = [
    0,
    1,
    1.0,
    0.1,
    "0.1",
    0.10000000149011612,
    0.10000001,
    1 << 24,
    (1 << 24) + 1,
    1e-46,
    3e38,
    "Infinity",
    "-Infinity",
    -0.25,
]
VALUES: dict[int, list[Any]] = {
    F.TYPE_STRING: ["", "1", "true", "ä"],
    F.TYPE_BOOL: [False, True],
    F.TYPE_FLOAT: NUMBERS,
    F.TYPE_DOUBLE: [*NUMBERS, 1 << 53, (1 << 53) + 1, 1e300, "1e300", 2e300],
    F.TYPE_INT32: WHOLE,
    F.TYPE_UINT32: WHOLE,
    F.TYPE_INT64: LONG,
    F.TYPE_UINT64: LONG,
    F.TYPE_BYTES: ["", "AA==", "AA", "-_8=", "+/8", "+/9", "AAA="],
}
TIMES = [
    "1970-01-01T00:00:00Z",
    "2025-02-28T09:41:55Z",
    "2025-02-28T09:41:55.000Z",
    "2025-02-28T10:41:55+01:00",
    "2025-02-28T04:11:55-05:30",
    "2025-02-28T09:41:55.1Z",
    "2025-02-28T09:41:55.100000000Z",
    "2025-02-28T09:41:55.100000001Z",
]
FREE: list[Any] = [
    0,
    1,
    1.0,
    0.1,
    0.10000000149011612,
    1 << 53,
    (1 << 53) + 1,
    1e300,
    2e300,
    True,
    False,
    "",
    "1",
    None,
    {},
    [],
    [0],
    [None],
]
STRUCTS = [
    {},
    {"kA": 1},
    {"k_a": 1},
    *({"k": value} for value in FREE),
    *({"k": {"in": [value, 1]}} for value in FREE),
]


def nothing_left_out(value: Any) -> Any:
    """Of free-form JSON: keys that hold null, {} or [] are as good as missing; numbers
    are told from booleans.
    """
    if isinstance(value, dict):
        kept = {key: nothing_left_out(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item not in (None, {}, [])}
    if isinstance(value, list):
        return [nothing_left_out(item) for item in value]
    return (type(value).__name__, value) if isinstance(value, bool | float) else value


def values_of(field: FieldDescriptor) -> list[Any]:
    """Ways to write a value of this field."""
    if field.type == F.TYPE_ENUM:
        first, second = field.enum_type.values[0], field.enum_type.values[1]
        return [
            first.number,
            first.name,
            second.number,
            second.name,
            str(second.number),
            float(second.number),
        ]
    if field.type == F.TYPE_MESSAGE:
        return {"google.protobuf.Timestamp": TIMES, "google.protobuf.Struct": STRUCTS}.get(
            field.message_type.full_name, []
        )
    return VALUES[field.type]


def paths() -> dict[str, tuple[Descriptor, list[FieldDescriptor]]]:
    """How to get to a message of each kind from an annotation, the shortest way."""
    found: dict[str, tuple[Descriptor, list[FieldDescriptor]]] = {}
    left: deque[tuple[Descriptor, list[FieldDescriptor]]] = deque(
        [(resources_pb2.Annotation.DESCRIPTOR, [])]
    )
    while left:
        message, path = left.popleft()
        if message.name in found or message.name not in protos.MESSAGES:
            continue
        found[message.name] = (message, path)
        left.extend(
            (field.message_type, [*path, field])
            for field in message.fields
            if field.message_type is not None
        )
    return found


PATHS = paths()


def placed(path: list[FieldDescriptor], name: str, value: Any) -> Json:
    """An annotation with this field of the message at the end of the path."""
    held: Any = {} if value is MISSING else {name: value}
    for field in reversed(path):
        held = {field.name: [held] if field.is_repeated else held}
    assert isinstance(held, dict)
    return held


def parsed(annotation: Json) -> Message | None:
    """As the official parser reads it; None where it refuses it."""
    try:
        return dict_to_protobuf(resources_pb2.Annotation, copy.deepcopy(annotation))  # type: ignore[no-any-return]
    except (json_format.ParseError, OverflowError):
        return None


def read(path: list[FieldDescriptor], field: FieldDescriptor, value: Any) -> Any:
    """What is to be equal where two writings mean the same; None where the writing is
    refused.
    """
    proto = parsed(placed(path, field.name, value))
    if proto is None or field.type != F.TYPE_MESSAGE or field.message_type.name != "Struct":
        return proto
    inner: Any = proto
    for step in path:
        inner = getattr(inner, step.name)[0] if step.is_repeated else getattr(inner, step.name)
    return nothing_left_out(json_format.MessageToDict(getattr(inner, field.name)))


def pairs(
    path: list[FieldDescriptor], field: FieldDescriptor, filled: bool
) -> Iterator[tuple[Any, Any, bool]]:
    """(sent, held, whether read as equal) of each two writings that are both taken."""
    written = [[value] if field.is_repeated else value for value in values_of(field)]
    readings = [(value, read(path, field, value)) for value in [*written, MISSING]]
    for (sent, one), (held, other) in product(readings, readings):
        # The service takes it, and need not show it.
        unshown = field.name == "embed_model_version_id" and held is MISSING
        if (
            one is not None
            and other is not None
            and (sent is not MISSING or filled)
            and not unshown
        ):
            yield sent, held, one == other


@pytest.mark.parametrize("message", sorted(protos.MESSAGES))
def test_values_are_the_same_where_the_official_parser_reads_them_so(message: str) -> None:
    descriptor, path = PATHS[message]
    open_ended = protos.MESSAGES[message].startswith("...")
    compared = 0
    for field in descriptor.fields:
        if open_ended and field.name not in message_of(message).fields:
            continue
        filled = field.name in FILLED.get(message, ())
        for sent, held, equal in pairs(path, field, filled):
            one, other = placed(path, field.name, sent), placed(path, field.name, held)
            # free-form objects may hold more than was sent
            if equal or field.message_type is None:
                assert same_annotation(one, other) is equal, (field.name, sent, held)
            if sent is not MISSING:
                assert same_annotation(one, other, exact=True) is equal, (field.name, sent, held)
            compared += 1
    assert compared or not any(values_of(field) for field in descriptor.fields)


@pytest.mark.parametrize("message", sorted(protos.MESSAGES))
def test_digests_differ_where_the_official_parser_reads_another_value(message: str) -> None:
    descriptor, path = PATHS[message]
    if not path or path[0].name != "data" or message == "HostedURL":
        return  # not hashed, or as one word
    for field in descriptor.fields:
        if field.name not in message_of(message).fields:
            continue
        for sent, held, equal in pairs(path, field, filled=True):
            one, other = placed(path, field.name, sent), placed(path, field.name, held)
            found = digest_annotation(one) == digest_annotation(other)
            assert found is equal, (field.name, sent, held)


def test_every_type_of_the_table_can_be_read() -> None:
    types = {
        field.type for name in protos.MESSAGES for field in protos.fields(protos.MESSAGES[name])
    }
    assert types - protos.MESSAGES.keys() == READERS.keys() | {"struct"}


def test_what_counts_as_sent_where_it_is_missing_is_in_the_table() -> None:
    names = {name: set(message_of(name).filled) for name in FILLED}
    assert names == {
        "Concept": {"value"},
        "BoundingBox": {"top_row", "left_col", "bottom_row", "right_col"},
        "Point": {"row", "col", "z"},
        "GeoPoint": {"longitude", "latitude"},
        "Span": {"char_start", "char_end"},
        "Token": {"char_start", "char_end"},
        "TimeInfo": {"begin_time", "end_time"},
    }
