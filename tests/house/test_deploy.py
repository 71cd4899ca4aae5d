"""What `deploy/` holds can be installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from syncer.config.models import Daemon

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "deploy" / "syncer.service"
EXPOSURE_MAX = 2.0
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="this machine has no systemd-analyze"
)


def test_the_unit_gives_a_drain_the_time_that_it_may_take() -> None:
    found = re.search(r"^TimeoutStopSec=(\d+)$", UNIT.read_text(), re.MULTILINE)
    assert found
    assert int(found[1]) > Daemon().drain_seconds


def test_the_unit_checks_the_config_before_it_starts_and_does_not_repeat_a_wrong_one() -> None:
    text = UNIT.read_text()
    assert re.search(r"^ExecStartPre=\S+ config check -c (\S+)$", text, re.MULTILINE)
    assert "\nRestartPreventExitStatus=2\n" in text


def test_the_unit_checks_the_config_before_it_reloads() -> None:
    """A check that fails ends the reload there."""
    check, hang_up = re.findall(r"^ExecReload=\S+ (.*)$", UNIT.read_text(), re.MULTILINE)
    assert check == "config check -c /etc/syncer/syncer.toml"
    assert hang_up == "-HUP $MAINPID"


@needs_systemd
def test_the_unit_is_hardened() -> None:
    told = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", str(UNIT)],
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout
    found = re.search(r"Overall exposure level for syncer.service: ([\d.]+)", told)
    assert found, told
    assert float(found[1]) <= EXPOSURE_MAX


@needs_systemd
def test_systemd_understands_each_line_of_the_unit(tmp_path: Path) -> None:
    """The program itself is not there."""
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/syncer/bin/syncer", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
