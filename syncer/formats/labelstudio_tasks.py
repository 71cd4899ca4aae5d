"""Tasks of Label Studio: read one at a time, in each form that files have, and the
picture that each of them shows.

    JSON        [{"id": 1, "data": {"image": …}, "annotations": [{"result": [ … ]}]}]
    JSON_MIN    [{"image": …, "id": 1, "label": [ … ], "annotator": 1, …}]
    storage     {"id": 7, "task": {"data": … }, "result": [ … ]}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, BinaryIO, TypeAlias, cast

from syncer.formats.faults import BadLabel
from syncer.formats.json_items import ITEM_BYTES_MAX, JsonItem, iterate_items, parse
from syncer.formats.names import MEDIA_ENDING

__all__ = ["RESULTS", "Object", "TaskFault", "find_path", "is_export", "stream_tasks"]

Object: TypeAlias = Mapping[str, Any]

RESULTS = {"annotations", "completions", "predictions", "drafts"}
SHORT = {"annotation_id", "annotator", "lead_time"}
IMAGE_KEYS = ("image", "img", "video", "picture", "photo", "url", "image_url")
PATH_MAX = 4096
KEYS_MAX = 200
HEAD_BYTES = 1 << 16


class TaskFault(Exception):
    """A file that is not JSON, or breaks off."""


def stream_tasks(file: BinaryIO) -> Iterator[JsonItem]:
    """Yield what a file lists, or what it is, where it is not a list.

    Raises: TaskFault, OSError.
    """
    head = file.read(HEAD_BYTES)
    if head.startswith(b"PK\x03\x04"):
        raise TaskFault("it is a ZIP archive: unpack it first")
    try:
        if not head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
            yield from iterate_items(cast("BinaryIO", _Rejoined(head, file)))
            return
        text = head + file.read(ITEM_BYTES_MAX)
        if len(text) > ITEM_BYTES_MAX:
            raise TaskFault("it is one object of more than 16 MiB, not a list of tasks")
        yield JsonItem("", 0, parse(text.removeprefix(b"\xef\xbb\xbf")))
    except ValueError as error:
        raise TaskFault(str(error)) from None


class _Rejoined:
    """A file, and what was read of it already."""

    def __init__(self, head: bytes, file: BinaryIO) -> None:
        self._head = head
        self._file = file

    def read(self, size: int) -> bytes:
        head, self._head = self._head, b""
        return head or self._file.read(size)


def is_export(task: Any) -> bool:
    """Whether this may be a task, in one of the three forms."""
    if not isinstance(task, dict):
        return False
    keys = task.keys()
    is_stored = isinstance(task.get("result"), list) and isinstance(task.get("task"), dict)
    return bool(("data" in keys and RESULTS & keys) or is_stored or len(SHORT & keys) > 1)


def find_path(data: Object, to_name: str, item: int, is_picture: bool) -> str:
    """Return the path of the picture that a control tag called `to_name` is for.

    The file does not say which key of a task's data this is: labelling configs do, and
    they are not in exports. `is_picture` says that it is for a picture, not a text.
    Raises BadLabel where several could be it. Empty where the task shows no file.
    """
    if to_name in data:
        return _read_path(data[to_name], item, is_picture or to_name in IMAGE_KEYS)
    paths = {
        key: path
        for key in islice(data, KEYS_MAX)
        if (path := _read_path(data[key], item, key in IMAGE_KEYS))
    }
    if len(paths) > 1:
        named = [key for key in paths if to_name and (to_name in key or key in to_name)]
        named = named or [key for key in IMAGE_KEYS if key in paths]
        if not named:
            raise BadLabel("several files in its task, and it says not which it is for")
        return paths[named[0]]
    return next(iter(paths.values()), "")


def _read_path(value: Any, item: int, is_trusted: bool) -> str:
    if isinstance(value, list):
        value = value[item] if 0 <= item < len(value) else None
    if not isinstance(value, str) or not 0 < len(value) <= PATH_MAX or "\n" in value:
        return ""
    if value.startswith("data:"):
        return ""
    has_mark = "://" in value or value.startswith("/") or MEDIA_ENDING.search(value)
    if not has_mark and (not is_trusted or " " in value):
        return ""
    return value
