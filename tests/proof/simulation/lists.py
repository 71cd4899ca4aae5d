"""The services that a pull reads from: a Clarifai app that others write to all the
while, and a project of Annotell's with its storage.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import orjson

from syncer.core.ports.wire import Reply
from syncer.emulator.annotell.part import Annotell
from syncer.emulator.annotell.tokens import STORAGE, TOKEN_PATH, GrantedTokens, Signatures
from syncer.emulator.answer import Answer
from syncer.emulator.answer import Request as Received
from syncer.emulator.clarifai import loading
from syncer.emulator.settings import behaviour
from tests.proof.simulation.clock import Clock
from tests.proof.simulation.labels import APP, USER, clarifai
from tests.proof.simulation.network import Network, reply_of
from tests.proof.simulation.pull_scenario import PullScenario

Key = tuple[str, str]


class Lists(Network, ABC):
    """What a pull is to bring: `always` is there from the beginning to the end as it
    is, `ever` was there at some time.
    """

    @abstractmethod
    def always(self) -> dict[Key, Any]:
        """By key; what each is."""

    @abstractmethod
    def ever(self, key: Key) -> list[Any]:
        """All that this one ever was."""


class App(Lists):
    """Annotations that others post, change and delete while they are listed."""

    def __init__(self, scenario: PullScenario, clock: Clock, say: Callable[[str], None]) -> None:
        self._clarifai = clarifai(scenario)
        super().__init__(scenario, self._clarifai, clock, say)
        self._app = self._clarifai.app(USER, APP)
        self._others = random.Random(f"others {scenario.seed}")
        self._share = scenario.writes
        self._number = 0
        for _ in range(scenario.rows):
            self._post()
        self._ever: dict[Key, list[Any]] = {
            key: [_seen(held)] for key, held in self._app.annotations.items()
        }
        self._always = set(self._ever)

    def answer(self, request: Received, fault: str) -> Answer:
        """Carried out; and before, perhaps, somebody else writes."""
        if self._others.random() < self._share and self.clock.now < self._weather.storm_seconds:
            self._write()
        return super().answer(request, fault)

    def _post(self) -> Key:
        self._number += 1
        rng = self._others
        input_id = f"input-{rng.randrange(max(1, self._number // 4 + 1))}"
        annotation = {
            "id": f"a-{self._number}",
            "input_id": input_id,
            "data": {"concepts": [{"id": f"n-{self._number}", "value": rng.random()}]},
        }
        line = orjson.dumps({"op": "post", "annotation": annotation})
        loading.apply(self._clarifai.service, self._app, self._clarifai._change(line))
        return input_id, annotation["id"]

    def _write(self) -> None:
        rng, app = self._others, self._app
        self.happened("others write")
        for _ in range(rng.choice([1, 1, 5])):
            keys = list(app.annotations)
            roll = rng.random()
            if roll < 0.4 or not keys:
                key = self._post()
            else:
                key = rng.choice(keys)
                if roll > 0.9:
                    app.delete_input(key[0])
                    self._always -= {other for other in keys if other[0] == key[0]}
                    continue
                self._always.discard(key)
                if roll < 0.7:
                    app.delete(key)
                    continue
                app.put(
                    {
                        **app.annotations[key],
                        "data": {"concepts": [{"id": f"changed-{rng.random():.6f}", "value": 1}]},
                    }
                )
            self._ever.setdefault(key, []).append(_seen(app.annotations[key]))

    def always(self) -> dict[Key, Any]:
        return {key: self._ever[key][0] for key in self._always}

    def ever(self, key: Key) -> list[Any]:
        return self._ever.get(key, [])


def _seen(annotation: dict[str, Any]) -> Any:
    """What is compared: the concepts, as far as they do not depend on how numbers are
    written.
    """
    return [concept["id"] for concept in annotation["data"]["concepts"]]


class Documents(Lists):
    """A project; tokens that are revoked at any time, signed URLs that run out,
    annotations that are invalidated or delivered anew.
    """

    def __init__(self, scenario: PullScenario, clock: Clock, say: Callable[[str], None]) -> None:
        switches = behaviour(
            ",".join(f"{name}={value}" for name, value in scenario.switches.items())
        ).switches
        self._annotell = Annotell(switches)
        self._annotell.tokens, self._annotell.signatures = (
            GrantedTokens(clock.true),
            Signatures(clock.true),
        )
        super().__init__(scenario, self._annotell, clock, say)
        self._revoked = scenario.writes
        inputs = [
            {
                "internalId": f"00000000-0000-4000-8000-{number:012}",
                "annotations": [
                    {
                        "annotationType": kind,
                        "content": {
                            "openlabel": {
                                "metadata": {"schema_version": "1.0.0", "n": number, "kind": kind}
                            }
                        },
                    }
                    for kind in ("signs", "QA")[: 1 + number % 2]
                ],
            }
            for number in range(scenario.rows)
        ]
        project = {
            "project": "p",
            "batches": [{"batch": "b"}],
            "annotationTypes": ["signs", "QA"],
            "inputs": inputs,
        }
        self._annotell.projects.add({"projects": [project]})
        self._others = random.Random(f"others {scenario.seed}")
        self._number = 10**6
        self._ever = self._held()

    def answer(self, request: Received, fault: str) -> Answer:
        """Carried out; and before, perhaps, every token is revoked."""
        if self.rng.random() < self._revoked and self.clock.now < self._weather.storm_seconds:
            self.happened("tokens revoked")
            self._annotell.tokens._expires_at.clear()
        if self._others.random() < self._revoked and self.clock.now < self._weather.storm_seconds:
            self._write()
        answer = super().answer(request, fault)
        if request.path.startswith(STORAGE) and answer.status in (400, 403):
            self.happened("expired URL")
        return answer

    def refuse_token(self, request: Received) -> Reply:
        """The auth server does not know the client; the API does not know the token;
        the storage asks for none.
        """
        if request.path == TOKEN_PATH:
            return Reply(401, b'{"error":"invalid_client"}')
        if request.path.startswith(STORAGE):
            return reply_of(self._service.answer(request, lambda _: 0))
        return Reply(401, b'{"error":"invalid_token"}')

    def told(self, request: Received) -> str:
        """Without signatures."""
        return f"{request.method} {request.path}"

    def _write(self) -> None:
        """An annotation is not listed any more, or as the last one: what stood after it
        moves up.
        """
        scenes = [
            scene for scene in self._annotell.projects.by_name["p"].scenes if scene.annotations
        ]
        if scenes:
            self.happened("others write")
            annotations = self._others.choice(scenes).annotations
            if self._others.random() < 0.5:
                annotations.pop()
            else:
                self._number += 1
                annotations[0].number = self._number

    def always(self) -> dict[Key, Any]:
        return self._held()

    def _held(self) -> dict[Key, Any]:
        return {
            (scene["internalId"], annotation["annotationType"]): annotation["content"]
            for project in orjson.loads(orjson.dumps(self._annotell.projects.dump()))
            for scene in project["inputs"]
            for annotation in scene["annotations"]
            if project["project"] == "p"
        }

    def ever(self, key: Key) -> list[Any]:
        return [self._ever[key]] if key in self._ever else []
