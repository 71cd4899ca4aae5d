"""The Clarifai part of the emulator: bindings to operations, operations to answers (wire sections 1 to 4)."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import orjson

from syncer.emulator import store
from syncer.emulator.store import App

_LONG = re.compile(r"^/v2/users/([^/]+)/apps/([^/]+)(/.*)$")
_SHORT = re.compile(r"^/v2(/.*)$")
_ONE = re.compile(r"^/inputs/([^/]+)/annotations/([^/]+)$")
_INPUT = re.compile(r"^/inputs/([^/]+)$")
_CAMEL = re.compile(r"(?<=[a-z0-9])([A-Z])")
_FREE = frozenset(("metadata", "annotation_info"))
PER_PAGE = 128
PER_PAGE_MAX = 1000
NAMES = {24150: "ANNOTATION_SUCCESS", 24155: "ANNOTATION_INVALID_ARGUMENT", 10000: "SUCCESS", 10010: "MIXED_STATUS", 10020: "FAILURE"}

ItemFault = Callable[[str], int | None]
Query = Mapping[str, str]


@dataclass(slots=True)
class Answer:
    """An HTTP answer."""

    body: dict[str, Any]
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, code: int, description: str, **members: Any) -> Answer:
        """An answer with a status object."""
        return cls({"status": {"code": code, "description": description, "req_id": "0" * 32}, **members})

    @classmethod
    def failure(cls, http: int, code: int, description: str, details: str = "") -> Answer:
        """A request that was refused as a whole."""
        answer = cls.of(code, description)
        answer.status = http
        if details:
            answer.body["status"]["details"] = details
        return answer


class Clarifai:
    """All users and apps; any of them exists, empty at first."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.switches: dict[str, str] = {}
        self.rng = random.Random(0)  # noqa: S311 - repeatable
        self._apps: dict[tuple[str, str], App] = {}

    def app(self, user_id: str, app_id: str) -> App:
        """An app, made where it was not named before."""
        return self._apps.setdefault((user_id, app_id), App())

    def load(self, user_id: str, app_id: str, change: dict[str, Any]) -> None:
        """Apply a line of a change log, with neither limits nor faults."""
        app, annotation = self.app(user_id, app_id), change.get("annotation", change)
        match change.get("op", "post"):
            case "post":
                app.put(store.made(annotation, user_id))
            case "patch":
                held = app.annotations[annotation["input_id"], annotation["id"]]
                app.put(store.patched(held, annotation, change["action"], "append"))
            case _ if "id" in annotation:
                app.delete((annotation["input_id"], annotation["id"]))
            case _:
                app.delete_input(annotation["input_id"])

    def answer(self, method: str, path: str, query: Any, body: bytes, item_fault: ItemFault) -> Answer:
        """Find the operation of a request and carry it out."""
        try:
            sent = _snaked(orjson.loads(body)) if body else {}
        except orjson.JSONDecodeError:
            return Answer.failure(400, 11100, "Bad request format", "the body is not JSON")
        if not isinstance(sent, dict):
            return Answer.failure(400, 11100, "Bad request format", "the body is not an object")
        long = _LONG.match(path)
        short = None if long else _SHORT.match(path)
        if long:
            user_id, app_id, rest = unquote(long[1]), unquote(long[2]), long[3]
        elif short:
            ids = sent.get("user_app_id") or {}
            user_id = ids.get("user_id") or query.get("user_app_id.user_id", "me")
            app_id, rest = ids.get("app_id") or query.get("user_app_id.app_id", ""), short[1]
        else:
            return Answer.failure(404, 11101, "Resource does not exist")
        return self._dispatch(method, rest, self.app(user_id, app_id), user_id, query, sent, item_fault)

    def _dispatch(self, method: str, rest: str, app: App, user_id: str, query: Any, sent: dict[str, Any], item_fault: ItemFault) -> Answer:
        match method, rest:
            case "POST", "/annotations":
                return self._post(app, user_id, sent, item_fault)
            case "PATCH", "/annotations":
                return self._patch(app, sent, item_fault)
            case "GET", "/annotations":
                return self._list(app, query)
            case "DELETE", "/annotations" | "/inputs/annotations":
                return self._delete(app, sent)
            case "GET", "/inputs":
                return _list_inputs(app, query)
        if (one := _ONE.match(rest)) is not None:
            return self._one(method, app, (unquote(one[1]), unquote(one[2])))
        if (named := _INPUT.match(rest)) is not None and method == "GET":
            held = app.inputs.get(unquote(named[1]))
            return Answer.of(10000, "Ok", input=held) if held else Answer.failure(404, 11101, "Resource does not exist")
        return Answer.failure(404, 11101, "Resource does not exist")

    # --- post and patch -----------------------------------------------------------------------------------------

    def _post(self, app: App, user_id: str, sent: dict[str, Any], item_fault: ItemFault) -> Answer:
        annotations = sent.get("annotations") or []
        if (refused := _bad_count(annotations)) is not None:
            return refused
        duplicate, scope = self.switches["duplicate-id"], self.switches["id-scope"]
        taken = [a for a in annotations if a.get("id") and app.has((a.get("input_id", ""), a["id"]), scope)]
        self.counts["duplicates"] += len(taken)
        if taken and duplicate == "request":
            return Answer.failure(400, store.DUPLICATE, "Object has a duplicate ID", f"Annotation {taken[0]['id']} has a duplicate ID.")
        codes = [self._post_code(app, annotation, duplicate, scope, item_fault) for annotation in annotations]
        if self.switches["post"] == "atomic" and any(codes):
            return Answer.failure(400, 11102, "Invalid request", "an annotation of the request is invalid; none was added")
        items = []
        for annotation, code in zip(annotations, codes, strict=True):
            if code:
                items.append(_failed(annotation, code))
            else:
                held = store.made(annotation, user_id)
                app.put(held)
                self.counts["posted"] += 1
                items.append(held)
        return self._items(items, sum(map(bool, codes)))

    def _post_code(self, app: App, annotation: Any, duplicate: str, scope: str, item_fault: ItemFault) -> int:
        if store.invalid(annotation):
            return store.INVALID
        if self.switches["inputs"] == "must-exist" and annotation["input_id"] not in app.inputs:
            return store.NO_INPUT
        if annotation.get("id") and duplicate == "item" and app.has((annotation["input_id"], annotation["id"]), scope):
            return store.DUPLICATE
        return item_fault(annotation.get("id", "")) or 0

    def _patch(self, app: App, sent: dict[str, Any], item_fault: ItemFault) -> Answer:
        annotations, action = sent.get("annotations") or [], sent.get("action")
        if (refused := _bad_count(annotations)) is not None:
            return refused
        if action not in ("merge", "overwrite", "remove"):
            return Answer.failure(400, 11102, "Invalid request", f"unknown action {action!r}")
        items, failures = [], 0
        for annotation in annotations:
            key = (annotation.get("input_id", ""), annotation.get("id", ""))
            held = app.annotations.get(key)
            code = store.GONE if held is None else item_fault(key[1])
            if code or held is None:
                failures += 1
                items.append(_failed(annotation, code or store.GONE))
                continue
            app.put(store.patched(held, annotation, action, self.switches["region-merge"]))
            self.counts["patched"] += 1
            items.append(app.annotations[key])
        return self._items(items, failures)

    def _items(self, items: list[dict[str, Any]], failures: int) -> Answer:
        """The answer that tells of each item, in whatever form the switches ask for."""
        code, text = (10000, "Ok") if not failures else (10020, "Failure") if failures == len(items) else (10010, "Mixed Success")
        items = list(items)
        if self.switches["answer-order"] == "shuffled":
            self.rng.shuffle(items)
        if self.switches["answer"] == "short":
            items.pop()
        elif self.switches["answer"] == "extra":
            items.append({"id": "stranger", "input_id": "nowhere", "status": {"code": 24150, "description": "Annotation success"}})
        answer = Answer.of(code, text, annotations=items)
        if self.switches["enums"] == "name":
            answer.body["status"]["code"] = NAMES.get(code, code)
            answer.body["annotations"] = [{**item, "status": _named(item["status"])} for item in items]
        return answer

    # --- read and delete ----------------------------------------------------------------------------------------

    def _list(self, app: App, query: Any) -> Answer:
        ids, input_ids = query.getall("ids", []), query.getall("input_ids", [])
        if ids:
            wanted = store.pairs(ids, input_ids)
            if wanted is None:
                return Answer.failure(400, 11102, "Invalid request", "ids and input_ids differ in number")
            rows = [app.annotations[key] for key in wanted if key in app.annotations]
        elif input_ids:
            rows = app.of_inputs(input_ids)
        else:
            rows = list(app.annotations.values())
        users = query.getall("user_ids", [])
        rows = [row for row in rows if not users or row.get("user_id") in users]
        return Answer.of(10000, "Ok", annotations=_page(rows, query))

    def _delete(self, app: App, sent: dict[str, Any]) -> Answer:
        ids, input_ids = sent.get("ids") or [], sent.get("input_ids") or []
        if not input_ids:
            return Answer.failure(400, 11102, "Invalid request", "at least one input_id is needed")
        if not ids:
            self.counts["deleted"] += sum(app.delete_input(input_id) for input_id in input_ids)
            return Answer.of(10000, "Ok")
        wanted = store.pairs(ids, input_ids)
        if wanted is None:
            return Answer.failure(400, 11102, "Invalid request", "ids and input_ids differ in number")
        self.counts["deleted"] += sum(app.delete(key) for key in wanted)
        return Answer.of(10000, "Ok")

    def _one(self, method: str, app: App, key: store.Key) -> Answer:
        if method == "DELETE":
            self.counts["deleted"] += app.delete(key)
            return Answer.of(10000, "Ok")
        held = app.annotations.get(key)
        if method != "GET" or held is None:
            return Answer.failure(404, 11101, "Resource does not exist")
        return Answer.of(10000, "Ok", annotation=held)


def _bad_count(annotations: Any) -> Answer | None:
    if not isinstance(annotations, list) or not annotations or not all(isinstance(item, dict) for item in annotations):
        return Answer.failure(400, 11102, "Invalid request", "annotations must be a list of objects that is not empty")
    if len(annotations) > store.ITEMS_MAX:
        return Answer.failure(400, 11102, "Invalid request", f"at most {store.ITEMS_MAX} annotations a request")
    return None


def _failed(annotation: dict[str, Any], code: int) -> dict[str, Any]:
    status = {"code": code, "description": store.DESCRIPTIONS.get(code, "Failure")}
    if (why := store.invalid(annotation)) is not None:
        status["details"] = why
    return {"id": annotation.get("id", ""), "input_id": annotation.get("input_id", ""), "status": status}


def _named(status: dict[str, Any]) -> dict[str, Any]:
    return {**status, "code": NAMES.get(status["code"], status["code"])}


def _list_inputs(app: App, query: Any) -> Answer:
    ids = query.getall("ids", [])
    rows = [row for id, row in app.inputs.items() if not ids or id in ids]
    return Answer.of(10000, "Ok", inputs=_page(rows, query))


def _page(rows: list[dict[str, Any]], query: Any) -> list[dict[str, Any]]:
    size = min(PER_PAGE_MAX, int(query.get("per_page") or PER_PAGE))
    start = (int(query.get("page") or 1) - 1) * size
    return rows[start : start + size]


def _snaked(value: Any) -> Any:
    """lowerCamelCase is taken as well; users' own keys stay."""
    if isinstance(value, list):
        return [_snaked(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        (name := _CAMEL.sub(lambda m: "_" + m[1].lower(), key)): item if name in _FREE else _snaked(item) for key, item in value.items()
    }
