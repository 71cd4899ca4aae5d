"""A log of annotations of many shapes, and what a stranger may do to them at the remote
by its own API.
"""

from __future__ import annotations

import copy
import json
import random
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson

from tests.support.processes import EmulatorProcess

Annotation = dict[str, Any]
Key = tuple[str, str]
LARGE = 2_500
"""Annotations of the first input: more than two pages."""
SENT_AT_ONCE = 100


def write_posts(path: Path, count: int, seed: int) -> dict[Key, Annotation]:
    """A log that leaves `count` annotations, each unlike any other: one in twenty
    patched later, as many others deleted again.
    """
    rng = random.Random(seed)
    left: dict[Key, Annotation] = {}
    with path.open("wb") as out:

        def write(op: str, annotation: Annotation, **more: str) -> None:
            out.write(orjson.dumps({"op": op, **more, "annotation": annotation}) + b"\n")

        number = 0
        for input_id in _inputs(rng):
            annotation = _annotation(number, input_id, rng)
            write("post", annotation)
            number += 1
            roll = rng.random()
            if roll < 0.05:
                write("delete", {"id": annotation["id"], "input_id": input_id})
                continue
            if roll < 0.1:
                note = {"metadata": {"checked": number}}
                write(
                    "patch",
                    {"id": annotation["id"], "input_id": input_id, "data": note},
                    action="merge",
                )
                annotation["data"]["metadata"] |= note["metadata"]
            left[input_id, annotation["id"]] = annotation
            if len(left) == count:
                return left
    raise AssertionError("the inputs have no end")


def _inputs(rng: random.Random) -> Iterator[str]:
    """The inputs of the annotations, one by one: the first one has very many, the
    others a few.
    """
    number = 0
    while True:
        yield from [f"input-{number:06}" + (" ä/&" if number % 97 == 1 else "")] * (
            LARGE if number == 0 else rng.randrange(1, 20)
        )
        number += 1


def _annotation(number: int, input_id: str, rng: random.Random) -> Annotation:
    data: Annotation = {"metadata": {"number": number, "by": {"name": "Ann", "level": 3}}}
    if number % 2:
        data["concepts"] = [
            {"id": name, "value": rng.choice([0, 0.25, 1])}
            for name in rng.sample(["tree", "water", "car", "sky"], 2)
        ]
    if number % 3:
        edges = ("top_row", "left_col", "bottom_row", "right_col")
        box = {"bounding_box": {edge: 0.1 + rng.random() / 2 for edge in edges}}
        data["regions"] = [
            {
                "id": f"r-{number}",
                "region_info": box,
                "data": {"concepts": [{"id": "tree", "value": 1}]},
            }
        ]
    return {"id": f"a-{number}", "input_id": input_id, "data": data}


# --- edits ----------------------------------------------------------------------------


def _value(data: Annotation) -> None:
    data["metadata"]["number"] += 0.5


def _member(data: Annotation) -> None:
    data["metadata"]["by"]["reviewed"] = True


def _member_gone(data: Annotation) -> None:
    del data["metadata"]["by"]["name"]


def _concept(data: Annotation) -> None:
    data["concepts"] = [*data.get("concepts", []), {"id": "sabotage", "value": 0.5}]


def _concept_value(data: Annotation) -> None:
    data["concepts"][0]["value"] = 0.75


def _concept_gone(data: Annotation) -> None:
    data["concepts"].pop()


def _box(data: Annotation) -> None:
    data["regions"][0]["region_info"]["bounding_box"]["left_col"] /= 2


def _region(data: Annotation) -> None:
    """An annotation has one region at most."""
    data["regions"] = (
        []
        if "regions" in data
        else [{"id": "r-new", "region_info": {"point": {"row": 0.5, "col": 0.5}}}]
    )


def _label(data: Annotation) -> None:
    data["regions"][0]["data"]["concepts"][0]["id"] = "water"


ANY: tuple[Callable[[Annotation], None], ...] = (_value, _member, _member_gone, _concept, _region)


def _region_label(data: Annotation) -> None:
    data["regions"][0]["data"] |= {"metadata": {"seen": True}}


WITH_CONCEPTS = (_concept_value, _concept_gone)
WITH_REGIONS = (_box, _label, _region_label)


def edited(annotation: Annotation, rng: random.Random) -> Annotation:
    """It with one thing changed in its data."""
    changed = copy.deepcopy(annotation)
    data = changed["data"]
    edit = rng.choice(
        [*ANY, *WITH_CONCEPTS * ("concepts" in data), *WITH_REGIONS * ("regions" in data)]
    )
    edit(data)
    return changed


# --- the remote's own API -------------------------------------------------------------


class Stranger:
    """Somebody else who has access to the app."""

    def __init__(self, remote: EmulatorProcess, app_id: str) -> None:
        self._url = f"{remote.url}/v2/users/me/apps/{app_id}"

    def drop(self, keys: Iterable[Key]) -> None:
        """Delete annotations."""
        for part in _some(keys):
            self._send(
                "DELETE",
                "/inputs/annotations",
                {"ids": [id for _, id in part], "input_ids": [input_id for input_id, _ in part]},
            )

    def overwrite(self, annotations: Iterable[Annotation]) -> None:
        """Change annotations: their data are what is given here."""
        for part in _some(annotations):
            self._send("PATCH", "/annotations", {"annotations": part, "action": "overwrite"})

    def add(self, annotations: Iterable[Annotation]) -> list[Key]:
        """Post annotations; the keys that they got."""
        made: list[Key] = []
        for part in _some(annotations):
            answer = self._send("POST", "/annotations", {"annotations": part})
            made += [
                (annotation["input_id"], annotation["id"]) for annotation in answer["annotations"]
            ]
        return made

    def _send(self, method: str, path: str, body: Annotation) -> Any:
        headers = {"Authorization": "Key somebody", "Content-Type": "application/json"}
        request = urllib.request.Request(
            self._url + path, json.dumps(body).encode(), headers, method=method
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            answer = json.load(response)
        assert answer["status"]["code"] == 10000, answer
        return answer


def _some(things: Iterable[Any]) -> Iterator[list[Any]]:
    all_ = list(things)
    yield from (all_[at : at + SENT_AT_ONCE] for at in range(0, len(all_), SENT_AT_ONCE))
