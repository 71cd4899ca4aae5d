"""The phases of a migration, and what each comes to."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

PhaseName = Literal["assess", "read", "convert", "prepare", "push", "verify", "repair"]
PHASES: tuple[PhaseName, ...] = (
    "assess",
    "read",
    "convert",
    "prepare",
    "push",
    "verify",
    "repair",
)


class PhaseDone(msgspec.Struct, frozen=True):
    """The outcome of a phase. What the report says of it beside is in `facts`."""

    items: int = 0
    requests: int = 0
    seconds: float = 0.0
    facts: dict[str, Any] = {}


class Interruption(Exception):
    """A signal ended a phase before its end; all that it did is kept."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number
