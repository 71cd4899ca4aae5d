"""What is wrong is said all at once: place, key, fault, way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncer.config import load
from syncer.errors import UsageError
from tests.config.complaints import complaint


def test_all_errors_of_all_places_come_at_once_with_file_line_key_and_way_out(
    tmp_path: Path,
) -> None:
    """One run of `config check` is enough."""
    text = """\
[clarifai]
base_url = "ftp://example.test"

[push]
batch_size = 500
lingerseconds = 1   # no underscore
concurrency = "many"

[retry]
max_attempts = "8"
[[sources]]
name = "a"
kind = "sqlite"
path = "x.db"
[[sources]]
name = "b"
kind = "mysql"
"""
    said = complaint(
        tmp_path, text, {"SYNCER_RETRY_CAP_SECONDS": "soon"}, {"push.requests_per_second": 0}
    )
    assert said.splitlines() == [
        "9 errors in the configuration:",
        (
            "  FILE:2: clarifai.base_url: begins with neither http:// nor https://; it must be a"
            " string with an http:// or https:// address, without user, query or fragment"
        ),
        "  FILE:5: push.batch_size: is 500; it must be a whole number from 1 to 128",
        "  FILE:6: push.lingerseconds: no such key; did you mean linger_seconds?",
        '  FILE:7: push.concurrency: is "many"; it must be a whole number of 1 or more, or "auto"',
        '  FILE:10: retry.max_attempts: is "8"; it must be a whole number of 1 or more',
        "  FILE:11: sources[0].table: is missing; it must be a string that is not empty",
        (
            "  FILE:15: sources[1]: is a table that does not fit; "
            'it must be a table with kind = "changelog", "directory", "sqlite", "postgres"'
        ),
        (
            '  SYNCER_RETRY_CAP_SECONDS: retry.cap_seconds: is "soon"; it must be a number of'
            " seconds above 0"
        ),
        '  option --rps: push.requests_per_second: is "0"; it must be a number above 0, or "auto"',
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[push]\nbatch_size = \n", "FILE:2: is not TOML: Invalid value"),
        ("[push]\n\n[push]\n", "FILE:3: is not TOML: Cannot declare ('push',) twice"),
        ('[push]\nx = """\n', "FILE:2: is not TOML: Unterminated string"),
        (b"[push]\n# \xff\n", "FILE:2: is not TOML: is not UTF-8"),
    ],
)
def test_what_is_not_toml_is_said_with_its_line(
    tmp_path: Path, text: str | bytes, said: str
) -> None:
    """Syntax is checked first, and told like everything else."""
    assert f"configuration: {said}" == complaint(tmp_path, text)


def test_bad_syntax_does_not_hide_what_is_wrong_elsewhere(tmp_path: Path) -> None:
    """The variables are checked all the same."""
    said = complaint(tmp_path, "[", {"SYNCER_PUSH_BATCH_SIZE": "0"})
    assert said.startswith("2 errors")
    assert 'SYNCER_PUSH_BATCH_SIZE: push.batch_size: is "0"' in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[pusch]\n", "FILE:1: pusch: no such key; did you mean push?"),
        (
            "[push]\nmax_attempts = 3\n",
            "FILE:2: push.max_attempts: no such key here; did you mean [retry] max_attempts?",
        ),
        (
            "[clarifai]\nbatch-size = 3\n",
            (
                "FILE:2: clarifai.batch-size: no such key; known are base_url, user_id, app_id,"
                " token_file, ca_file"
            ),
        ),
        (
            "batch_size = 3\n",
            "FILE:1: batch_size: no such key here; did you mean [push] batch_size?",
        ),
        ("push = 3\n", "FILE:1: push: is 3; it must be a table: [push]"),
        (
            "[push]\nbatch-size = 3\n",
            "FILE:2: push.batch-size: no such key; did you mean batch_size?",
        ),
        (
            "[push]\n'Batch_Size' = 3\n",
            "FILE:2: push.Batch_Size: no such key; did you mean batch_size?",
        ),
        (
            "push.batch_size = 129",
            "FILE:1: push.batch_size: is 129; it must be a whole number from 1 to 128",
        ),
        (
            "\n[push]\n\nbatch_size = true",
            "FILE:4: push.batch_size: is true; it must be a whole number from 1 to 128",
        ),
        (
            "[push]\nbatch_size = 1.0",
            "FILE:2: push.batch_size: is 1.0; it must be a whole number from 1 to 128",
        ),
        (
            "[retry]\nbase_seconds = nan",
            "FILE:2: retry.base_seconds: is nan; it must be a number of seconds above 0",
        ),
        (
            "[retry]\nbase_seconds = []",
            "FILE:2: retry.base_seconds: is a list; it must be a number of seconds above 0",
        ),
        (
            "[retry]\nbase_seconds = 2020-01-01",
            "FILE:2: retry.base_seconds: is a date or time; it must be a number of seconds above 0",
        ),
        (
            '[push]\nlists_without_ids = "sent"',
            'FILE:2: push.lists_without_ids: is "sent"; it must be "refuse" or "send"',
        ),
        (
            '[daemon]\nlisten = "9464"',
            (
                'FILE:2: daemon.listen: is "9464"; it must be a string with host and port, like'
                ' "127.0.0.1:9464"'
            ),
        ),
        (
            '[state]\ndir = ""',
            'FILE:2: state.dir: is ""; it must be a string with a path, not empty',
        ),
        (
            "sources = 3",
            "FILE:1: sources: is 3; it must be tables [[sources]], each with a name of its own",
        ),
        (
            "sources = [3]",
            (
                'FILE:1: sources[0]: is 3; it must be a table with kind = "changelog", "directory",'
                ' "sqlite", "postgres"'
            ),
        ),
        (
            '[[sources]]\nname = "a"\nkind = "changelog"\npath = "a"\ntabel = "t"',
            "FILE:5: sources[0].tabel: no such key; known are name, kind, lane,"
            " poll_seconds, expected_every_seconds, path",
        ),
        (
            '[[sources]]\nname="a"\nkind="directory"\npath="a"\n[[sources]]\nname="a"\nkind="directory"\npath="b"',
            "FILE:6: sources[1].name: is that of sources[0], too: give each a name of its own",
        ),
    ],
)
def test_an_error_names_its_line_and_the_way_out(tmp_path: Path, text: str, said: str) -> None:
    """One fault, one line."""
    assert f"configuration: {said}" == complaint(tmp_path, text)


@pytest.mark.parametrize(
    "address",
    [
        "api.clarifai.com",
        "https://",
        "https://me:pw@host",
        "https://host?a=b",
        "https://host#a",
        "https://host:99999",
        "http://a b",
        3,
    ],
)
def test_an_address_must_be_one_that_paths_can_be_added_to(tmp_path: Path, address: object) -> None:
    """And what it holds is not repeated: it may be a password."""
    said = complaint(
        tmp_path,
        "[clarifai]\nbase_url = " + (f'"{address}"' if isinstance(address, str) else str(address)),
    )
    assert "FILE:2: clarifai.base_url: " in said
    assert "; it must be a string with an http:// or https:// address" in said
    assert "pw" not in said


def test_lines_are_right_after_strings_that_span_several_lines(tmp_path: Path) -> None:
    """What looks like a key inside a string is none."""
    text = '[clarifai]\napp_id = """\n[push]\nbatch_size = 0\n"""\nuser_id = 3\n'
    assert (
        complaint(tmp_path, text)
        == "configuration: FILE:6: clarifai.user_id: is 3; it must be a string that is not empty"
    )


def test_windows_line_ends_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    """Editors leave them."""
    assert "FILE:3: push.batch_size: is 0" in complaint(
        tmp_path, b"\xef\xbb\xbf[push]\r\n\r\nbatch_size = 0\r\n"
    )


def test_a_config_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """It was asked for, so it is not passed over."""
    with pytest.raises(
        UsageError, match=r"gone\.toml: cannot be read \(No such file or directory\)"
    ):
        load(tmp_path / "gone.toml", {}, {})


def test_a_variable_that_is_almost_ours_is_an_error_and_others_with_our_prefix_are_not() -> None:
    """Kubernetes sets SYNCER_PORT and the like for a service of that name; a slip of
    the pen must not be lost, though.
    """
    with pytest.raises(UsageError) as raised:
        load(
            None,
            {
                "SYNCER_PUSH_REQUEST_PER_SECOND": "2",
                "SYNCER_PORT": "tcp://10.0.0.1:80",
                "SYNCER_DAEMON_SERVICE_HOST": "10.0.0.1",
            },
            {},
        )
    assert (
        str(raised.value)
        == "configuration: SYNCER_PUSH_REQUEST_PER_SECOND: no such variable; did you mean"
        " SYNCER_PUSH_REQUESTS_PER_SECOND?"
    )


@pytest.mark.parametrize(
    "key",
    [
        "push.requests_per_second",
        "annotell.requests_per_second",
        "retry.base_seconds",
        "push.request_timeout_seconds",
    ],
)
@pytest.mark.parametrize("value", [0, -1, "inf", "nan", "x", True])
def test_rates_and_times_are_above_zero_and_finite(key: str, value: object) -> None:
    """Endless waits and endless speed are never meant."""
    with pytest.raises(UsageError, match=key):
        load(None, {}, {key: value})


@pytest.mark.parametrize("key", ["push.linger_seconds", "retry.give_up_seconds"])
def test_lingering_and_giving_up_may_be_zero(key: str) -> None:
    """At once; never."""
    section, name = key.split(".")
    assert getattr(getattr(load(None, {}, {key: 0}).config, section), name) == 0
