"""A log, a state and an emulator, for tests of commands that look into a state."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cli.conftest import Cli
from tests.support.processes import EmulatorProcess


@dataclass
class Bench:
    """Each has a folder, and an app of the folder's name."""

    cli: Cli
    remote: EmulatorProcess
    folder: Path

    @property
    def app(self) -> str:
        """The app of this test."""
        return self.folder.name

    @property
    def log(self) -> Path:
        """The change log."""
        return self.folder / "changes.jsonl"

    @property
    def state(self) -> Path:
        """The state folder."""
        return self.folder / "state"

    def write(self, *changes: dict[str, Any] | bytes) -> None:
        """Append lines to the log."""
        with self.log.open("ab") as file:
            for change in changes:
                file.write(
                    (change if isinstance(change, bytes) else json.dumps(change).encode()) + b"\n"
                )

    def held(self) -> dict[str, float]:
        """What the remote holds: the value by annotation id."""
        return {
            held["id"]: held["data"]["concepts"][0].get("value", 1)
            for held in self.remote.held(self.app)
        }

    def faults(self, spec: str) -> None:
        """The remote behaves in another way from now on."""
        self.remote.post("/_emulator/faults", {"faults": spec})
