"""Concepts and inputs that labels need: which an app has, and the making of those that
it has not. Each can be asked again at any time: what is there is not made twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

import msgspec
import orjson

from syncer.core.outcome import Refused
from syncer.core.ports.pull import Ask, Asking, Done, Flow, Found, Problem, Row, Unit, Units
from syncer.core.ports.push import LookUpFailure
from syncer.core.ports.wire import NoReply, Reply, Request
from syncer.remotes.clarifai.answers import ItemStatus, Said, failure, read, reason
from syncer.remotes.clarifai.codes import Meaning, meaning, number
from syncer.remotes.clarifai.listing.inputs import GONE, LOOKED_UP_MAX, InputLookUps
from syncer.remotes.clarifai.listing.queries import Queries
from syncer.remotes.clarifai.queries import PER_PAGE_MAX, AppUrls, page_of
from syncer.remotes.clarifai.rows import ListedLine
from syncer.remotes.clarifai.selection import Selection
from syncer.remotes.flows import cut, one
from syncer.remotes.replies import good, no_reply

MADE_AT_ONCE = 128
NO_ADDRESS = "the source shows neither an address nor a text of it"
_THERE = (Meaning.OK, Meaning.STORED, Meaning.PENDING, Meaning.DUPLICATE)


class ConceptId(msgspec.Struct, gc=False):
    """A concept of a list."""

    id: str | None = None


class MadeThings(Said, gc=False):
    """The answer to a list of concepts, or to a POST of concepts or inputs."""

    concepts: list[ConceptId] | None = None
    inputs: list[ItemStatus] | None = None


_DECODER = msgspec.json.Decoder(MadeThings)


class NeededConcepts:
    """The concepts that an app has not, as rows; with `make` they are made.

    Implements `syncer.core.ports.pull.Listing`.
    """

    repeats = False

    def __init__(self, user_id: str, app_id: str, names: Mapping[str, str], *, make: bool) -> None:
        """`names`: of the concepts, by their ids."""
        self._urls = AppUrls(user_id, app_id)
        self._names = names
        self._make = make

    def units(self, after: str, done: Done | None = ()) -> Units:
        """All of them at once."""
        yield Unit("concepts", "1", self._flow)

    def _flow(self) -> Flow:
        missing = yield from self._find_missing()
        problems: list[Problem] = []
        if self._make:
            for part in cut(missing, MADE_AT_ONCE):
                if isinstance((yield from self._post(part)), Refused):
                    # One of them may be there by now; each by itself says which is bad.
                    left = set((yield from self._find_missing())) & set(part)
                    for id in sorted(left):
                        problems += yield from self._post_alone(id)
        return Found([Row((id,), orjson.dumps({"id": id})) for id in missing], problems=problems)

    def _post_alone(self, id: str) -> Asking[list[Problem]]:
        answer = yield from self._post([id])
        return [Problem(f"concept {id}", answer.reason)] if isinstance(answer, Refused) else []

    def _find_missing(self) -> Asking[list[str]]:
        held: set[str] = set()
        page = 0
        while True:
            page += 1
            url = self._urls.list("/concepts", page_of(page, PER_PAGE_MAX))
            answer = yield from one(Ask(Request("GET", url), read_made))
            ids = [] if isinstance(answer, Refused) else [c.id for c in answer.concepts or ()]
            fresh = {id for id in ids if id} - held
            if not fresh:
                return [id for id in self._names if id not in held]
            held |= fresh

    def _post(self, ids: Sequence[str]) -> Asking[MadeThings | Refused]:
        body = orjson.dumps({"concepts": [{"id": id, "name": self._names[id]} for id in ids]})
        return one(Ask(Request("POST", f"{self._urls.app}/concepts", body), read_made))


class NeededInputs:
    """The inputs that an app has not, as rows; with `make` they are made.

    Implements `syncer.core.ports.pull.Listing`.
    """

    repeats = False

    def __init__(
        self, user_id: str, app_id: str, inputs: Iterable[Mapping[str, object]], *, make: bool
    ) -> None:
        """`inputs`: each with its id, and its data where that is known."""
        self._urls = AppUrls(user_id, app_id)
        self._look_ups = InputLookUps(Queries(user_id, app_id, Selection()))
        self._inputs = inputs
        self._make = make

    def units(self, after: str, done: Done | None = ()) -> Units:
        """Some of them in each."""
        for count, part in enumerate(_cut_stream(self._inputs), 1):
            yield Unit(f"input {part[0]['id']} and others", str(count), partial(self._flow, part))

    def _flow(self, part: list[Mapping[str, object]]) -> Flow:
        by_id = {str(each["id"]): each for each in part}
        held: dict[str, ListedLine] = {}
        unknown = yield from self._look_ups.look_up(list(by_id), held)
        missing = [id for id in by_id if unknown.get(id) == GONE]
        problems = [_tell(id, why) for id, why in unknown.items() if why != GONE]
        if self._make:
            makeable = [id for id in missing if by_id[id].get("data")]
            problems += [_tell(id, NO_ADDRESS) for id in missing if not by_id[id].get("data")]
            for ids in cut(makeable, MADE_AT_ONCE):
                problems += yield from self._post([by_id[id] for id in ids])
        return Found([Row((id,), orjson.dumps({"id": id})) for id in missing], problems=problems)

    def _post(self, inputs: list[Mapping[str, object]]) -> Asking[list[Problem]]:
        """Make these; each that the service refuses is a problem."""
        body = orjson.dumps({"inputs": inputs})
        answer = yield from one(Ask(Request("POST", f"{self._urls.app}/inputs", body), read_made))
        if isinstance(answer, Refused):
            if len(inputs) == 1:
                return [_tell(str(inputs[0]["id"]), answer.reason)]
            found: list[Problem] = []
            for half in cut(inputs, (len(inputs) + 1) // 2):
                found += yield from self._post(half)
            return found
        return [
            _tell(item.id or "", reason(item.status))
            for item in answer.inputs or ()
            if item.status is not None and not _is_there(item)
        ]


def read_made(reply: Reply | NoReply) -> MadeThings | LookUpFailure:
    """Return an answer that lists things with a status each, or all well."""
    if isinstance(reply, NoReply):
        return no_reply(reply)
    answer = read(reply, _DECODER)
    if not isinstance(answer, tuple):
        return answer
    listed, status = answer
    what = meaning(number(status.code))
    if what is Meaning.OK and good(reply):
        return listed
    if what in (Meaning.MIXED, Meaning.FAILURE) and listed.inputs:
        return listed
    return failure(status, reply, settles=False)


def _is_there(item: ItemStatus) -> bool:
    assert item.status is not None
    said = f"{item.status.description} {item.status.details}".lower()
    return meaning(number(item.status.code)) in _THERE or "duplicate" in said


def _tell(id: str, why: str) -> Problem:
    return Problem(f"input {id}", why, id)


def _cut_stream(inputs: Iterable[Mapping[str, object]]) -> Iterator[list[Mapping[str, object]]]:
    part: list[Mapping[str, object]] = []
    for each in inputs:
        part.append(each)
        if len(part) == LOOKED_UP_MAX:
            yield part
            part = []
    if part:
        yield part
