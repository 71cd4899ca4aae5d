"""`syncer run` takes another config while it runs: an operator edits the file and sends
SIGHUP, or asks over HTTP.
"""

from __future__ import annotations

import json
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_run import SECONDS_MAX, Site, ended, wait_until
from tests.support.lines import post
from tests.support.processes import EmulatorProcess, emulator

PROCESS = """
[push]
requests_per_second = 100

[retry]
base_seconds = 0.1
cap_seconds = 0.5

[daemon]
listen = "127.0.0.1:0"
drain_seconds = 2
"""


class Lanes(Site):
    """A site with a config of destinations."""

    def __init__(self, folder: Path, remote: EmulatorProcess) -> None:
        super().__init__(folder, remote)
        self.write()

    def write(self, *, apps: str = "a b", process: str = PROCESS, more: str = "") -> None:
        """A lane for each app, of its name, or of NAME=APP; each follows NAME.jsonl.
        The file is replaced as a whole.
        """
        named = [one.partition("=") for one in apps.split()]
        tables = "".join(
            f"""
[[destinations]]
name = "{name}"
base_url = "{self.remote.url}"
app_id = "{app or name}"
token_env = "CLARIFAI_PAT"

[[sources]]
name = "log-{name}"
kind = "changelog"
lane = "{name}"
path = "{name}.jsonl"
poll_seconds = 0.05
"""
            for name, _, app in named
        )
        new = self.folder / "new.toml"
        new.write_text(process + tables + more)
        new.replace(self.folder / "syncer.toml")

    def log(self, name: str, *ids: str) -> None:
        with (self.folder / f"{name}.jsonl").open("ab") as file:
            file.write(b"".join(post(id) + b"\n" for id in ids))

    def reload(self) -> tuple[int, dict[str, Any]]:
        code, text = self.post("/api/reload")
        return code, json.loads(text)

    def status(self) -> dict[str, Any]:
        return dict(json.loads(self.get("/api/status")[1]))

    def lane_names(self) -> list[str]:
        return [lane["name"] for lane in self.status()["lanes"]]

    def ids(self, app: str) -> list[str]:
        return sorted(one["id"] for one in self.remote.held(app))

    def reloads(self) -> dict[str, int]:
        """How many there were, by their result."""
        metric = "syncer_config_reload_total"
        lines = [one for one in self.get("/metrics")[1].splitlines() if one.startswith(metric)]
        return {line.split('"')[1]: int(float(line.split()[1])) for line in lines}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Lanes]:
    with emulator("--rps", "0") as remote:
        yield Lanes(tmp_path, remote)


def outcome(**members: Any) -> dict[str, Any]:
    return {
        "result": "ok",
        "restarted": [],
        "added": [],
        "removed": [],
        "needs_restart": [],
        "error": None,
        **members,
    }


def test_only_the_lanes_that_changed_are_restarted_and_what_is_removed_keeps_its_state(
    site: Lanes,
) -> None:
    site.log("a", "a1")
    site.log("b", "b1")
    site.log("c", "c1")
    with site.running() as process:
        wait_until(lambda: site.ids("a") == ["a1"] and site.ids("b") == ["b1"])
        assert site.reload() == (200, outcome(result="unchanged"))
        site.write(apps="a c")
        assert site.reload() == (200, outcome(added=["c"], removed=["b"]))
        assert site.lane_names() == ["a", "c"]
        site.log("a", "a2")
        site.log("b", "b2")
        wait_until(lambda: site.ids("c") == ["c1"] and site.ids("a") == ["a1", "a2"])
        assert site.post("/api/changes?lane=b", post("x"))[0] == 404
        assert site.ids("b") == ["b1"]
        site.write(apps="b c")
        assert site.reload() == (200, outcome(added=["b"], removed=["a"]))
        wait_until(lambda: site.ids("b") == ["b1", "b2"])
        assert site.reloads() == {"ok": 2, "unchanged": 1, "failed": 0}
        process.send_signal(signal.SIGTERM)
        code, said = ended(process)
    assert code == 0
    assert "lane b: removed; its state stays in .syncer/b" in said


def test_a_hangup_adds_a_source_and_keeps_a_pause_by_hand(site: Lanes) -> None:
    site.log("a", "a1")
    with site.running() as process:
        wait_until(lambda: site.ids("a") == ["a1"])
        assert site.post("/api/lanes/b/pause")[0] == 200
        table = '[[sources]]\nname = "{0}"\nkind = "changelog"\nlane = "{1}"\npath = "{0}.jsonl"\n'
        site.write(more=table.format("extra", "a") + table.format("b2", "b"))
        site.log("extra", "e1")
        site.log("b2", "held")
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: site.ids("a") == ["a1", "e1"])
        wait_until(lambda: site.reloads()["ok"] == 1)
        (_, lane) = site.status()["lanes"]
        assert (lane["state"], "by hand" in lane["reason"]) == ("paused", True)
        assert site.ids("b") == []


@pytest.mark.parametrize(
    ("apps", "process", "why"),
    [
        ("a b", PROCESS.replace("100", '"fast"'), "requests_per_second"),
        ("a b=another", PROCESS, "give the new one a name of its own"),
        ("a b", PROCESS.replace("127.0.0.1:0", "0.0.0.0:9464"), "SYNCER_DAEMON_TOKEN"),
    ],
)
def test_a_config_that_is_bad_or_gives_a_lane_another_app_changes_nothing_and_is_told(
    apps: str, process: str, why: str, site: Lanes
) -> None:
    with site.running() as daemon:
        site.write(apps=f"{apps} c", process=process)
        code, told = site.reload()
        assert (code, told["result"], told["added"]) == (422, "failed", [])
        assert why in told["error"]
        assert site.lane_names() == ["a", "b"]
        (check,) = site.status()["checks"]
        assert (check["name"], check["status"], why in check["message"]) == (
            "config",
            "error",
            True,
        )
        site.log("b", "b1")
        wait_until(lambda: site.ids("b") == ["b1"])
        (site.folder / "syncer.toml").unlink()
        daemon.send_signal(signal.SIGHUP)
        wait_until(lambda: site.reloads() == {"ok": 0, "unchanged": 0, "failed": 2})
        site.write()
        assert site.reload() == (200, outcome(result="unchanged"))
        assert site.status()["checks"] == []
        daemon.send_signal(signal.SIGTERM)
        code, said = ended(daemon)
    assert (code, why in said, "cannot be read" in said) == (0, True, True)


def test_what_needs_a_restart_of_the_process_is_named_and_the_rest_is_taken(site: Lanes) -> None:
    with site.running():
        process = PROCESS.replace(":0", ":1") + '[state]\ndir = "elsewhere"\n'
        site.write(apps="a b c", process=process)
        keys = ["daemon.listen", "state.dir"]
        assert site.reload() == (200, outcome(added=["c"], needs_restart=keys))
        assert site.reload() == (200, outcome(needs_restart=keys))
        (check,) = site.status()["checks"]
        assert (check["status"], "daemon.listen, state.dir" in check["message"]) == (
            "warning",
            True,
        )
        wait_until(lambda: (site.folder / ".syncer" / "c" / "journal").exists())
        assert not (site.folder / "elsewhere").exists()


@pytest.mark.proof
def test_a_lane_in_an_outage_is_reloaded_at_once_and_one_that_hangs_after_the_drain(
    site: Lanes,
) -> None:
    """Requests that hang are given up after drain_seconds, and asked after later."""
    with emulator("--rps", "0") as gone:
        address = gone.url
    site.remote.url, there = address, site.remote.url
    site.write()
    site.log("a", *(f"a{n}" for n in range(300)))
    with site.running():
        wait_until(lambda: "cannot be reached" in site.status()["lanes"][0]["reason"])
        site.write(process=PROCESS.replace("100", "50"))
        began = time.monotonic()
        assert site.reload() == (200, outcome(restarted=["a", "b"]))
        assert time.monotonic() - began < 1.5
        with emulator(
            "--rps", "0", "--faults", "hang=1", "--port", address.rpartition(":")[2]
        ) as remote:
            wait_until(lambda: site.status()["lanes"][0]["in_flight"] > 0)
            site.write(process=PROCESS)
            began = time.monotonic()
            assert site.reload() == (200, outcome(restarted=["a", "b"]))
            assert time.monotonic() - began < 2.0 + 1.5
            remote.post("/_emulator/faults", {"faults": ""})
            wait_until(lambda: len(remote.held("app")) == 0 and len(remote.held("a")) == 300)
            lane = site.status()["lanes"][0]
            wait_until(lambda: site.status()["lanes"][0]["applied"] == 300)
            assert lane["dead"] == 0
    site.remote.url = there


def test_the_service_manager_is_told_when_a_reload_begins_and_ends(site: Lanes) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(site.folder / "notify"))
        manager.settimeout(SECONDS_MAX)
        with site.running(NOTIFY_SOCKET=str(site.folder / "notify")) as process:
            assert manager.recv(100) == b"READY=1"
            process.send_signal(signal.SIGHUP)
            assert manager.recv(100).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
            assert manager.recv(100) == b"READY=1"
            process.send_signal(signal.SIGTERM)
            assert manager.recv(100) == b"STOPPING=1"


@pytest.mark.proof
def test_a_storm_of_hangups_under_load_loses_nothing_and_the_last_config_holds(site: Lanes) -> None:
    ids = [f"a{n:04}" for n in range(400)]
    with site.running() as process:
        for start in range(0, 400, 20):
            site.log("a", *ids[start : start + 20])
            rate = 100 + start
            apps = "a b" if start % 40 else "b a c"
            site.write(apps=apps, process=PROCESS.replace("100", str(rate)))
            for _ in range(10):
                process.send_signal(signal.SIGHUP)
                time.sleep(0.002)
        wait_until(lambda: site.ids("a") == ids)
        wait_until(lambda: site.lane_names() == ["a", "b"])
        wait_until(lambda: site.status()["lanes"][0]["rate_limit"] == 480)
        assert site.reloads()["failed"] == 0
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGHUP)
        assert ended(process)[0] == 0
