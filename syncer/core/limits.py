"""The bounds of a push: how much it holds, sends at once, and tries."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a backlog."""

    batch_size: int = 128
    batch_bytes_max: int = 4 << 20
    """A change larger than this goes alone."""
    window_max: int = 8192
    """Changes in memory with their bodies, beside those of the requests under way."""
    window_bytes_max: int = 32 << 20
    queue_max: int = 100_000
    """Changes waiting on disk; beyond, nothing more is read."""
    linger_seconds: float = 0.2
    max_attempts: int = 8
