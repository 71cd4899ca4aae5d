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
        self._late: Path | None = None
        """The file that was rotated, to which it goes on writing for two looks."""
        self._looks = 0

    def begin(self) -> None:
        """There is a file, which the follower sees."""
        (self.folder / self.name).touch()

    def act(self) -> None:
        """Do something."""
        self._rng.choice([self._append] * 6 + [self._rotate, self._compress, self._remove])()

    def looked(self) -> None:
        """A look has passed."""
        self._looks += 1
        if self._late is not None:
            self._write(b"")  # a half line would be left until it is whole
        if self._looks >= 2:
            self._turn()

    def _turn(self) -> None:
        """Turn to the new file, between two lines."""
        if self._late is not None:
            self._write(b"")
            self._late = None

    def end(self) -> None:
        """Finish the last line."""
        self._write(b"")

    def _append(self) -> None:
        lines = b""
        for _ in range(self._rng.randint(1, 5)):
            self.written.append(f"{self.name}-{len(self.written)}")
            lines += post(self.written[-1]) + b"\n"
        cut = self._rng.choice([0, 0, 0, self._rng.randint(0, len(lines))])
        if self._late is not None and self._looks:
            cut = 0
        self._write(lines[: len(lines) - cut])
        self._rest = lines[len(lines) - cut :]

    def _write(self, lines: bytes) -> None:
        with (self._late or self.folder / self.name).open("ab") as file:
            file.write(self._rest + lines)
        self._rest = b""

    def _rotate(self) -> None:
        path = self.folder / self.name
        if not path.exists():
            return
        self._turn()
        self._write(b"")
        for number in range(9, 0, -1):
            for ending in ("", ".gz"):
                old = self.folder / f"{self.name}.{number}{ending}"
                if old.exists():
                    old.rename(self.folder / f"{self.name}.{number + 1}{ending}")
        path.rename(self.folder / f"{self.name}.1")
        if self._rng.random() < 0.5:
            path.touch()
            if self._rng.random() < 0.5:
                self._late, self._looks = self.folder / f"{self.name}.1", 0

    def _compress(self) -> None:
        self._turn()
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
        for writer in writers:
            writer.looked()
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
