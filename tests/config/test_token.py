"""The token: where it comes from, and that it is shown nowhere."""

from __future__ import annotations

import os
import pickle
import traceback
from pathlib import Path

import pytest

from syncer.config import load
from syncer.errors import UsageError
from syncer.jobs.clarifai import app
from syncer.jobs.limiters import Limiters

SECRET = "0123456789abcdef-secret"


def token_file(folder: Path, content: str | bytes) -> Path:
    """A file with a token in it."""
    path = folder / "token"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def config_file(folder: Path, text: str) -> Path:
    """A config file."""
    path = folder / "syncer.toml"
    path.write_text(text)
    return path


def test_the_token_comes_from_the_environment() -> None:
    """With its origin, as every value."""
    loaded = load(None, {"CLARIFAI_PAT": SECRET}, {})
    assert (SECRET, "CLARIFAI_PAT") == (loaded.token(), loaded.origins["clarifai.token"])


def test_the_token_comes_from_a_file_without_the_white_space_around_it(tmp_path: Path) -> None:
    """Editors end a file with a newline."""
    file = token_file(tmp_path, f" {SECRET}\n")
    path = config_file(tmp_path, f'[clarifai]\ntoken_file = "{file}"\n')
    loaded = load(path, {}, {})
    assert (SECRET, f"{path}:2") == (loaded.token(), loaded.origins["clarifai.token"])


def test_the_environment_beats_the_token_file_of_the_config_and_is_beaten_by_one_named_for_syncer(
    tmp_path: Path,
) -> None:
    """The same order as for every other key."""
    file = token_file(tmp_path, "of-the-file")
    path = config_file(tmp_path, f'[clarifai]\ntoken_file = "{file}"\n')
    assert load(path, {"CLARIFAI_PAT": SECRET}, {}).token() == SECRET
    assert (
        load(None, {"CLARIFAI_PAT": SECRET, "SYNCER_CLARIFAI_TOKEN_FILE": str(file)}, {}).token()
        == "of-the-file"
    )
    assert (
        load(None, {"CLARIFAI_PAT": SECRET}, {"clarifai.token_file": str(file)}).token()
        == "of-the-file"
    )


def test_a_token_file_is_found_from_home(tmp_path: Path) -> None:
    """`~` means what it means in a shell with this environment."""
    token_file(tmp_path, SECRET)
    loaded = load(None, {"HOME": str(tmp_path)}, {"clarifai.token_file": "~/token"})
    assert (SECRET, str(tmp_path / "token")) == (loaded.token(), loaded.config.clarifai.token_file)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "the token is empty"),
        (" \n", "the token is empty"),
        (f"{SECRET}\nmore", "this is not a token"),
        (b"\xff\xfe", "it is not text"),
    ],
)
def test_a_token_file_without_a_token_is_an_error_that_names_who_named_it(
    tmp_path: Path, content: str | bytes, said: str
) -> None:
    """Not what is in it."""
    path = config_file(tmp_path, f'[clarifai]\n\ntoken_file = "{token_file(tmp_path, content)}"\n')
    with pytest.raises(UsageError) as raised:
        load(path, {}, {}).token()
    assert str(raised.value).startswith(f"{path}:3: clarifai.token_file: ")
    assert said in str(raised.value)
    assert SECRET not in "".join(traceback.format_exception(raised.value))


def test_a_missing_token_file_is_an_error_that_does_not_repeat_what_may_be_the_token() -> None:
    """A token pasted where its file's name belongs must not end up in a log."""
    loaded = load(None, {"SYNCER_CLARIFAI_TOKEN_FILE": SECRET}, {})
    with pytest.raises(UsageError) as raised:
        loaded.token()
    assert (
        "SYNCER_CLARIFAI_TOKEN_FILE: clarifai.token_file: the file with the token cannot be read"
        in str(raised.value)
    )
    assert SECRET not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize("token", ["two words", "line\nfeed", "umlaut-ä", "\x7f"])
def test_a_token_that_no_header_can_carry_is_refused_before_anything_is_sent(token: str) -> None:
    """And not quoted."""
    with pytest.raises(UsageError, match="CLARIFAI_PAT: this is not a token") as raised:
        load(None, {"CLARIFAI_PAT": token}, {}).token()
    assert token not in str(raised.value)


@pytest.mark.parametrize("key", ["token", "pat", "PAT", "CLARIFAI_PAT", "api_key", "password"])
@pytest.mark.parametrize("head", ["[clarifai]\n", ""])
def test_a_token_in_the_config_file_is_refused_and_the_message_says_where_it_belongs(
    tmp_path: Path, head: str, key: str
) -> None:
    """Config files are committed, mailed and pasted."""
    path = config_file(tmp_path, f'{head}{key} = "{SECRET}"\n')
    with pytest.raises(UsageError) as raised:
        load(path, {}, {})
    assert (
        "secrets do not belong in the config file: set CLARIFAI_PAT, or name a file that holds it"
        " with [clarifai] token_file" in str(raised.value)
    )
    assert SECRET not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize(
    ("text", "way_out"),
    [
        (
            "[annotell]\nclient_secret = 'S'",
            "ANNOTELL_CREDENTIALS, or [annotell] credentials, names a file that holds it",
        ),
        (
            "[[sources]]\nname = 'a'\nkind = 'postgres'\ntable = 't'\ndsn_env = 'D'\ndsn = 'S'",
            "name that with dsn_env",
        ),
    ],
)
def test_other_secrets_are_refused_too(tmp_path: Path, text: str, way_out: str) -> None:
    """Each with its own way out."""
    with pytest.raises(UsageError) as raised:
        load(config_file(tmp_path, text), {}, {})
    assert str(raised.value).endswith(way_out)


def test_the_token_is_not_in_what_is_shown_of_a_config(tmp_path: Path) -> None:
    """Neither repr nor str nor a dump."""
    home = tmp_path / ".config" / "clarifai"
    home.mkdir(parents=True)
    (home / "config").write_text(
        f"current_context: a\ncontexts: {{a: {{CLARIFAI_PAT: {SECRET}}}}}\n"
    )
    for environment in ({"CLARIFAI_PAT": SECRET}, {"HOME": str(tmp_path)}):
        loaded = load(None, environment, {})
        assert loaded.token() == SECRET
        assert (
            SECRET not in f"{loaded!r} {loaded} {loaded.config!r} {loaded.config.model_dump_json()}"
            f" {loaded.origins}"
        )


def test_a_damaged_official_file_matters_only_where_the_token_could_have_come_from_it(
    tmp_path: Path,
) -> None:
    """Another program's file does not stop a run that needs nothing of it; and what is
    in it is not quoted.
    """
    home = tmp_path / ".config" / "clarifai"
    home.mkdir(parents=True)
    (home / "config").write_text(f"a: b\n  {SECRET}: [\n")
    environment = {"HOME": str(tmp_path)}
    with pytest.raises(
        UsageError, match=r"clarifai/config:\d: is not YAML: fix it, or set CLARIFAI_PAT"
    ) as raised:
        load(None, environment, {})
    assert SECRET not in "".join(traceback.format_exception(raised.value))
    assert load(None, {**environment, "CLARIFAI_PAT": SECRET}, {}).token() == SECRET


def test_reading_the_config_leaves_the_environment_alone() -> None:
    """What was given is not put where child processes would inherit it."""
    before = dict(os.environ)
    load(None, {"CLARIFAI_PAT": SECRET}, {})
    assert before == dict(os.environ)


def test_a_config_for_another_machine_still_says_where_its_values_come_from() -> None:
    """A task of a cluster reports a bad id as the driver does."""
    loaded = load(None, {"CLARIFAI_PAT": "a-token", "CLARIFAI_APP_ID": ".."}, {})
    there = pickle.loads(pickle.dumps(loaded.portable("clarifai")))
    with pytest.raises(UsageError, match="CLARIFAI_APP_ID"):
        app(there, Limiters())
