"""Logs of every kind of change in which each post and each patch carries its own
number, so that the remote's writes can be told apart.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from tests.support.changes import Annotation, Key, differences, write_log


@dataclass(slots=True)
class Log:
    """A log, and what is left when it is applied once in order."""

    path: Path
    count: int
    wanted: dict[Key, Annotation]
    nameless: int
    deletes: dict[Key, int] = field(default_factory=dict)
    """Of each annotation that is deleted by its id: the number of that change."""
    input_deletes: dict[str, list[int]] = field(default_factory=dict)

    def differences(self, held: list[dict[str, Any]]) -> list[str]:
        """How what is held differs from what is wanted."""
        twice = Counter(annotation["data"]["metadata"]["n"] for annotation in held)
        doubled = [
            f"change {number} is held {times} times" for number, times in twice.items() if times > 1
        ]
        return differences(self.wanted, self.nameless, held) + doubled


def numbered_log(path: Path, count: int, seed: int) -> Log:
    """Write a log of `write_log`'s, each post and patch with `metadata.n`, its number
    counted from 0.
    """
    wanted, nameless = write_log(path, count, seed)
    log = Log(path, count, wanted, nameless)
    lines = []
    for number, line in enumerate(path.read_bytes().splitlines()):
        change = orjson.loads(line)
        annotation = change["annotation"]
        key = (annotation["input_id"], annotation.get("id", ""))
        if change["op"] != "delete":
            annotation["data"]["metadata"] = {"n": number}
            if key in wanted:
                wanted[key]["data"]["metadata"] = {"n": number}
        elif key[1]:
            log.deletes[key] = number
        else:
            log.input_deletes.setdefault(key[0], []).append(number)
        lines.append(orjson.dumps(change) + b"\n")
    path.write_bytes(b"".join(lines))
    return log
