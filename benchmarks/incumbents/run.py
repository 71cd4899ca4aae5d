"""Every scenario with everyone, each before an emulator of its own with the same seed;
a table.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.incumbents.labels import Outcome, changes, inputs, outcome
from benchmarks.incumbents.pushers import APP, NAMED, PUSHERS, Ours, Pusher, ready
from tests.support.processes import ENVIRONMENT, EmulatorProcess, emulator

COUNT = 20_000
SEED = 1
RPS, LATENCY_SECONDS = 15, 0.05
FAULTS = (
    "throttle=0.02,error=0.03,html=0.01,gateway=0.01,empty=0.01,"
    "reset-before=0.02,reset-after=0.03,cut=0.02,partial=0.03"
)
SWITCHES = "inputs=must-exist"
RUNS_MAX = 6
"""One that does not come to its end is run again, so many times in all."""
PATIENCE_SECONDS = 900


@dataclass(frozen=True)
class Scenario:
    """What is pushed, and what the service and the machine do to it."""

    title: str
    ids: bool
    """Have the labels ids of the user's own? Then there are patches too."""
    duplicate: str = "request"
    """What a post of an id that is taken does (the emulator's switch)."""
    killed: bool = False
    """Is the process killed -9 once half of the labels are there, and started again?"""


SCENARIOS = (
    Scenario("Labels without ids", ids=False),
    Scenario("Labels without ids, killed -9 halfway and started again", ids=False, killed=True),
    Scenario("Labels with ids, and patches; an id that is taken refuses its request", ids=True),
    Scenario(
        "Labels with ids, and patches; an id that is taken refuses its item",
        ids=True,
        duplicate="item",
    ),
    Scenario(
        "The same, killed -9 halfway and started again", ids=True, duplicate="item", killed=True
    ),
)


@dataclass(frozen=True)
class Run:
    """What came of one."""

    outcome: Outcome
    codes: tuple[int, ...]
    """Exit codes of its runs; -9 of the one that was killed."""
    requests: int
    seconds: float

    @property
    def good(self) -> bool:
        """Everything as it should be, what is refused named, and no run that ended
        otherwise than by the kill or with its work done.
        """
        what = self.outcome
        return (
            what.right == what.wanted
            and not what.unsaid + what.false
            and set(self.codes) <= {0, NAMED, -9}
        )


def run(
    pusher: Pusher,
    scenario: Scenario,
    count: int,
    folder: Path,
    *,
    rps: float = RPS,
    faults: str = FAULTS,
) -> Run:
    """Push all, to the end, before an emulator of its own."""
    log, loaded = folder / "changes.jsonl", folder / "inputs.jsonl"
    log.write_text(
        "".join(json.dumps(change) + "\n" for change in changes(count, ids=scenario.ids))
    )
    loaded.write_text("".join(json.dumps(row) + "\n" for row in inputs(count)))
    options = (
        "--rps",
        f"{rps:g}",
        "--latency",
        str(LATENCY_SECONDS),
        "--seed",
        str(SEED),
        "--load",
        f"me/{APP}={loaded}",
    )
    with emulator(*options) as remote:
        remote.post(
            "/_emulator/faults",
            {"faults": f"{faults},{SWITCHES},duplicate-id={scenario.duplicate}"},
        )
        begun = time.monotonic()
        with ready(pusher, remote.url, folder, log) as arguments:
            codes = _to_the_end(arguments, remote, count // 2 if scenario.killed else 0)
        seconds = time.monotonic() - begun
        held = [annotation for annotation in remote.held(APP) if not annotation.get("input_level")]
        requests = remote.get("/_emulator/report")["requests"]
    return Run(
        outcome(count, ids=scenario.ids, held=held, named=pusher.named(folder)),
        codes,
        requests,
        seconds,
    )


def _to_the_end(arguments: Sequence[str], remote: EmulatorProcess, kill_at: int) -> tuple[int, ...]:
    """Run it until it ends with 0 or names what failed; kill it once so many are
    posted, if any. The exit codes.
    """
    codes: list[int] = []
    if kill_at:
        process = subprocess.Popen(
            arguments, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while process.poll() is None and remote.get("/_emulator/report").get("posted", 0) < kill_at:
            time.sleep(0.02)
        process.kill()
        codes.append(process.wait())
    while (not codes or codes[-1] not in (0, NAMED)) and len(codes) < RUNS_MAX:
        done = subprocess.run(
            arguments, env=ENVIRONMENT, capture_output=True, text=True, timeout=PATIENCE_SECONDS
        )
        codes.append(done.returncode)
        if done.returncode not in (0, NAMED):
            print(
                f"{arguments[1]} ended with {done.returncode}: {done.stderr[-600:]!r}",
                file=sys.stderr,
            )
    return tuple(codes)


COLUMNS = (
    "client",
    "wanted",
    "right",
    "lost",
    "doubled",
    "wrongly changed",
    "of these unsaid",
    "false alarms",
    "refused for good, named",
    "exit codes",
    "requests",
    "seconds",
)


def side_by_side(count: int = COUNT) -> None:
    """All scenarios, as tables in Markdown.

    Ends with 1 where syncer left anything wrong, or did not come to its end.
    """
    wrong = []
    for scenario in SCENARIOS:
        print(
            f"\n{scenario.title}:\n\n| {' | '.join(COLUMNS)} |\n|{' --- |' * len(COLUMNS)}",
            flush=True,
        )
        for pusher in PUSHERS:
            with tempfile.TemporaryDirectory() as name:
                came_to = run(pusher, scenario, count, Path(name))
            print(row(pusher, came_to), flush=True)
            if isinstance(pusher, Ours) and not came_to.good:
                wrong.append(scenario.title)
    if wrong:
        sys.exit(f"syncer failed: {'; '.join(wrong)}")


def row(pusher: Pusher, run: Run) -> str:
    """A row of the table."""
    what = run.outcome
    doubled = f"{what.doubled:,} ({what.copies:,} copies)" if what.doubled else "0"
    cells = [
        pusher.name,
        *(f"{number:,}" for number in (what.wanted, what.right, what.lost)),
        doubled,
        *(f"{number:,}" for number in (what.changed, what.unsaid, what.false)),
        f"{what.refused_named} of {what.refused}",
        ", ".join(map(str, run.codes)),
        f"{run.requests:,}",
        f"{run.seconds:.0f}",
    ]
    return f"| {' | '.join(cells)} |"
