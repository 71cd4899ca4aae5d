"""A folder of wishes of a simulation, and the application that writes to it: files that
are half-written for a while, renamed, removed; a folder that is gone, or has another
one in its place. Its memory is a database on a real disk, which no crash harms.
"""

from __future__ import annotations

import json
import os
import random
import sqlite3
from bisect import insort
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from unittest import mock

from syncer.core.deletions import MaxDelete
from syncer.daemon import spools
from syncer.sources import asked, sqlite
from syncer.sources.asked import AskedWishes
from syncer.sources.sqlite import SqliteTable
from syncer.sources.wish_scan import MARKER
from tests.proof.simulation.model import Concepts, Line, apply_line

Wishes = dict[tuple[str, str], Concepts]


class Wisher:
    """Writes what is wanted, a file for each input."""

    def __init__(
        self,
        root: Path,
        lines: Sequence[Line],
        rng: random.Random,
        spread_seconds: float,
        gone: Sequence[tuple[float, float]],
        wall: Callable[[], float],
        happened: Callable[[str], None],
    ) -> None:
        """`gone`: from when to when the folder is not there."""
        root.mkdir()
        self.folder = root / "wanted"
        self.folder.mkdir()
        self.wanted: Wishes = {}
        self._away = root / "away"
        self._paths: dict[str, str] = {}
        self._rng = rng
        self._wall = wall
        self._happened = happened
        self._gone = 0
        self._numbers = count()
        self._steps: list[tuple[float, int, Callable[[float], None]]] = []
        at = 0.0
        for first in range(0, len(lines), 2):
            part = lines[first : first + 2]
            at += rng.expovariate(1.0) * spread_seconds * len(part) / len(lines)
            self._plan(at, lambda at, part=part: self._change(at, part))  # type: ignore[misc]
        for start, end in gone:
            self._plan(start, lambda _: self._take_away())
            self._plan(end, lambda _: self._put_back())

    @property
    def due_at(self) -> float | None:
        """When the next step is to be done."""
        return self._steps[0][0] if self._steps else None

    async def act(self) -> None:
        """Do it."""
        at, _, step = self._steps.pop(0)
        step(at)

    @property
    def is_there(self) -> bool:
        """Whether the folder is."""
        return not self._gone

    def _plan(self, at: float, step: Callable[[float], None]) -> None:
        insort(self._steps, (at, next(self._numbers), step))

    def _change(self, at: float, lines: Sequence[Line]) -> None:
        for line in lines:
            apply_line(self.wanted, line)
        for input_id in sorted({line.input_id for line in lines}):
            half = self._rng.random() < 0.2
            self._write(input_id, half=half)
            if half:
                self._happened("wish half-written")
                later = at + self._rng.choice([0.5, 5.0, 20.0])
                self._plan(later, lambda _, input_id=input_id: self._write(input_id))  # type: ignore[misc]

    def _write(self, input_id: str, *, half: bool = False) -> None:
        folder = self._away if self._gone else self.folder
        before = self._paths.get(input_id)
        wishes = [
            {"id": id, "data": {"concepts": [{"id": n, "value": v} for n, v in concepts.items()]}}
            for (of, id), concepts in self.wanted.items()
            if of == input_id
        ]
        if before is not None and not wishes and not half and self._rng.random() < 0.5:
            (folder / before).unlink()
            del self._paths[input_id]
            return
        text = json.dumps({"input_id": input_id, "annotations": wishes})
        name = f"{input_id}.json" if self._rng.random() < 0.9 else f"{input_id} again.json"
        part = folder / "part"
        part.write_text(text[: self._rng.randrange(len(text))] if half else text)
        ns = int(self._wall() * 1e9)
        os.utime(part, ns=(ns, ns))
        part.rename(folder / name)
        if before not in (None, name):
            (folder / str(before)).unlink()
        self._paths[input_id] = name

    def _take_away(self) -> None:
        self._gone += 1
        if self._gone > 1:
            return
        # Another folder that is there before the first look is taken for the right one.
        hows = ["gone", "a file", *["empty"] * 2 * (self.folder / MARKER).exists()]
        how = self._rng.choice(hows)
        self.folder.rename(self._away)
        if how == "empty":
            self.folder.mkdir()
        elif how == "a file":
            self.folder.write_text("")
        self._happened(f"folder of wishes {how}")

    def _put_back(self) -> None:
        self._gone -= 1
        if self._gone:
            return
        if self.folder.is_dir():
            self.folder.rmdir()
        else:
            self.folder.unlink(missing_ok=True)
        self._away.rename(self.folder)

    def is_asked(self, database: Path) -> bool:
        """Whether all that is wanted was asked for, and applied."""
        if not database.exists():
            return False
        with closing(sqlite3.connect(database)) as db:
            sql = "select count(*) from changes where applied_at is null and error is null"
            if db.execute(sql).fetchone()[0]:
                return False
            found = db.execute("select input_id, id, wish from asked").fetchall()
        return self.wanted == {
            (input_id, id): {
                one["id"]: one["value"] for one in json.loads(wish)["data"]["concepts"]
            }
            for input_id, id, wish in found
        }


class Memories:
    """The databases of all folders, and the people who let deletions go."""

    def __init__(
        self, root: Path, max_delete: str, wall: Callable[[], float], happens: Callable[[], None]
    ) -> None:
        self.root = root
        self.max_delete = MaxDelete.parse(max_delete)
        self.let_go: dict[str, int] = {}
        """By folder, so many deletions may pass beyond that."""
        self.wrong: list[str] = []
        self.happens = happens
        self._wall = wall
        self._open: list[CountedWishes | SqliteTable] = []

    def path(self, name: str) -> Path:
        """The database of the folder of this name."""
        return self.root / f"{name}.db"

    def close(self) -> None:
        """Let go of all that is open, as the end of a process does."""
        while self._open:
            one = self._open.pop()
            one.release() if isinstance(one, SqliteTable) else one.close()

    def inside(self) -> AbstractContextManager[object]:
        """Let the daemon have its memories here, while the block lasts."""
        return _several(
            mock.patch.object(spools, "FOLDERS", str(self.root)),
            mock.patch.object(spools, "AskedWishes", self._open_memory),
            mock.patch.object(spools, "SqliteTable", self._open_table),
            *(mock.patch.object(module, "connect", self._connect) for module in (asked, sqlite)),
        )

    def _open_memory(self, path: Path) -> CountedWishes:
        self._open.append(memory := CountedWishes(path, self))
        return memory

    def _open_table(self, path: Path, table: str) -> SqliteTable:
        self._open.append(rows := SqliteTable(path, table))
        return rows

    def _connect(self, path: Path, mode: str) -> sqlite3.Connection:
        """Connect to a database that tells the time of the simulation: the length of
        what follows from it has to be the same each time.
        """
        connection = _CONNECT(path, mode)
        connection.execute("pragma synchronous = off").close()
        connection.create_function(
            "strftime",
            2,
            lambda *_: datetime.fromtimestamp(int(self._wall()), UTC).isoformat(),
        )
        return connection


_CONNECT = sqlite.connect


@contextmanager
def _several(*managers: AbstractContextManager[object]) -> Iterator[None]:
    if not managers:
        yield
        return
    with managers[0], _several(*managers[1:]):
        yield


class CountedWishes(AskedWishes):
    """A memory that sees whether more is deleted than may be."""

    def __init__(self, path: Path, memories: Memories) -> None:
        super().__init__(path)
        self._memories = memories
        self._deleted = 0

    def ask(self, input_id: str, id: str, asked: bytes | None, wanted: bytes | None) -> None:
        super().ask(input_id, id, asked, wanted)
        self._memories.happens()
        self._deleted += wanted is None

    @contextmanager
    def writing(self) -> Iterator[None]:
        self._deleted, before = 0, self.count_asked()
        with super().writing():
            yield
        memories, name = self._memories, self.path.stem
        if self._deleted and not memories.max_delete.allows(self._deleted, of=before):
            if self._deleted > memories.let_go.get(name, 0):
                memories.wrong.append(
                    f"deleted: {self._deleted} of {before} at once from {name}, and nobody let"
                    f" them go (max_delete {memories.max_delete})"
                )
            memories.let_go[name] = 0
