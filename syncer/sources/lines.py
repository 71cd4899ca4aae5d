"""One line of a change log to a change, or to the reason why it is not one. Pure; on
the hot path.

A line is decoded once, so that one that is not JSON or not UTF-8 cannot spoil a whole
batch. What is sent is still the line's own bytes. The last one of a key that is
repeated inside one object counts, as for the JSON parsers of the official client. Of a
plain post only the ids become objects: a number that no double holds is left for the
remote to refuse.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import blake2b
from typing import Annotated, Literal, cast

import msgspec
import orjson

from syncer.core.change import OF_THE_SERVICE, BadLine, Change, IgnoredLine, Key, Verb
from syncer.core.columns import POST_HEADS, POST_TAIL

LINE_BYTES_MAX = 16 << 20

OPS = ("post", "patch", "delete")
ACTIONS = ("merge", "overwrite", "remove")
_WITHOUT_ID: dict[Verb, str] = {
    "post": "a post without one gets one",
    "delete": "a delete without one is of the whole input",
}
_DIGEST = re.compile("[0-9a-fA-F]{32}")
_BRACE = ord("}")

_NotEmpty = Annotated[str, msgspec.Meta(min_length=1)]


class _BothIds(msgspec.Struct, gc=False):
    """The ids of an annotation; the rest is checked, and passed over."""

    id: _NotEmpty
    input_id: _NotEmpty


_decode_ids = msgspec.json.Decoder(_BothIds).decode
_decode_many = msgspec.json.Decoder(_BothIds | int).decode_lines
_BETWEEN = b"\n0 0\n"
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])

LineObject = dict[str, object]


@dataclass(frozen=True, slots=True)
class LineOptions:
    """The settings for lines."""

    lists_without_ids: Literal["refuse", "send"] = "refuse"
    embed_model_version_id: str = ""


@dataclass(slots=True)
class LinePlace:
    """The place of a line. `salt` is the log's first line, `offset` the line's place in
    the uncompressed log.

    `made_id` is the id that was made for its post once before.
    """

    log: int
    index: int
    line: int
    offset: int
    salt: bytes
    made_id: str | None = None


class _Bad(Exception):
    """The reason why a line is not a change."""


def parse(raw: bytes, place: LinePlace, options: LineOptions) -> Change | BadLine | IgnoredLine:
    """The change that a line (without its line ending) asks for. Never raises."""
    value: object = None
    try:
        if (plain := _plain_post(raw, place, options)) is not None:
            return plain
        value = _decode(raw)
        if not isinstance(value, dict):
            raise _Bad("not a JSON object")
        if "op" not in value and "input_id" in value:
            return _bare(raw, cast(LineObject, value), place, options)
        return _change(raw, cast(LineObject, value), place, options)
    except _Bad as bad:
        return bad_line(raw, str(bad), place, value)
    except RecursionError:
        return bad_line(
            raw,
            "nested far deeper than any annotation: the service does not take that",
            place,
            value,
        )


def _plain_post(raw: bytes, place: LinePlace, options: LineOptions) -> Change | None:
    """Most lines of most logs, recognised by a few comparisons: a post with its id,
    written the way everybody writes it.

    What stands between prefix and brace is decoded by itself: where it is one JSON
    value, no member comes a second time after it.
    """
    if (
        (head := _find_head(raw)) is None
        or raw[-1] != _BRACE
        or len(raw) > LINE_BYTES_MAX
        or options.embed_model_version_id
    ):
        return None
    try:
        if not raw.isascii():
            raw.decode()  # what is passed over is not checked for that
        ids = _decode_ids(raw[head:-1])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return Change(place.log, place.index, place.line, "post", ids.input_id, ids.id, raw, head, -1)


def _find_head(raw: bytes) -> int | None:
    """The length of that with which a plain post begins; None: it is none."""
    for head in POST_HEADS:
        if raw.startswith(head):
            return len(head)
    return None


def plain_posts(lines: bytes, options: LineOptions) -> tuple[bytes, list[bytes], list[Key]] | None:
    """With what these lines begin, their annotations and their keys, where each is a
    plain post as `_plain_post` knows it, at least one, and all begin alike; else None,
    and each is to be parsed. `lines`: with their line feeds.

    They are decoded at once. Two zeros stand between the annotations: since no JSON
    value holds two values with nothing but space between, no annotation reaches from
    one line into the next, and since all zeros are those, each line holds one.
    """
    if (
        (length := _find_head(lines)) is None
        or not lines.endswith(POST_TAIL)
        or len(lines) > LINE_BYTES_MAX
        or options.embed_model_version_id
    ):
        return None
    raws = lines.split(b"\n")
    raws.pop()
    annotations = [raw[length:-1] for raw in raws]
    # whether all lines begin and end so
    head = lines[:length]
    between = (POST_TAIL + head).join(annotations)
    if len(between) + len(POST_TAIL) + length != len(lines) or not lines.startswith(
        between, length
    ):
        return None
    try:
        if not lines.isascii():
            lines.decode()
        found = _decode_many(_BETWEEN.join(annotations))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    ids, zeros = found[::3], [0] * (len(annotations) - 1)
    if len(ids) != len(annotations) or found[1::3] != zeros or found[2::3] != zeros:
        return None
    if set(map(type, ids)) != {_BothIds}:
        return None
    return head, annotations, [(one.input_id, one.id) for one in ids]


def bad_line(raw: bytes, reason: str, place: LinePlace, value: object = None) -> BadLine:
    """A line that can never be sent, with as much of its ids as could be read."""
    value = value if isinstance(value, dict) else {}
    annotation = value.get("annotation", value if "op" not in value else None)
    ids = annotation if isinstance(annotation, dict) else {}
    return BadLine(
        place.log,
        place.index,
        place.line,
        raw,
        reason,
        _text(value.get("op")),
        _text(ids.get("input_id")),
        _text(ids.get("id")),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _decode(raw: bytes) -> object:
    if len(raw) > LINE_BYTES_MAX:
        raise _Bad(f"longer than {LINE_BYTES_MAX >> 20} MiB")
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        try:
            raw.decode()
        except UnicodeDecodeError as encoding:
            raise _Bad(f"not UTF-8: byte {encoding.start + 1} of the line") from None
        raise _Bad(f"not JSON: {error.msg} (column {error.colno})") from None


def _change(raw: bytes, value: LineObject, place: LinePlace, options: LineOptions) -> Change:
    verb = _verb(value)
    annotation = value.get("annotation")
    if not isinstance(annotation, dict):
        raise _Bad('"annotation" must be an object' if "annotation" in value else 'no "annotation"')
    input_id, id = _ids(annotation, verb)
    expect = _read_expect(value, verb, id) if "expect" in value else ""
    if verb == "delete":
        return Change(
            place.log,
            place.index,
            place.line,
            "delete" if id else "delete_input",
            input_id,
            id,
            raw,
            expect=expect,
        )
    if verb != "post":
        if not id:
            raise _Bad('a patch needs the annotation\'s "id"')
        if verb != "overwrite" and options.lists_without_ids == "refuse":
            _check_lists(annotation, "annotation")
    part = bytes(_members.decode(raw)["annotation"])
    at = raw.rindex(part)
    change = Change(
        place.log,
        place.index,
        place.line,
        verb,
        input_id,
        id,
        raw,
        at,
        at + len(part) - len(raw),
        expect=expect,
    )
    if verb == "post" and (
        not id or (options.embed_model_version_id and "embed_model_version_id" not in annotation)
    ):
        return _complete(change, annotation, place, options)
    return change


def _verb(value: LineObject) -> Verb:
    op, action = value.get("op"), value.get("action")
    if op not in OPS:
        raise _Bad(
            _unknown("op", op, OPS)
            if "op" in value
            else 'no "op", and no "input_id" of a bare annotation'
        )
    if op != "patch":
        if action is not None:
            raise _Bad(f'"action" belongs to a patch, not to a {op}')
        return cast(Verb, op)
    if action not in ACTIONS:
        raise _Bad(
            _unknown("action", action, ACTIONS)
            if "action" in value
            else 'a patch needs an "action": merge, overwrite or remove'
        )
    return cast(Verb, action)


def _read_expect(value: LineObject, verb: Verb, id: str) -> str:
    """Return the digest of what the change was planned against."""
    if verb == "post" or not id:
        kind = "a post" if verb == "post" else "a delete of a whole input"
        raise _Bad(
            f'"expect" belongs to a patch, or to a delete with id, not to {kind}: leave it out'
        )
    expect = value["expect"]
    digest = expect.get("digest") if isinstance(expect, dict) and len(expect) == 1 else None
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise _Bad(
            '"expect" must be exactly {"digest": "<32 hex digits>"}, as it was planned: plan again,'
            " or leave it out to send the change to any state of the annotation"
        )
    return digest.lower()


def _unknown(what: str, value: object, known: tuple[str, ...]) -> str:
    if not isinstance(value, str):
        return f'"{what}" must be a string, one of {", ".join(known)}'
    close = get_close_matches(value, known, 1)
    hint = f"; did you mean {close[0]}?" if close else f"; it is one of {', '.join(known)}"
    return f"unknown {what} {value[:60]!r}{hint}"


def _ids(annotation: LineObject, verb: Verb = "post") -> tuple[str, str]:
    input_id = annotation.get("input_id")
    if not isinstance(input_id, str) or not input_id:
        raise _Bad(
            '"input_id" must be a string that is not empty'
            if "input_id" in annotation
            else 'no "input_id"'
        )
    id = annotation.get("id", "")
    if not isinstance(id, str) or (not id and "id" in annotation):
        without = _WITHOUT_ID.get(verb, "a patch needs one")
        raise _Bad(f'"id" must be a string that is not empty: {without}')
    return input_id, id


def _check_lists(value: object, path: str) -> None:
    """A merge or remove appends what has no id each time that it is sent."""
    if isinstance(value, dict):
        for key, item in value.items():
            _check_lists(item, f"{path}.{key}")
    elif isinstance(value, list):
        for position, item in enumerate(value):
            if not (isinstance(item, dict) and item.get("id")):
                raise _Bad(
                    f"{path}[{position}] has no id, so the patch cannot be repeated safely: give"
                    ' ids, use the action overwrite, or set [push] lists_without_ids = "send"'
                )
            _check_lists(item, f"{path}[{position}]")


def _complete(
    change: Change, annotation: LineObject, place: LinePlace, options: LineOptions
) -> Change:
    """The post with the members that are filled in, right after the opening brace."""
    body = change.body
    added = b""
    if not change.id:
        change.id = place.made_id or make_id(place, change.raw)
        added += b'"id":"%s",' % change.id.encode()
    if options.embed_model_version_id and "embed_model_version_id" not in annotation:
        added += b'"embed_model_version_id":' + orjson.dumps(options.embed_model_version_id) + b","
    change.written = b"{" + added + body.lstrip()[1:]
    return change


def make_id(place: LinePlace, raw: bytes) -> str:
    """32 hex digits that only this line at this place of this log gives, for any name
    of the file.
    """
    digest = blake2b(digest_size=16)
    for part in (place.salt, str(place.offset).encode(), raw):
        digest.update(b"%d:" % len(part))
        digest.update(part)
    return digest.hexdigest()


def _bare(
    raw: bytes, value: LineObject, place: LinePlace, options: LineOptions
) -> Change | IgnoredLine:
    """An annotation object as a pull writes it: a post of what its owner may set."""
    input_id, id = _ids(value)
    if "expect" in value:
        raise _Bad('"expect" belongs to a patch, or to a delete with id, not to a bare annotation')
    worker = value.get("worker")
    by_model = bool(value.get("model_version_id")) or (
        isinstance(worker, dict) and bool(worker.get("model") or worker.get("workflow"))
    )
    if value.get("input_level") or by_model:
        return IgnoredLine(place.log, place.index, place.line, raw)
    kept = []
    for key, part in _members.decode(raw).items():
        if key in OF_THE_SERVICE:
            continue
        text = bytes(part)
        if key == "status":
            status = value["status"]
            if not isinstance(status, dict) or "code" not in status:
                continue
            text = b'{"code":' + orjson.dumps(status["code"]) + b"}"
        kept.append(orjson.dumps(key) + b":" + text)
    change = Change(
        place.log,
        place.index,
        place.line,
        "post",
        input_id,
        id,
        raw,
        written=b"{" + b",".join(kept) + b"}",
    )
    if not id or (options.embed_model_version_id and "embed_model_version_id" not in value):
        return _complete(change, value, place, options)
    return change
