"""`[[destinations]]`: several apps, a lane each."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncer.config import load
from tests.config.complaints import complaint

TWO = """\
[[destinations]]
name = "prod"
app_id = "cells"
[[destinations]]
name = "test"
app_id = "cells"
"""


@pytest.mark.parametrize("name", ["prod", "0", "-", "a-1", "x" * 40])
def test_a_destination_is_called_what_a_folder_and_a_metric_can_hold(
    tmp_path: Path, name: str
) -> None:
    path = tmp_path / "syncer.toml"
    path.write_text(f'[[destinations]]\nname = "{name}"\n')
    assert [one.name for one in load(path, {}, {}).config.destinations] == [name]


@pytest.mark.parametrize("name", ["", "A", "a_b", "a.b", "..", "a/b", "ä", "x" * 41, "a\\n"])
def test_other_names_of_destinations_are_refused(tmp_path: Path, name: str) -> None:
    said = complaint(tmp_path, f'[[destinations]]\nname = "{name}"\n')
    assert "FILE:2: destinations[0].name: " in said
    assert "it must be a string of 1 to 40 small letters, digits and hyphens" in said


def test_two_destinations_of_one_name_are_refused(tmp_path: Path) -> None:
    assert complaint(tmp_path, TWO.replace('"test"\napp_id = "cells"', '"prod"')) == (
        "configuration: FILE:5: destinations[1].name: is that of destinations[0], too: give each a"
        " name of its own"
    )


@pytest.mark.parametrize(
    "more",
    [
        "",
        'base_url = "https://api.clarifai.com/"',
        'base_url = "HTTPS://API.clarifai.com:443"',
        'user_id = "me"',
        'token_env = "ANOTHER"',
    ],
)
def test_two_destinations_that_go_to_one_app_are_refused_however_it_is_written(
    tmp_path: Path, more: str
) -> None:
    assert complaint(tmp_path, TWO + more) == (
        "configuration: FILE:4: destinations[1]: goes to the app of destinations[0]: base URL, user"
        " and app are the same; one lane for each app"
    )


@pytest.mark.parametrize(
    "more", ['base_url = "https://eu.clarifai.com"', 'user_id = "you"', 'app_id = "other"']
)
def test_destinations_that_differ_in_address_user_or_app_are_two(tmp_path: Path, more: str) -> None:
    path = tmp_path / "syncer.toml"
    key = more.split(" = ")[0]
    text = TWO if key != "app_id" else TWO.removesuffix('app_id = "cells"\n')
    path.write_text(f"{text}{more}\n")
    assert len(load(path, {}, {}).config.destinations) == 2


def test_all_errors_of_all_tables_come_at_once_with_their_lines(tmp_path: Path) -> None:
    text = """\
[[destinations]]
name = "prod"
base_url = "ftp://x"
token_env = "not a name"
requests_per_second = 0
[[destinations]]
name = "prod"
app = "x"
token = "hush"
[[sources]]
name = "a"
kind = "changelog"
path = "a"
lane = "pord"
"""
    said = complaint(tmp_path, text)
    assert "hush" not in said
    assert [line.split("; ")[0] for line in said.splitlines()] == [
        "7 errors in the configuration:",
        "  FILE:3: destinations[0].base_url: begins with neither http:// nor https://",
        "  FILE:4: destinations[0].token_env: is a string that does not fit",
        "  FILE:5: destinations[0].requests_per_second: is 0",
        "  FILE:7: destinations[1].name: is that of destinations[0], too: give each a name of its"
        " own",
        "  FILE:8: destinations[1].app: no such key",
        "  FILE:9: destinations[1].token: secrets do not belong in the config file: name a file"
        " that holds it with token_file, or an environment variable with token_env",
        "  FILE:14: sources[0].lane: there is no such lane",
    ]


def test_a_table_that_is_none_is_named(tmp_path: Path) -> None:
    assert complaint(tmp_path, 'destinations = ["prod"]').endswith(
        "FILE:1: destinations[0]: is a string that does not fit; it must be a table"
        " [[destinations]]"
    )


def test_a_list_that_is_none_is_named(tmp_path: Path) -> None:
    assert complaint(tmp_path, "destinations = 3") == (
        "configuration: FILE:1: destinations: is 3; it must be tables [[destinations]], each with a"
        " name of its own"
    )
