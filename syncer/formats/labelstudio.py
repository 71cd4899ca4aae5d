"""Label Studio: exports as JSON and JSON_MIN, and the files of a target storage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from syncer.formats.faults import BadLabel
from syncer.formats.folders import list_files
from syncer.formats.labels import (
    JSON,
    FileFault,
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

    def detect(self, path: Path) -> bool:
        """Whether a file begins with a task of Label Studio."""
        return any(map(_begins_like_export, islice(list_files(path, ENDINGS), FILES_LOOKED_AT)))

    def read(self, path: Path) -> Iterator[Item]:
        """Yield the labels of a file, or of all `*.json` in a folder."""
        for file in list_files(path, ENDINGS):
            yield InFile(file)
            try:
                with self.options.open_file(file) as opened:
                    for item in stream_tasks(opened):
                        if item.fault:
                            yield Skipped(item.place, "", item.fault, is_fault=True)
                        else:
                            yield from _read_task(item.value, item.place, self.options.predictions)
            except TaskFault as error:
                yield FileFault(file, str(error))
            except OSError as error:
                yield FileFault(file, error.strerror or "it cannot be read")


def _begins_like_export(file: Path) -> bool:
    if file.suffix.lower() != ".json":
        return False
    try:
        with file.open("rb") as opened:
            first = next(stream_tasks(opened), None)
            return first is not None and is_export(first.value)
    except (TaskFault, OSError):
        return False


def _read_task(task: Any, place: str, with_predictions: bool) -> Iterator[Item]:
    if not isinstance(task, dict):
        yield Skipped(place, "", "a task is not an object", is_fault=True)
        return
    if isinstance(stored := task.get("task"), dict) and isinstance(task.get("result"), list):
        task = {**stored, "annotations": [task]}
    if RESULTS & task.keys():
        task = {"data": {}, **task}
    elif "data" not in task:
        task = expand_short(task)
    data = task["data"] if isinstance(task["data"], dict) else {}
    path = f"task-{task.get('id', place.strip('[]'))}"
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
                id=_read_id(each, key),
                results=results if isinstance(results, list) else [],
                info=_read_info(task, each, key),
                rule=rule,
            )


def _read_id(annotation: Object, key: str) -> str:
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
