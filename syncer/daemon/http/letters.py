"""Dead letters are listed, sent again and dropped while their lane runs.

There may be millions of them: what is listed comes from the state's files as it is
sent, and what is refused waits in a file of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import Any

import anyio.to_thread
from aiohttp import web

from syncer.core.letters import OpenLetter
from syncer.daemon.http.bodies import read_json
from syncer.daemon.http.lanes import find_lane
from syncer.daemon.http.refusals import refusal
from syncer.daemon.lane import Lane
from syncer.errors import SyncerError, UsageError
from syncer.jobs.dead import LetterPlace, RefusedLetter, Selector, open_in
from syncer.printable import json_text

PART_BYTES = 1 << 16
REFUSED_BYTES_MAX = 1 << 20
"""Of refused letters in memory; more of them go to a file."""
_NUMBER = re.compile("[0-9]{1,9}")
PLACE = ("source", "line", "path", "number")
"""The members that name a letter; `path`: of its log, which may be known by that;
`number`: the letter's own, where another of that line is not meant.
"""
WAYS = ("source", "letters", "code", "all")
"""The members that select letters, each in its own way."""
HOW_TO_SELECT = (
    'say which dead letters: "source" and "line" as /api/dead shows them, or "letters" with'
    ' several such, or "code", or "all": true; one of these'
)


def letters(lanes: Sequence[Lane]) -> web.RouteTableDef:
    """The routes of `/api/dead`."""
    routes = web.RouteTableDef()

    @routes.get("/api/dead")
    async def list_letters(request: web.Request) -> web.StreamResponse:
        """The open dead letters of a lane, oldest first; `q`: those with this text in
        them, `limit`: so many at most, `after`: those after the one of this number.
        """
        lane = find_lane(lanes, request.query.get("lane"))
        text, limit = request.query.get("q", ""), _read_number(request, "limit")
        after = _read_number(request, "after")
        found = (
            one
            for one in open_in(lane.state)
            if (after is None or one.number > after) and (not text or _has(one.record(), text))
        )
        return await _answer(request, _render_list(found, limit))

    @routes.post("/api/dead/retry")
    async def retry(request: web.Request) -> web.StreamResponse:
        """Send dead letters again, in the order of their logs."""
        asked = await _read_body(request)
        lane = find_lane(lanes, asked.lane)
        refused = _RefusedLetters()
        with refused.file:
            with _refusing():
                result = await lane.retry(asked.selector, refused.add, force=asked.force)
            selected = result.queued + result.refused + result.left
            counts = {"selected": selected, **({"left": result.left} if result.left else {})}
            return await _answer(request, refused.within(counts))

    @routes.post("/api/dead/drop")
    async def drop(request: web.Request) -> web.StreamResponse:
        """Give up dead letters."""
        asked = await _read_body(request)
        lane = find_lane(lanes, asked.lane)
        with _refusing():
            result = await lane.drop(asked.selector)
        return web.json_response({"selected": result.dropped, "refused": []})

    return routes


@contextmanager
def _refusing() -> Iterator[None]:
    """Answer what a lane cannot do."""
    try:
        yield
    except UsageError as error:
        raise refusal(web.HTTPNotFound, str(error)) from None
    except (SyncerError, OSError) as error:
        raise refusal(web.HTTPServiceUnavailable, str(error)) from None


class _RefusedLetters:
    """Letters that are refused, as members of a JSON list."""

    def __init__(self) -> None:
        self.file = SpooledTemporaryFile(REFUSED_BYTES_MAX)  # noqa: SIM115 - closed by its user

    def add(self, letter: RefusedLetter) -> None:
        """Keep one more."""
        self.file.write(b"," * bool(self.file.tell()) + json_text(asdict(letter)).encode())

    def within(self, counts: dict[str, int]) -> Iterator[bytes]:
        """Yield the object of these counts with the list as its last member."""
        yield json_text(counts)[:-1].encode() + b',"refused":['
        self.file.seek(0)
        yield from iter(partial(self.file.read, PART_BYTES), b"")
        yield b"]}"


def _has(letter: dict[str, object], text: str) -> bool:
    return any(text in str(value) for value in letter.values() if value is not None)


def _read_number(request: web.Request, name: str) -> int | None:
    """Read a number of the query. Raises HTTPBadRequest."""
    text = request.query.get(name)
    if text is None or _NUMBER.fullmatch(text):
        return None if text is None else int(text)
    reason = f'"{name}" is not a whole number of up to 9 digits: {text[:40]}'
    raise refusal(web.HTTPBadRequest, reason)


def _render_list(found: Iterator[OpenLetter], limit: int | None) -> Iterator[bytes]:
    """Yield `{"letters": […], "more": …}` in parts. What fails at the first letters
    fails before the first part.
    """
    part, between = bytearray(b'{"letters":['), b""
    for one in islice(found, limit):
        part += between + json_text({**one.record(), "number": one.number}).encode()
        between = b","
        if len(part) >= PART_BYTES:
            yield bytes(part)
            part.clear()
    has_more = next(found, None) is not None
    yield bytes(part + b'],"more":%b}' % (b"true" if has_more else b"false"))


async def _answer(request: web.Request, parts: Iterator[bytes]) -> web.StreamResponse:
    """Send JSON that is made in a thread, as it is made."""
    make = partial(anyio.to_thread.run_sync, next, parts, b"")
    with _refusing():
        part = await make()
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    while part:
        await response.write(part)
        part = await make()
    await response.write_eof()
    return response


@dataclass(frozen=True, slots=True)
class _LettersAsked:
    """The request that a body makes, and the letters that are meant."""

    selector: Selector
    lane: str | None
    force: bool


async def _read_body(request: web.Request) -> _LettersAsked:
    """Read what a request asks for. Raises HTTPBadRequest."""
    body = await read_json(request, HOW_TO_SELECT)
    try:
        return _parse_body(body)
    except _BadBody as error:
        raise refusal(web.HTTPBadRequest, str(error)) from None


class _BadBody(Exception):
    """A body that asks for nothing that could be done, and why."""


def _parse_body(body: object) -> _LettersAsked:
    if not isinstance(body, dict):
        raise _BadBody(f"the body is not a JSON object; {HOW_TO_SELECT}")
    members = dict[str, Any](body)
    if sum(way in members for way in WAYS) != 1:
        raise _BadBody(HOW_TO_SELECT)
    lane = _take(members, "lane", str, "the name of a lane")
    force = _take(members, "force", bool, "true or false") or False
    named = _take(members, "letters", list, "a list") or []
    if "source" in members:
        named = [{name: members.pop(name) for name in PLACE if name in members}]
    code = _take(members, "code", int, "a whole number")
    every = _take(members, "all", bool, "true or false") or False
    if members:
        raise _BadBody(f'there is no "{next(iter(members))}"; {HOW_TO_SELECT}')
    try:
        return _LettersAsked(Selector(tuple(map(_place_of, named)), code, every), lane, force)
    except UsageError:
        raise _BadBody(HOW_TO_SELECT) from None


def _place_of(letter: object) -> LetterPlace:
    members = dict[str, Any](letter) if isinstance(letter, dict) else {}
    source = _take(members, "source", str, "a name")
    line = _take(members, "line", int, "a whole number")
    path = _take(members, "path", str, "a path") or ""
    number = _take(members, "number", int, "a whole number")
    if source is None or line is None or members:
        raise _BadBody('a letter is named by its "source" and its "line"')
    return LetterPlace(source, line, path, number)


def _take(members: dict[str, Any], name: str, kind: type, words: str) -> Any:
    """Take a member out; None where there is none."""
    if name not in members:
        return None
    value = members.pop(name)
    if type(value) is not kind:
        raise _BadBody(f'"{name}" is not {words}')
    return value
