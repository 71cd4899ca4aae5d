"""How many instructions a push of 20,000 changes takes, counted by callgrind: clocks
spread by some percent, counts repeat within 0.1%.

    python -m benchmarks instructions
        the baseline, now, and the ratio; ends with 1 above the bar
    python -m benchmarks.instructions record REASON [COMMIT]
        counts a commit (HEAD) and makes it the baseline, which is then committed

A count depends on the interpreter, its C library, the processor and valgrind. Where
these are not those of the baseline, its commit is counted here instead; where git does
not have that commit, nothing is compared, and that is said.
"""

from __future__ import annotations

import json
import os
import platform
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

ROOT = Path(__file__).resolve().parents[1]
BASELINE = ROOT / "benchmarks" / "instructions.json"
COUNT = 20_000
REPEATS_WITHIN = 0.001
RATIO_MAX = 1.05
"""Of what was counted at the baseline.
Raise the baseline, with a reason, rather than this.
"""
TOO_MANY = (
    "a push takes more instructions than the bar allows: make it cheaper, or record a new baseline"
    " with the reason"
)


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted on one machine.

    `start`: a push of one change, mostly imports; `push`: what 20,000 take more than
    that.
    """

    push: int
    start: int
    machine: dict[str, str]


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is committed."""

    commit: str
    reason: str
    counted: Counted


def instructions() -> None:
    """Print the baseline, this tree's count and the ratio.

    Ends with 1 where it is above the bar.
    """
    kept = baseline()
    then, now = compared(kept)
    if then is not None:
        print(
            f"baseline  {then.push:13,}  instructions for {COUNT:,} changes, {then.push // COUNT:,}"
            f" each ({kept.commit[:12]})"
        )
    print(
        f"now       {now.push:13,}  instructions for {COUNT:,} changes, {now.push // COUNT:,} each;"
        f" start-up takes {now.start:,}"
    )
    if then is None:
        print("nothing to compare this with: git does not have the commit of the baseline")
        return
    print(f"ratio     {now.push / then.push:13.4f}  (bar: {RATIO_MAX})")
    if now.push > RATIO_MAX * then.push:
        sys.exit(TOO_MANY)


def compared(kept: Baseline) -> tuple[Counted | None, Counted]:
    """The baseline, as it counts on this machine, and this tree's count; None where git
    does not have its commit.
    """
    now = counted(ROOT)
    then: Counted | None = kept.counted
    if other := [
        name for name in now.machine if now.machine[name] != kept.counted.machine.get(name)
    ]:
        print(
            f"the baseline was counted with another {', '.join(other)}, so its commit"
            f" {kept.commit[:12]} is counted here"
        )
        then = _counted_commit(kept.commit)
    return then, now


def baseline() -> Baseline:
    """As it is committed."""
    kept = json.loads(BASELINE.read_text())
    return Baseline(kept["commit"], kept["reason"], Counted(**kept["counted"]))


def counted(tree: Path, *, twice: bool = False) -> Counted:
    """Of the syncer in this tree.

    `twice`: see that the count repeats. Ends the benchmark where it does not, or
    nothing can be counted.
    """
    if shutil.which("valgrind") is None:
        sys.exit(
            "instructions are counted by valgrind, which is not installed (Debian: apt-get install"
            " valgrind)"
        )
    # modules that were never compiled are compiled now, and not while it counts
    push(tree, 1, [])
    start, whole = _instructions(tree, 1), _instructions(tree, COUNT)
    if twice and abs((again := _instructions(tree, COUNT)) - whole) > REPEATS_WITHIN * (
        whole - start
    ):
        sys.exit(
            f"the same push took {whole:,} instructions, then {again:,}: something in it is left to"
            " chance"
        )
    return Counted(whole - start, start, machine())


def machine() -> dict[str, str]:
    """What a count depends on, beside the code."""
    processor = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    valgrind = subprocess.run(
        ["valgrind", "--version"], capture_output=True, text=True, check=True
    ).stdout.strip()
    return {
        "python": (
            f"{sys.implementation.name} {platform.python_version()}, {platform.python_compiler()}"
        ),
        "libc": " ".join(platform.libc_ver()),
        "processor": processor[1] if processor else platform.machine(),
        "valgrind": valgrind.removeprefix("valgrind-"),
    }


def _instructions(tree: Path, count: int) -> int:
    told = push(tree, count, ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"])
    found = re.search(r"Collected : (\d+)", told)
    if found is None:
        sys.exit(f"callgrind tells no count:\n{told}")
    return int(found[1])


def push(tree: Path, count: int, before: list[str]) -> str:
    """Push so many changes in a process whose environment is always the same; what it
    says. `before`: what the process is run by.
    """
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": f"{tree}:{ROOT}",
    }
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.jsonl"
        log.write_bytes(b"".join(line + b"\n" for line in lines(count)))
        command = [
            *before,
            sys.executable,
            str(ROOT / "benchmarks" / "counted.py"),
            str(log),
            str(Path(folder) / "state"),
        ]
        done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"the push that is counted failed:\n{done.stderr}")
    return done.stdout + done.stderr


def lines(count: int) -> list[bytes]:
    """Posts of boxes, three an input; of each ten changes one is a patch of the post
    before it, and one a delete of an earlier one.
    """
    rng = random.Random(7)
    made: list[bytes] = []
    for number in range(count):
        own = {"id": f"ann-{number:012}", "input_id": f"img-{number // 3:012}"}
        if number % 10 == 4:
            earlier = {"id": f"ann-{number - 1:012}", "input_id": f"img-{(number - 1) // 3:012}"}
            concepts = [{"id": "seen", "value": 1}]
            made.append(
                orjson.dumps(
                    {
                        "op": "patch",
                        "action": "merge",
                        "annotation": {**earlier, "data": {"concepts": concepts}},
                    }
                )
            )
        elif number % 10 == 9:
            earlier = {"id": f"ann-{number - 7:012}", "input_id": f"img-{(number - 7) // 3:012}"}
            made.append(orjson.dumps({"op": "delete", "annotation": earlier}))
        else:
            box = {
                side: round(rng.random(), 4)
                for side in ("top_row", "left_col", "bottom_row", "right_col")
            }
            concepts = [{"id": "car", "name": "car", "value": 1.0}]
            region = {"region_info": {"bounding_box": box}, "data": {"concepts": concepts}}
            made.append(
                orjson.dumps({"op": "post", "annotation": {**own, "data": {"regions": [region]}}})
            )
    return made


# --- baselines ------------------------------------------------------------------------


def record(reason: str, commit: str = "HEAD") -> None:
    """Count a commit, and write the baseline."""
    full = _git("rev-parse", "--verify", f"{commit}^{{commit}}")
    with _checked_out(full) as tree:
        made = Baseline(full, reason, counted(tree, twice=True))
    BASELINE.write_text(json.dumps(asdict(made), indent=2) + "\n")
    print(
        f"{made.counted.push:,} instructions at {full[:12]}: commit {BASELINE.relative_to(ROOT)}"
        " with the reason"
    )


def _counted_commit(commit: str) -> Counted | None:
    if subprocess.run(
        ["git", "-C", ROOT, "cat-file", "-e", f"{commit}^{{commit}}"], capture_output=True
    ).returncode:
        return None
    with _checked_out(commit) as tree:
        return counted(tree)


@contextmanager
def _checked_out(commit: str) -> Iterator[Path]:
    """The package as it is in that commit, in a folder of its own."""
    with tempfile.TemporaryDirectory() as name:
        packed = subprocess.run(
            ["git", "-C", ROOT, "archive", commit, "syncer"], capture_output=True, check=True
        ).stdout
        subprocess.run(["tar", "-x", "-C", name], input=packed, check=True)
        yield Path(name)


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", ROOT, *arguments], capture_output=True, text=True, check=True
    ).stdout.strip()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["record", reason, *commit] if len(commit) < 2:
            record(reason, *commit)
        case _:
            sys.exit(__doc__)
