"""Pulls that are killed again and again among faults; then all of it has to be there,
once.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

from tests.e2e.test_pull_kills import FAULTS, SHORT_PAUSES
from tests.support.mixed import write_mixed
from tests.support.processes import emulator
from tests.support.pulls import held, killed, pull, pull_arguments, wrong

FORMS = ("jsonl", "parquet", "delta")


def kills(count: int = 200_000, times: int = 10, seed: int = 1) -> None:
    """Ends with 1 where anything is lost, doubled or other than in the emulator."""
    failed = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = folder / "syncer.toml"
        config.write_text(SHORT_PAUSES)
        write_mixed(folder / "held.jsonl", count, seed, each=6, large=5000)
        faults = ("--faults", FAULTS, "--seed", str(seed))
        with emulator("--rps", "0", *faults, "--load", f"me/app={folder / 'held.jsonl'}") as remote:
            wanted = held(remote, "app")
            for form in FORMS:
                out, started = folder / f"out.{form}", time.monotonic()
                options = ("--all", "-c", str(config))
                slowly = pull_arguments(remote.url, "app", out, *options, "--rps", "60")
                codes = killed(slowly, folder / f"out.{form}.state", times, random.Random(seed))
                code, summary, stderr = pull(remote.url, "app", out, *options, "--rps", "500")
                differences = wrong(out, form, wanted)
                print(
                    f"{form}: {summary['written']:,} annotations, killed {codes.count(-9)} times,"
                    f" exit code {code}, {len(differences)} differences,"
                    f" {time.monotonic() - started:.0f} s",
                    flush=True,
                )
                if code or differences or codes != [-9] * times:
                    failed += [stderr, *differences]
    if failed:
        sys.exit("\n".join(failed))
