"""One mutant against the tests of its part, in a copy of the checkout."""

from __future__ import annotations

import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal

from tests.mutants.parts import PARTS, ROOT
from tests.mutants.sample import Mutant

SECONDS_MAX = 60.0
COPIED = (
    "syncer",
    "tests",
    "benchmarks",
    "examples",
    "docs",
    "pyproject.toml",
    "config.example.toml",
    "README.md",
)
MEMORY = Path("/dev/shm")
"""Where tests write their files, where there is such a file system: nothing is waited
for then.
"""
MEMORY_KB_MAX = 8 << 20
"""Of a process: a mutant that collects without end is stopped by it before the machine
is.
"""
EXAMPLES = "20"
"""Of each model: a plain bug is found within so many."""


@dataclass(frozen=True)
class Outcome:
    """What came of a mutant, and how long that took."""

    how: Literal["killed", "timed out", "survived"]
    seconds: float


class Copies:
    """Copies of the checkout, one for each mutant that is tried at the same time."""

    def __init__(self, count: int) -> None:
        self._folder = Path(
            tempfile.mkdtemp(prefix="mutants-", dir=MEMORY if MEMORY.is_dir() else None)
        )
        self._free: queue.SimpleQueue[Path] = queue.SimpleQueue()
        self._changes = 0
        self._running: set[int] = set()
        for number in range(count):
            self._free.put(self._copied(self._folder / str(number)))

    def __enter__(self) -> Copies:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()
        shutil.rmtree(self._folder, ignore_errors=True)

    def end(self) -> None:
        """End what runs."""
        for group in list(self._running):
            _kill(group)

    def check(self, parts: list[str]) -> None:
        """End the run where tests fail without any mutant, or take so long that mutants
        would be noticed by that.
        """
        copy = self._free.get()
        for part in parts:
            began = time.monotonic()
            code, output = self._tested(copy, PARTS[part].tests)
            seconds = time.monotonic() - began
            if code != 0:
                why = f"take more than {SECONDS_MAX:g} s" if code is None else f"fail:\n{output}"
                sys.exit(f"without any mutant the tests of {part} {why}")
            print(f"the tests of {part} take {seconds:.1f} s", flush=True)
        self._free.put(copy)

    def tried(self, mutant: Mutant) -> Outcome:
        """Plant it, test, take it out again."""
        copy = self._free.get()
        path = copy / mutant.path
        sound = path.read_text()
        try:
            self._write(path, mutant.text)
            began = time.monotonic()
            code, _ = self._tested(copy, _nearest_first(mutant))
            seconds = round(time.monotonic() - began, 1)
        finally:
            self._write(path, sound)
            self._free.put(copy)
        return Outcome("timed out" if code is None else "killed" if code else "survived", seconds)

    def _tested(self, folder: Path, tests: Sequence[str]) -> tuple[int | None, str]:
        """(exit code of pytest, None where the time was up; its output).

        All of its processes are gone then.
        """
        options = [
            "-q",
            "-x",
            "--no-header",
            "-p",
            "no:cacheprovider",
            "--basetemp",
            str(folder / ".pytest"),
        ]
        environment = {
            **os.environ,
            "SYNCER_PROOF_EXAMPLES": EXAMPLES,
            "PYTHONPATH": str(folder),
            # bytecode is told from its source by length and second only
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        pytest = subprocess.Popen(
            [
                "sh",
                "-c",
                f'ulimit -v {MEMORY_KB_MAX}; exec "$@"',
                "sh",
                sys.executable,
                "-m",
                "pytest",
                *options,
                *tests,
            ],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._running.add(pytest.pid)
        try:
            output, _ = pytest.communicate(timeout=SECONDS_MAX)
            code = pytest.returncode
        except subprocess.TimeoutExpired:
            output, code = "", None
        finally:
            _kill(pytest.pid)
            pytest.wait()
            self._running.discard(pytest.pid)
        return code, output

    def _write(self, path: Path, text: str) -> None:
        """With a time that no compiled module has, for Python goes by time and size."""
        path.write_text(text)
        self._changes += 1
        os.utime(path, (self._changes, self._changes))

    def _copied(self, folder: Path) -> Path:
        folder.mkdir()
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, folder / name)
        (folder / ".clients").symlink_to(ROOT / ".clients")
        return folder


def _nearest_first(mutant: Mutant) -> list[str]:
    """The files of the part's tests, those that name the module before all others: most
    bugs are noticed there.
    """
    module = mutant.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    files: list[Path] = []
    for name in PARTS[mutant.part].tests:
        path = ROOT / name
        files += sorted(path.rglob("test_*.py")) if path.is_dir() else [path]
    files.sort(key=lambda file: f"{module} import" not in file.read_text())
    return [str(file.relative_to(ROOT)) for file in files]


def _kill(group: int) -> None:
    """A process that leads its group, with all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
