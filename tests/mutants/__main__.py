"""`make mutants`: bugs are planted one at a time, drawn from a seed, and the tests of
the part are to notice each.

    SEED=1 COUNT=400 PARTS=engine,journal JOBS=1 make mutants

Nothing is planted in the checkout: each process works on a copy. What came of a mutant
is kept in .mutants/, so that a run that was interrupted goes on; a mutant that survived
is tried again once a test of its part has changed, any mutant once its module has. It
ends with 1 where fewer than nine in ten were noticed, and names those that were not,
with their differences. A mutant that makes the tests run for more than a minute was
noticed.
"""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed

from tests.mutants.kept import Kept
from tests.mutants.parts import PARTS
from tests.mutants.sample import Mutant, sample
from tests.mutants.trial import Copies, Outcome

SHARE_MIN = 0.9


def main() -> None:
    """Draw, try, tell."""
    seed, count = int(os.environ.get("SEED") or 1), int(os.environ.get("COUNT") or 400)
    jobs = int(os.environ.get("JOBS") or 1)
    names = (os.environ.get("PARTS") or ",".join(PARTS)).split(",")
    if unknown := [name for name in names if name not in PARTS]:
        sys.exit(f"no part {unknown[0]}: one of {', '.join(PARTS)}")
    mutants = sample(seed, count, names)
    kept = Kept()
    outcomes = {mutant: outcome for mutant in mutants if (outcome := kept.of(mutant)) is not None}
    left = [mutant for mutant in mutants if mutant not in outcomes]
    print(
        f"seed {seed}: {len(mutants)} mutants of {', '.join(names)}; what came of {len(outcomes)}"
        " is known",
        flush=True,
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with Copies(jobs) as copies, ThreadPoolExecutor(jobs) as threads:
        if left:
            copies.check(sorted({mutant.part for mutant in left}))
        trials = {threads.submit(copies.tried, mutant): mutant for mutant in left}
        try:
            for trial in as_completed(trials):
                mutant, outcome = trials[trial], trial.result()
                outcomes[mutant] = outcome
                kept.keep(mutant, outcome)
                where = f"{mutant.path}:{mutant.line} {mutant.operator}"
                print(
                    f"{len(outcomes):4}/{len(mutants)}  {outcome.how:9} {outcome.seconds:5.1f} s "
                    f" {where}",
                    flush=True,
                )
        except KeyboardInterrupt:
            threads.shutdown(wait=False, cancel_futures=True)
            copies.end()
            sys.exit("interrupted: the same command goes on from here")
    sys.exit(tell(mutants, outcomes))


def tell(mutants: list[Mutant], outcomes: dict[Mutant, Outcome]) -> int:
    """Survivors with their differences, then a line for each part. The exit code."""
    survivors = [mutant for mutant in mutants if outcomes[mutant].how == "survived"]
    for mutant in survivors:
        print(
            f"\n{mutant.part}: {mutant.path}:{mutant.line} {mutant.operator}\n{mutant.difference()}"
        )
    counts = Counter((mutant.part, outcomes[mutant].how) for mutant in mutants)
    print(
        f"\n{'part':9} {'mutants':>8} {'noticed':>8} {'of these by time':>17} {'survived':>9}"
        f" {'share':>7}"
    )
    for name in (*PARTS, "all"):
        killed, late, survived = (
            sum(
                number
                for (part, what), number in counts.items()
                if what == how and name in (part, "all")
            )
            for how in ("killed", "timed out", "survived")
        )
        if total := killed + late + survived:
            print(
                f"{name:9} {total:8} {killed + late:8} {late:17} {survived:9}"
                f" {(killed + late) / total:7.1%}"
            )
    return int(len(survivors) > (1 - SHARE_MIN) * len(mutants))


if __name__ == "__main__":
    main()
