"""A team that keeps what it wants in a folder: files are written, changed, renamed and
taken away while the daemon comes and goes.
"""

from __future__ import annotations

import json
import random
import threading
import time
from pathlib import Path
from typing import Any

from tests.proof.processes.remote import Remote
from tests.support.changes import Annotation, Key, concepts, differences

INPUTS = 40
IDS = 6
"""Of each input; an id that was taken away is never wanted again."""
REMOVAL_SECONDS = 0.5


class Team:
    """Edits a file at each step. Each edit of an annotation has a number of its own."""

    def __init__(self, folder: Path, seed: int, seconds: float) -> None:
        self.folder = folder
        self.source = f'kind = "directory"\npath = "{folder}"\nremoval_seconds = {REMOVAL_SECONDS}'
        self.edits = 0
        self._rng = random.Random(seed)
        self._ends_at = time.monotonic() + seconds
        self._wanted: dict[str, dict[str, Annotation]] = {}
        self._files: dict[str, Path] = {}
        self._thread = threading.Thread(target=self._edit_all_the_time, daemon=True)
        folder.mkdir()

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        self._thread.join()

    def _edit_all_the_time(self) -> None:
        while time.monotonic() < self._ends_at:
            self._edit(f"input-{self._rng.randrange(INPUTS)}")
            time.sleep(self._rng.uniform(0.02, 0.2))

    def _edit(self, input_id: str) -> None:
        annotations = self._wanted.setdefault(input_id, {})
        path = self._files.setdefault(input_id, self.folder / f"{input_id}.json")
        roll = self._rng.random()
        if roll < 0.05 and path.exists():
            self._files[input_id] = path.rename(self.folder / f"{input_id}-{self.edits}.json")
        elif roll < 0.1:
            annotations.clear()
            path.unlink(missing_ok=True)
        else:
            for _ in range(self._rng.randint(1, 3)):
                self._change(annotations)
            self._write(path, input_id)
        self.edits += 1

    def _change(self, annotations: dict[str, Annotation]) -> None:
        self.edits += 1
        data = {**concepts(self._rng), "metadata": {"n": self.edits}}
        if annotations and self._rng.random() < 0.2:
            del annotations[self._rng.choice(list(annotations))]
        elif len(annotations) < IDS and self._rng.random() < 0.6:
            annotations[f"w-{self.edits}"] = {"data": data}
        elif annotations:
            annotations[self._rng.choice(list(annotations))] = {"data": data}

    def _write(self, path: Path, input_id: str) -> None:
        wish = {
            "input_id": input_id,
            "annotations": [
                {"id": id, **annotation} for id, annotation in self._wanted[input_id].items()
            ],
        }
        text = json.dumps(wish)
        if self._rng.random() < 0.2:
            path.write_text(text[: self._rng.randrange(len(text))])
            time.sleep(self._rng.uniform(0, 0.1))
            path.write_text(text)
            return
        part = path.with_name(f".{path.name}.part")
        part.write_text(text)
        part.replace(path)

    @property
    def wanted(self) -> dict[Key, Annotation]:
        return {
            (input_id, id): {"id": id, "input_id": input_id, **annotation}
            for input_id, annotations in self._wanted.items()
            for id, annotation in annotations.items()
        }

    def differences(self, server: Remote) -> list[str]:
        """How what is held differs from what is wanted."""
        held = server.held()
        numbers = {(one["input_id"], one["id"]): _number(one) for one in held}
        wrong = [
            f"{key} is edit {numbers[key]}, not {_number(annotation)}"
            for key, annotation in self.wanted.items()
            if key in numbers and numbers[key] != _number(annotation)
        ]
        return differences(self.wanted, 0, held) + wrong

    def judge(self, server: Remote) -> list[str]:
        """What of the writes was doubled or went back, and what differs in the end."""
        wrong, latest = self.differences(server), dict[Key, int]()
        for write in server.writes:
            key = (write.input_id, write.id)
            if write.kind == "delete":
                continue
            if write.kind == "create" and key in latest:
                wrong.append(f"{write}: created twice")
            if write.number < latest.get(key, -1):
                wrong.append(f"{write}: an edit took effect after a later one")
            latest[key] = write.number
        return wrong


def _number(annotation: dict[str, Any]) -> int:
    return int(annotation["data"]["metadata"]["n"])
