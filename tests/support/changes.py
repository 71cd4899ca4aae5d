"""Change logs of every kind of change, and what they leave, applied once in order."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import orjson

Key = tuple[str, str]
Annotation = dict[str, Any]


def concepts(rng: random.Random) -> Annotation:
    """A few concepts with values that are exact in float32."""
    names = rng.sample(["tree", "water", "car", "sky"], 2)
    return {"concepts": [{"id": name, "value": rng.choice([0, 0.5, 1])} for name in names]}


def write_log(path: Path, count: int, seed: int) -> tuple[dict[Key, Annotation], int]:
    """Write `count` changes; (annotations with ids that are left, number of posts
    without id that are left).

    Posts with and without ids, all patch actions, deletes and whole-input deletes,
    several changes an annotation. Ids are never used again after a delete, so that a
    post is never refused as taken.
    """
    rng = random.Random(seed)
    left: dict[Key, Annotation] = {}
    keys: list[Key] = []
    nameless: dict[str, int] = {}
    with path.open("wb") as out:
        for number in range(count):
            change = _change(number, rng, left, keys, nameless)
            out.write(orjson.dumps(change) + b"\n")
    return left, sum(nameless.values())


def _change(
    number: int,
    rng: random.Random,
    left: dict[Key, Annotation],
    keys: list[Key],
    nameless: dict[str, int],
) -> Annotation:
    roll = rng.random()
    input_id = f"input-{rng.randrange(max(1, number // 5 + 1))}"
    key = rng.choice(keys[-200:]) if keys else None
    if roll < 0.1:
        nameless[input_id] = nameless.get(input_id, 0) + 1
        return {
            "op": "post",
            "annotation": {
                "input_id": input_id,
                "data": {**concepts(rng), "metadata": {"n": number}},
            },
        }
    if roll > 0.99:
        for gone in [key for key in left if key[0] == input_id]:
            del left[gone]
        nameless.pop(input_id, None)
        return {"op": "delete", "annotation": {"input_id": input_id}}
    if roll < 0.55 or key is None or key not in left:
        annotation = {"id": f"a-{number}", "input_id": input_id, "data": concepts(rng)}
        left[input_id, f"a-{number}"] = orjson.loads(orjson.dumps(annotation))
        keys.append((input_id, f"a-{number}"))
        return {"op": "post", "annotation": annotation}
    if roll < 0.65:
        del left[key]
        return {"op": "delete", "annotation": {"input_id": key[0], "id": key[1]}}
    action = rng.choice(["merge", "overwrite", "remove"])
    data = concepts(rng)
    left[key]["data"]["concepts"] = _patched(
        left[key]["data"]["concepts"], data["concepts"], action
    )
    return {
        "op": "patch",
        "action": action,
        "annotation": {"input_id": key[0], "id": key[1], "data": data},
    }


def _patched(held: list[Annotation], sent: list[Annotation], action: str) -> list[Annotation]:
    by_id = {item["id"]: item for item in sent}
    if action == "overwrite":
        return sent
    if action == "remove":
        return [item for item in held if item["id"] not in by_id]
    known = {item["id"] for item in held}
    return [by_id.get(item["id"], item) for item in held] + [
        item for item in sent if item["id"] not in known
    ]


def differences(wanted: dict[Key, Annotation], nameless: int, held: list[Annotation]) -> list[str]:
    """How what is held differs from what the log leaves; nothing where it is right."""
    from syncer.remotes.clarifai import same_annotation

    by_key = {(annotation["input_id"], annotation["id"]): annotation for annotation in held}
    wrong = [f"missing {key}" for key in wanted if key not in by_key]
    wrong += [
        f"differs {key}: {wanted[key]} {by_key[key]['data']}"
        for key in wanted
        if key in by_key and not same(wanted[key], by_key[key], same_annotation)
    ]
    extra = len(by_key) - sum(key in by_key for key in wanted)
    if extra != nameless:
        wrong.append(f"{extra} annotations without an id of ours, {nameless} wanted")
    return wrong


def same(wanted: Annotation, held: Annotation, same_annotation: Any) -> bool:
    """Field by field, and no concept more."""
    return same_annotation(wanted, held) and len(wanted["data"]["concepts"]) == len(
        held["data"].get("concepts", [])
    )
