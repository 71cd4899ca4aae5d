"""The emulator's tables against the official protos: messages, enums and codes."""

from __future__ import annotations

from typing import Any

import pytest
from clarifai_grpc.grpc.api import resources_pb2, service_pb2
from clarifai_grpc.grpc.api.status import status_code_pb2, status_pb2
from clarifai_grpc.grpc.api.utils import extensions_pb2
from google.api import annotations_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from syncer import protos
from syncer.emulator.clarifai.bindings import BINDINGS
from syncer.emulator.clarifai.messages import ENUMS, MESSAGES
from syncer.emulator.clarifai.wire import WireField, messages
from syncer.emulator.codes import CODES, NUMBERS

F = FieldDescriptor
KINDS = {
    F.TYPE_STRING: "string",
    F.TYPE_FLOAT: "float",
    F.TYPE_DOUBLE: "double",
    F.TYPE_BOOL: "bool",
    F.TYPE_UINT32: "uint32",
    F.TYPE_INT32: "int32",
    F.TYPE_UINT64: "uint64",
    F.TYPE_INT64: "int64",
    F.TYPE_BYTES: "bytes",
}
WELL_KNOWN = {"google.protobuf.Struct": "struct", "google.protobuf.Timestamp": "time"}
# Point's own, beside the message Visibility
ENUM_NAMES = {"Visibility": "PointVisibility"}
METHODS = {method.name: method for method in service_pb2._V2.methods}


def descriptor(message: str) -> Descriptor:
    for module in (resources_pb2, service_pb2, status_pb2):
        if message in module.DESCRIPTOR.message_types_by_name:
            found: Descriptor = module.DESCRIPTOR.message_types_by_name[message]
            return found
    raise AssertionError(f"the official protos have no message {message}")


def kind(field: FieldDescriptor) -> str:
    if field.type == F.TYPE_ENUM:
        return ENUM_NAMES.get(field.enum_type.name, field.enum_type.name)
    if is_map(field):
        return kind(field.message_type.fields_by_name["value"])
    if field.type == F.TYPE_MESSAGE:
        return WELL_KNOWN.get(field.message_type.full_name, field.message_type.name)
    return KINDS[field.type]


def is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def fields(message: str) -> dict[str, WireField]:
    return {
        field.name: field for field in messages("shortest", strict=True).fields[message].values()
    }


TOLD = [message for message in MESSAGES if message != "AnyRequest"]


@pytest.mark.parametrize("message", TOLD)
def test_a_message_has_the_fields_of_the_protos(message: str) -> None:
    theirs = {field.name: field for field in descriptor(message).fields}
    ours = fields(message)
    assert {field.name for field in protos.fields(MESSAGES[message]) if field.map} == {
        name for name in ours if is_map(theirs[name])
    }
    assert ours.keys() <= theirs.keys()
    if not MESSAGES[message].startswith("..."):
        assert ours.keys() == theirs.keys()
    for name, field in ours.items():
        their = theirs[name]
        options: Any = their.GetOptions()
        assert field.repeated == (their.is_repeated and not is_map(their)) or field.kind == "any", (
            name
        )
        assert field.kind in (kind(their), "any"), name
        if not field.repeated and field.kind not in MESSAGES:
            assert field.shown == options.Extensions[extensions_pb2.cl_show_if_empty], name
        assert (field.default if field.kind == "float" else 0) == options.Extensions[
            extensions_pb2.cl_default_float
        ], name


def test_an_annotation_and_all_that_it_holds_is_in_the_table_that_labels_are_compared_by() -> None:
    """But for the particulars of who made it: of users, models and workflows only what
    names them.
    """
    open_ended = {name for name, text in protos.MESSAGES.items() if text.startswith("...")}
    held: set[str] = set()
    left = [descriptor("Annotation")]
    while left:
        message = left.pop()
        if message.name in held:
            continue
        held.add(message.name)
        for field in message.fields:
            inner = (
                field.message_type.fields_by_name["value"].message_type
                if is_map(field)
                else field.message_type
            )
            if (
                inner is not None
                and inner.full_name not in WELL_KNOWN
                and inner.name not in open_ended
            ):
                left.append(inner)
    assert held | open_ended == protos.MESSAGES.keys()
    assert open_ended == {"User", "Model", "ModelVersion", "Workflow", "WorkflowVersion"}


def test_enums_and_codes_have_the_names_and_numbers_of_the_protos() -> None:
    point = resources_pb2.DESCRIPTOR.message_types_by_name["Point"].enum_types_by_name["Visibility"]
    gettable = resources_pb2.DESCRIPTOR.message_types_by_name["Visibility"].enum_types_by_name[
        "Gettable"
    ]
    conflict = service_pb2.PostInputsRequest.DESCRIPTOR.fields_by_name[
        "input_id_conflict_resolution"
    ].enum_type
    theirs = {"PointVisibility": point, "Gettable": gettable, "InputIDConflictResolution": conflict}
    assert ENUMS == {
        name: {value.name: value.number for value in enum.values} for name, enum in theirs.items()
    }
    codes = dict(status_code_pb2.StatusCode.items())
    assert {name: codes[name] for name in NUMBERS} == NUMBERS
    assert {code: codes[name] for code, (name, _, _) in CODES.items()} == {
        code: code for code in CODES
    }


def bound(rpc: str) -> set[tuple[str, str]]:
    """(method, path) of each binding that the protos give an RPC."""
    rule = METHODS[rpc].GetOptions().Extensions[annotations_pb2.http]
    rules = [rule, *rule.additional_bindings]
    return {
        (one.WhichOneof("pattern").upper(), getattr(one, one.WhichOneof("pattern")))
        for one in rules
    }


@pytest.mark.parametrize("binding", BINDINGS, ids=lambda binding: binding.rpc)
def test_an_operation_is_served_at_every_binding_of_the_protos_and_at_no_other(
    binding: Any,
) -> None:
    paths = {
        path.replace("{user_id}", "{user_app_id.user_id}").replace(
            "{app_id}", "{user_app_id.app_id}"
        )
        for path in binding.paths
    }
    assert {(binding.method, path) for path in paths} == bound(binding.rpc)


@pytest.mark.parametrize("binding", BINDINGS, ids=lambda binding: binding.rpc)
def test_the_list_that_an_answer_shows_though_it_is_empty_is_that_of_the_protos(
    binding: Any,
) -> None:
    if METHODS[binding.rpc].server_streaming:
        return
    shown = [
        field.name
        for field in METHODS[binding.rpc].output_type.fields
        if field.is_repeated and field.GetOptions().Extensions[extensions_pb2.cl_show_if_empty]  # type: ignore[attr-defined]
    ]
    assert [binding.member] == (shown or [""])


def test_every_operation_on_annotations_is_served() -> None:
    """All that has annotations in its path, but for metrics of searches, filters of the
    account and counts of tasks.
    """
    about = {
        name
        for name in METHODS
        if any("/annotation" in path or "track_annotations" in path for _, path in bound(name))
    }
    others = {
        name
        for name in about
        if any(word in name for word in ("SearchMetrics", "Filter", "TaskAnnotationCount"))
    }
    assert about - others <= {binding.rpc for binding in BINDINGS}
