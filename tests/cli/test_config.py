"""`syncer config check|show`: what is said of a config, and of token and app when they
are tried.
"""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from tests.cli.answering import answering
from tests.cli.conftest import Cli
from tests.remotes.made import fixture
from tests.support.processes import emulator

SECRET = "0123456789abcdef-secret"
REASONS = [
    (
        "error_unauthorized_key_not_found",
        2,
        "refused the credentials (code 11009)",
        "check clarifai.token (CLARIFAI_PAT)",
    ),
    (
        "error_unauthorized_key_invalid",
        2,
        "refused the credentials (code 11008)",
        "check clarifai.token (CLARIFAI_PAT)",
    ),
    (
        "error_insufficient_scopes",
        2,
        "refused the credentials (code 11007)",
        "may read and write the annotations of app cells",
    ),
    (
        "error_not_found",
        1,
        "there is no app cells of user me at http://127.0.0.1:",
        "check clarifai.app_id (option --app-id)",
    ),
    ("error_monthly_limit", 1, "refuses to go on (code 11004)", "settle that with the service"),
    ("error_rate_limited", 1, "throttled by the remote", "check again in"),
    (
        "error_internal",
        1,
        "did not answer as the service does",
        "check clarifai.base_url (option --base-url), or try again",
    ),
    (
        "error_gateway_envelope",
        1,
        "did not answer as the service does",
        "check clarifai.base_url (option --base-url), or try again",
    ),
    (
        "error_proxy_html_503",
        1,
        "did not answer as the service does",
        "check clarifai.base_url (option --base-url), or try again",
    ),
    (
        "error_bad_json",
        1,
        "rejected a harmless test request (code 11100)",
        "check clarifai.user_id (default)",
    ),
]


def answer(name: str) -> tuple[int, bytes, dict[str, str]]:
    """Status, body and headers of a wire fixture."""
    response = fixture(name)["response"]
    body = response["body"]
    return (
        response["http_status"],
        body.encode() if isinstance(body, str) else json.dumps(body).encode(),
        {},
    )


@pytest.fixture(autouse=True)
def token(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a token."""
    monkeypatch.setenv("CLARIFAI_PAT", SECRET)


def test_a_good_config_is_called_good(cli: Cli) -> None:
    """Without network; and whether there is a token."""
    done = cli("config", "check", "--json")
    assert (done.code, done.json(), done.err) == (0, {"ok": True, "token": True}, "config OK\n")


def test_a_config_without_a_token_is_good_and_says_how_to_give_one(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dry run needs none."""
    monkeypatch.delenv("CLARIFAI_PAT")
    done = cli("config", "check", "--json")
    assert (done.code, done.json()) == (0, {"ok": True, "token": False})
    assert "set CLARIFAI_PAT or [clarifai] token_file" in done.err


def test_errors_come_with_the_list_of_problems(cli: Cli) -> None:
    """For scripts: place, key and fault apart."""
    Path("syncer.toml").write_text("[push]\nbatch_size = 0\n")
    done = cli("config", "check", "--json", "--rps", "fast")
    result = done.json()
    assert (done.code, result["ok"], [problem["place"] for problem in result["problems"]]) == (
        2,
        False,
        ["option --rps", "syncer.toml:2"],
    )
    assert result["problems"][1] == {
        "place": "syncer.toml:2",
        "key": "push.batch_size",
        "fault": "is 0; it must be a whole number from 1 to 128",
    }
    assert result["error"].startswith("2 errors in the configuration:")


def test_files_of_secrets_that_cannot_be_read_are_found_at_once(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the night's run finds them."""
    monkeypatch.setenv("ANNOTELL_CREDENTIALS", "gone.json")
    done = cli("config", "check", "--json")
    assert done.code == 2
    assert (
        "ANNOTELL_CREDENTIALS: the file with the credentials cannot be read" in done.json()["error"]
    )
    monkeypatch.setenv("SYNCER_CLARIFAI_TOKEN_FILE", "gone")
    assert (
        "SYNCER_CLARIFAI_TOKEN_FILE: clarifai.token_file: the file with the token cannot be read"
        in cli("config", "check").err
    )


def test_online_tries_token_and_app_with_three_requests_that_change_nothing(cli: Cli) -> None:
    """The emulator takes any app, and any token but one."""
    with emulator("--rps", "0") as remote:
        done = cli(
            "config", "check", "--online", "--json", "--base-url", remote.url, "--app-id", "cells"
        )
        report = remote.get("/_emulator/report")
    result = done.json()
    assert (done.code, result["ok"], result["token"], result["online"]["ok"]) == (
        0,
        True,
        True,
        True,
    )
    assert (
        result["online"]["base_url"],
        result["online"]["user_id"],
        result["online"]["app_id"],
    ) == (remote.url, "me", "cells")
    assert report["requests"] == 3
    assert "takes the token; app cells of user me is there" in done.err


def test_online_a_token_that_the_remote_refuses_exits_2(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is not shown."""
    monkeypatch.setenv("CLARIFAI_PAT", "refused-token")
    with emulator("--rps", "0") as remote:
        done = cli(
            "config", "check", "--online", "--json", "--base-url", remote.url, "--app-id", "cells"
        )
    assert (done.code, done.json()["ok"], done.json()["online"]["ok"]) == (2, False, False)
    assert "check clarifai.token (CLARIFAI_PAT)" in done.json()["error"]
    assert "refused-token" not in done.out + done.err


@pytest.mark.parametrize(("name", "code", "reason", "way_out"), REASONS)
def test_online_says_why_it_failed_and_where_the_value_behind_it_came_from(
    cli: Cli, name: str, code: int, reason: str, way_out: str
) -> None:
    """One GET, one sentence, with every answer that the service is known to give."""
    with answering(*answer(name)) as remote:
        done = cli(
            "config", "check", "--online", "--json", "--base-url", remote.url, "--app-id", "cells"
        )
    error = done.json()["error"]
    assert (done.code, reason in error, way_out in error, SECRET in done.out + done.err) == (
        code,
        True,
        True,
        False,
    ), error
    assert remote.requests == ["GET /v2/users/me/apps/cells/annotations?page=1&per_page=1"]


def test_online_a_redirect_is_not_followed(cli: Cli) -> None:
    """The token goes nowhere else."""
    with answering(302, b"", {"Location": "https://elsewhere.test/"}) as remote:
        done = cli("config", "check", "--online", "--base-url", remote.url, "--app-id", "cells")
    assert (done.code, "set [clarifai] base_url to where the service is now" in done.err) == (
        1,
        True,
    )


def test_online_an_address_where_nobody_listens_exits_1(cli: Cli) -> None:
    """With what to look at."""
    with socket.socket() as bound:  # bound, but not listening: connections are refused
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        done = cli("config", "check", "--online", "--json", "--base-url", url, "--app-id", "cells")
    assert (done.code, done.json()["online"]["ok"]) == (1, False)
    assert f"{url} cannot be reached: " in done.json()["error"]
    assert (
        "check clarifai.base_url (option --base-url), the network and the proxy"
        in done.json()["error"]
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [([], "no app: give --app-id"), (["--app-id", "cells"], "no token: set CLARIFAI_PAT")],
)
def test_online_needs_a_token_and_an_app(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    """What is missing is a matter of the config: exit 2."""
    if arguments:
        monkeypatch.delenv("CLARIFAI_PAT")
    done = cli("config", "check", "--online", "--json", *arguments)
    assert (done.code, said in done.json()["error"], done.json()["online"]) == (
        2,
        True,
        {"ok": False},
    )


def test_show_tells_every_value_with_its_origin(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """As JSON and as text, sources line by line."""
    Path("syncer.toml").write_text(
        '[push]\nbatch_size = 7\n[[sources]]\nname = "a"\nkind = "sqlite"\npath = "a.db"\ntable ='
        ' "t"\n'
    )
    monkeypatch.setenv("SYNCER_RETRY_MAX_ATTEMPTS", "3")
    done = cli("config", "show", "--json", "--app-id", "cells")
    shown = done.json()
    assert done.code == 0
    assert shown["push.batch_size"] == {"value": 7, "origin": "syncer.toml:2"}
    assert shown["retry.max_attempts"] == {"value": 3, "origin": "SYNCER_RETRY_MAX_ATTEMPTS"}
    assert shown["clarifai.app_id"] == {"value": "cells", "origin": "option --app-id"}
    assert shown["clarifai.token"] == {"value": "(set, never shown)", "origin": "CLARIFAI_PAT"}
    assert shown["sources[0].table"] == {"value": "t", "origin": "syncer.toml:7"}
    assert all(entry["origin"] for entry in shown.values())
    text = cli("config", "show", "--app-id", "cells")
    assert [line.split()[0] for line in text.out.splitlines()] == list(shown)
    assert "(syncer.toml:2)" in text.out
    assert text.err.splitlines() == ["config file: syncer.toml"]


def test_show_never_shows_a_secret_wherever_it_was_put(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token in place of its file's name is not repeated either."""
    monkeypatch.setenv("ANNOTELL_CLIENT_ID", "id")
    monkeypatch.setenv("ANNOTELL_CLIENT_SECRET", SECRET)
    monkeypatch.setenv("SYNCER_CLARIFAI_TOKEN_FILE", SECRET)
    monkeypatch.setenv("SYNCER_ANNOTELL_CREDENTIALS", SECRET)
    for arguments in (["config", "show"], ["config", "show", "--json"], ["config", "check", "-v"]):
        done = cli(*arguments)
        assert SECRET not in done.out + done.err
