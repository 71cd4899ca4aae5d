"""`make package`: a wheel and an sdist are built, and each installs into an empty
environment and works there.

The wheel is tried on every Python from 3.11 to 3.13 that is there, the sdist on this
one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

ROOT = Path(__file__).parents[2]
VERSIONS = ("3.11", "3.12", "3.13")
PACKAGE_DATA = (
    "syncer/py.typed",
    "syncer/daemon/page/index.html",
    "syncer/daemon/page/openapi.json",
    "label_syncer-{version}.dist-info/licenses/LICENSE",
)


def main() -> None:
    """Build and try; ends with 1, naming the step, where one fails."""
    folder = Path(tempfile.mkdtemp(prefix="package-"))
    try:
        run([sys.executable, "-m", "hatchling", "build", "-d", str(folder)], ROOT)
        (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
        check_contents(wheel)
        for python in found_pythons():
            try_out(python, wheel, folder)
        try_out(sys.executable, sdist, folder)
    finally:
        shutil.rmtree(folder)


def check_contents(wheel: Path) -> None:
    """Every file of the package is in the wheel, the type marker and the licence too,
    and nothing of the tests.
    """
    version = wheel.name.split("-")[1]
    names = set(zipfile.ZipFile(wheel).namelist())
    sources = {str(path.relative_to(ROOT)) for path in (ROOT / "syncer").rglob("*.py")}
    missing = (sources | {name.format(version=version) for name in PACKAGE_DATA}) - names
    strangers = {name for name in names if not name.startswith(("syncer/", "label_syncer-"))}
    if missing or strangers:
        sys.exit(f"{wheel.name}: missing {sorted(missing)}, not of the package {sorted(strangers)}")


def found_pythons() -> Iterator[str]:
    """Yield one Python of each version that is there and starts: on the path, or kept
    by pyenv, whose shims may not start.
    """
    kept = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for version in VERSIONS:
        candidates = [
            shutil.which(f"python{version}"),
            *map(str, sorted(kept.glob(f"{version}.*/bin/python"))),
        ]
        starting = (
            path
            for path in candidates
            if path
            and subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0
        )
        yield from islice(starting, 1)


def try_out(python: str, distribution: Path, folder: Path) -> None:
    """Install into a new environment; the version, the demo and the types are as they
    should be there.
    """
    environment = folder / "environment"
    run([python, "-m", "venv", "--clear", str(environment)], folder)
    inside = str(environment / "bin" / "python")
    run(
        [
            inside,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            str(distribution),
        ],
        folder,
    )
    command = str(environment / "bin" / "syncer")
    version = run([command, "--version"], folder).strip()
    run([command, "demo"], folder)
    run(
        [
            inside,
            "-c",
            (
                "import importlib.resources as r; assert"
                " r.files('syncer').joinpath('py.typed').is_file()"
            ),
        ],
        folder,
    )
    print(
        f"{distribution.name} on {run([inside, '--version'], folder).strip()}: syncer {version}"
        " installs, and its demo is green",
        flush=True,
    )


def run(command: list[str], folder: Path) -> str:
    """Return what a command prints; ends the check where it fails."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "VIRTUAL_ENV")
    }
    done = subprocess.run(
        command, cwd=folder, env=clean, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
