"""From the annotations that are wanted of an input, and those that the service holds,
to the changes between them. Pure.

Each patch is proven before it is given out: what is held, with the patch applied, must
be what shall be there. What cannot be proven is named, not planned.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import orjson

from syncer.core.change import OF_THE_SERVICE, Verb
from syncer.core.wanted import ChangeLine
from syncer.remotes.clarifai.digest import digest_annotation
from syncer.remotes.clarifai.expected import JsonObject, apply_patch, differing_fields
from syncer.remotes.clarifai.overlay import Unsendable, as_shown, lay_over, pick_shown
from syncer.remotes.clarifai.same import item_id, same_annotation, set_fields

StepKind = Literal["same", "post", "patch", "delete", "extra", "out_of_scope", "unchangeable"]
MakeId = Callable[[bytes, int], str]
"""Makes the id of a wish without one, from its content and its number among equals."""
HOLDABLE = ("data", "annotation_info", "status")
"""Members that a patch can change."""
_UNCOMPARED = OF_THE_SERVICE | {"id", "input_id"}


@dataclass(frozen=True, slots=True)
class PlanRules:
    """The scope, and what may be planned within it."""

    exact: bool = False
    """All that users may set is compared, not only what the wish names."""
    delete: bool = False
    deleted_of: str | None = None
    """Only annotations of this user are deleted; None: of all in the scope."""
    users: frozenset[str] = frozenset()
    """Only annotations of these; none: of all."""
    concepts: frozenset[str] = frozenset()
    """Only annotations with one of these; none: all."""


@dataclass(frozen=True, slots=True)
class PlanStep:
    """An annotation that was looked at, and what is planned for it."""

    kind: StepKind
    id: str
    change: ChangeLine | None = None
    fields: tuple[str, ...] = ()
    """Where it differs."""
    unchangeable: tuple[str, ...] = ()
    """Where it differs, and cannot be changed."""
    before: JsonObject | None = None
    after: JsonObject | None = None


def plan_input(
    input_id: str,
    wishes: Mapping[str, JsonObject],
    nameless: Sequence[JsonObject],
    held: Mapping[str, JsonObject],
    rules: PlanRules,
    make_id: MakeId,
) -> list[PlanStep]:
    """Return what is to happen to each annotation. `nameless`: wishes without ids;
    `held`: all that the service shows of the input, no matter who made it.
    """
    wanted = {**wishes, **_name(nameless, wishes, held, make_id)}
    steps = [_plan_wish(input_id, id, wish, held.get(id), rules) for id, wish in wanted.items()]
    for id, row in held.items():
        if id in wanted or not is_users(row) or not _is_in_scope(row, rules):
            continue
        change: ChangeLine = {
            "op": "delete",
            "annotation": {"id": id, "input_id": input_id},
            "expect": {"digest": digest_annotation(row)},
        }
        steps.append(
            PlanStep("delete", id, change, before=row)
            if rules.delete and rules.deleted_of in (None, find_user(row))
            else PlanStep("extra", id, before=row)
        )
    return steps


def is_users(row: Mapping[str, object]) -> bool:
    """Whether a user made it: no model, no workflow, and it did not come with its
    input.
    """
    worker = row.get("worker")
    by_model = isinstance(worker, dict) and (worker.get("model") or worker.get("workflow"))
    return not (
        row.get("model_version_id")
        or row.get("workflow_version_id")
        or row.get("input_level")
        or by_model
    )


def find_user(row: Mapping[str, object]) -> str:
    """Return the id of its user, an empty one where it shows none."""
    worker = row.get("worker")
    user = worker.get("user") if isinstance(worker, dict) else None
    id = row.get("user_id") or (user.get("id") if isinstance(user, dict) else None)
    return id if isinstance(id, str) else ""


def list_concepts(annotation: Mapping[str, object]) -> list[str]:
    """Return the ids of its concepts, those of its regions and frames included."""
    found: dict[str, None] = {}
    waiting: list[object] = [annotation.get("data")]
    while waiting:
        data = waiting.pop()
        if not isinstance(data, dict):
            continue
        for concept in _list(data.get("concepts")):
            if (id := item_id(concept)) is not None:
                found[id] = None
        for name in ("regions", "frames", "time_segments", "timeSegments"):
            waiting += [item.get("data") for item in _list(data.get(name)) if type(item) is dict]
    return list(found)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _is_in_scope(row: Mapping[str, object], rules: PlanRules) -> bool:
    if rules.users and find_user(row) not in rules.users:
        return False
    return not rules.concepts or not rules.concepts.isdisjoint(list_concepts(row))


def _name(
    nameless: Sequence[JsonObject],
    wishes: Mapping[str, JsonObject],
    held: Mapping[str, JsonObject],
    make_id: MakeId,
) -> dict[str, JsonObject]:
    """Wishes without ids by ids: of what holds just that, else ids that are made."""
    free = {id: row for id, row in held.items() if id not in wishes and is_users(row)}
    named: dict[str, JsonObject] = {}
    left = []
    for wish in nameless:
        compared = _pick_compared(wish)
        found = [id for id, row in free.items() if same_annotation(compared, row, exact=True)]
        if not found:
            left.append(wish)
            continue
        del free[found[0]]
        named[found[0]] = wish
    for wish in left:
        content, number = orjson.dumps(wish, option=orjson.OPT_SORT_KEYS), 1
        while (id := make_id(content, number)) in named or id in wishes:
            number += 1
        named[id] = wish
    return named


def _pick_compared(wish: JsonObject) -> JsonObject:
    """The part of a wish that is compared: of a status only the code."""
    named = {name: value for name, value in set_fields(wish).items() if name not in _UNCOMPARED}
    if isinstance(status := named.get("status"), dict):
        code = set_fields(status).get("code")
        named["status"] = {} if code is None else {"code": code}
    return named


def _plan_wish(
    input_id: str, id: str, wish: JsonObject, row: JsonObject | None, rules: PlanRules
) -> PlanStep:
    if rules.concepts and rules.concepts.isdisjoint(list_concepts(wish)):
        return PlanStep("out_of_scope", id)
    if row is None:
        post = {"id": id, "input_id": input_id, **wish}
        return PlanStep("post", id, {"op": "post", "annotation": post}, after=post)
    if not is_users(row):
        return PlanStep("unchangeable", id, unchangeable=("a user did not make it",), before=row)
    if not _is_in_scope(row, rules):
        return PlanStep("out_of_scope", id, before=row)
    compared = as_shown("Annotation", _pick_compared(wish), row)
    fields = tuple(differing_fields(compared, row, exact=rules.exact))
    if not fields:
        return PlanStep("same", id)
    shown = differing_fields(pick_shown("Annotation", compared, row), row, exact=rules.exact)
    moving = tuple(name for name in shown if name.partition(".")[0] in HOLDABLE)
    fixed = tuple(name for name in fields if name not in moving)
    found = _find_patch(_pick_compared(wish), row, rules.exact) if moving else None
    if found is None:
        return PlanStep("unchangeable", id, fields=fields, unchangeable=fields, before=row)
    verb, sent, after = found
    change: ChangeLine = {
        "op": "patch",
        "action": verb,
        "annotation": {"id": id, "input_id": input_id, **sent},
        "expect": {"digest": digest_annotation(row)},
    }
    return PlanStep("patch", id, change, moving, fixed, before=row, after=after)


def _find_patch(
    wish: JsonObject, row: JsonObject, exact: bool
) -> tuple[Verb, JsonObject, JsonObject] | None:
    """Return the smallest patch that is proven, and what it leaves; None where there is
    none.
    """
    asked = {name: value for name, value in wish.items() if name in HOLDABLE}
    try:
        target = _find_target(asked, row, exact)
    except Unsendable:
        return None
    changes: tuple[tuple[Verb, JsonObject], ...] = (
        ("merge", _merge_of(target, row)),
        ("overwrite", _overwrite_of(target)),
    )
    for verb, sent in changes:
        if sent:
            after = apply_patch(row, sent, verb)
            if _is_proven(asked, target, after, exact):
                return verb, sent, after
    return None


def _find_target(asked: JsonObject, row: JsonObject, exact: bool) -> JsonObject:
    """The members that can be changed, as they shall be. Raises Unsendable."""
    there = {name: value for name, value in set_fields(row).items() if name in HOLDABLE}
    if isinstance(status := there.get("status"), dict):
        there["status"] = {"code": set_fields(status).get("code")}
    if exact:
        there = {name: value for name, value in there.items() if name == "status"}
    return lay_over("Annotation", there, asked)


def _is_proven(asked: JsonObject, target: JsonObject, after: JsonObject, exact: bool) -> bool:
    """Whether it is as wished, and nothing else has changed."""
    return not list(differing_fields(asked, after, exact=exact)) and all(
        same_annotation({name: target.get(name)}, {name: after.get(name)}, exact=name != "status")
        for name in HOLDABLE
        if name in target or name in after
    )


def _overwrite_of(target: JsonObject) -> JsonObject:
    """A member that holds nothing would be kept by the service: it is not sent."""
    sent: JsonObject = {}
    for name in HOLDABLE:
        value = target.get(name)
        if name == "data" and isinstance(value, dict):
            value = {part: item for part, item in value.items() if item not in (None, {}, [])}
        if value:
            sent[name] = value
    return sent


def _merge_of(target: JsonObject, row: JsonObject) -> JsonObject:
    """Concepts with ids that are new or have another value, and the status, where it is
    another one.
    """
    data, there = target.get("data"), row.get("data")
    sent: JsonObject = {}
    if isinstance(data, dict) and isinstance(there, dict):
        changed: JsonObject = {}
        if concepts := _find_concepts(data, there):
            changed["concepts"] = concepts
        if regions := _find_regions(data.get("regions"), there.get("regions")):
            changed["regions"] = regions
        if changed:
            sent["data"] = changed
    status = target.get("status")
    if status and not same_annotation({"status": status}, {"status": row.get("status")}):
        sent["status"] = status
    return sent


def _find_concepts(data: JsonObject, there: JsonObject) -> list[JsonObject]:
    held = {item_id(item): item for item in _list(there.get("concepts"))}
    changed = []
    for concept in _list(data.get("concepts")):
        id = item_id(concept)
        wanted = {"data": {"concepts": [concept]}}
        if id is not None and not same_annotation(
            wanted, {"data": {"concepts": [held.get(id)] if id in held else []}}
        ):
            # A value that is left out would be kept, and means 1.
            changed.append({"value": 1, **cast(JsonObject, concept)})
    return changed


def _find_regions(wanted: object, there: object) -> list[JsonObject]:
    held = {item_id(item): item for item in _list(there)}
    changed: list[JsonObject] = []
    for region in _list(wanted):
        id = item_id(region)
        other = held.get(id)
        if id is None or not isinstance(region, dict) or not isinstance(other, dict):
            continue
        data, before = region.get("data"), other.get("data") or {}
        if isinstance(data, dict) and (concepts := _find_concepts(data, before)):
            changed.append({"id": id, "data": {"concepts": concepts}})
    return changed
