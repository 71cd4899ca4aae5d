"""Memory: of `syncer push` and `syncer verify` at 500,000 changes and at ten times as many. And the requests of a verification."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.measured import cpu_of
from tests.support.endless import endless, write_log
from tests.support.processes import command, push_arguments

SIZES = (500_000, 5_000_000)
BAR = 1.2
"""Of the smaller one's peak memory."""
UNLIMITED = ("--rps", "1000000")


def memory() -> None:
    """Against a remote that holds nothing, so that all memory is syncer's. Ends with 1 where a bar is missed."""
    peaks: dict[str, list[int]] = {"push": [], "verify": []}
    print("changes     lane      peak MB   µs a change")
    for count in SIZES:
        with tempfile.TemporaryDirectory() as name, endless("taskset", "-c", "1") as url:
            log, state = Path(name) / "log.jsonl", Path(name) / "state"
            write_log(log, count)
            place = ("--base-url", url, "--app-id", "a", "--state", str(state), *UNLIMITED)
            lanes = {"push": push_arguments(url, "a", state, [str(log)], *UNLIMITED), "verify": command("verify", *place, "--json")}
            for lane, arguments in lanes.items():
                seconds, size = cpu_of(arguments)
                peaks[lane].append(size)
                print(f"{count:10,}  {lane:8}  {size >> 10:7}  {seconds / count * 1e6:12.1f}", flush=True)
    missed = [lane for lane, (small, large) in peaks.items() if large > BAR * small]
    for lane, (small, large) in peaks.items():
        print(f"{lane}: {large / small:.2f} times (bar: {BAR})")
    if missed:
        sys.exit(1)
