"""Label Studio: exports as JSON and JSON_MIN, and the files of a target storage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from syncer.formats.faults import BadLabel, name_faults
from syncer.formats.folders import SAME_IMAGE, PathsOfRun, list_files, name_within
from syncer.formats.labels import (
    JSON,
    InFile,
    Item,
    Label,
    Omitted,
    Picture,
    ReadOptions,
    Skipped,
)
from syncer.formats.labelstudio_results import ResultGroup, group_results
from syncer.formats.labelstudio_short import expand_short
from syncer.formats.labelstudio_tasks import (
    RESULTS,
    Object,
    TaskFault,
    find_path,
    is_export,
    stream_tasks,
)

__all__ = ["LabelStudio"]

ENDINGS = (".json",)
FILES_LOOKED_AT = 20


@dataclass(frozen=True, slots=True)
class LabelStudio:
    """The reader of Label Studio's exports."""

    options: ReadOptions
    paths: PathsOfRun = field(default_factory=PathsOfRun)

    def detect(self, path: Path) -> bool:
        """Whether a file begins with a task of Label Studio."""
        return any(map(_begins_like_export, islice(list_files(path, ENDINGS), FILES_LOOKED_AT)))

    def read(self, path: Path) -> Iterator[Item]:
        """Yield the labels of a file, or of all `*.json` in a folder."""
        for file in list_files(path, ENDINGS):
            yield InFile(file)
            yield from name_faults(file, self._read_file(file, path), TaskFault)
        self.paths.add(path)

    def _read_file(self, file: Path, path: Path) -> Iterator[Item]:
        name = name_within(file, path).removesuffix(file.suffix)
        double = self.paths.find_double(file, path)
        with self.options.open_file(file) as opened:
            for item in stream_tasks(opened):
                if item.fault or not isinstance(item.value, dict):
                    reason = item.fault or "a task is not an object"
                    yield Skipped(item.place, "", reason, is_fault=True)
                    continue
                task = _unify(item.value)
                path_of_task = f"task-{_read_id(task)}"
                if path_of_task == "task-":  # known by its place in this file alone
                    if double is not None:
                        raise TaskFault(f"{double} {SAME_IMAGE}")
                    path_of_task = f"{name}/task-{item.index}"
                yield from _read_task(task, item.place, path_of_task, self.options.predictions)


def _begins_like_export(file: Path) -> bool:
    if file.suffix.lower() != ".json":
        return False
    try:
        with file.open("rb") as opened:
            first = next(stream_tasks(opened), None)
            return first is not None and is_export(first.value)
    except (TaskFault, OSError):
        return False


def _unify(task: Object) -> Object:
    """Return a task of any of the three forms as one of the long one."""
    if isinstance(stored := task.get("task"), dict) and isinstance(task.get("result"), list):
        task = {**stored, "annotations": [task]}
    if RESULTS & task.keys():
        return {"data": {}, **task}
    return task if "data" in task else expand_short(task)


def _read_task(task: Object, place: str, path: str, with_predictions: bool) -> Iterator[Item]:
    """Yield the labels of a task; `path` is for what it shows, where that has none."""
    data = task["data"] if isinstance(task["data"], dict) else {}
    is_empty = True
    for annotation in _list_annotations(task, place, with_predictions):
        for item in annotation.read(data, path):
            is_empty = is_empty and not isinstance(item, Label)
            yield item
    if is_empty:
        with suppress(BadLabel):  # which of its files it shows only matters to labels
            path = find_path(data, "", 0, is_picture=False) or path
        yield Picture(path)


@dataclass(frozen=True, slots=True)
class _TaskAnnotation:
    """The results that one annotator, or a model, left on a task."""

    place: str
    id: str
    results: list[Any]
    info: dict[str, JSON]
    rule: str  # that leaves it out, or ""

    def read(self, data: Object, task_path: str) -> Iterator[Item]:
        for found in group_results(self.results, f"{self.place}.result", self.id):
            items: Iterable[Item] = ()
            match found:
                case ResultGroup():
                    items = found.convert(data, task_path, self.info)
                case _:
                    items = (found,)
            for item in items:
                if not self.rule:
                    yield item
                elif isinstance(item, Label | Skipped):
                    yield Omitted(item.place, item.own_id, self.rule)


def _list_annotations(
    task: Object, place: str, with_predictions: bool
) -> Iterator[_TaskAnnotation]:
    """Yield all that is on a task: annotations, drafts and predictions."""
    for key in ("annotations", "completions", "drafts", "predictions"):
        listed = task.get(key)
        for index, each in enumerate(listed if isinstance(listed, list) else ()):
            if not isinstance(each, dict):  # lists of tasks have only the ids of these
                continue
            results = each.get("result")
            rule = ""
            if key == "drafts":
                rule = "draft"
            elif key == "predictions":
                rule = "" if with_predictions else "prediction"
            elif each.get("was_cancelled") or each.get("skipped"):
                rule = "cancelled"
            yield _TaskAnnotation(
                place=f"{place}.{key}[{index}]",
                id=_read_own_id(each, key),
                results=results if isinstance(results, list) else [],
                info=_read_info(task, each, key),
                rule=rule,
            )


def _read_id(task: Object) -> str:
    """Return the id of a task; "" where it has none."""
    own = task.get("id")
    return str(own) if isinstance(own, str | int) else ""


def _read_own_id(annotation: Object, key: str) -> str:
    """Return the id that the annotation keeps when it is exported again."""
    own = annotation.get("unique_id") or annotation.get("id")
    if not isinstance(own, str | int):
        return ""
    return f"{key}-{own}" if key in ("drafts", "predictions") else str(own)


def _read_info(task: Object, annotation: Object, key: str) -> dict[str, JSON]:
    """Return what is known of all labels of an annotation. Times are left out: they
    change with each click, and with them all that was not touched would.
    """
    info: dict[str, JSON] = {}
    by = annotation.get("completed_by")
    if isinstance(by, dict):
        by = by.get("email") or by.get("id")
    if isinstance(by, str | int) and by != "":
        info["annotator"] = by
    for name, owner in (("annotation_id", annotation), ("task_id", task)):
        if isinstance(own := owner.get("id"), str | int):
            info[name] = own
    if annotation.get("ground_truth") is True:
        info["ground_truth"] = True
    if key == "predictions":
        info["prediction"] = True
        if isinstance(model := annotation.get("model_version"), str) and model:
            info["model_version"] = model
        if isinstance(score := annotation.get("score"), int | float):
            info["confidence"] = score
    return info
