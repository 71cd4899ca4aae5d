"""`syncer push` and `syncer pull` ended at random moments until done: nothing lost,
nothing twice, nothing out of order.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.proof.processes.pushes import (
    FAULTS,
    SETTINGS,
    Tally,
    cut_short,
    made,
    moment,
    told,
    until_tallied,
)
from tests.proof.processes.remote import APP, remote
from tests.support.mixed import write_mixed
from tests.support.processes import emulator, started
from tests.support.pulls import held, pull, pull_arguments, wrong

KILLS = int(os.environ.get("SYNCER_PROOF_KILLS", "50"))
KILLS_A_RUN = 10
CHANGES = 9_000
PULL_KILLS = int(os.environ.get("SYNCER_PROOF_PULL_KILLS", "18"))
"""SIGKILL and SIGTERM together, into all forms."""
PULL_KILLS_A_RUN = 5
ANNOTATIONS = 6_000
FORMS = (("out.jsonl", "jsonl"), ("out.parquet", "parquet"), ("out.delta", "delta"))
CODES = {signal.SIGKILL: -signal.SIGKILL, signal.SIGTERM: 128 + signal.SIGTERM}


def killed_push(
    folder: Path, seed: int, *, count: int = CHANGES, times: int = KILLS_A_RUN
) -> Tally:
    """One log, killed so many times, then pushed to its end."""
    with remote(FAULTS, seed=seed, latency_seconds=0.01) as server:
        pushes = made(server, folder / str(seed), count, seed, "--rps", "100", "--batch-size", "32")
        rng = random.Random(seed)
        runs = cut_short(pushes.start, lambda: moment(server, rng, 60, starting=0.3), times)
        last = pushes.run("--rps", "800")
        return Tally(seed, len(runs), pushes.wrong_at_the_end(last), server.faults)


def test_pushes_killed_at_random_moments_among_faults_leave_what_the_log_leaves(
    tmp_path: Path,
) -> None:
    tallies = until_tallied(partial(killed_push, tmp_path), KILLS, KILLS_A_RUN)
    assert told("kills of pushes", tallies) == []
    assert sum(tally.hit for tally in tallies) >= KILLS


def moment_of_a_pull(out: Path, rng: random.Random) -> Callable[[], bool]:
    """About when a page is written, which its checkpoint knows of a little later: one
    of the next ones, and a few milliseconds.
    """
    behind, delay_seconds = rng.randrange(1, 4), rng.random() * 0.006
    sizes: list[int] = []
    seen_at: list[float] = []

    def happened() -> bool:
        size = sum(
            file.stat().st_size
            for file in (out.with_name(out.name + ".part"), *out.glob("_delta_log/*.json"))
            if file.exists()
        )
        if not seen_at and (not sizes or sizes[-1] < size):
            sizes.append(size)
            if len(sizes) > behind:
                seen_at.append(time.monotonic())
        return bool(seen_at) and time.monotonic() >= seen_at[0] + delay_seconds

    return happened


def cut_short_pull(folder: Path, seed: int) -> Tally:
    """One list, its pull ended so many times, then carried on to its end; its form and
    the signal go by the seed.

    The emulator has a process of its own, so that nothing here keeps the signal from
    its moment.
    """
    (name, format_), number = (
        FORMS[seed % 3],
        (signal.SIGTERM, signal.SIGKILL, signal.SIGKILL, signal.SIGKILL)[seed % 4],
    )
    own = folder / str(seed)
    own.mkdir()
    load, config, out = own / "mixed.jsonl", own / "syncer.toml", own / name
    write_mixed(load, ANNOTATIONS, seed, each=1, large=1500)
    config.write_text(SETTINGS)
    with emulator(
        "--rps", "0", "--load", f"me/{APP}={load}", "--faults", FAULTS, "--seed", str(seed)
    ) as server:
        slowly = pull_arguments(server.url, APP, out, "--all", "-c", str(config), "--rps", "150")
        rng = random.Random(seed)
        runs = cut_short(
            lambda: started(slowly), lambda: moment_of_a_pull(out, rng), PULL_KILLS_A_RUN, number
        )
        code, summary, err = pull(server.url, APP, out, "--all", "-c", str(config), "--rps", "300")
        counted = (
            code,
            *(summary.get(part) for part in ("fetched", "written", "duplicates", "unreadable")),
        )
        found = [what for run in runs for what in run.wrong()]
        found += [
            f"exit code {run.code} after {number.name}: {run.err}"
            for run in runs
            if run.code != CODES[number]
        ]
        found += (
            []
            if counted == (0, ANNOTATIONS, ANNOTATIONS, 0, 0)
            else [f"exit code {code}, {summary}: {err}"]
        )
        faults = {
            name: count
            for name, count in server.get("/_emulator/report").items()
            if name.startswith("fault ")
        }
        return Tally(seed, len(runs), found or wrong(out, format_, held(server, APP)), faults)


def test_pulls_ended_at_random_moments_among_faults_hold_each_annotation_once(
    tmp_path: Path,
) -> None:
    """JSON Lines, Parquet and Delta; by SIGKILL and by SIGTERM."""
    tallies = until_tallied(partial(cut_short_pull, tmp_path), PULL_KILLS, PULL_KILLS_A_RUN)
    assert told("SIGKILLs and SIGTERMs of pulls", tallies) == []
    assert sum(tally.hit for tally in tallies) >= PULL_KILLS
