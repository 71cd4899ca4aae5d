"""The simulation as a command.

    python -m tests.proof.simulation
        500 seeds, two in three of them pushes, on all cores
    python -m tests.proof.simulation --seeds 50000 --start 1000
    python -m tests.proof.simulation --daemon
        500 seeds of a daemon's lane, with its sources
    python -m tests.proof.simulation --planned
        500 seeds of pushes of a plan, while somebody else writes
    python -m tests.proof.simulation --seed 17
        one seed, with its trace: push 17 or, with --pull, --daemon or --planned, one
        of those
    python -m tests.proof.simulation --mutants
        each safeguard switched off, and which seed noticed

Ends with 1 where something was wrong.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from typing import Literal, cast

from tests.proof.simulation.daemon import simulate_daemon
from tests.proof.simulation.daemon_scenario import drawn_daemon
from tests.proof.simulation.mutants import MUTANTS, Caught, Mutant, caught
from tests.proof.simulation.planned import drawn_planned
from tests.proof.simulation.pull import simulate_pull
from tests.proof.simulation.pull_scenario import drawn_pull
from tests.proof.simulation.push import simulate
from tests.proof.simulation.scenario import Weather, drawn
from tests.proof.simulation.smaller import smallest
from tests.proof.simulation.world import Result

MUTANT_SEEDS_MAX = 600
CHUNK = 25
TRACE_LINES_MAX = 400
Kind = Literal["push", "pull", "daemon", "planned"]


@dataclass
class Many:
    """What came of many seeds."""

    seeds: int = 0
    failed: dict[str, list[str]] = field(default_factory=dict)
    """What was wrong, by push or pull and the seed."""
    seen: Counter[str] = field(default_factory=Counter)
    processes: int = 0
    seconds: float = 0.0
    """Of simulated time."""

    def add(self, other: Many) -> None:
        """Both together."""
        self.seeds += other.seeds
        self.failed |= other.failed
        self.seen += other.seen
        self.processes += other.processes
        self.seconds += other.seconds


def one(seed: int, kind: Kind) -> Result:
    """A seed's result."""
    match kind:
        case "push":
            return simulate(drawn(seed))
        case "pull":
            return simulate_pull(drawn_pull(seed))
        case "daemon":
            return simulate_daemon(drawn_daemon(seed))
        case "planned":
            return simulate(drawn_planned(seed))


def kind_of(seed: int) -> Kind:
    """Of every three seeds, two are pushes and one is a pull."""
    return "pull" if seed % 3 == 2 else "push"


def several(seeds: Iterable[int], *, only: Kind | None = None) -> Many:
    """What came of these, all in this process. `only`: all of one kind."""
    many = Many()
    for seed in seeds:
        kind = only or kind_of(seed)
        result = one(seed, kind)
        many.add(Many(1, {}, result.seen, result.processes, result.seconds))
        if result.wrong:
            many.failed[f"{kind} {seed}"] = result.wrong
    return many


def digest(result: Result) -> str:
    """The same for the same trace."""
    return blake2b("\n".join(result.trace).encode(), digest_size=8).hexdigest()


def all_of(start: int, seeds: int, jobs: int, *, only: Kind | None = None) -> Many:
    """These seeds, in processes side by side."""
    chunks = [
        range(at, min(at + CHUNK, start + seeds)) for at in range(start, start + seeds, CHUNK)
    ]
    many = Many()
    with ProcessPoolExecutor(jobs) as pool:
        for part in pool.map(partial(several, only=only), chunks):
            many.add(part)
            if sys.stderr.isatty():
                print(
                    f"\r{many.seeds:,} seeds, {len(many.failed)} failed ", end="", file=sys.stderr
                )
    return many


def _many(start: int, seeds: int, jobs: int, *, only: Kind | None) -> int:
    began = time.perf_counter()
    many = all_of(start, seeds, jobs, only=only)
    elapsed = time.perf_counter() - began
    print(
        f"{many.seeds:,} seeds from {start} in {elapsed:.0f} s, {many.seeds / elapsed:.1f} a second"
        f" with {jobs} processes;",
        end=" ",
    )
    print(f"{many.processes:,} simulated processes, {many.seconds / 3600:,.0f} hours of their time")
    for fault, count in sorted(many.seen.items()):
        print(f"  {fault:20} {count:10,}")
    print(f"{len(many.failed)} of {many.seeds:,} seeds failed")
    for number, (name, wrong) in enumerate(many.failed.items()):
        print(f"\n{name}: {wrong[0]}")
        if number == 0:
            kind, seed = name.split()
            _show(int(seed), cast(Kind, kind), smaller=True)
    return 1 if many.failed else 0


def _show(seed: int, kind: Kind, *, smaller: bool) -> int:
    result = one(seed, kind)
    if result.wrong and smaller:
        scenario, result = _find_smallest(seed, kind)
        print(f"the smallest scenario that fails so:\n{scenario}\n")
    shown = result.trace[-TRACE_LINES_MAX:]
    print("\n".join(line[:220] for line in shown))
    print(
        f"trace {digest(result)}, {len(result.trace)} lines, {result.seconds:.1f} s simulated;"
        f" {dict(result.seen)}"
    )
    for wrong in result.wrong:
        print(f"WRONG {wrong}")
    return 1 if result.wrong else 0


def _find_smallest(seed: int, kind: Kind) -> tuple[Weather, Result]:
    match kind:
        case "push":
            return smallest(drawn(seed), simulate)
        case "pull":
            return smallest(drawn_pull(seed), simulate_pull)
        case "daemon":
            return smallest(drawn_daemon(seed), simulate_daemon)
        case "planned":
            return smallest(drawn_planned(seed), simulate)


def _mutants(start: int, jobs: int) -> int:
    missed = 0
    with ProcessPoolExecutor(jobs) as pool:
        for name, found in pool.map(partial(_caught, start), range(len(MUTANTS))):
            missed += found.seed is None
            seen = (
                f"NOT CAUGHT in {found.seeds} seeds" if found.seed is None else f"seed {found.seed}"
            )
            print(f"{name:96} {seen:10} {found.wrong[:100]}", flush=True)
    print(f"{len(MUTANTS) - missed} of {len(MUTANTS)} caught")
    return 1 if missed else 0


def _caught(start: int, number: int) -> tuple[str, Caught]:
    mutant: Mutant = MUTANTS[number]
    return f"{mutant.safeguard}: {mutant.without}", caught(mutant, start, MUTANT_SEEDS_MAX)


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof.simulation")
    parser.add_argument("--seeds", type=int, default=500)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, help="this one only, with its trace")
    parser.add_argument("--pull", action="store_true", help="with --seed: a pull, not a push")
    parser.add_argument("--daemon", action="store_true", help="a daemon's lane and its sources")
    parser.add_argument("--planned", action="store_true", help="a plan, while somebody else writes")
    parser.add_argument("--mutants", action="store_true", help="with each safeguard switched off")
    given = parser.parse_args()
    only: Kind | None = "daemon" if given.daemon else "planned" if given.planned else None
    if given.seed is not None:
        return _show(given.seed, only or ("pull" if given.pull else "push"), smaller=True)
    if given.mutants:
        return _mutants(given.start, given.jobs)
    return _many(given.start, given.seeds, given.jobs, only=only)


if __name__ == "__main__":
    sys.exit(main())
