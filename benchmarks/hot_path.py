"""Where a push of plain posts is beside the floor, by instructions: whole processes,
over HTTP, counted by callgrind. The kernel's part is not in it.

An annotation is what 24,000 posts take more than 4,000; a whole run of a million is
that a million times, and start-up.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.yardstick import BENCH, FLOOR, Server, serving
from tests.support.processes import ENVIRONMENT, ROOT, push_arguments

FEW, MANY, MILLION = 4_000, 24_000, 1_000_000
ANSWERS = (("compact", 0), ("echoed", 1))
CALLGRIND = ("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null")


def beside_floor() -> None:
    """Print the table."""
    print("answers  what    instructions each  start-up         times the floor, a million")
    with tempfile.TemporaryDirectory() as name, serving(Path(name)) as server:
        folder = Path(name)
        for count in (1, FEW, MANY):
            log = folder / f"{count}.jsonl"
            subprocess.run([sys.executable, BENCH / "make_log.py", str(count), log], check=True)
        _count(_ours(server, folder, 1), [])  # modules that were never compiled
        for answers, echo in ANSWERS:
            server.begin(echo=echo)
            floor = _line(answers, "floor", [_floor(server, folder, n) for n in (FEW, MANY)], 0.0)
            _line(answers, "syncer", [_ours(server, folder, n) for n in (FEW, MANY)], floor)


def _line(answers: str, what: str, commands: Sequence[list[str]], floor: float) -> float:
    """Print one; return what a million take."""
    few, many = (_count(command, CALLGRIND) for command in commands)
    each = (many - few) / (MANY - FEW)
    start = few - FEW * each
    whole = start + MILLION * each
    ratio = whole / (floor or whole)
    print(f"{answers:8} {what:7} {each:17,.0f}  {start:13,.0f}    {ratio:.3f}", flush=True)
    return whole


def _floor(server: Server, folder: Path, count: int) -> list[str]:
    return [sys.executable, FLOOR, str(folder / f"{count}.jsonl"), server.host, str(server.port)]


def _ours(server: Server, folder: Path, count: int) -> list[str]:
    state = Path(tempfile.mkdtemp(dir=folder)) / "state"
    logs = [str(folder / f"{count}.jsonl")]
    return push_arguments(server.url, "a", state, logs, "--rps", "1000000", "--user-id", "u")


def _count(command: list[str], before: Sequence[str]) -> int:
    """Return the instructions of a process; 0 where nothing counts them."""
    environment = {**ENVIRONMENT, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"}
    done = subprocess.run([*before, *command], env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command[:3]} failed:\n{done.stderr}")
    found = re.search(r"Collected : (\d+)", done.stderr)
    return int(found[1]) if found else 0
