"""What an oracle reads, summed up by source, file, concept and kind of shape: little
enough to be recorded, and another number where anything was lost or moved.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

Points = Iterable[tuple[float, float]]


class Sums:
    """The sums of one oracle."""

    def __init__(self, oracle: str) -> None:
        self.oracle = oracle
        self.by_key: dict[str, list[float]] = {}

    def _add(self, key: tuple[str, ...], numbers: Sequence[float]) -> None:
        held = self.by_key.setdefault(" ".join((self.oracle, *key)), [0.0] * (len(numbers) + 1))
        held[0] += 1
        for place, number in enumerate(numbers, 1):
            held[place] += number

    def box(self, source: str, file: str, concept: str, edges: Sequence[float]) -> None:
        """Add left, top, right and bottom in pixels."""
        self._add((source, Path(file).stem, concept, "box"), edges)

    def polygon(self, source: str, file: str, concept: str, points: Points) -> None:
        """Add the vertices of a ring."""
        for point in points:
            self._add((source, Path(file).stem, concept, "vertex"), point)

    def points(self, source: str, file: str, concept: str, points: Points) -> None:
        """Add points, or the keypoints that are not absent."""
        for point in points:
            self._add((source, Path(file).stem, concept, "point"), point)

    def mask(self, source: str, file: str, concept: str, pixels: float) -> None:
        """Add a mask of so many pixels."""
        self._add((source, Path(file).stem, concept, "mask"), (pixels,))


def write(*oracles: Sums) -> None:
    """Print all of it as JSON, a line each."""
    rows = [
        json.dumps({key: [round(number, 6) for number in sums.by_key[key]]})[1:-1]
        for sums in oracles
        for key in sorted(sums.by_key)
    ]
    sys.stdout.write("{\n" + ",\n".join(rows) + "\n}\n")
