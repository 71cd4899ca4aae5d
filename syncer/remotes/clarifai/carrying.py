"""An annotation of one app as another one gets it: what goes, what is lost. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from syncer.core.change import OF_THE_SERVICE
from syncer.protos import MESSAGES, Field
from syncer.remotes.clarifai.overlay import Unsendable
from syncer.remotes.clarifai.pictures import find_address
from syncer.remotes.clarifai.same import item_id, message_of, set_fields

WireFields = dict[str, object]
FindPicture = Callable[[str], str | None]
"""Returns the bytes, in base64, of a picture that is shown as this address."""
MEDIA = ("image", "video", "audio", "text")
LOST_MEMBERS = {
    "task_id": "task",
    "user_id": "owner",
    "worker": "owner",
    "created_at": "times",
    "modified_at": "times",
    "consensus_info": "consensus",
    "embed_model_version_id": "embedding",
}
_CONCEPT = ("id", "name", "value")
_PICTURES = frozenset(("Image", "Video", "Audio", "Text"))
_OLDER = frozenset(("index",))
"""Members that are shown though they are empty, and deprecated."""


@dataclass(frozen=True, slots=True)
class CarriedAnnotation:
    """The annotation without its ids, and the kinds of what has no place."""

    body: WireFields
    lost: tuple[str, ...]
    concepts: Mapping[str, str]
    """The name of each concept in it, by id."""


def carry_annotation(
    held: Mapping[str, object], find_picture: FindPicture = lambda _: None
) -> CarriedAnnotation:
    """Return what goes: `data`, `annotation_info` and `status.code`, all values written
    out. Raises Unsendable for a mask that is shown as an address without a picture.
    """
    named = set_fields(held)
    carried = _Carried(find_picture)
    data = named.get("data")
    body: WireFields = {
        "data": _carry_message("Data", data, carried) if isinstance(data, dict) else {},
    }
    if info := named.get("annotation_info"):
        body["annotation_info"] = info
    status = named.get("status")
    code = set_fields(status).get("code") if isinstance(status, dict) else None
    if code is not None:
        body["status"] = {"code": code}
    lost = {kind: None for name, kind in LOST_MEMBERS.items() if named.get(name)}
    known = message_of("Annotation").fields
    lost |= {
        f"{name[:40]} (not known)": None
        for name in named
        if name not in known and name not in OF_THE_SERVICE
    }
    return CarriedAnnotation(body, tuple(lost), carried.concepts)


@dataclass(slots=True)
class _Carried:
    """A message on its way, and the messages in it."""

    find_picture: FindPicture
    concepts: dict[str, str] = field(default_factory=dict)


def carry_input(held: Mapping[str, object]) -> WireFields | None:
    """Return the data of an input as it is made again, by the address of its medium, or
    its text; None where it shows neither.
    """
    data = set_fields(held).get("data")
    named = set_fields(data) if isinstance(data, dict) else {}
    made: WireFields = {}
    for name in MEDIA:
        medium = named.get(name)
        if not isinstance(medium, dict):
            continue
        of_medium = set_fields(medium)
        keys = ("raw",) if name == "text" and of_medium.get("raw") else ("url",)
        if sent := {key: of_medium[key] for key in keys if of_medium.get(key)}:
            made[name] = sent
    if not made:
        return None
    rest = {name: named[name] for name in ("concepts", "metadata", "geo") if named.get(name)}
    return made | _carry_message("Data", rest, _Carried(lambda _: None))


def holds_labels(held: Mapping[str, object]) -> bool:
    """Whether the annotation that came with an input says more than what the input
    is.
    """
    data = set_fields(held).get("data")
    return isinstance(data, dict) and any(
        value not in (None, {}, [], "") for name, value in data.items() if name not in MEDIA
    )


def _carry_message(
    type_: str, message: Mapping[str, object], carried: _Carried, *, of_mask: bool = False
) -> WireFields:
    named, known = set_fields(message), message_of(type_).fields
    if type_ == "Concept" and (id := item_id(named)) is not None:
        name = named.get("name")
        carried.concepts[id] = name if isinstance(name, str) and name else id
        return {**{key: named[key] for key in _CONCEPT if key in named}, "value": _value(named)}
    if type_ in _PICTURES:
        if named.get("base64"):
            return {"base64": named["base64"]}
        address = find_address({"image": named}) if of_mask else None
        if address is not None and (picture := carried.find_picture(address)) is not None:
            return {"base64": picture}
        if of_mask or named.get("hosted"):
            raise Unsendable
    filled = {
        member.name: member.default or 0
        for member in known.values()
        if member.shown and member.name not in _OLDER and member.type != "string"
    }
    return filled | {
        name: _carry_value(known[name], value, carried, of_mask=type_ == "Mask")
        for name, value in named.items()
        if name in known
    }


def _value(concept: Mapping[str, object]) -> object:
    value = concept.get("value")
    return 1 if value is None else value


def _carry_value(member: Field, value: object, carried: _Carried, *, of_mask: bool) -> object:
    if member.type not in MESSAGES or member.map:
        return value
    if isinstance(value, list):
        return [
            _carry_message(member.type, item, carried, of_mask=of_mask)
            if isinstance(item, dict)
            else item
            for item in value
        ]
    if isinstance(value, dict):
        return _carry_message(member.type, value, carried, of_mask=of_mask)
    return value
