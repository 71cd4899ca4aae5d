"""The environments of the official clients: each in its own, from a committed lock,
made once and kept.

    python tests/clients/environments.py        makes them all

They cannot be one: annotell-input-api needs pydantic 1, kognic-io pydantic 2, and three
versions of the former are looked at.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
KEPT = HERE.parents[1] / ".clients"
NAMES = sorted(lock.stem for lock in HERE.glob("*.lock"))


def python_of(name: str, locks: Path = HERE) -> Path:
    """The interpreter of a client's environment, which is made where it is not there
    yet. `locks`: the folder of its lock.
    """
    lock = locks / f"{name}.lock"
    version = sys.version.split()[0]
    folder = (
        KEPT / f"{name}-{hashlib.sha256(lock.read_bytes() + version.encode()).hexdigest()[:16]}"
    )
    python = folder / "bin" / "python"
    KEPT.mkdir(exist_ok=True)
    with (KEPT / f"{folder.name}.making").open("w") as making:
        # several test processes may want it at the same time
        fcntl.flock(making, fcntl.LOCK_EX)
        if not (folder / "made").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _run(sys.executable, "-m", "venv", str(folder))
            pip = ("-m", "pip", "--disable-pip-version-check", "--quiet", "install")
            _run(
                str(python),
                *pip,
                "--require-hashes",
                "--no-deps",
                "--only-binary",
                ":all:",
                "-r",
                str(lock),
            )
            (folder / "made").touch()
    return python


def _run(*command: str) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": ""}
    )
    if done.returncode:
        raise RuntimeError(
            f"{' '.join(command[:4])} … ended with {done.returncode}:\n{done.stderr[-2000:]}"
        )


if __name__ == "__main__":
    for each in NAMES:
        sys.stdout.write(f"{python_of(each)}\n")
