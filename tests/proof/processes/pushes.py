"""Pushes as processes: of one log, into one state, ended at random moments and carried
on until done.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.proof.processes.logs import Log, numbered_log
from tests.proof.processes.remote import APP, Remote, misplaced
from tests.support.processes import push_arguments, started, until

FIRST_SEED = int(os.environ.get("SYNCER_PROOF_FIRST_SEED", "1"))
"""Of a scenario's seeds: to see another history, or one again."""
AT_ONCE = 2
"""Scenarios that run side by side."""
FAULTS = "throttle=0.002,throttle-silent=0.008,error=0.02,html=0.01,gateway=0.01,empty=0.005"
FAULTS += ",reset-before=0.01,reset-after=0.02,cut=0.01,partial=0.01"
"""A tenth of all requests."""
SETTINGS = "[retry]\nbase_seconds = 0.03\ncap_seconds = 0.5\nthrottle_seconds = 0.1\n"
START_SECONDS = 0.6
"""About what a push needs to start, and to find out where it was."""
END_SECONDS = 120.0
"""More than any run here takes: one that does not end fails."""
COUNTED = ("applied", "skipped", "ignored", "dead", "pending")


@dataclass(slots=True)
class Ended:
    """How one run ended."""

    code: int
    out: bytes
    err: str
    seconds: float = 0.0

    @property
    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def settled(self) -> int:
        """How many changes are applied, by this run or before."""
        summary = self.summary
        return int(summary["applied"] + summary["skipped"])

    def wrong(self) -> list[str]:
        """What no run may do, whatever ended it."""
        found = [f"a traceback: {self.err}"] if "Traceback" in self.err else []
        if self.out:
            summary = self.summary
            if "read" in summary and summary["read"] != sum(summary[name] for name in COUNTED):
                found.append(f"not conserved: {summary}")
        return found


@dataclass(slots=True)
class Pushes:
    """All runs of one push."""

    remote: Remote
    log: Log
    folder: Path
    options: tuple[str, ...] = ()
    settings: str = SETTINGS
    launcher: tuple[str, ...] = ()
    """What the command line of each run begins with: it is given all of it."""
    url: str = ""
    """Where the remote is reached, where that is not its own address."""

    state: Path = field(init=False)

    def __post_init__(self) -> None:
        self.state = self.folder / "state"

    def arguments(self, options: Sequence[str] | None = None) -> list[str]:
        config = self.folder / "syncer.toml"
        config.write_text(self.settings)
        url = self.url or self.remote.url
        own = push_arguments(
            url,
            APP,
            self.state,
            [str(self.log.path)],
            "-c",
            str(config),
            *(self.options if options is None else options),
        )
        return [*self.launcher, *own]

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        """With other options than its own, where there are some."""
        return started(self.arguments(options or None))

    def run(self, *options: str) -> Ended:
        """To its end."""
        return ended(self.start(*options))

    def wrong_at_the_end(self, last: Ended) -> list[str]:
        """What is not as the log leaves it, now that the last run has ended."""
        wrong = last.wrong()
        if last.code:
            return [*wrong, f"exit code {last.code}: {last.out!r} {last.err}"]
        if (last.summary["read"], last.settled) != (self.log.count, self.log.count):
            wrong.append(f"{self.log.count} changes, but {last.summary}")
        return (
            wrong
            + self.log.differences(self.remote.held())
            + misplaced(self.remote.writes, self.log)
        )


def ended(process: subprocess.Popen[bytes], seconds: float = END_SECONDS) -> Ended:
    """Wait for the end of a run."""
    began = time.monotonic()
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        err += b"\nit did not end"
    return Ended(process.returncode, out, err.decode(), time.monotonic() - began)


def moment(
    remote: Remote, rng: random.Random, requests_max: int, *, starting: float
) -> Callable[[], bool]:
    """A random moment in a run: just after one of its next requests has come; of so
    many, any time while it starts or later.
    """
    now = time.monotonic()
    if rng.random() < starting:
        at = now + rng.random() * START_SECONDS * 1.5
        return lambda: time.monotonic() >= at
    wanted = remote.requests + rng.randrange(1, requests_max)
    delay, seen = rng.random() * 0.03, list[float]()

    def come() -> bool:
        if not seen and remote.requests >= wanted:
            seen.append(time.monotonic())
        return bool(seen) and time.monotonic() >= seen[0] + delay

    return come


@dataclass(slots=True)
class Tally:
    """What a scenario came to."""

    seed: int
    hit: int
    """How many runs were ended while they were at work."""
    wrong: list[str]
    faults: dict[str, int] = field(default_factory=dict)


def cut_short(
    start: Callable[[], subprocess.Popen[bytes]],
    moments: Callable[[], Callable[[], bool]],
    times: int,
    number: signal.Signals = signal.SIGKILL,
) -> list[Ended]:
    """Start a command so many times, each ended by this signal at a moment of its own;
    how each ended. Fewer where it was done before.
    """
    runs: list[Ended] = []
    while len(runs) < times:
        process = start()
        happened = until(process, moments())
        process.send_signal(number)
        run = ended(process)
        if not happened:
            break
        runs.append(run)
    return runs


def until_tallied(scenario: Callable[[int], Tally], wanted: int, each: int) -> list[Tally]:
    """Run a scenario, which ends `each` runs, with one seed after another, some side by
    side, until so many runs were ended.

    Ends early where something is wrong.
    """
    tallies: list[Tally] = []
    under_way: set[int] = set()
    seeds = iter(range(FIRST_SEED, FIRST_SEED + 10 * wanted))

    def one_after_another() -> None:
        while sum(tally.hit for tally in tallies) + each * len(under_way) < wanted and not any(
            tally.wrong for tally in tallies
        ):
            seed = next(seeds)
            under_way.add(seed)
            try:
                tally = scenario(seed)
            except BaseException as error:
                error.add_note(f"seed {seed}")
                raise
            under_way.remove(seed)
            tallies.append(tally)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for future in [pool.submit(one_after_another) for _ in range(AT_ONCE)]:
            future.result()
    return sorted(tallies, key=lambda tally: tally.seed)


def told(name: str, tallies: list[Tally]) -> list[str]:
    """Print what was done, for whoever runs it by hand; what is wrong with its seed."""
    faults = sum(sum(tally.faults.values()) for tally in tallies)
    seeds = f"seeds {tallies[0].seed} to {tallies[-1].seed}"
    wrong = [f"seed {tally.seed}: {what}" for tally in tallies for what in tally.wrong]
    print(
        f"{sum(tally.hit for tally in tallies)} {name}, {seeds}, {faults:,} faults: {len(wrong)}"
        " differences"
    )
    return wrong


def made(remote: Remote, folder: Path, count: int, seed: int, *options: str) -> Pushes:
    """The push of a fresh log."""
    folder.mkdir(parents=True)
    return Pushes(remote, numbered_log(folder / "changes.jsonl", count, seed), folder, options)
