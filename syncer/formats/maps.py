"""Maps of users: the ids that inputs or concepts get, by name."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from syncer.errors import UsageError

__all__ = ["read_map"]


def read_map(path: Path, option: str, tidy: Callable[[str], str]) -> Mapping[str, str]:
    """Return a map from a JSON object, or from CSV with a head such as `name,input_id`.

    `tidy` makes names comparable. Raises UsageError.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{option} {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{option} {path}: it is not UTF-8") from None
    found: dict[str, str] = {}
    try:
        for name, value in _of_json(text) if text.lstrip()[:1] == "{" else _of_csv(text):
            key = tidy(name)
            if found.setdefault(key, value) != value:
                raise ValueError(f"{key} stands there twice, with two values")
    except ValueError as error:
        raise UsageError(f"{option} {path}: {error}") from None
    return found


def _of_json(text: str) -> Iterable[tuple[str, str]]:
    """Raises ValueError."""
    try:
        pairs = json.loads(text, object_pairs_hook=list)  # a dict would hide a name's first value
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is not JSON: {error}") from None
    for name, each in pairs:
        if not isinstance(each, str | int) or isinstance(each, bool):
            raise ValueError(f"the value of {name} is not text")
        yield name, str(each)


def _of_csv(text: str) -> Iterable[tuple[str, str]]:
    """Raises ValueError."""
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if any(row)]
    except csv.Error as error:
        raise ValueError(f"it is not CSV: {error}") from None
    if rows and len(rows[0]) < 2:
        raise ValueError("its first line names one column, and two are needed: name,input_id")
    return [(row[0], row[1] if len(row) > 1 else "") for row in rows[1:]]
