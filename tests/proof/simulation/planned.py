"""Changes that were planned against what the service held, and somebody else who writes
there, too.

His edits come at their times, between two requests. One waits while it could not be
seen in time: from a look at its annotation until that look is too old to be acted on,
and while a write of it is under way. In that time nothing that asks and then writes can
keep another writer's edit; at any other it must. His edits are read at once, also where
the service's own reads lag: nobody can see what is not shown.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from syncer.core.looks import FRESH_SECONDS
from syncer.emulator.clarifai.store import App
from syncer.remotes.clarifai import digest_annotation
from tests.proof.simulation.scenario import Change, Edit, Scenario, drawn, drawn_data

Annotation = dict[str, Any]
Key = tuple[str, str]
THERE_NUMBER = 99_999
FIRST_NUMBER = 100_000
"""Of the markers of planned changes."""
RISKY_SECONDS = FRESH_SECONDS + 1.0
"""So long a look may be acted on, with the time until the write is under way."""
SAME_SHARE = 0.15


def drawn_planned(seed: int) -> Scenario:
    """The scenario of a seed: that of an ordinary push, and a plan."""
    rng, scenario = random.Random(f"planned {seed}"), drawn(seed)
    count = rng.choice([5, 15, 40])
    there = tuple(
        {
            "id": f"p-{number}",
            "input_id": f"plan-{number % 4}",
            "data": drawn_data(rng, THERE_NUMBER),
        }
        for number in range(count)
    )
    lines = tuple(_plan(rng, annotation, number) for number, annotation in enumerate(there))
    edits = tuple(
        Edit(
            rng.choice([0.0, 10 ** rng.uniform(-1.0, 2.0)]),
            key_of(annotation),
            "rewrite" if rng.random() < SAME_SHARE else rng.choice(["change", "change", "delete"]),
        )
        for annotation in there
        if rng.random() < 0.4
    )
    edits = tuple(sorted(edits, key=lambda edit: edit.at))
    return replace(
        scenario, logs=(*scenario.logs, lines), grown_from=None, there=there, edits=edits
    )


def key_of(annotation: Change) -> Key:
    """Return what an annotation is known by."""
    return annotation["input_id"], annotation["id"]


def _plan(rng: random.Random, annotation: Change, number: int) -> Change:
    named = {"id": annotation["id"], "input_id": annotation["input_id"]}
    expect = {"digest": digest_annotation(annotation)}
    if rng.random() < 0.3:
        return {"op": "delete", "annotation": named, "expect": expect}
    data = drawn_data(rng, FIRST_NUMBER + number)
    return {
        "op": "patch",
        "action": rng.choice(["merge", "overwrite"]),
        "annotation": {**named, "data": data},
        "expect": expect,
    }


class OtherWriter:
    """Somebody else's edits, and whether they were kept."""

    def __init__(
        self,
        scenario: Scenario,
        app: App,
        now: Callable[[], float],
        happened: Callable[[str], None],
    ) -> None:
        """`happened` gets the kind of each edit."""
        self.wrong: list[str] = []
        self.edited: dict[Key, Annotation | None] = {}
        """What he left of each annotation that he changed or deleted."""
        self.carried_out: set[Key] = set()
        """Annotations that a planned change was applied to."""
        self.planned = {key_of(annotation) for annotation in scenario.there}
        self._left = list(scenario.edits)
        self._app, self._now, self._happened = app, now, happened
        self._put, self._delete = app.put, app.delete
        self._looked_at: dict[Key, float] = {}
        for annotation in scenario.there:
            self._put(dict(annotation))

    def looked(self, keys: set[Key]) -> None:
        """Note that a process was shown these annotations."""
        self._looked_at.update(dict.fromkeys(keys & self.planned, self._now()))

    def process_begins(self) -> None:
        """Note that what the one before it was shown is forgotten."""
        self._looked_at.clear()

    def act(self, under_way: set[Key]) -> None:
        """Carry out the edits that are due and that can be seen in time."""
        now, left = self._now(), []
        for edit in self._left:
            risky = now < self._looked_at.get(edit.key, -RISKY_SECONDS) + RISKY_SECONDS
            if edit.at > now or risky or edit.key in under_way:
                left.append(edit)
            else:
                self._carry_out(edit)
        self._left = left

    def _carry_out(self, edit: Edit) -> None:
        held = self._app.annotations.get(edit.key)
        if held is None:
            return
        self._happened(edit.kind)
        self._app.past.pop(edit.key, None)
        match edit.kind:
            case "change":
                theirs = {**held, "data": {"concepts": [{"id": "theirs", "value": 1}]}}
                self._put(theirs)
                self.edited[edit.key] = theirs
            case "delete":
                self._delete(edit.key)
                self.edited[edit.key] = None
            case "rewrite":
                self._put(dict(held))

    def written(self, key: Key) -> None:
        """Note that a planned change was applied."""
        if key in self.edited:
            self.wrong.append(f"overwritten: {'/'.join(key)}, which somebody else had changed")
        if key in self.planned:
            self.carried_out.add(key)
