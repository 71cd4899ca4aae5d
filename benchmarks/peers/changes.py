"""What the peers that push have in common: the log in batches, and the file in which
each names what it could not send.

A log has its posts first, then its patches, one JSON object a line: {"n": number of the
label, "op", "action", "annotation"}. Each peer sends the posts, and when these are done
the patches. It ends with 0, or with 3 where it names labels as failed; anything else
means that it did not come to its end.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

BATCH = 128
TOKEN = "any-token"
NAMED = 3

Change = dict[str, Any]


def changes(log: str, op: str) -> list[Change]:
    """Changes of one kind, in the order of the log."""
    with Path(log).open(encoding="utf-8") as lines:
        return [change for change in map(json.loads, lines) if change["op"] == op]


def batches(rows: list[Change]) -> list[list[Change]]:
    """128 at a time."""
    return [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]


class Failed:
    """Labels that a peer names as failed: a line each, which outlives the process."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self.path.touch()

    def add(self, rows: Iterable[Change], why: object) -> None:
        """Name them, and why."""
        with self.path.open("a", encoding="utf-8") as out:
            out.writelines(
                json.dumps({"n": row["n"], "why": str(why)[:200]}) + "\n" for row in rows
            )

    def code(self) -> int:
        """What to end with."""
        return NAMED if self.path.stat().st_size else 0
