"""`--lane NAME`: a destination of the config, with a state of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.support.lines import post
from tests.support.processes import EmulatorProcess, emulator


@pytest.fixture(scope="module")
def remote() -> Iterator[EmulatorProcess]:
    with emulator("--rps", "0") as running:
        yield running


@pytest.fixture
def lanes(cli: Cli, remote: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """A config of two lanes, and a log with one good line and one bad one."""
    tables = "".join(
        f'[[destinations]]\nname = "{name}"\nbase_url = "{remote.url}"\napp_id = "{name}-app"\n'
        'token_env = "LANES_PAT"\n'
        for name in ("prod", "test")
    )
    Path("syncer.toml").write_text(tables)
    Path("log.jsonl").write_bytes(post("a-1") + b"\nnot a change\n")
    monkeypatch.setenv("LANES_PAT", "token")
    return cli


def test_push_verify_status_and_dead_are_about_the_lane_that_is_named(lanes: Cli) -> None:
    pushed = lanes("push", "log.jsonl", "--lane", "prod", "--json")
    assert (pushed.code, pushed.json()["applied"], pushed.json()["state"]) == (
        3,
        1,
        str(Path(".syncer", "prod")),
    )
    status = lanes("status", "--lane", "prod", "--json").json()
    assert (status["applied"], status["dead"]) == (1, 1)
    assert status["destination"]["app_id"] == "prod-app"
    assert lanes("dead", "list", "--lane", "prod", "--json").json()["line"] == 2
    verified = lanes("verify", "log.jsonl", "--lane", "prod", "--json")
    assert (verified.code, verified.json()["same"]) == (0, 1)
    assert lanes("status", "--lane", "test").code == 2


def test_what_is_queued_again_is_sent_by_a_push_of_that_lane(lanes: Cli) -> None:
    lanes("push", "log.jsonl", "--lane", "test")
    assert "`syncer push --lane test`" in lanes("dead", "retry", "--all", "--lane", "test").err
    assert lanes("dead", "drop", "--all", "--lane", "test", "--json").json()["dropped"] == 1


def test_a_state_that_is_named_is_the_folder_around_those_of_the_lanes(lanes: Cli) -> None:
    pushed = lanes("push", "log.jsonl", "--lane", "prod", "--state", "kept", "--json")
    assert pushed.json()["state"] == str(Path("kept", "prod"))


@pytest.mark.parametrize("command", ["push", "verify", "status", "dead list"])
def test_a_lane_that_is_not_there_exits_2_and_is_told_with_those_that_are(
    lanes: Cli, command: str
) -> None:
    done = lanes(*command.split(), "--lane", "prd", "--json")
    assert done.code == 2
    assert "lane prd: there is no such lane; did you mean prod?" in done.err


def test_a_lane_without_a_token_exits_2_with_its_line(
    lanes: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LANES_PAT")
    done = lanes("push", "log.jsonl", "--lane", "test")
    assert done.code == 2
    assert "syncer.toml:7: destinations[1]: no token: name a file with token_file" in done.err
