"""The lanes of a configuration: each is one of its own, as existing jobs take it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from syncer.config import Loaded, load
from syncer.core.limiter import LanePace
from syncer.errors import UsageError
from syncer.jobs.clarifai import app
from syncer.jobs.limiters import Limiters
from syncer.jobs.push_parts import push_parts

TWO = """\
[clarifai]
app_id = "other"
[push]
requests_per_second = 15
batch_size = 7
[[destinations]]
name = "prod"
base_url = "http://127.0.0.1:1"
user_id = "you"
app_id = "cells"
token_env = "PROD_PAT"
requests_per_second = 4
[[destinations]]
name = "test"
base_url = "http://127.0.0.1:1"
app_id = "trial"
token_env = "TEST_PAT"
[[sources]]
name = "a"
kind = "changelog"
path = "a"
lane = "test"
"""
TOKENS = {"PROD_PAT": "of-prod", "TEST_PAT": "of-test"}
Loading = Callable[..., Loaded]


@pytest.fixture
def loading(tmp_path: Path) -> Loading:
    """Loads a text with variables and options; the state is in a folder of the test."""

    def loaded(
        text: str = TWO, env: dict[str, str] = TOKENS, options: dict[str, object] | None = None
    ) -> Loaded:
        path = tmp_path / "syncer.toml"
        path.write_text(f'{text}[state]\ndir = "{tmp_path}/state"\n')
        return load(path, env, options or {})

    return loaded


def test_a_lane_goes_to_its_destination_with_its_token_rate_and_state(
    loading: Loading, tmp_path: Path
) -> None:
    lane = loading().lane("prod")
    clarifai, push = lane.config.clarifai, lane.config.push
    assert (clarifai.base_url, clarifai.user_id, clarifai.app_id, lane.token()) == (
        "http://127.0.0.1:1",
        "you",
        "cells",
        "of-prod",
    )
    assert (push.requests_per_second, push.batch_size) == (4, 7)
    assert lane.config.state.dir == f"{tmp_path}/state/prod"


def test_a_lane_without_a_rate_of_its_own_has_that_of_push(loading: Loading) -> None:
    assert loading().lane("test").config.push.requests_per_second == 15


def test_a_value_of_a_lane_says_where_it_came_from(loading: Loading, tmp_path: Path) -> None:
    origins = loading().lane("prod").origins
    file = tmp_path / "syncer.toml"
    assert {
        key: origins[key]
        for key in (
            "clarifai.app_id",
            "clarifai.ca_file",
            "clarifai.token",
            "push.requests_per_second",
            "push.batch_size",
        )
    } == {
        "clarifai.app_id": f"{file}:10",
        "clarifai.ca_file": "default",
        "clarifai.token": "PROD_PAT",
        "push.requests_per_second": f"{file}:12",
        "push.batch_size": f"{file}:5",
    }


def test_without_destinations_clarifai_is_the_one_lane_and_it_is_the_configuration_itself(
    loading: Loading,
) -> None:
    loaded = loading('[clarifai]\napp_id = "cells"\n')
    assert loaded.lane_names == ("clarifai",)
    assert loaded.lane("clarifai") is loaded


def test_with_destinations_they_are_the_lanes_in_their_order(loading: Loading) -> None:
    assert loading().lane_names == ("prod", "test")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("prd", "lane prd: there is no such lane; did you mean prod?"),
        ("clarifai", "lane clarifai: there is no such lane; known are prod, test"),
    ],
)
def test_a_lane_that_is_not_there_is_named_with_those_that_are(
    loading: Loading, name: str, said: str
) -> None:
    with pytest.raises(UsageError) as raised:
        loading().lane(name)
    assert str(raised.value) == said


def test_the_lane_of_a_source_is_the_one_it_names_or_the_only_one(loading: Loading) -> None:
    two = loading()
    assert two.lane_of(two.config.sources[0]) == "test"
    one = loading('[[sources]]\nname = "a"\nkind = "changelog"\npath = "a"\n')
    assert one.lane_of(one.config.sources[0]) == "clarifai"


def test_the_environment_of_the_official_tools_fills_no_destination(loading: Loading) -> None:
    env = {
        "CLARIFAI_PAT": "official",
        "CLARIFAI_USER_ID": "official",
        "CLARIFAI_APP_ID": "official",
        "CLARIFAI_API_BASE": "https://official.test",
        "SYNCER_CLARIFAI_APP_ID": "own",
        "SYNCER_CLARIFAI_TOKEN_FILE": "/own",
    }
    lane = loading('[[destinations]]\nname = "prod"\n', env).lane("prod")
    clarifai = lane.config.clarifai
    assert (clarifai.base_url, clarifai.user_id, clarifai.app_id, lane.token()) == (
        "https://api.clarifai.com",
        "me",
        "",
        None,
    )
    assert "clarifai.token" not in lane.origins


def test_a_variable_that_is_empty_and_of_no_matter_to_a_lane_does_not_stop_it(
    loading: Loading,
) -> None:
    app(loading(env={**TOKENS, "CLARIFAI_APP_ID": ""}).lane("prod"), Limiters())


def test_whom_to_trust_is_the_same_for_all_that_have_no_ca_file_of_their_own(
    loading: Loading,
) -> None:
    text = TWO.replace('user_id = "you"\n', 'ca_file = "own.pem"\n')
    loaded = loading(text, {**TOKENS, "SSL_CERT_FILE": "machine.pem"})
    assert [loaded.lane(name).config.clarifai.ca_file for name in loaded.lane_names] == [
        "own.pem",
        "machine.pem",
    ]
    assert loaded.lane("test").origins["clarifai.ca_file"] == "SSL_CERT_FILE"


def test_an_option_beats_what_the_destination_says(loading: Loading) -> None:
    lane = loading(options={"push.requests_per_second": "9", "clarifai.app_id": "copy"}).lane(
        "prod"
    )
    assert lane.config.push.requests_per_second == 9
    assert (lane.config.clarifai.app_id, lane.config.clarifai.user_id) == ("copy", "you")


def test_the_token_file_of_a_destination_beats_its_variable_and_is_told_as_its_own(
    loading: Loading, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(" ")
    loaded = loading(TWO.replace('token_env = "PROD', f'token_file = "{file}"\ntoken_env = "PROD'))
    with pytest.raises(
        UsageError, match=r"syncer\.toml:11: destinations\[0\]\.token_file: the"
    ) as e:
        loaded.lane("prod").token()
    assert str(e.value).endswith("the token is empty; put the token there")
    file.write_text("of-file")
    assert loaded.lane("prod").token() == "of-file"


@pytest.mark.parametrize(
    ("text", "env", "said"),
    [
        (TWO, {}, "no token: name a file with token_file, or set the environment variable that"),
        (TWO, {"PROD_PAT": ""}, "no token: name a file with token_file"),
        (TWO.replace('app_id = "cells"\n', ""), TOKENS, "no app: set app_id"),
    ],
)
def test_a_destination_without_token_or_app_is_told_when_it_is_needed_and_not_before(
    loading: Loading, text: str, env: dict[str, str], said: str
) -> None:
    lane = loading(text, env).lane("prod")
    with pytest.raises(UsageError) as raised:
        app(lane, Limiters())
    assert f"syncer.toml:7: destinations[0]: {said}" in str(raised.value)


def test_no_token_of_a_lane_is_in_what_is_shown_of_a_config(loading: Loading) -> None:
    loaded = loading()
    for one in (loaded, loaded.lane("prod")):
        assert "of-prod" not in f"{one!r} {one.config!r} {one.origins}"


def test_each_lane_keeps_a_state_of_its_own(loading: Loading, tmp_path: Path) -> None:
    loaded, limiters = loading(), Limiters()
    with (
        push_parts(loaded.lane("prod"), limiters) as prod,
        push_parts(loaded.lane("test"), limiters) as test,
    ):
        assert prod.app.address == "http://127.0.0.1:1, user you, app cells"
        assert test.app.address == "http://127.0.0.1:1, user me, app trial"
    assert sorted(path.name for path in (tmp_path / "state").iterdir()) == ["prod", "test"]


def going(loaded: Loaded, name: str, limiters: Limiters) -> LanePace:
    pace = app(loaded.lane(name), limiters).pace
    pace.join(anyio.current_time())
    return pace


@pytest.mark.anyio
@pytest.mark.parametrize("same", ["token", "token_env", "token_file"])
async def test_lanes_of_one_token_or_one_place_of_it_share_a_limit_and_the_lower_one_holds(
    loading: Loading, tmp_path: Path, same: str
) -> None:
    text, env = TWO, TOKENS
    file = tmp_path / "token"
    file.write_text("of-file")
    match same:
        case "token":
            env = dict.fromkeys(TOKENS, "one")
        case "token_env":
            text = TWO.replace("TEST_PAT", "PROD_PAT")
        case _:
            for name in TOKENS:
                text = text.replace(f'token_env = "{name}"', f'token_file = "{file}"')
    loaded, limiters = loading(text, env), Limiters()
    prod, test = (going(loaded, name, limiters) for name in ("prod", "test"))
    assert prod.limiter is test.limiter
    assert test.requests_per_second == 4


@pytest.mark.anyio
async def test_lanes_of_one_variable_share_a_limit_though_its_token_was_replaced(
    loading: Loading,
) -> None:
    text, limiters = TWO.replace("TEST_PAT", "PROD_PAT"), Limiters()
    prod = going(loading(text), "prod", limiters)
    test = going(loading(text, {"PROD_PAT": "new"}), "test", limiters)
    assert prod.limiter is test.limiter


@pytest.mark.anyio
async def test_lanes_of_two_tokens_have_limits_of_their_own(loading: Loading) -> None:
    loaded, limiters = loading(), Limiters()
    prod, test = (going(loaded, name, limiters) for name in ("prod", "test"))
    assert prod.limiter is not test.limiter


@pytest.mark.parametrize(
    "listen", ["127.0.0.1:9464", "127.1.2.3:1", "localhost:9464", "LocalHost:1", "[::1]:9464"]
)
def test_on_this_machine_the_daemon_listens_without_a_token(listen: str) -> None:
    load(None, {}, {"daemon.listen": listen}).check_listening(token=False)


@pytest.mark.parametrize(
    "listen", ["0.0.0.0:9464", "[::]:9464", "10.0.0.1:1", "myhost:1", "localhost.example.com:1"]
)
def test_beyond_this_machine_the_daemon_listens_only_with_a_token(listen: str) -> None:
    loaded = load(None, {"SYNCER_DAEMON_LISTEN": listen}, {})
    loaded.check_listening(token=True)
    with pytest.raises(UsageError) as raised:
        loaded.check_listening(token=False)
    assert str(raised.value).startswith(f"SYNCER_DAEMON_LISTEN: daemon.listen: {listen} can be")
    assert "set SYNCER_DAEMON_TOKEN" in str(raised.value)
