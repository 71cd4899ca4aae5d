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


def test_the_only_lane_is_meant_where_none_is_named(lanes: Cli) -> None:
    config = Path("syncer.toml").read_text()
    Path("syncer.toml").write_text(config.rpartition("[[destinations]]")[0])
    assert lanes("push", "log.jsonl").code == 3
    assert lanes("status").out.startswith("state        .syncer/prod")
    assert "log.jsonl:2" in lanes("dead", "list").out
    named = lanes("status", "--state", "elsewhere")
    assert (named.code, "no state at elsewhere" in named.err) == (2, True)


def test_of_several_lanes_one_has_to_be_named(lanes: Cli) -> None:
    done = lanes("status")
    assert (done.code, done.err) == (
        2,
        "syncer: there are several lanes: give --lane prod or test\n",
    )


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


def test_show_tells_every_key_of_every_table_and_no_token(
    lanes: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANES_PAT", "hush-hush")
    with Path("syncer.toml").open("a") as file:
        file.write(
            'requests_per_second = 4\n[[sources]]\nname = "a"\nkind = "directory"\npath = "a"\n'
            'lane = "test"\nmax_delete = 5\n'
        )
    done = lanes("config", "show", "--json")
    shown = done.json()
    assert shown["destinations[0].app_id"] == {"value": "prod-app", "origin": "syncer.toml:4"}
    assert shown["destinations[0].requests_per_second"] == {
        "value": 15,
        "origin": "[push] requests_per_second",
    }
    assert shown["destinations[1].requests_per_second"] == {"value": 4, "origin": "syncer.toml:11"}
    assert shown["destinations[1].token"] == {"value": "(set, never shown)", "origin": "LANES_PAT"}
    assert shown["destinations[1].proxy"]["value"] == "none"
    assert shown["sources[0].max_delete"] == {"value": "5", "origin": "syncer.toml:17"}
    assert shown["sources[0].removal_seconds"] == {"value": 60, "origin": "default"}
    assert "hush-hush" not in done.out + done.err + lanes("config", "show").out


def test_show_does_not_repeat_a_token_that_stands_where_its_place_belongs(lanes: Cli) -> None:
    text = Path("syncer.toml").read_text().replace("LANES_PAT", "hush_hush")
    Path("syncer.toml").write_text(text + '[daemon]\ntoken_file = "hush_hush"\n')
    done = lanes("config", "show", "--json")
    assert done.json()["destinations[0].token_env"]["value"] == "(no such variable, not shown)"
    assert done.json()["daemon.token_file"]["value"] == "(no such file, not shown)"
    assert "hush_hush" not in done.out + done.err


def test_check_finds_every_lane_that_has_no_token_or_no_app(
    lanes: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lanes("config", "check", "--json").json() == {"ok": True, "token": True}
    monkeypatch.delenv("LANES_PAT")
    done = lanes("config", "check", "--json")
    assert done.code == 2
    assert [line.split(";")[0] for line in done.json()["error"].splitlines()] == [
        f"syncer.toml:{line}: destinations[{number}]: no token: name a file with token_file, or set"
        " the environment variable that token_env names"
        for number, line in enumerate((2, 7))
    ]


def test_check_finds_a_source_whose_database_is_not_named(
    lanes: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = '[[sources]]\nname = "l"\nkind = "postgres"\nlane = "prod"\n'
    source += 'dsn_env = "LABELS_DSN"\ntable = "o"\n'
    Path("syncer.toml").write_text(Path("syncer.toml").read_text() + source)
    done = lanes("config", "check")
    assert (done.code, "environment variable LABELS_DSN is not set" in done.err) == (2, True)
    monkeypatch.setenv("LABELS_DSN", "postgresql://u:secret-word@h/d")
    assert lanes("config", "check").code == 0


def test_check_finds_a_daemon_that_would_be_open_to_other_machines(
    lanes: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNCER_DAEMON_LISTEN", "0.0.0.0:9464")
    done = lanes("config", "check")
    assert (done.code, "there is no token to keep them out" in done.err) == (2, True)
    monkeypatch.setenv("SYNCER_DAEMON_TOKEN", "x")
    assert lanes("config", "check").code == 0


def test_online_tries_each_lane(lanes: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    done = lanes("config", "check", "--online", "--json")
    assert (done.code, done.json()["ok"], "online" in done.json()) == (0, True, False)
    assert [(lane["name"], lane["ok"], lane["app_id"]) for lane in done.json()["lanes"]] == [
        ("prod", True, "prod-app"),
        ("test", True, "test-app"),
    ]
    monkeypatch.setenv("LANES_PAT", "refused-token")
    refused = lanes("config", "check", "--online", "--json")
    assert (refused.code, [lane["ok"] for lane in refused.json()["lanes"]]) == (2, [False, False])
    assert "check destinations[1].token (LANES_PAT)" in refused.json()["error"]
