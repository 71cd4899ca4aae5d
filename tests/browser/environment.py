"""The environment of the browser's driver: made once, from its lock."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.clients.environments import python_of

HERE = Path(__file__).parent
CHROMIUM = Path("/usr/bin/chromium")


def drive(what: str, url: str, more: str) -> dict[str, Any]:
    """What the driver saw; without a browser the test is skipped."""
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not installed: apt-get install chromium")
    done = subprocess.run(
        [python_of("browser", HERE), HERE / "drive.py", what, url, more],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen
