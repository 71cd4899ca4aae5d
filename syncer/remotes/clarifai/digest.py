"""The digest of an annotation as the service shows it: two readings have the same one
where nobody changed the annotation in between.

It is made of `data`, `annotation_info`, `status.code` and `task_id`, each value brought
to the one form that stands for all ways to write it (`same` tells which these are). The
form is told in docs/changelog.md: others make digests, too.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from hashlib import blake2b

from syncer.protos import MESSAGES, Field
from syncer.remotes.clarifai.same import item_id, message_of, set_fields
from syncer.remotes.clarifai.scalars import DEFAULTS, READERS, double

_OF_ANNOTATION = ("data", "annotation_info", "task_id")
_OF_CONCEPT = ("id", "value")
"""Members of a concept with an id: its others are not of the annotation."""
_ADDRESSES = frozenset(("url", "thumbnail_url"))
_HOSTED = "hosted"
"""Stands for an address of the service's: it may be another one each time."""


def digest_annotation(held: Mapping[str, object]) -> str:
    """Return the BLAKE2b-128 digest of an annotation, as 32 hex digits.

    An annotation that is nested far deeper than any has none: it is empty.
    """
    try:
        return blake2b(render_form(held), digest_size=16).hexdigest()
    except RecursionError:
        return ""


def render_form(held: Mapping[str, object]) -> bytes:
    """Return the JSON text of which the digest is made."""
    named = set_fields(held)
    picked = {name: named.get(name) for name in _OF_ANNOTATION}
    if isinstance(status := named.get("status"), dict):
        picked["status"] = {"code": set_fields(status).get("code")}
    form = _form_message("Annotation", picked) or {}
    text = json.dumps(form, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")


# A form is JSON of which two values are equal where they mean the same; None: left out.


def _form_message(type_: str, message: Mapping[str, object], *, of_mask: bool = False) -> object:
    known, named = message_of(type_).fields, set_fields(message)
    if type_ == "Concept" and item_id(named) is not None:
        named = {name: named.get(name) for name in _OF_CONCEPT}
    hosts = of_mask or bool(named.get("hosted"))
    forms: dict[str, object] = {}
    for name, value in named.items():
        field = known.get(name)
        if field is None:
            continue
        form = _form_field(field, value, of_mask=type_ == "Mask")
        if form is not None and (field.type == "HostedURL" or (hosts and name in _ADDRESSES)):
            form, name = _HOSTED, "url" if name == "hosted" else name
        if form is not None:
            forms[name] = form
    return forms or None


def _form_field(field: Field, value: object, *, of_mask: bool) -> object:
    if field.type == "struct":
        return _form_free(value)
    if field.repeated and isinstance(value, list):
        items = [(item_id(item), _form_item(field, item)) for item in value]
        named = sorted(
            [(id, form) for id, form in items if id is not None], key=lambda item: item[0]
        )
        return [form for _, form in named] + [form for id, form in items if id is None] or None
    if field.map and isinstance(value, dict):
        forms = {key: _form_one(field, item) for key, item in value.items()}
        return {key: form for key, form in forms.items() if form is not None} or None
    if field.repeated or field.map:
        return _form_free(value)
    return _form_one(field, value, of_mask=of_mask)


def _form_item(field: Field, item: object) -> object:
    """The form of an item of a list: it counts where it holds nothing, too."""
    if field.type in MESSAGES:
        return _form_one(field, item) or {}
    return _form_scalar(field, DEFAULTS.get(field.type) if item is None else item)


def _form_one(field: Field, value: object, *, of_mask: bool = False) -> object:
    if field.type in MESSAGES:
        if isinstance(value, dict | None):
            return _form_message(field.type, value or {}, of_mask=of_mask)
        return _form_free(value)
    if value is None:
        return None
    form = _form_scalar(field, value)
    default = DEFAULTS.get(field.type) if field.default is None else field.default
    is_default = form == default and isinstance(form, bool) == isinstance(default, bool)
    return None if is_default else form


def _form_scalar(field: Field, value: object) -> object:
    try:
        read = READERS[field.type](value)
    except (ValueError, TypeError):  # nothing that its type has
        return _form_free(value)
    if isinstance(read, bytes):
        return b64encode(read).decode()
    return _form_float(read) if isinstance(read, float) else read


def _form_free(value: object) -> object:
    """The form of free-form JSON under a key: null, {} and [] count as missing."""
    form = _form_free_value(value)
    return None if form in ({}, []) else form


def _form_free_value(value: object) -> object:
    """The form of an item of a list, too, where null, {} and [] are three values."""
    if isinstance(value, dict):
        forms = {key: _form_free(item) for key, item in value.items()}
        return {key: form for key, form in forms.items() if form is not None}
    if isinstance(value, list):
        return [_form_free_value(item) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _form_float(double(value))
    return value


def _form_float(number: float) -> float:
    return number + 0.0  # minus zero is zero
