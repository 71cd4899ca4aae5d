"""The change logs of a simulated push, as users and their tools treat them between
runs: renamed, rotated, compressed, copied, linked.

Files are real ones; what the file system says of them is told here, by the simulated
clock, so that a seed gives the same stamps each time.
"""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from syncer.sources.identity import head_of
from syncer.sources.log_disk import LogDisk
from tests.proof.simulation.nodes import SECOND_NS, NodeDisk, Nodes

Kind = Literal[
    "renamed",
    "rotated",
    "compressed",
    "packed beside",
    "copied and removed",
    "copied as it is",
    "linked",
    "folder renamed",
    "touched",
]
KINDS: tuple[Kind, ...] = (
    *("renamed", "rotated", "compressed", "packed beside", "copied and removed"),
    *("copied as it is", "linked", "folder renamed", "touched", "unpacked"),
)
BY_TIME = ("compressed", "unpacked", "packed beside", "copied as it is")
"""After which a log is known by its time."""


@dataclass(frozen=True)
class Move:
    """What is done to a log (by its number) before the next process."""

    kind: str
    log: int


def drawn_moves(seed: int, logs: int) -> tuple[Move, ...]:
    """The moves of a seed: in most none.

    A rotation is of the last log that is there, and brings the next one.
    """
    rng = random.Random(f"moves {seed}")
    moves: list[Move] = []
    for _ in range(rng.choice([0, 0, 0, 1, 2, 4])):
        kind = rng.choice(KINDS)
        if kind != "rotated" or sum(move.kind == kind for move in moves) < logs - 1:
            moves.append(Move(kind, rng.randrange(logs)))
    return tuple(moves)


class LogFolder:
    """The folder, and how its owner names the logs to syncer."""

    def __init__(
        self, root: Path, texts: Sequence[str], moves: Sequence[Move], now: Callable[[], float]
    ) -> None:
        """`texts`: of each log, whole."""
        self._root = root / "logs"
        self._root.mkdir()
        self._texts = list(texts)
        self._moves = list(moves)
        self._nodes = Nodes(now)
        self._count = 0
        self._names: list[list[str]] = [[f"{log}.jsonl"] for log in range(len(texts))]
        """Of each log; all of them are named to syncer."""
        self._named_by: dict[int, int] = {}
        """Logs that were rotated, and the one that has their old name: naming that
        names both.
        """
        self._to_come = list(
            range(len(texts) - sum(move.kind == "rotated" for move in moves), len(texts))
        )
        self._copied: set[int] = set()
        self.moved: Literal["same"] | None = None
        """What the owner says of logs that were treated so that nobody can tell."""

    # --- what the owner does ----------------------------------------------------------

    def write(self, log: int, text: str) -> None:
        """Bring a log to this text: it is new, or it grew."""
        if log in self._to_come:
            return
        path = self._path(self._names[log][0])
        if not path.exists():
            self._create(path, text.encode())
            return
        packed = path.name.endswith(".gz")
        there = gzip.decompress(path.read_bytes()) if packed else path.read_bytes()
        if rest := text.encode()[len(there) :]:
            if log in self._copied:
                self.moved = "same"  # its time is not that of the original any more
            with path.open("ab") as file:
                file.write(gzip.compress(rest, mtime=0) if packed else rest)
            self._nodes.changed(path)

    def arguments(self) -> list[str]:
        """What is named to syncer, in the order of the logs."""
        named = [
            names
            for log, names in enumerate(self._names)
            if log not in self._to_come and log not in self._named_by
        ]
        return [str(self._path(name)) for names in named for name in names]

    @property
    def left(self) -> bool:
        """Whether there is something that was not done yet."""
        return bool(self._moves)

    def move(self, known: Mapping[tuple[str, str], int]) -> Move:
        """Do the next thing; what it was.

        `known`: by path and hash of the first line, when the logs that the state knows
        were changed.
        """
        move = self._moves.pop(0)
        if (
            move.kind in BY_TIME
            and move.log not in self._to_come
            and self._nodes.of(self._path(self._names[move.log][0])).mtime_ns not in known.values()
        ):
            self.moved = "same"  # no run came so far as to see its time
        if move.kind == "linked" and move.log not in self._to_come and not self._seen(move, known):
            self.moved = "same"  # no run saw under which name it is linked
        if move.kind == "touched" and move.log in self._copied and not self._seen(move, known):
            self.moved = "same"  # no run saw the copy while it had the original's time
        if move.kind == "rotated":
            self._rotated(self._to_come[0] - 1, known)
        elif move.log not in self._to_come:
            getattr(self, f"_{move.kind.replace(' ', '_')}")(move.log)
        return move

    def _seen(self, move: Move, known: Mapping[tuple[str, str], int]) -> bool:
        path = str(self._path(self._names[move.log][0]))
        return path in {known_path for known_path, _ in known}

    def _renamed(self, log: int) -> None:
        self._replace(
            log, f"z{self._count}-{log}.jsonl" + self._ending(log), lambda old, new: old.rename(new)
        )

    def _rotated(self, log: int, known: Container[tuple[str, str]]) -> None:
        """The next log gets the name of this one; a name of its own where the state
        does not know this one, which would not be found.
        """
        text, name = self._texts[log + 1].encode(), self._names[log][0]
        del self._to_come[0]
        head = head_of(self._texts[log].encode().partition(b"\n")[0])
        if len(self._names[log]) > 1 or (str(self._path(name)), head) not in known:
            self._create(self._path(self._names[log + 1][0]), text)
            return
        before = [rotated for rotated, successor in self._named_by.items() if successor == log]
        self._replace(log, f"{name}.{self._count}", lambda old, new: old.rename(new))
        self._names[log + 1] = [name]
        self._named_by |= dict.fromkeys([*before, log], log + 1)
        self._create(
            self._path(name), gzip.compress(text, mtime=0) if name.endswith(".gz") else text
        )

    def _compressed(self, log: int) -> None:
        if self._path(self._names[log][0]).read_bytes().startswith(b"\x1f\x8b"):
            return  # whatever its name: a rotated one ends otherwise
        self._replace(log, f"{self._names[log][0]}.gz", self._pack)

    def _unpacked(self, log: int) -> None:
        name = self._names[log][0]
        if not self._ending(log) or log in self._named_by:
            self._compressed(log)
            return

        def unpack(old: Path, new: Path) -> None:
            self._create(new, gzip.decompress(old.read_bytes()), self._nodes.of(old).mtime_ns)
            old.unlink()

        self._replace(log, name.removesuffix(".gz"), unpack)

    def _packed_beside(self, log: int) -> None:
        name = self._names[log][0]
        if self._ending(log) or len(self._names[log]) > 1 or log in self._named_by:
            return
        self._pack(self._path(name), self._path(f"{name}.gz"), keep=True)
        self._names[log].append(f"{name}.gz")

    def _pack(self, old: Path, new: Path, *, keep: bool = False) -> None:
        mtime_ns = self._nodes.of(old).mtime_ns
        self._create(
            new, gzip.compress(old.read_bytes(), mtime=0), mtime_ns // SECOND_NS * SECOND_NS
        )
        if not keep:
            old.unlink()

    def _copied_and_removed(self, log: int) -> None:
        self.moved = "same"

        def copy(old: Path, new: Path) -> None:
            self._create(new, old.read_bytes())
            old.unlink()

        self._replace(log, f"c{self._count}-{log}.jsonl" + self._ending(log), copy)

    def _copied_as_it_is(self, log: int) -> None:
        self._copied.add(log)

        def copy(old: Path, new: Path) -> None:
            self._create(new, old.read_bytes(), self._nodes.of(old).mtime_ns)
            old.unlink()

        self._replace(log, f"p{self._count}-{log}.jsonl" + self._ending(log), copy)

    def _linked(self, log: int) -> None:
        if log in self._named_by:
            return
        self._count += 1
        link = f"a{self._count}-{log}.jsonl" + self._ending(log)
        self._path(link).hardlink_to(self._path(self._names[log][0]))
        self._nodes.renamed(self._path(link))
        self._names[log].insert(0, link)

    def _folder_renamed(self, _: int) -> None:
        self._count += 1
        self._root = self._root.rename(self._root.with_name(f"logs{self._count}"))

    def _touched(self, log: int) -> None:
        self._nodes.changed(self._path(self._names[log][0]))

    # --- files ------------------------------------------------------------------------

    def _replace(self, log: int, new: str, how: Callable[[Path, Path], None]) -> None:
        """Another name in the place of all others; a log that was rotated is named by
        itself once its name says nothing any more.
        """
        old, *others = self._names[log]
        for other in others:
            self._path(other).unlink(missing_ok=True)
        how(self._path(old), self._path(new))
        self._nodes.renamed(self._path(new))
        self._names[log] = [new]
        self._count += 1
        name = self._named_by.get(log)  # whose name says where it is
        left = name is not None and not new.startswith(self._names[name][0])
        for rotated, successor in list(self._named_by.items()):
            older = successor == name and rotated <= log  # they are to be read before it
            if log == successor or (left and older):
                del self._named_by[rotated]

    def _create(self, path: Path, content: bytes, mtime_ns: int | None = None) -> None:
        path.write_bytes(content)
        self._count += 1
        self._nodes.make(path, mtime_ns)

    def _path(self, name: str) -> Path:
        return self._root / name

    def _ending(self, log: int) -> str:
        return ".gz" if self._names[log][0].endswith(".gz") else ""

    def disk(self, opened: list[BinaryIO], block_bytes: int) -> LogDisk:
        """The disk as it shows these logs; what is opened is noted."""
        return NodeDisk(self._nodes, opened, block_bytes)
