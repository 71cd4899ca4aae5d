"""The id map of a migration: `input_id,source_id,target_id`. Of an app the input is the
source's.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

HEAD = ("input_id", "source_id", "target_id")
_QUOTED = frozenset(',"\r\n')


def join_cells(*cells: str) -> bytes:
    """Return a line of CSV."""
    return (",".join(map(_quote, cells)) + "\n").encode("utf-8", "backslashreplace")


def read_id_map(path: Path) -> Iterator[tuple[str, str, str]]:
    """Yield input, id in the source and id at the target; nothing where there is no
    file.
    """
    if not path.exists():
        return
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows, None)
        yield from ((row[0], row[1], row[2]) for row in rows)


def list_kept(path: Path) -> Iterator[tuple[str, str]]:
    """Yield input and id of labels that have kept their ids."""
    return ((input_id, id) for input_id, id, target in read_id_map(path) if id == target)


def _quote(cell: str) -> str:
    if _QUOTED.isdisjoint(cell):
        return cell
    return '"' + cell.replace('"', '""') + '"'
