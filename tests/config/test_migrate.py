"""`[migrate]`: each side as existing jobs take it, and what is said of wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncer.config import Loaded, load
from syncer.errors import UsageError
from tests.config.complaints import complaint

APPS = """\
[clarifai]
base_url = "http://127.0.0.1:1"
user_id = "we"
app_id = "other"
[push]
requests_per_second = 7
[migrate.from]
kind = "clarifai"
app_id = "old"
token_env = "OLD_PAT"
requests_per_second = 3
[migrate.to]
app_id = "new"
user_id = "they"
"""
PROJECT = """\
[migrate.from]
kind = "kognic"
project = "cars"
[migrate.to]
app_id = "new"
"""
TO = '[migrate.to]\napp_id = "new"\n'


def loaded(folder: Path, text: str, env: dict[str, str]) -> Loaded:
    path = folder / "syncer.toml"
    path.write_text(text)
    return load(path, env, {})


def test_each_side_has_its_app_token_and_rate_and_the_rest_of_clarifai(tmp_path: Path) -> None:
    whole = loaded(tmp_path, APPS, {"OLD_PAT": "of-old", "CLARIFAI_PAT": "ours"})
    old, new = whole.side("migrate.from"), whole.side("migrate.to")
    assert [(one.config.clarifai.user_id, one.config.clarifai.app_id) for one in (old, new)] == [
        ("we", "old"),
        ("they", "new"),
    ]
    assert (old.app_token().read(), new.app_token().read()) == ("of-old", "ours")
    rates = [one.config.push.requests_per_second for one in (old, new)]
    assert rates == [3, 7]
    assert {one.config.clarifai.base_url for one in (old, new)} == {"http://127.0.0.1:1"}


def test_a_project_is_read_with_the_hosts_and_credentials_of_its_kind(tmp_path: Path) -> None:
    env = {"KOGNIC_CLIENT_ID": "me", "KOGNIC_CLIENT_SECRET": "hush"}
    side = loaded(tmp_path, PROJECT, env).side("migrate.from")
    assert side.config.annotell.flavour == "kognic"
    assert "kognic" in side.config.annotell.base_url
    credentials = side.annotell_credentials()
    assert credentials is not None
    assert credentials.client_id == "me"


def test_a_variable_without_a_token_is_named(tmp_path: Path) -> None:
    side = loaded(tmp_path, APPS, {"CLARIFAI_PAT": "ours"}).side("migrate.from")
    with pytest.raises(UsageError, match="OLD_PAT: the token is empty"):
        side.app_token().read()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TO, "FILE:1: migrate.from: is missing; it must be a table [migrate.from] with kind"),
        (
            '[migrate.from]\nkind = "coco"\n' + TO,
            "FILE:1: migrate.from: is a table that does not fit; it must be a table",
        ),
        (
            '[migrate.from]\nkind = "files"\n' + TO,
            "FILE:1: migrate.from.paths: is missing; it must be a list of label files",
        ),
        (
            '[migrate.from]\nkind = "clarifai"\napp_id = "a"\nproject = "p"\n' + TO,
            "FILE:4: migrate.from.project: no such key of this kind; it belongs to kind ="
            ' "annotell" or "kognic"',
        ),
        (
            '[migrate]\nid = "new"\n[migrate.from]\nkind = "clarifai"\napp_id = "a"\n' + TO,
            "FILE:2: migrate.id: no such key; did you mean ids?",
        ),
        (
            '[migrate.from]\nkind = "clarifai"\napp_id = "a"\n[migrate.to]\ntoken = "x"\n',
            "secrets do not belong in the config file: name a file that holds it with token_file",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, said: str, tmp_path: Path) -> None:
    assert said in complaint(tmp_path, text)
