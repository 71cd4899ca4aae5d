"""A pause that the remote asked for outlives the process: `status` shows it, and `state
resume` lifts it, of pushes and pulls.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from syncer.core.facts import OPEN, Destination
from syncer.journal.checkpoint import Checkpoint, read
from syncer.journal.disk import REAL
from syncer.journal.journal import Journal
from tests.cli.bench import Bench
from tests.cli.conftest import Cli
from tests.cli.test_state import post
from tests.support.processes import EmulatorProcess, emulator

YEARS = 40 * 365 * 86400.0


@pytest.fixture(scope="module")
def remote() -> Iterator[EmulatorProcess]:
    with emulator("--rps", "0") as running:
        yield running


class PauseBench(Bench):
    """A push and a pull of one app, with their states."""

    def push(self) -> tuple[int, Any]:
        done = self.cli(
            "push",
            str(self.log),
            *self.of_app,
            "--state",
            str(self.state),
            "--no-progress",
            "--json",
        )
        return done.code, json.loads(done.out)

    def pull(self) -> tuple[int, Any]:
        out = str(self.folder / "out.jsonl")
        done = self.cli(
            "pull",
            "clarifai",
            "--out",
            out,
            *self.of_app,
            "--state",
            str(self.folder / "pulled"),
            "--no-progress",
            "--json",
        )
        return done.code, json.loads(done.out)

    @property
    def of_app(self) -> tuple[str, ...]:
        return ("--base-url", self.remote.url, "--app-id", self.app, "-c", str(self.configured))

    @property
    def configured(self) -> Path:
        return self.folder / "syncer.toml"

    def json(self, *arguments: str) -> dict[str, Any]:
        done = self.cli(*arguments, "--json")
        assert done.code == 0, done.err
        return json.loads(done.out)  # type: ignore[no-any-return]

    def keep(self, destination: Destination) -> None:
        """Write a pause into the state of the push, as an earlier run would have."""
        journal = Journal.open(self.state, None)
        try:
            journal.commit([destination])
        finally:
            journal.close()


@pytest.fixture
def bench(
    cli: Cli, remote: EmulatorProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> PauseBench:
    made = PauseBench(cli, remote, tmp_path)
    monkeypatch.setenv("CLARIFAI_PAT", "a-token")
    made.configured.write_text("")
    made.faults("")
    made.write(post("a"), post("b"))
    return made


def seconds_until(text: str) -> float:
    return datetime.fromisoformat(text).timestamp() - time.time()


def test_a_push_that_is_asked_to_wait_for_decades_ends_and_names_the_way_out_which_status_names_too(
    bench: PauseBench,
) -> None:
    bench.faults("throttle=1,retry-after=huge")
    code, summary = bench.push()
    lift = f"syncer state resume --state {bench.state}"
    assert (code, summary["applied"], summary["dead"]) == (1, 0, 0)
    assert f"or lift the pause with `{lift}` first" in summary["error"]
    bench.faults("")
    assert bench.push()[0] == 1
    assert seconds_until(
        bench.json("status", "--state", str(bench.state))["paused_until"]
    ) == pytest.approx(999_999_999, abs=60)
    assert (
        f"throttled by the remote; lift the pause with `{lift}`"
        in bench.cli("status", "--state", str(bench.state)).out
    )
    resumed = bench.json("state", "resume", "--state", str(bench.state))
    assert resumed.keys() == {"state", "resumed", "paused_until"}
    assert resumed["resumed"]
    assert bench.json("status", "--state", str(bench.state))["paused_until"] is None
    code, summary = bench.push()
    assert (code, summary["applied"]) == (0, 2)


def test_a_pull_that_is_asked_to_wait_for_decades_ends_and_its_pause_is_lifted_in_the_same_way(
    bench: PauseBench,
) -> None:
    assert bench.push()[0] == 0
    bench.faults("throttle=1,retry-after=huge")
    code, summary = bench.pull()
    folder = bench.folder / "pulled"
    assert code == 1
    assert f"`syncer state resume --state {folder}`" in summary["error"]
    bench.faults("")
    assert bench.pull()[0] == 1
    status = bench.json("status", "--state", str(folder))
    assert (status["written"], status["done"], status["locked_by"]) == (0, False, None)
    assert seconds_until(status["paused_until"]) == pytest.approx(999_999_999, abs=60)
    assert (
        f"lift the pause with `syncer state resume --state {folder}`"
        in bench.cli("status", "--state", str(folder)).out
    )
    assert bench.json("state", "resume", "--state", str(folder))["resumed"]
    found = read(folder)
    assert isinstance(found, Checkpoint)
    assert found.destination == OPEN
    code, summary = bench.pull()
    assert (code, summary["written"]) == (0, 2)
    assert bench.cli("status", "--state", str(folder)).out.splitlines()[2:] == [
        "fetched 2: written 2, unreadable 0; done"
    ]


@pytest.mark.parametrize("asked_seconds", [0.4, None])
def test_a_pause_written_while_the_clock_was_years_ahead_holds_no_push_for_longer_than_was_asked(
    bench: PauseBench, asked_seconds: float | None
) -> None:
    """Without that, as in states of before, no longer than a push would wait at all."""
    bench.configured.write_text("[retry]\ngive_up_seconds = 0.5\n")
    assert bench.push()[0] == 0
    bench.write(post("c"))
    bench.keep(Destination("paused", time.time() + YEARS, "throttled by the remote", asked_seconds))
    assert (
        0
        < seconds_until(
            bench.json("status", "--state", str(bench.state), "-c", str(bench.configured))[
                "paused_until"
            ]
        )
        <= 0.5
    )
    begun = time.monotonic()
    code, summary = bench.push()
    assert (code, summary["applied"]) == (0, 1)
    assert time.monotonic() - begun >= (asked_seconds or 0.5)


def test_resuming_a_state_without_a_pause_does_nothing(bench: PauseBench) -> None:
    assert bench.push()[0] == 0
    before = (bench.state / "journal").read_bytes()
    assert bench.json("state", "resume", "--state", str(bench.state)) == {
        "state": str(bench.state),
        "resumed": False,
        "paused_until": None,
    }
    assert (bench.state / "journal").read_bytes() == before
    assert (
        bench.cli("state", "resume", "--state", str(bench.state)).out
        == f"{bench.state}: not paused; nothing was done\n"
    )


def test_a_state_that_is_in_use_is_not_resumed(bench: PauseBench) -> None:
    assert bench.push()[0] == 0
    assert bench.pull()[0] == 0
    for folder in (bench.state, bench.folder / "pulled"):
        lock = REAL.lock(folder / "lock")
        try:
            done = bench.cli("state", "resume", "--state", str(folder))
        finally:
            lock.release()
        assert done.code == 1
        assert re.search(r"is in use by process \d+", done.err) or "locked" in done.err, done.err


def test_a_folder_without_a_state_cannot_be_resumed(bench: PauseBench) -> None:
    done = bench.cli("state", "resume", "--state", str(bench.folder / "none"))
    assert (done.code, "no state at" in done.err) == (2, True)
    assert not (bench.folder / "none").exists()


def test_verify_keeps_to_the_pause_of_the_state_that_it_reads(bench: PauseBench) -> None:
    assert bench.push()[0] == 0
    verify = ("verify", *bench.of_app, "--state", str(bench.state), "--json")
    bench.keep(Destination("paused", time.time() + 0.7, "throttled by the remote", 0.7))
    begun = time.monotonic()
    assert bench.cli(*verify).code == 0
    assert time.monotonic() - begun >= 0.6
    bench.keep(Destination("paused", time.time() + 4000, "throttled by the remote", 4000))
    before = bench.remote.get("/_emulator/report")["requests"]
    done = bench.cli(*verify)
    assert (
        done.code,
        f"`syncer state resume --state {bench.state}`" in json.loads(done.out)["error"],
    ) == (1, True)
    assert bench.remote.get("/_emulator/report")["requests"] == before


def test_a_clock_that_was_set_back_makes_nothing_pending_for_less_than_no_time(
    bench: PauseBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.configured.write_text(
        "[retry]\nbase_seconds = 0.02\ncap_seconds = 0.1\ngive_up_seconds = 0.3\n"
    )
    bench.faults("error=1")
    assert bench.push()[0] == 1
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now - YEARS)
    status = bench.json("status", "--state", str(bench.state))
    assert (status["retrying"] + status["in_doubt"], status["oldest_pending_seconds"]) == (2, 0.0)


def test_a_pause_until_the_end_of_days_can_be_shown_and_lifted(bench: PauseBench) -> None:
    assert bench.push()[0] == 0
    bench.keep(Destination("paused", 1e18, "throttled by the remote", 1e17))
    assert (
        bench.json("status", "--state", str(bench.state))["paused_until"]
        == "9999-12-31T23:59:59.000Z"
    )
    (state,) = [
        line
        for line in bench.cli("state", "export", "--state", str(bench.state)).out.splitlines()
        if '"record":"state"' in line
    ]
    assert json.loads(state)["pause"] == {
        "until": "9999-12-31T23:59:59.000Z",
        "asked_seconds": 1e17,
        "reason": "throttled by the remote",
    }
    bench.write(post("c"))
    code, summary = bench.push()
    assert (code, "9999-12-31" in summary["error"]) == (1, True)
    assert bench.json("state", "resume", "--state", str(bench.state))["resumed"]
    assert bench.push()[0] == 0
