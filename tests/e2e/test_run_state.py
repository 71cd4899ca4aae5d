"""`syncer state forget` and `move` beside a daemon that holds the state."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_run import SECONDS_MAX, Site, ended, wait_until
from tests.support.lines import post
from tests.support.processes import ENVIRONMENT, command, emulator

pytestmark = pytest.mark.proof


class Logs(Site):
    """A folder of logs that are followed."""

    def append(self, name: str, *ids: str) -> Path:
        path = self.folder / "changes" / name
        with path.open("ab") as file:
            file.write(b"".join(post(id) + b"\n" for id in ids))
        return path

    def begin(self, *arguments: str) -> subprocess.Popen[bytes]:
        """`syncer state`, under way."""
        return subprocess.Popen(
            command("state", *arguments, "--json"),
            cwd=self.folder,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def state(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """`syncer state`: its exit code, and its JSON."""
        return answer(self.begin(*arguments))

    def faults(self) -> list[str]:
        return [check["message"] for check in self.source()["checks"]]


def answer(process: subprocess.Popen[bytes]) -> tuple[int, dict[str, Any]]:
    out, error = process.communicate(timeout=SECONDS_MAX)
    assert b"Traceback" not in error
    return process.returncode, json.loads(out)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Logs]:
    with emulator("--rps", "0") as remote:
        made = Logs(tmp_path, remote)
        (tmp_path / "changes").mkdir()
        made.follow_logs("changes")
        yield made


def test_a_log_that_was_cut_is_read_from_its_start_once_it_is_forgotten(site: Logs) -> None:
    log = site.append("x.jsonl", "a", "b")
    site.append("y.jsonl", "z")
    with site.running() as process:
        wait_until(lambda: site.held() == ["a", "b", "z"])
        log.write_bytes(post("c") + b"\n")
        wait_until(lambda: bool(site.faults()))
        code, told = site.state("forget", "labels/x.jsonl")
        assert (code, told["forgotten"]) == (0, ["labels/x.jsonl"])
        wait_until(lambda: "c" in site.held())
        wait_until(lambda: site.faults() == [])
        site.append("x.jsonl", "d")
        site.append("y.jsonl", "y")
        wait_until(lambda: site.held() == ["a", "b", "c", "d", "y", "z"])
        process.send_signal(signal.SIGTERM)
        assert ended(process)[0] == 0


def test_a_log_is_named_by_its_path_in_the_folder_of_who_names_it(site: Logs) -> None:
    site.append("x.jsonl", "a")
    with site.running():
        wait_until(lambda: site.held() == ["a"])
        code, told = site.state("forget", "changes/../changes/x.jsonl")
        assert (code, told["forgotten"]) == (0, ["labels/x.jsonl"])


def test_a_log_goes_on_where_it_was_under_the_path_that_it_is_given(site: Logs) -> None:
    log, old = site.append("x.jsonl", "a", "b"), site.folder / "old.jsonl"
    with site.running():
        wait_until(lambda: site.held() == ["a", "b"])
        old.write_bytes(log.read_bytes())
        log.unlink()
        code, told = site.state("move", "labels/x.jsonl", "old.jsonl")
        assert (code, told) == (0, {"moved": "labels/x.jsonl", "to": "old.jsonl", "is_there": True})
        old.rename(site.folder / "changes" / "y.jsonl")
        site.append("y.jsonl", "c")
        wait_until(lambda: site.held() == ["a", "b", "c"])
        wait_until(lambda: site.lane()["read"] == 3)


def test_what_cannot_be_done_is_refused_as_without_a_daemon(site: Logs) -> None:
    site.remote.post("/_emulator/faults", {"faults": "inputs=must-exist"})
    site.append("x.jsonl", "a")
    with site.running():
        wait_until(lambda: site.lane()["dead"] == 1)
        beside = [
            site.state("forget", "other"),
            site.state("forget", "labels/x.jsonl"),
            site.state("forget", "http"),
            site.state("move", "labels/x.jsonl", "-"),
        ]
    alone = [
        site.state("forget", "other"),
        site.state("forget", "labels/x.jsonl"),
        site.state("forget", "http"),
        site.state("move", "labels/x.jsonl", "-"),
    ]
    assert beside == alone
    assert [code for code, _ in beside] == [2, 2, 2, 2]
    errors = [str(told["error"]) for _, told in beside]
    assert "does not know the log other" in errors[0]
    assert "1 dead letter" in errors[1]
    assert "cannot be read again" in errors[2]


def test_a_file_that_is_another_one_is_not_taken_for_the_log(site: Logs) -> None:
    site.append("x.jsonl", "a")
    other = site.folder / "other.jsonl"
    other.write_bytes(post("b") + b"\n")
    with site.running():
        wait_until(lambda: site.held() == ["a"])
        code, told = site.state("move", "labels/x.jsonl", "other.jsonl")
        assert (code, "does not hold all" in str(told["error"])) == (1, True)
        site.append("x.jsonl", "c")
        wait_until(lambda: site.held() == ["a", "c"])


def test_dead_letters_are_given_up_by_force_and_the_log_is_applied_once_more(site: Logs) -> None:
    site.remote.post("/_emulator/faults", {"faults": "inputs=must-exist"})
    site.append("x.jsonl", "a")
    with site.running():
        wait_until(lambda: site.lane()["dead"] == 1)
        site.remote.post("/_emulator/faults", {"faults": ""})
        code, told = site.state("forget", "labels/*.jsonl", "--force")
        assert (code, told) == (0, {"forgotten": ["labels/x.jsonl"], "waiting": 0, "dead": 1})
        wait_until(lambda: site.held() == ["a"])
        assert site.lane()["dead"] == 0


def test_a_daemon_that_is_killed_meanwhile_has_forgotten_all_or_nothing(site: Logs) -> None:
    """It waits for a request that hangs when it is killed."""
    site.remote.post("/_emulator/faults", {"faults": "hang=1"})
    site.append("x.jsonl", "a")
    site.append("y.jsonl", "b")
    with site.running() as process:
        wait_until(lambda: site.lane()["in_flight"] > 0 and len(known_logs(site)) == 2)
        asking = site.begin("forget", "labels/x.jsonl", "labels/y.jsonl")
        time.sleep(1)
        process.kill()
        code, told = answer(asking)
        assert (code, "run the same command again" in str(told["error"])) == (1, True)
    site.remote.post("/_emulator/faults", {"faults": ""})
    code, told = site.state("forget", "labels/x.jsonl", "labels/y.jsonl")
    assert (code, sorted(told["forgotten"])) == (0, ["labels/x.jsonl", "labels/y.jsonl"])
    with site.running():
        wait_until(lambda: site.held() == ["a", "b"])


def known_logs(site: Logs) -> list[str]:
    """The change logs that the state knows."""
    told = subprocess.run(
        command("status", "--json"),
        cwd=site.folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    return [log["path"] for log in json.loads(told.stdout)["logs"] if "jsonl" in log["path"]]
