"""Some of the inputs, chosen at random."""

from __future__ import annotations

import heapq
import random
from zlib import crc32


class InputSample:
    """A number of inputs, each as likely as any other, in memory that does not grow."""

    def __init__(self, count: int | None) -> None:
        """`count`: None for all."""
        self._count = count
        self._salt = random.randbytes(8)  # noqa: S311 - a sample, not a secret
        self._lowest: list[tuple[int, str]] = []
        self._members: set[str] = set()

    def add(self, input_id: str) -> None:
        """There is this input, too, or once more."""
        if self._count is None or input_id in self._members:
            return
        place = (-crc32(self._salt + input_id.encode()), input_id)
        self._members.add(input_id)
        if len(self._lowest) < self._count:
            heapq.heappush(self._lowest, place)
        else:
            self._members.discard(heapq.heappushpop(self._lowest, place)[1])

    def inputs(self) -> set[str] | None:
        """The sample; None: all."""
        return None if self._count is None else self._members
