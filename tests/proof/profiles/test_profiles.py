"""Pushes as users run them, against a service where nothing is as by default: a part of
what `make test PROFILE=FILE` does.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.processes import ROOT
from tests.support.profiles import unusual, write_profile

PART = ("test_body_limits.py", "test_push.py")
"""50 s of CPU: all of tests/e2e would take many minutes."""
TURN = 0


def test_pushes_end_right_where_nothing_is_as_by_default(tmp_path: Path) -> None:
    profile = tmp_path / "profile.json"
    write_profile(profile, unusual(TURN))
    options = ("-q", "-m", "not proof", "-p", "no:cacheprovider", "--profile", str(profile))
    files = (f"tests/e2e/{name}" for name in PART)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout
