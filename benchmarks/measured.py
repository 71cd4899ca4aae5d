"""Processes, and what they used.

    python measured.py OUT COMMAND…
        runs it on core 0, its output into a file; prints its status, CPU seconds and
        peak resident KB

It is a process of its own, since a child's peak begins with what its parent holds when
it is made.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def cpu_of(
    command: Sequence[str], exit_codes: Sequence[int] = (0,), out: Path | str = os.devnull
) -> tuple[float, int]:
    """(CPU seconds, peak resident KB) of a whole process on core 0, which prints into
    `out`.

    Ends the benchmark where the process ends in another way.
    """
    from tests.support.processes import ENVIRONMENT, ROOT

    path = str(ROOT) if command[0] == sys.executable else ""
    runner = [sys.executable, "-I", __file__, str(out), *command]
    done = subprocess.run(
        runner,
        env={**ENVIRONMENT, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    status, seconds, size = json.loads(done.stdout.splitlines()[-1])
    if status not in [code << 8 for code in exit_codes]:
        sys.exit(f"{list(command[:4])} ended with status {status}")
    return seconds, size


if __name__ == "__main__":
    os.sched_setaffinity(0, {0})
    into = [(os.POSIX_SPAWN_OPEN, 1, sys.argv[1], os.O_WRONLY | os.O_CREAT, 0o600)]
    child = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ, file_actions=into)
    _, ended, used = os.wait4(child, 0)
    print(json.dumps([ended, used.ru_utime + used.ru_stime, used.ru_maxrss]))
