"""`[[sources]]` and `[daemon]`: what the daemon follows, and how it listens."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncer.config import Config, load
from syncer.config.models import DirectorySource
from tests.config.complaints import complaint

CHANGELOG = 'kind = "changelog"\npath = "a"\n'
DIRECTORY = '[[sources]]\nname = "a"\nkind = "directory"\npath = "a"\n'
TWO = '[[destinations]]\nname = "prod"\n[[destinations]]\nname = "test"\n'


def config(folder: Path, text: str) -> Config:
    path = folder / "syncer.toml"
    path.write_text(text)
    return load(path, {}, {}).config


def test_a_directory_source_has_guards_where_nothing_is_said(tmp_path: Path) -> None:
    (source,) = config(tmp_path, DIRECTORY).sources
    assert isinstance(source, DirectorySource)
    assert (str(source.max_delete), source.removal_seconds, source.marker) == ("50%", 60, True)
    assert (source.lane, source.poll_seconds, source.expected_every_seconds) == ("", 1, 0)


@pytest.mark.parametrize(
    ("written", "understood"), [("12", "12"), ('"12"', "12"), ('"0.5%"', "0.5%"), ("0", "0")]
)
def test_the_bound_on_deletions_is_a_number_or_a_share(
    tmp_path: Path, written: str, understood: str
) -> None:
    (source,) = config(tmp_path, f"{DIRECTORY}max_delete = {written}\n").sources
    assert isinstance(source, DirectorySource)
    assert str(source.max_delete) == understood


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("max_delete = true", "max_delete: is true; it must be a whole number, or a share"),
        ("max_delete = -1", "max_delete: is -1; it must be a whole number, or a share"),
        ('max_delete = "half"', "max_delete: is neither a whole number nor a share; it must be"),
        ('max_delete = "101%"', "max_delete: is more than 100%; it must be"),
        ("marker = 1", "marker: is 1; it must be true or false"),
        ("poll_seconds = 0", "poll_seconds: is 0; it must be a number of seconds above 0"),
        ("removal_seconds = -1", "removal_seconds: is -1; it must be a number of seconds, 0 or"),
        ("expected_every_seconds = inf", "expected_every_seconds: is inf; it must be"),
        (
            'table = "t"',
            'table: no such key of this kind; it belongs to kind = "sqlite" or "postgres"',
        ),
    ],
)
def test_a_bad_key_of_a_source_is_said_with_its_line(tmp_path: Path, line: str, said: str) -> None:
    assert f"configuration: FILE:5: sources[0].{said}" in complaint(tmp_path, DIRECTORY + line)


def test_a_guard_of_directories_on_a_change_log_is_refused_for_it_would_guard_nothing(
    tmp_path: Path,
) -> None:
    text = f'[[sources]]\nname = "a"\n{CHANGELOG}max_delete = 3\n'
    assert complaint(tmp_path, text) == (
        "configuration: FILE:5: sources[0].max_delete: no such key of this kind;"
        ' it belongs to kind = "directory"'
    )


@pytest.mark.parametrize("name", ["labels", "Labels_2", "a.b-c", "0", "x" * 64])
def test_a_source_is_called_what_a_path_and_a_metric_can_hold(tmp_path: Path, name: str) -> None:
    (source,) = config(tmp_path, f'[[sources]]\nname = "{name}"\n{CHANGELOG}').sources
    assert source.name == name


@pytest.mark.parametrize("name", ["", ".", "..", ".a", "-a", "a/b", "a:1", "a b", "ä", "x" * 65])
def test_other_names_of_sources_are_refused(tmp_path: Path, name: str) -> None:
    said = complaint(tmp_path, f'[[sources]]\nname = "{name}"\n{CHANGELOG}')
    assert "FILE:2: sources[0].name: " in said
    assert "it must be a string of 1 to 64 letters" in said


def test_no_source_is_called_as_what_comes_by_http(tmp_path: Path) -> None:
    said = complaint(tmp_path, f'[[sources]]\nname = "http"\n{CHANGELOG}')
    assert 'FILE:2: sources[0].name: "http" is the name of what comes by HTTP; ' in said


def test_two_sources_whose_names_a_file_system_may_take_for_one_are_refused(
    tmp_path: Path,
) -> None:
    text = f'[[sources]]\nname = "a"\n{CHANGELOG}[[sources]]\nname = "A"\n{CHANGELOG}'
    assert complaint(tmp_path, text) == (
        "configuration: FILE:6: sources[1].name: is that of sources[0], too: give each a name of"
        " its own"
    )


def test_the_lane_must_be_named_where_there_are_several(tmp_path: Path) -> None:
    assert complaint(tmp_path, TWO + DIRECTORY) == (
        "configuration: FILE:5: sources[0].lane: is missing; it must name one of the destinations:"
        " prod, test"
    )


def test_the_lane_may_be_left_out_where_there_is_one(tmp_path: Path) -> None:
    for lanes in ("", '[[destinations]]\nname = "prod"\n'):
        assert config(tmp_path, lanes + DIRECTORY).sources[0].lane == ""


@pytest.mark.parametrize(
    ("lanes", "lane", "said"),
    [
        (TWO, "prd", "there is no such lane; did you mean prod?"),
        (TWO, "clarifai", "there is no such lane; known are prod, test"),
        ("", "prod", "there is no such lane; known is clarifai"),
    ],
)
def test_an_unknown_lane_is_an_error(tmp_path: Path, lanes: str, lane: str, said: str) -> None:
    line = lanes.count("\n") + 5
    assert complaint(tmp_path, f'{lanes}{DIRECTORY}lane = "{lane}"\n') == (
        f"configuration: FILE:{line}: sources[0].lane: {said}"
    )


def test_the_one_lane_without_destinations_has_a_name(tmp_path: Path) -> None:
    assert config(tmp_path, f'{DIRECTORY}lane = "clarifai"\n').sources[0].lane == "clarifai"


@pytest.mark.parametrize(
    "line",
    [
        "body_bytes_max = 0",
        "inbox_bytes_max = 1.5",
        "inbox_bytes_max = true",
        "verify_sample_every_seconds = -1",
        "token_file = 3",
    ],
)
def test_a_bad_key_of_the_daemon_is_said_with_its_line(tmp_path: Path, line: str) -> None:
    key = line.split(" = ")[0]
    assert f"configuration: FILE:2: daemon.{key}: is " in complaint(tmp_path, f"[daemon]\n{line}")


def test_a_token_of_the_daemon_in_the_config_file_is_refused_with_its_own_way_out(
    tmp_path: Path,
) -> None:
    assert complaint(tmp_path, '[daemon]\ntoken = "S"').endswith(
        "set SYNCER_DAEMON_TOKEN, or name a file that holds it with token_file"
    )


def test_the_variable_of_the_daemons_token_is_not_taken_for_a_slip_of_the_pen() -> None:
    assert load(None, {"SYNCER_DAEMON_TOKEN": "S"}, {}).config == Config()


def test_what_stands_in_place_of_a_token_file_is_not_repeated(tmp_path: Path) -> None:
    said = complaint(tmp_path, '[daemon]\ntoken_file = "hush\\u0000hush"')
    assert "daemon.token_file: is a string that does not fit" in said
