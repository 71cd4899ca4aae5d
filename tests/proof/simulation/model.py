"""What the logs say must be, and what was seen of the remote while it became so: plain
dictionaries, nothing of syncer.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from tests.proof.simulation.scenario import BAD, IGNORED, Scenario

Annotation = dict[str, Any]
Concepts = dict[str, float]


@dataclass(frozen=True)
class Line:
    """A line of the logs, in their order."""

    place: int
    log: int
    line: int
    text: str
    kind: str
    """post, patch, delete, delete_input, bad or ignored."""
    action: str = ""
    input_id: str = ""
    id: str = ""
    concepts: tuple[tuple[str, float], ...] = ()
    marker: str = ""


class Model:
    """The lines of a scenario, and what applying them once and in order gives."""

    def __init__(self, scenario: Scenario) -> None:
        self.lines = _told_apart(list(_lines(scenario)))
        self.by_marker = {line.marker: line for line in self.lines if line.marker}
        self.by_place = {(line.log, line.line): line for line in self.lines}
        self.there = {
            (annotation["input_id"], annotation["id"]): _concepts(annotation)
            for annotation in scenario.there
        }
        self._deletes: dict[tuple[str, str], list[int]] = defaultdict(list)
        for line in self.lines:
            if line.kind in ("delete", "delete_input"):
                self._deletes[line.input_id, line.id].append(line.place)

    def delete_at(self, input_id: str, id: str, last: int) -> int | None:
        """Which delete of this annotation (or input) it must be, where `last` is the
        newest change of it that was seen.
        """
        return next((place for place in self._deletes[input_id, id] if place >= last), None)

    def held(self, dead: set[int]) -> dict[tuple[str, str], Concepts]:
        """By (input_id, id), or (input_id, marker) for posts without an id: what is
        left when the dead ones are left out.
        """
        state = self._begin()
        for line in self.lines:
            if line.place not in dead:
                apply_line(state, line)
        return state

    def _begin(self) -> dict[tuple[str, str], Concepts]:
        return {key: dict(concepts) for key, concepts in self.there.items()}

    def nothing_to_patch(self, dead: set[int]) -> set[int]:
        """Patches that come when their annotation is not there, save the dead ones."""
        state, found = self._begin(), set[int]()
        for line in self.lines:
            if line.kind == "patch" and (line.input_id, line.id) not in state:
                found.add(line.place)
            elif line.place not in dead:
                apply_line(state, line)
        return found


def _lines(scenario: Scenario) -> Iterator[Line]:
    place = 0
    for log, changes in enumerate(scenario.logs):
        for line, change in enumerate(changes, 1):
            if isinstance(change, str):
                yield Line(place, log, line, change, "ignored" if change == IGNORED else "bad")
                assert change == IGNORED or change in BAD
            else:
                yield _line(place, log, line, change)
            place += 1


def _told_apart(lines: list[Line]) -> list[Line]:
    """Where a log begins with all of another one, nobody can tell it from a copy that
    grew: then the first line of each ends with as many spaces as make it its own.
    """
    texts: dict[int, str] = defaultdict(str)
    for line in lines:
        texts[line.log] += line.text + "\n"
    if not any(
        texts[one].startswith(texts[other]) for one in texts for other in texts if one != other
    ):
        return lines
    return [
        replace(line, text=line.text + " " * line.log) if line.line == 1 else line for line in lines
    ]


def _line(place: int, log: int, line: int, change: dict[str, Any]) -> Line:
    annotation = change["annotation"]
    id = annotation.get("id", "")
    concepts = tuple(
        (concept["id"], concept["value"])
        for concept in annotation.get("data", {}).get("concepts", ())
    )
    kind = "delete_input" if change["op"] == "delete" and not id else change["op"]
    mark = next((name for name, _ in concepts if name.startswith("n-")), "")
    text = json.dumps(change, separators=(",", ":"))
    return Line(
        place,
        log,
        line,
        text,
        kind,
        change.get("action", ""),
        annotation["input_id"],
        id,
        concepts,
        mark,
    )


def _concepts(annotation: Annotation) -> Concepts:
    listed = annotation.get("data", {}).get("concepts", ())
    return {concept["id"]: concept.get("value", 0) for concept in listed}


def apply_line(state: dict[tuple[str, str], Concepts], line: Line) -> None:
    """Let the state be what it is after this line."""
    key = line.input_id, line.id or line.marker
    match line.kind:
        case "post":
            state.setdefault(key, dict(line.concepts))
        case "delete":
            state.pop(key, None)
        case "delete_input":
            for gone in [key for key in state if key[0] == line.input_id]:
                del state[gone]
        case "patch" if key in state:
            if line.action == "overwrite":
                state[key] = dict(line.concepts)
            elif line.action == "merge":
                state[key].update(line.concepts)
            else:
                for name, _ in line.concepts:
                    state[key].pop(name, None)


class History:
    """In which order the remote applied things: of each annotation as the logs say, and
    whole-input deletes among them.
    """

    def __init__(self, model: Model) -> None:
        self.wrong: list[str] = []
        self._model = model
        self._of_key: dict[tuple[str, str], int] = {}
        self._of_gate: dict[str, int] = {}
        self._of_input: dict[str, int] = {}

    def written(self, input_id: str, id: str, line: Line) -> None:
        """The remote changed this annotation as this line asks."""
        self._follows(
            line.place,
            max(self._of_key.get((input_id, id), -1), self._of_gate.get(input_id, -1)),
            f"{input_id}/{id}",
        )
        self._note(input_id, id, line.place)

    def deleted(self, input_id: str, id: str) -> None:
        """The remote took an annotation away because it was asked to."""
        last = max(self._of_key.get((input_id, id), -1), self._of_gate.get(input_id, -1))
        place = self._model.delete_at(input_id, id, last)
        if place is None:
            self.wrong.append(
                f"order: {input_id}/{id} was deleted again after change {last}, which follows every"
                " delete of it"
            )
        else:
            self._note(input_id, id, place)

    def emptied(self, input_id: str) -> None:
        """The remote took all annotations of an input away, and there were some."""
        last = self._of_input.get(input_id, -1)
        place = self._model.delete_at(input_id, "", last)
        if place is None:
            self.wrong.append(
                f"order: input {input_id} was emptied after change {last}, which follows every"
                " delete of it"
            )
            return
        self._of_gate[input_id] = self._of_input[input_id] = max(place, last)

    def _note(self, input_id: str, id: str, place: int) -> None:
        self._of_key[input_id, id] = max(place, self._of_key.get((input_id, id), -1))
        self._of_input[input_id] = max(place, self._of_input.get(input_id, -1))

    def _follows(self, place: int, last: int, what: str) -> None:
        if place < last:
            self.wrong.append(f"order: change {place} of {what} was applied after change {last}")


def differences(wanted: dict[tuple[str, str], Concepts], held: list[Annotation]) -> list[str]:
    """How what the remote holds differs from what is wanted."""
    wrong = []
    seen: set[tuple[str, str]] = set()
    for annotation in held:
        if annotation.get("input_level"):
            continue
        concepts = _concepts(annotation)
        key = annotation["input_id"], annotation["id"]
        if key not in wanted:
            key = (
                annotation["input_id"],
                next((name for name in concepts if name.startswith("n-")), annotation["id"]),
            )
        if key in seen:
            wrong.append(f"twice: {key} is there once more, as {annotation['id']}")
        elif key not in wanted:
            wrong.append(f"extra: {key} is there, and should not be")
        elif concepts != wanted[key]:
            wrong.append(f"differs: {key} is {concepts}, and should be {wanted[key]}")
        seen.add(key)
    return wrong + [f"lost: {key} is not there" for key in wanted if key not in seen]
