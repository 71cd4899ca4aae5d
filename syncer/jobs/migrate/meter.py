"""The share of a phase that is done, for those who watch it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO


@dataclass(slots=True)
class PhaseMeter:
    """Counts what is done of a phase: bytes, or labels."""

    total: int
    done: int = 0
    started: float = field(default_factory=time.monotonic)
    """By the monotonic clock, in seconds."""

    @classmethod
    def for_file(cls, path: Path, *, times: int = 1) -> PhaseMeter:
        """Return that of a file which is read so often. Raises OSError."""
        return cls(path.stat().st_size * times)

    def count_lines(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield the lines of a file; each counts by its bytes."""
        for line in file:
            self.done += len(line)
            yield line

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 1.0

    def estimate_left(self, now: float) -> float | None:
        """Return the seconds that the rest takes, at the speed so far; None where
        nothing is done yet. `now`: by the clock of `started`.
        """
        return (now - self.started) * (1 - self.share) / self.share if self.done else None
