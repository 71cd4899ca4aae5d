"""The endpoints of `syncer run`, asked all that their description allows, and much that
it does not, by schemathesis.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from tests.clients.environments import python_of
from tests.e2e.test_run import TABLE, Site, wait_until
from tests.support.lines import post
from tests.support.outbox import insert
from tests.support.processes import ENVIRONMENT, ROOT, command, emulator

HERE = ROOT / "tests" / "endpoints"
DESCRIPTION = ROOT / "syncer" / "daemon" / "page" / "openapi.json"
SECONDS_MAX = 180
TOKENS = {
    "SYNCER_DAEMON_TOKEN": "the-token-of-the-daemon-itself",
    "CLARIFAI_PAT": "the-token-of-the-remote-behind-it",
}
ALLOWED = {"Authorization": f"Bearer {TOKENS['SYNCER_DAEMON_TOKEN']}"}
WANTED = """
[[sources]]
name = "wanted"
kind = "directory"
path = "wanted"
marker = false
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A lane with a table, a folder, and dead letters to come."""
    with emulator("--rps", "0", "--faults", "inputs=must-exist") as remote:
        site = Site(tmp_path, remote)
        site.configure(remote.url, source=TABLE + WANTED)
        (tmp_path / "wanted").mkdir()
        wish = '{"input_id": "k", "annotations": [{"id": "k1"}]}'
        (tmp_path / "wanted" / "k.json").write_text(wish)
        insert(site.table, *map(post, "abcdefgh"))
        yield site


def fuzz(site: Site, *options: str) -> None:
    """Ask the daemon in all ways; fails with what schemathesis found."""
    environment = {**os.environ, **TOKENS, "SCHEMATHESIS_HOOKS": str(HERE / "hooks.py")}
    python = python_of("endpoints", HERE)
    config = ("--config-file", str(HERE / "schemathesis.toml"))
    done = subprocess.run(
        [python, "-m", "schemathesis.cli", *config, "run", *options],
        cwd=site.folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]


def test_whatever_is_asked_is_answered_as_described_and_the_daemon_goes_on(site: Site) -> None:
    """But for `/api/events`, which never ends: what goes wrong there has tests of its
    own.
    """
    said: list[str] = []
    with site.running(**TOKENS) as process:
        assert process.stderr is not None
        listening = Thread(target=lambda: said.extend(process.stderr or ()))
        listening.start()
        wait_until(lambda: '"dead":9' in site.get("/api/status", **ALLOWED)[1])
        site.remote.post("/_emulator/faults", {"faults": ""})
        allowed = ("--header", f"Authorization: {ALLOWED['Authorization']}")
        unasked = ("--exclude-path", "/api/events")
        without = ("--exclude-checks", "nothing_without_a_token")
        fuzz(site, f"{site.url}/api/openapi.json", *allowed, *unasked, *without)
        assert site.get("/healthz") == (200, "alive\n")
        assert site.post("/api/lanes/clarifai/resume", **ALLOWED)[0] == 200
        site.add("the-last-one")
        wait_until(lambda: "the-last-one" in site.held())
        status = subprocess.run(
            command("status"),
            cwd=site.folder,
            env={**ENVIRONMENT, **TOKENS},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        listening.join()
    assert status.returncode in (0, 3), status.stderr
    told = "".join((*said, status.stdout, status.stderr))
    assert "Traceback" not in told, told[-8000:]
    assert not any(token in told for token in TOKENS.values())


def test_without_the_token_only_the_page_and_health_are_answered(site: Site) -> None:
    with site.running(**TOKENS) as process:
        checks = ("--checks", "nothing_without_a_token,no_token_in_answers")
        fuzz(site, str(DESCRIPTION), "--url", site.url, *checks, "--max-examples", "20")
        assert site.post("/api/lanes/clarifai/resume")[0] == 401
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert "Traceback" not in said
