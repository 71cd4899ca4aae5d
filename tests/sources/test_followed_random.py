"""Writers that append, rotate and compress at random, while a process follows and is
started again: every line comes exactly once, and in order within a file.
"""

from __future__ import annotations

import gzip
import os
import random
from collections import Counter
from pathlib import Path

import pytest

from syncer.sources import log_turns
from tests.support.fakes import MemoryJournal
from tests.support.following import FollowedProcess
from tests.support.lines import post
from tests.support.virtual import VirtualTime


class Writer:
    """One log with its rotated parts."""

    def __init__(self, folder: Path, name: str, rng: random.Random) -> None:
        self.folder = folder
        self.name = name
        self.written: list[str] = []
        self._rng = rng
        self._rest = b""

    def begin(self) -> None:
        """There is a file, which the follower sees."""
        (self.folder / self.name).touch()

    def act(self) -> None:
        """Do something."""
        self._rng.choice([self._append] * 6 + [self._rotate, self._compress, self._remove])()

    def end(self) -> None:
        """Finish the last line."""
        self._write(b"")

    def _append(self) -> None:
        lines = b""
        for _ in range(self._rng.randint(1, 5)):
            self.written.append(f"{self.name}-{len(self.written)}")
            lines += post(self.written[-1]) + b"\n"
        cut = self._rng.choice([0, 0, 0, self._rng.randint(0, len(lines))])
        self._write(lines[: len(lines) - cut])
        self._rest = lines[len(lines) - cut :]

    def _write(self, lines: bytes) -> None:
        with (self.folder / self.name).open("ab") as file:
            file.write(self._rest + lines)
        self._rest = b""

    def _rotate(self) -> None:
        path = self.folder / self.name
        if not path.exists():
            return
        self._write(b"")  # writers turn to a new file between two lines
        for number in range(9, 0, -1):
            for ending in ("", ".gz"):
                old = self.folder / f"{self.name}.{number}{ending}"
                if old.exists():
                    old.rename(self.folder / f"{self.name}.{number + 1}{ending}")
        path.rename(self.folder / f"{self.name}.1")
        if self._rng.random() < 0.5:
            path.touch()

    def _compress(self) -> None:
        for number in (1, 2):
            path = self.folder / f"{self.name}.{number}"
            packed = path.with_name(f"{path.name}.gz")
            if path.exists() and not packed.exists():
                status = path.stat()
                packed.write_bytes(gzip.compress(path.read_bytes()))
                os.utime(packed, ns=(status.st_atime_ns, status.st_mtime_ns))
                path.unlink()
                return

    def _remove(self) -> None:
        for number in range(6, 11):
            for ending in ("", ".gz"):
                (self.folder / f"{self.name}.{number}{ending}").unlink(missing_ok=True)


@pytest.mark.parametrize("seed", range(20))
def test_every_line_comes_once_and_in_order(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(seed)
    monkeypatch.setattr(log_turns, "OPEN_MAX", rng.choice([1, 2, 16]))
    folder = tmp_path / "logs"
    folder.mkdir()
    writers = [Writer(folder, f"{name}.jsonl", rng) for name in "abc"]
    time, journal = VirtualTime(), MemoryJournal()
    process = FollowedProcess(time, journal, folder)
    for writer in writers:
        writer.begin()
    came = process.look()
    for _ in range(60):
        for _ in range(rng.randint(0, 4)):
            rng.choice(writers).act()
        came += process.look()
        if rng.random() < 0.1:
            process.close()
            process = FollowedProcess(time, journal, folder)
    for writer in writers:
        writer.end()
    came += process.look(8)
    process.close()
    assert process.faults == {}
    for writer in writers:
        assert [one for one in came if one.startswith(writer.name)] == writer.written
    assert max(Counter(came).values()) == 1
