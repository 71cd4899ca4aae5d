"""The applications whose changes a simulated daemon follows: one appends to a log and
rotates it, one writes rows, one posts over HTTP. They outlive its processes.
"""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Protocol

import anyio

from syncer.daemon.errands import NotPushing
from syncer.daemon.lane import Lane
from syncer.errors import StateError
from syncer.sources.body_index import Receipt
from syncer.sources.identity import head_of
from tests.proof.simulation.model import Line
from tests.proof.simulation.nodes import SECOND_NS, Nodes
from tests.proof.simulation.table import Table, drawn_transactions

Known = Callable[[], Collection[tuple[str, str]]]
"""By path and hash of the first line, the logs that the state knows."""
AGAIN_SECONDS = 1.0


class Application(Protocol):
    """Does one thing after the other, each at its time."""

    @property
    def due_at(self) -> float | None:
        """When the next thing is to be done; None: all is done."""
        ...

    async def act(self) -> None:
        """Do it."""
        ...


class Logger:
    """Appends lines to a log, in parts that may end within a line; rotates it, and
    compresses what was rotated.
    """

    def __init__(
        self,
        root: Path,
        lines: Sequence[Line],
        rng: random.Random,
        spread_seconds: float,
        nodes: Nodes,
        now: Callable[[], float],
        known: Known,
        happened: Callable[[str], None],
    ) -> None:
        root.mkdir()
        self.folder = root
        self._nodes = nodes
        self._path = root / "app.jsonl"
        self._left = b"".join(line.text.encode() + b"\n" for line in lines)
        self._rng = rng
        self._pause_seconds = spread_seconds / max(1, len(lines)) * 2
        self._now = now
        self._known = known
        self._happened = happened
        self._rotated: list[Path] = []
        self._at_line_end = True
        self.due_at: float | None = rng.expovariate(1.0) * self._pause_seconds

    async def act(self) -> None:
        """Append, and perhaps something else first."""
        rng = self._rng
        if self._at_line_end and rng.random() < 0.15:
            self._rotate()
        if rng.random() < 0.1:
            self._compress()
        size = min(len(self._left), rng.choice([1, 40, 200, 1000, 5000]))
        if rng.random() < 0.7:
            size = self._left.index(b"\n", size - 1) + 1
        part, self._left = self._left[:size], self._left[size:]
        is_new = not self._path.exists()
        with self._path.open("ab") as file:
            file.write(part)
        if is_new:
            self._nodes.make(self._path)
        else:
            self._nodes.changed(self._path)
        self._at_line_end = part.endswith(b"\n")
        if not self._left:
            self.due_at = None
        else:
            self.due_at = self._now() + rng.expovariate(1.0) * self._pause_seconds

    def _is_known(self, path: Path, name: Path) -> bool:
        """Whether the state knows the log at this path by this name."""
        head = head_of(path.read_bytes().partition(b"\n")[0])
        return (str(name), head) in self._known()

    def _rotate(self) -> None:
        if not self._path.exists() or not self._is_known(self._path, self._path):
            return  # else it would be a log by itself
        if self._left.startswith(self._path.read_bytes()):
            return  # nobody can tell what comes next from a copy of it that grew
        rotated = self._path.with_name(f"app.jsonl.{len(self._rotated) + 1}")
        self._path.rename(rotated)
        self._nodes.renamed(rotated)
        self._rotated.append(rotated)
        self._happened("rotated")

    def _compress(self) -> None:
        """As a tool does that keeps the time of the file."""
        if not self._rotated or self._rotated[-1].name.endswith(".gz"):
            return
        path = self._rotated[-1]
        if not self._is_known(path, path):
            return
        packed = path.with_name(f"{path.name}.gz")
        mtime_ns = self._nodes.of(path).mtime_ns // SECOND_NS * SECOND_NS
        packed.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
        self._nodes.make(packed, mtime_ns)
        path.unlink()
        self._rotated[-1] = packed
        self._happened("compressed")


class Writer:
    """Writes rows to a table, in transactions."""

    def __init__(
        self,
        table: Table,
        lines: Sequence[Line],
        rng: random.Random,
        spread_seconds: float,
    ) -> None:
        self._table = table
        self._left = drawn_transactions(lines, rng, spread_seconds)

    @property
    def due_at(self) -> float | None:
        """When the next transaction commits."""
        return self._left[0].committed_at if self._left else None

    async def act(self) -> None:
        """Commit it."""
        self._table.commit(self._left.pop(0).rows)


class Client:
    """Posts bodies one after another, each until it is answered."""

    def __init__(
        self,
        name: str,
        lines: Sequence[Line],
        rng: random.Random,
        spread_seconds: float,
        now: Callable[[], float],
        lane: Callable[[], Lane | None],
    ) -> None:
        self._name = name
        self._left = list(lines)
        self._rng = rng
        self._pause_seconds = spread_seconds / max(1, len(lines))
        self._now = now
        self._lane = lane
        self._body: list[Line] = []
        self._bodies = 0
        self.wrong: list[str] = []
        self.due_at: float | None = rng.expovariate(1.0) * self._pause_seconds

    async def act(self) -> None:
        """Post the next body, or the same again."""
        if not self._body:
            count = self._rng.choice([1, 2, 10])
            self._body, self._left = self._left[:count], self._left[count:]
            self._bodies += 1
        self.due_at = self._now() + AGAIN_SECONDS
        body = b"".join(line.text.encode() + b"\n" for line in self._body)
        lane = self._lane()
        if lane is None:
            return
        try:
            receipt = await lane.inbox().take(body, f"{self._name}-{self._bodies}")
        except (NotPushing, StateError):
            return
        if not isinstance(receipt, Receipt):
            if receipt.cause != "full":
                self.wrong.append(f"ingest: a body was not taken: {receipt.reason}")
            return
        if receipt.accepted != len(self._body) or receipt.bad:
            self.wrong.append(f"ingest: {receipt} of {len(self._body)} lines")
        if self._rng.random() < 0.1:
            return  # the answer is lost: it comes again
        self._body = []
        if self._left:
            self.due_at = self._now() + self._rng.expovariate(1.0) * self._pause_seconds
        else:
            self.due_at = None


async def keep_busy(
    application: Application, now: Callable[[], float], acted: Callable[[], None]
) -> None:
    """Let an application do what it has to, as long as its time has come."""
    while (at := application.due_at) is not None:
        await anyio.sleep(max(0.0, at - now()))
        await application.act()
        acted()
