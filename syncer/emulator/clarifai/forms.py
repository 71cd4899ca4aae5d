"""Forms that an answer may take without saying anything else: what the switches make of
it before it is written.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any
from zlib import crc32

from syncer.emulator.clarifai.messages import ENUMS
from syncer.emulator.clarifai.wire import LATER, Object
from syncer.emulator.codes import CODES
from syncer.protos import STRUCTS

FormChange = Callable[[str, Object], Object]
"""From the name of the member that holds an object, and the object, to what is shown in
its place.
"""

_NAMES: Mapping[str, Mapping[int, str]] = {
    "code": {code: name for code, (name, _, _) in CODES.items()},
    **{
        member: {number: name for name, number in ENUMS[enum].items()}
        for member, enum in (("visibility", "PointVisibility"), ("gettable", "Gettable"))
    },
}


class HostedPictures:
    """Pictures that were shown as addresses: what is served there."""

    def __init__(self) -> None:
        self.url = ""
        """The emulator's own."""
        self._pictures: dict[str, str] = {}

    def put(self, base64: str) -> str:
        """Keep a picture; return its address."""
        path = f"/masks/{crc32(base64.encode()):08x}.png"
        self._pictures[path] = base64
        return self.url + path

    def find(self, path: str) -> bytes | None:
        """Return the picture of an address, by its path."""
        base64 = self._pictures.get(path)
        return None if base64 is None else b64decode(base64)


def render_body(
    body: Object, switches: Mapping[str, str], http_status: int, hosted: HostedPictures
) -> Object:
    """The body as it is written. `hosted`: takes the pictures that it names by their
    addresses.
    """
    changes: list[FormChange] = []
    if switches["enums"] != "number":
        changes.append(_name if switches["enums"] == "name" else _as_text)
    if switches["masks"] == "url":
        changes.append(lambda name, value: _host(name, value, hosted))
    if switches["added-fields"] == "some":
        changes.append(lambda _, value: {**value, LATER: {"of": ["the service", 1, None]}})
    if switches["http-status-code"] == "set":
        body = {**body, "status": {**body["status"], "http_status_code": http_status}}
    return _change("", body, changes) if changes else body


def _change(name: str, value: Any, changes: list[FormChange]) -> Any:
    if isinstance(value, list):
        return [_change(name, item, changes) for item in value]
    if not isinstance(value, dict) or name in STRUCTS:
        return value
    value = {inner: _change(inner, item, changes) for inner, item in value.items()}
    for change in changes:
        value = change(name, value)
    return value


def _name(_: str, value: Object) -> Object:
    return {
        name: _NAMES[name].get(item, item) if name in _NAMES and isinstance(item, int) else item
        for name, item in value.items()
    }


def _as_text(_: str, value: Object) -> Object:
    return {
        name: str(item) if name in _NAMES and isinstance(item, int) else item
        for name, item in value.items()
    }


def _host(name: str, value: Object, hosted: HostedPictures) -> Object:
    """A mask's picture by its URL, its bytes left out."""
    if name == "mask" and "base64" in value.get("image", {}):
        rest = dict(value["image"])
        return {**value, "image": {"url": hosted.put(rest.pop("base64")), **rest}}
    return value
