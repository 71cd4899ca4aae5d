"""`syncer status --input-id I --id A` beside a daemon, and without one."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_run import Site, wait_until
from tests.support.lines import patch, post
from tests.support.outbox import insert
from tests.support.processes import ENVIRONMENT, command, emulator


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with emulator() as remote:
        yield Site(tmp_path, remote)


def ask(site: Site, *arguments: str) -> str:
    told = subprocess.run(
        command("status", "--input-id", "i", *arguments),
        cwd=site.folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return told.stdout


def test_a_daemon_that_holds_the_state_is_asked_and_else_the_files(site: Site) -> None:
    insert(site.table, post("a"), patch("gone"), b"bad")
    with site.running():
        wait_until(lambda: site.lane()["applied"] == 1 and site.lane()["dead"] == 2)
        assert "labels:1: change of a: applied at 20" in ask(site, "--id", "a")
        assert "labels:2: patch of gone: dead" in ask(site, "--id", "gone")
        status, body = site.get("/api/annotations?input_id=i&id=a")
        (step,) = json.loads(body)["changes"]
        assert (status, step["state"], step["source"], step["line"]) == (
            200,
            "applied",
            "labels",
            1,
        )
        assert site.get("/api/annotations?input_id=i&id=nothing")[0] == 404
        assert site.get("/api/annotations?id=a")[0] == 400
    assert "no change of it waits or is dead" in ask(site, "--id", "a")
    (dead,) = json.loads(ask(site, "--id", "gone", "--json"))["changes"]
    assert (dead["state"], dead["line"]) == ("dead", 2)


def test_an_id_needs_its_input(site: Site) -> None:
    told = subprocess.run(
        command("status", "--id", "a"),
        cwd=site.folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (told.returncode, "give --input-id, too" in told.stderr) == (2, True)
