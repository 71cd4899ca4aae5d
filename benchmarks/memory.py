"""Memory of `syncer push`, `verify`, `plan` and `migrate`: does it grow with what
there is? And the CPU of a plan beside that of a verification.

Against a remote that holds nothing itself.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.measured import cpu_of
from syncer.errors import DIFFERENT
from tests.support.endless import endless, write_log
from tests.support.processes import command, push_arguments

BAR = 1.2
"""Times the peak memory at a tenth of the changes."""
PLAN_BAR = 1.5
"""Times the CPU of a verification that a plan of the same labels may take."""


def peaks(count: int) -> dict[str, tuple[float, int]]:
    """(CPU seconds, peak resident KB) of a push of so many changes, of its
    verification, and of a plan that wants the same.
    """
    unlimited = ("--rps", "1000000")
    with tempfile.TemporaryDirectory() as name, endless("taskset", "-c", "1") as url:
        log, state = Path(name) / "log.jsonl", Path(name) / "state"
        write_log(log, count)
        pushed = cpu_of(push_arguments(url, "a", state, [str(log)], *unlimited))
        place = ("--base-url", url, "--app-id", "a", "--state", str(state))
        return {
            "push": pushed,
            "verify": cpu_of(command("verify", *place, *unlimited, "--json"), [DIFFERENT]),
            "plan": cpu_of(
                command("plan", str(log), "--out", f"{name}/plan.jsonl", *place[:4], *unlimited)
            ),
        }


def peak_of_migration(count: int) -> tuple[float, int]:
    """(CPU seconds, peak resident KB) of a migration of so many labels, app to app."""
    with tempfile.TemporaryDirectory() as name, endless("taskset", "-c", "1") as url:
        config = Path(name, "syncer.toml")
        fast = f'base_url = "{url}"\nrequests_per_second = 1000000\n'
        config.write_text(
            f'[migrate.from]\nkind = "clarifai"\napp_id = "exact-{count}"\n{fast}'
            f'[migrate.to]\napp_id = "exact"\n{fast}'
        )
        return cpu_of(command("migrate", "-c", str(config), "--job", f"{name}/job", "--json"))


def flat(small: int = 500_000, large: int = 5_000_000) -> None:
    """Ends with 1 where a bar is missed."""
    before, after = (
        {**peaks(count), "migrate": peak_of_migration(count)} for count in (small, large)
    )
    print(f"lane     MB at {small:,}   MB at {large:,}   times (bar: {BAR})   µs a change")
    for lane, (seconds, size) in after.items():
        less = before[lane][1]
        print(
            f"{lane:7} {less >> 10:14} {size >> 10:17} {size / less:20.2f}"
            f" {seconds / large * 1e6:13.1f}"
        )
    beside = after["plan"][0] / after["verify"][0]
    print(f"a plan takes {beside:.2f} times the CPU of a verification (bar: {PLAN_BAR})")
    if beside > PLAN_BAR or any(size > BAR * before[lane][1] for lane, (_, size) in after.items()):
        sys.exit(1)
