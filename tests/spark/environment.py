"""An interpreter with pyspark, in an environment of its own from a committed lock, made
once and kept; and Java.

    python tests/spark/environment.py        makes it

It is not the environment of the other tests: pyspark is half a gigabyte, and a user's
own code never has it beside syncer by chance.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
KEPT = ROOT / ".spark"
LOCK = HERE / "requirements.lock"
JAVA = "openjdk-17-jre-headless"
BUILDERS = re.compile(r"^(?:setuptools|wheel|packaging)==.*(?:\n +--hash.*)+", re.MULTILINE)
"""What pyspark, which comes as source, is built with: installed first, so that nothing
unpinned is fetched for it.
"""


def python() -> Path:
    """The interpreter, made where it is not there yet.

    Raises RuntimeError that says what failed.
    """
    version = sys.version.split()[0]
    folder = KEPT / hashlib.sha256(LOCK.read_bytes() + version.encode()).hexdigest()[:16]
    KEPT.mkdir(exist_ok=True)
    with (KEPT / f"{folder.name}.making").open("w") as making:
        # several test processes may want it at the same time
        fcntl.flock(making, fcntl.LOCK_EX)
        _java()
        if not (folder / "made").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _run(sys.executable, "-m", "venv", str(folder))
            builders = folder / "builders.lock"
            builders.write_text("\n".join(BUILDERS.findall(LOCK.read_text("utf-8"))))
            pip = (
                str(folder / "bin" / "python"),
                "-m",
                "pip",
                "--disable-pip-version-check",
                "--quiet",
                "install",
                "--no-build-isolation",
            )
            _run(*pip, "--require-hashes", "-r", str(builders))
            _run(*pip, "--require-hashes", "-r", str(LOCK))
            _run(*pip, "--no-deps", "-e", str(ROOT))
            (folder / "made").touch()
    return folder / "bin" / "python"


def _java() -> None:
    if shutil.which("java"):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise RuntimeError(
            "Spark needs Java 17 or newer, and there is no java on the PATH: install it (Debian:"
            f" apt-get install {JAVA})"
        )
    _run("apt-get", "update", "-qq")
    _run("apt-get", "install", "-y", "-qq", "--no-install-recommends", JAVA)


def _run(*command: str) -> None:
    environment = {**os.environ, "PYTHONPATH": "", "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise RuntimeError(
            f"{' '.join(command[:4])} … ended with {done.returncode}:\n{done.stderr[-2000:]}"
        )


if __name__ == "__main__":
    sys.stdout.write(f"{python()}\n")
