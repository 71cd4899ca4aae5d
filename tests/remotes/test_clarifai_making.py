"""Concepts and inputs that an app has not are found, and made once. No network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from syncer.core.outcome import Failed, Refused
from syncer.core.ports.pull import Found, Listing, Unit
from syncer.core.ports.wire import NoReply, Reply, Request
from syncer.remotes.clarifai.making import NO_ADDRESS, NeededConcepts, NeededInputs, read_made

URL = {"image": {"url": "https://x/y.png"}}
BAD = {"code": 40003, "description": "Invalid request"}
OK = {"code": 10000}


class Maker:
    """As much of the service as is needed to make things."""

    def __init__(self, *held: str) -> None:
        self.held = dict.fromkeys(held)
        self.bad: set[str] = set()
        self.whole = False
        """Refuses a request as a whole, not its items."""
        self.posts: list[list[str]] = []
        self.meanwhile: Callable[[], None] = lambda: None
        """Called before a POST is answered."""

    def answer(self, request: Request) -> Reply:
        split = urlsplit(request.path)
        what = split.path.rpartition("/")[2]
        if request.method == "GET":
            query = parse_qs(split.query)
            page, size = int(query["page"][0]), int(query["per_page"][0])
            ids = query.get("ids", list(self.held))[(page - 1) * size : page * size]
            return reply({"status": OK, what: [{"id": id} for id in ids if id in self.held]})
        self.meanwhile()
        ids = [each["id"] for each in orjson.loads(request.body or b"")[what]]
        self.posts.append(ids)
        wrong = [id for id in ids if id in self.bad or id in self.held]
        if wrong and (what == "concepts" or self.whole):
            return reply({"status": BAD}, 400)
        self.held |= dict.fromkeys(id for id in ids if id not in wrong)
        items = [{"id": id, "status": self.status(id, wrong)} for id in ids]
        code = 10000 if not wrong else 10010 if len(wrong) < len(ids) else 10020
        return reply({"status": {"code": code}, what: items}, 200 if code != 10020 else 400)

    def status(self, id: str, wrong: list[str]) -> dict[str, Any]:
        if id not in wrong:
            return {"code": 30001}
        why = "Download failed" if id in self.bad else "Input has a duplicate ID."
        return {"code": 30104, "description": why}


def reply(value: object, status: int = 200) -> Reply:
    return Reply(status, orjson.dumps(value))


def work(listing: Listing, maker: Maker) -> Found:
    """Everything that a listing finds, asked of this service."""
    parts: list[Found] = []
    for unit in listing.units(""):
        assert isinstance(unit, Unit)
        flow = unit.flow()
        answers: list[object] | None = None
        while True:
            try:
                asks = flow.send(answers)  # type: ignore[arg-type]
            except StopIteration as end:
                parts.append(end.value)
                break
            answers = [ask.read(maker.answer(ask.request)) for ask in asks]
            assert not [one for one in answers if isinstance(one, Failed)]
    rows = [row for part in parts for row in part.rows]
    return Found(rows, problems=[problem for part in parts for problem in part.problems])


def concepts(*ids: str, make: bool = True) -> NeededConcepts:
    return NeededConcepts("me", "new", {id: id.upper() for id in ids}, make=make)


def inputs(*ids: str, make: bool = True, data: object = URL) -> NeededInputs:
    return NeededInputs("me", "new", [{"id": id, "data": data} for id in ids], make=make)


def test_missing_concepts_are_made_with_their_names_and_the_next_look_finds_none() -> None:
    maker = Maker("a")
    found = work(concepts("a", "b", "c"), maker)
    assert [row.key for row in found.rows] == [("b",), ("c",)]
    assert maker.posts == [["b", "c"]]
    assert not work(concepts("a", "b", "c"), maker).rows


def test_a_look_makes_nothing() -> None:
    maker = Maker()
    assert len(work(concepts("a", make=False), maker).rows) == 1
    assert len(work(inputs("i", make=False), maker).rows) == 1
    assert maker.posts == []


def test_concepts_that_came_meanwhile_do_not_hold_up_the_others() -> None:
    maker = Maker()
    maker.meanwhile = lambda: maker.held.setdefault("b")
    assert not work(concepts("a", "b"), maker).problems
    assert set(maker.held) == {"a", "b"}


def test_a_concept_that_is_refused_is_named_and_the_others_are_made() -> None:
    maker = Maker()
    maker.bad = {"b"}
    found = work(concepts("a", "b", "c"), maker)
    assert [problem.what for problem in found.problems] == ["concept b"]
    assert set(maker.held) == {"a", "c"}


def test_any_number_of_inputs_is_looked_up_and_made_in_portions() -> None:
    maker = Maker("i-7")
    ids = [f"i-{number}" for number in range(250)]
    found = work(inputs(*ids), maker)
    assert (len(found.rows), len(found.problems), len(maker.held)) == (249, 0, 250)
    assert max(map(len, maker.posts)) <= 128


def test_inputs_that_came_meanwhile_count_as_made() -> None:
    maker = Maker()
    maker.meanwhile = lambda: maker.held.setdefault("a")
    assert not work(inputs("a", "b"), maker).problems


@pytest.mark.parametrize("whole", [False, True])
def test_an_input_that_is_refused_is_named_and_the_others_are_made(whole: bool) -> None:
    maker = Maker()
    maker.bad, maker.whole = {"b"}, whole
    found = work(inputs("a", "b", "c"), maker)
    assert [(problem.what, problem.input_id) for problem in found.problems] == [("input b", "b")]
    assert set(maker.held) == {"a", "c"}


def test_an_input_without_an_address_cannot_be_made() -> None:
    found = work(inputs("a", data=None), Maker())
    assert [problem.reason for problem in found.problems] == [NO_ADDRESS]


def test_what_is_not_an_answer_of_the_service_is_a_failure() -> None:
    assert isinstance(read_made(NoReply("gone", sent=True)), Failed)
    assert isinstance(read_made(Reply(502, b"<html>")), Failed)
    assert isinstance(read_made(reply({"status": BAD}, 400)), Refused)
