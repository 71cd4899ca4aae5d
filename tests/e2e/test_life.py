"""`syncer run` where it lives: as the first process of a container, on a root that is
read-only, stopped and continued, with another token.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_reload import Lanes
from tests.e2e.test_run import ended, wait_until
from tests.support.lines import post
from tests.support.processes import emulator

pytestmark = pytest.mark.proof

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="namespaces are made by root only")
READ_ONLY = (
    'mount --bind "$1" "$1" && mount -o remount,bind,ro / && cd "$2" && ! touch here 2>/dev/null'
    ' && shift 2 && exec "$@"'
)
"""Starts a command in the second folder, where all but the first one is read-only."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Lanes]:
    with emulator("--rps", "0") as remote:
        yield Lanes(tmp_path, remote)


def first_process(launched: subprocess.Popen[str]) -> int:
    """The daemon's number outside, where it is the first process inside."""
    pid = launched.pid
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    assert Path(f"/proc/{child}/status").read_text().count(f"NSpid:\t{child}\t1\n") == 1
    return int(child)


@needs_root
def test_as_the_first_process_of_a_container_it_reloads_drains_and_stops_at_once(
    site: Lanes,
) -> None:
    """Such a process gets only the signals that it handles."""
    site.launcher = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
    site.log("a", *(f"a{n}" for n in range(300)))
    with site.running() as launched:
        daemon = first_process(launched)
        wait_until(lambda: len(site.ids("a")) > 0)
        os.kill(daemon, signal.SIGHUP)
        wait_until(lambda: site.reloads()["unchanged"] == 1)
        os.kill(daemon, signal.SIGTERM)
        code, said = ended(launched)
    assert (code, "drained" in said) == (0, True)
    site.remote.post("/_emulator/faults", {"faults": "hang=1"})
    site.log("b", "b1")
    with site.running() as launched:
        daemon = first_process(launched)
        wait_until(lambda: site.status()["lanes"][1]["in_flight"] == 1)
        for _ in range(2):
            os.kill(daemon, signal.SIGTERM)
            time.sleep(0.1)
        code, said = ended(launched)
    assert (code, "had finished what was in flight" in said) == (1, True)


@needs_root
def test_it_needs_no_file_system_to_write_to_but_that_of_its_state(site: Lanes) -> None:
    state = site.folder / ".syncer"
    state.mkdir()
    site.launcher = (
        *("unshare", "--mount", "sh", "-c", READ_ONLY, "sh"),
        *(str(state), str(site.folder)),
    )
    site.log("a", "a1")
    with site.running() as process:
        wait_until(lambda: site.post("/api/changes?lane=b", post("b1"))[0] == 202)
        wait_until(lambda: (site.ids("a"), site.ids("b")) == (["a1"], ["b1"]))
        assert site.dead("retry", "--all", "--lane", "a")[0] == 0
        site.write(apps="a b c")
        assert site.reload()[0] == 200
        site.log("c", "c1")
        wait_until(lambda: site.ids("c") == ["c1"])
        process.send_signal(signal.SIGTERM)
        assert ended(process)[0] == 0


def test_a_token_that_is_replaced_while_it_runs_is_taken_without_a_reload(site: Lanes) -> None:
    token = site.folder / "token"
    token.write_text("refused-token")
    config = site.folder / "syncer.toml"
    config.write_text(
        config.read_text().replace('token_env = "CLARIFAI_PAT"', 'token_file = "token"', 1)
    )
    site.log("a", "a1")
    site.log("b", "b1")
    with site.running():
        wait_until(lambda: site.ids("b") == ["b1"])
        wait_until(lambda: "refused" in site.status()["lanes"][0]["reason"])
        token.write_text("")
        assert site.reload()[0] == 200  # what did not change is not looked at
        token.write_text("another-token")
        wait_until(lambda: site.ids("a") == ["a1"])
        wait_until(lambda: site.status()["lanes"][0]["state"] == "open")
        assert site.status()["lanes"][0]["dead"] == 0
