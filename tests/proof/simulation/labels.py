"""The service that a push writes to, and what it sees of the order of things."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from syncer.emulator import codes
from syncer.emulator.answer import Answer
from syncer.emulator.answer import Request as Received
from syncer.emulator.clarifai.part import Clarifai
from syncer.emulator.settings import behaviour
from tests.proof.simulation.clock import Clock
from tests.proof.simulation.model import History, Model
from tests.proof.simulation.network import Network
from tests.proof.simulation.planned import OtherWriter
from tests.proof.simulation.scenario import Scenario, Weather, poisoned

USER, APP = "me", "app"


def clarifai(weather: Weather) -> Clarifai:
    """The emulator's part, as the weather has it."""
    switches = behaviour(
        ",".join(f"{name}={value}" for name, value in weather.switches.items())
    ).switches
    service = Clarifai(switches)
    service.behave(switches, random.Random(f"service {weather.seed}"))
    return service


class Labels(Network):
    """A network to an app that is pushed to."""

    def __init__(
        self, scenario: Scenario, model: Model, clock: Clock, say: Callable[[str], None]
    ) -> None:
        service = clarifai(scenario)
        super().__init__(scenario, service, clock, say)
        self.history = History(model)
        self.poisoned: set[str] = set()
        """Markers of changes that were refused for good."""
        self.app = service.app(USER, APP)
        self._poison = scenario.poison
        self._model = model
        self._emptying = False
        self._items: dict[
            tuple[str, str], str
        ] = {}  # of the request that is being answered: marker by (input_id, id)
        self.other = OtherWriter(scenario, self.app, lambda: clock.now, self.happened)
        self._watch()

    def _watch(self) -> None:
        """Be told of everything that the app is changed by."""
        app, history = self.app, self.history
        put, delete, delete_of_input = app.put, app.delete, app.delete_of_input

        def putting(annotation: dict[str, Any], lag: int = 0) -> None:
            key = annotation["input_id"], annotation["id"]
            self.other.written(key)
            history.written(*key, self._model.by_marker[self._items[key]])
            put(annotation, lag)

        def deleting(key: tuple[str, str], lag: int = 0) -> bool:
            there = delete(key, lag)
            if there and not self._emptying:
                self.other.written(key)
                history.deleted(*key)
            return there

        def emptying(input_id: str, lag: int = 0) -> int:
            self._emptying = True
            count = delete_of_input(input_id, lag)
            self._emptying = False
            if count:
                history.emptied(input_id)
            return count

        app.put, app.delete, app.delete_of_input = putting, deleting, emptying  # type: ignore[method-assign]

    def process_begins(self) -> None:
        """A new one."""
        super().process_begins()
        self.other.process_begins()

    def answer(self, request: Received, fault: str) -> Answer:
        """Carried out, with items that fail for now, and those that fail for good."""
        self._items = self._named(request)
        if self.other.planned:
            under_way = {key for each in self._under_way.values() for key in self._named(each)}
            self.other.act(under_way | set(self._items))
            if request.method == "GET":
                self.other.looked(_asked(request))
        return self._service.answer(request, lambda id: self._item_fault(id, fault))

    def _item_fault(self, id: str, fault: str) -> int:
        if poisoned(id, self._poison):
            self.happened("poison")
            self.poisoned.update(mark for key, mark in self._items.items() if key[1] == id)
            return codes.INVALID
        return codes.FAILED_FOR_NOW if fault == "partial" and self.rng.random() < 0.3 else 0

    def _named(self, request: Received) -> dict[tuple[str, str], str]:
        """The changes that a request carries, by what they change.

        No annotation twice.
        """
        sent = json.loads(request.body or b"{}")
        if request.method == "DELETE":
            ids = sent.get("ids")
            keys = (
                list(zip(sent["input_ids"], ids, strict=True))
                if ids
                else [(input_id, "") for input_id in sent["input_ids"]]
            )
            named = dict.fromkeys(keys, "")
        else:
            annotations = sent.get("annotations", [])
            keys = [(annotation["input_id"], annotation["id"]) for annotation in annotations]
            named = {
                key: _marker(annotation) for key, annotation in zip(keys, annotations, strict=True)
            }
        if len(named) < len(keys):
            self.wrong.append(
                f"batch: an annotation comes twice in one request: {self.told(request)}"
            )
        return named

    def told(self, request: Received) -> str:
        """A request, for the trace."""
        if request.method == "GET":
            return f"GET {request.path.rpartition('/')[2]} {dict(request.query)}"[:160]
        sent = json.loads(request.body or b"{}")
        if request.method == "DELETE":
            ids = sent.get("ids") or ["*"] * len(sent["input_ids"])
            keys = [f"{input_id}/{id}" for input_id, id in zip(sent["input_ids"], ids, strict=True)]
        else:
            keys = [
                f"{annotation['input_id']}/{annotation['id'][:12]} {_marker(annotation)}"
                for annotation in sent["annotations"]
            ]
        few = ", ".join(keys[:6]) + (f", and {len(keys) - 6} more" if len(keys) > 6 else "")
        return f"{request.method} {sent.get('action', '')} {len(keys)}: {few}"


def _asked(request: Received) -> set[tuple[str, str]]:
    """Return the annotations that a read names; of whole inputs none."""
    query = request.query
    return set(zip(query.get("input_ids", ()), query.get("ids", ()), strict=False))


def _marker(annotation: dict[str, Any]) -> str:
    return next(
        concept["id"]
        for concept in annotation["data"]["concepts"]
        if concept["id"].startswith("n-")
    )
