"""Variables that are set, but empty: where they are to say which app is meant, that is
an error and never the default.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from syncer.config.load import load
from syncer.config.problems import ConfigError

KEYS = {"CLARIFAI_API_BASE": "base_url", "CLARIFAI_USER_ID": "user_id", "CLARIFAI_APP_ID": "app_id"}
VALUES = {"base_url": "http://127.0.0.1:9", "user_id": "u", "app_id": "a"}
VARIABLES = [*KEYS, *(f"SYNCER_CLARIFAI_{key}".upper() for key in KEYS.values())]


def key_of(variable: str) -> str:
    return KEYS.get(variable) or variable.removeprefix("SYNCER_CLARIFAI_").lower()


@pytest.mark.parametrize(
    ("variable", "empty"),
    [*((variable, "") for variable in VARIABLES), *((variable, " ") for variable in KEYS)],
)
def test_an_emptied_variable_is_an_error_where_the_destination_is_asked_for(
    variable: str, empty: str, tmp_path: Path
) -> None:
    """Also where the config file would say."""
    file = tmp_path / "syncer.toml"
    file.write_text(
        '[clarifai]\nbase_url = "http://127.0.0.1:8"\nuser_id = "me"\napp_id = "filed"\n'
    )
    loaded = load(file, {variable: empty}, {})
    with pytest.raises(
        ConfigError,
        match=(
            rf"^configuration: {variable}: is set, but empty, so that clarifai.{key_of(variable)}"
            r" is not known"
        ),
    ):
        loaded.check_destination()


@pytest.mark.parametrize("variable", VARIABLES)
def test_an_emptied_variable_that_an_option_beats_is_nobodys_trouble(variable: str) -> None:
    loaded = load(None, {variable: ""}, {f"clarifai.{key_of(variable)}": VALUES[key_of(variable)]})
    loaded.check_destination()
    assert getattr(loaded.config.clarifai, key_of(variable)) == VALUES[key_of(variable)]


def test_an_emptied_official_variable_that_our_own_beats_is_nobodys_trouble() -> None:
    load(None, {"CLARIFAI_APP_ID": "", "SYNCER_CLARIFAI_APP_ID": "mine"}, {}).check_destination()


def test_all_of_them_are_named_at_once() -> None:
    with pytest.raises(ConfigError) as raised:
        load(None, dict.fromkeys(KEYS, ""), {}).check_destination()
    assert [problem["place"] for problem in raised.value.details["problems"]] == sorted(KEYS)  # type: ignore[attr-defined]
