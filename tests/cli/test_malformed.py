"""Malformed configs, logs and command lines: exit 2 or a dead letter, a message with
place and way out, never a traceback.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from syncer.printable import printable
from tests.cli.conftest import Cli, Ran
from tests.cli.malformed import COMMAND_LINES, CONFIGS, LINES, LOGS, VARIABLES
from tests.support.processes import emulator


def unharmed(done: Ran) -> Ran:
    """What holds of every ending: a message, no traceback, nothing unforeseen."""
    assert "Traceback" not in done.out + done.err
    assert "internal error" not in done.out + done.err
    assert done.code in (0, 1, 2, 3)
    assert done.code in (0, 3) or done.err.startswith("syncer: ")
    return done


def test_the_tables_are_as_long_as_they_promise() -> None:
    """By hand, and more of each than forty."""
    assert min(len(CONFIGS), len(LINES), len(COMMAND_LINES)) >= 50


@pytest.mark.parametrize(("text", "line", "said"), CONFIGS)
def test_a_malformed_config_exits_2_and_is_told_with_file_line_and_way_out(
    cli: Cli, text: str | bytes, line: int, said: str
) -> None:
    """In words, and as the one object of --json."""
    Path("bad.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    done = unharmed(cli("config", "check", "-c", "bad.toml", "--json"))
    error = done.json()["error"]
    assert (done.code, error.startswith(f"configuration: bad.toml:{line}: ") and said in error) == (
        2,
        True,
    ), error
    assert done.err == "syncer: " + "".join(f"{printable(line)}\n" for line in error.split("\n"))


def test_a_malformed_config_stops_every_command_that_reads_one(cli: Cli) -> None:
    """Before anything else is done."""
    Path("syncer.toml").write_text("[push]\nbatch_size = 0\n")
    for arguments in (
        ["push", "x"],
        ["push", "-n", "x"],
        ["status"],
        ["dead", "list"],
        ["state", "forget", "x"],
        ["config", "show"],
    ):
        done = unharmed(cli(*arguments, "--json"))
        assert (
            done.code,
            done.json()["error"].startswith("configuration: syncer.toml:2: push.batch_size"),
        ) == (2, True)


@pytest.mark.parametrize(("variable", "value", "said"), VARIABLES)
def test_a_malformed_variable_exits_2_and_is_told_by_name(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    """With what it must be."""
    monkeypatch.setenv(variable, value)
    done = unharmed(cli("config", "check", "--json"))
    assert (done.code, variable in done.json()["error"], said in done.json()["error"]) == (
        2,
        True,
        True,
    ), done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    COMMAND_LINES,
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_a_malformed_command_line_exits_2_and_is_told_with_place_and_way_out(
    cli: Cli, arguments: list[str], said: str
) -> None:
    """Without --json nothing is on stdout."""
    done = unharmed(cli(*arguments))
    assert (done.code, said in done.err) == (2, True), done.err
    if "--json" not in " ".join(arguments):
        assert done.out == ""


@pytest.mark.parametrize(("made", "code", "said"), LOGS)
def test_a_log_that_cannot_be_read_is_named(
    cli: Cli, tmp_path: Path, made: Callable[[Path], str], code: int, said: str
) -> None:
    """It is no dead letter: nothing of it is known."""
    done = unharmed(cli("push", "-n", made(tmp_path), "--json"))
    assert (done.code, said in done.err, "error" in done.json()) == (code, True, code > 0), done.err


def test_every_malformed_line_becomes_a_dead_letter_with_its_place_and_reason(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the good ones between them go through."""
    good = b'{"op":"post","annotation":{"id":"g-%d","input_id":"i"}}'
    lines = [line for number, (bad, _) in enumerate(LINES) for line in (good % number, bad)]
    Path("log.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    monkeypatch.setenv("CLARIFAI_PAT", "token")
    with emulator("--rps", "0") as remote:
        done = unharmed(
            cli(
                "push",
                "log.jsonl",
                "--json",
                "--base-url",
                remote.url,
                "--app-id",
                "bad",
                "--state",
                "state",
            )
        )
        held = {annotation["id"] for annotation in remote.held("bad")}
    summary = done.json()
    assert (done.code, summary["dead"], summary["applied"]) == (3, len(LINES), len(LINES))
    assert held == {f"g-{number}" for number in range(len(LINES))}
    letters = [
        json.loads(line)
        for line in cli("dead", "list", "--json", "--state", "state").out.splitlines()
    ]
    assert [(letter["source"], letter["line"]) for letter in letters] == [
        ("log.jsonl", 2 * number) for number in range(1, len(LINES) + 1)
    ]
    assert [
        (letter["line"], letter["reason"])
        for letter, (_, said) in zip(letters, LINES, strict=True)
        if said not in letter["reason"]
    ] == []
    shown = unharmed(cli("dead", "list", "--state", "state"))
    assert [
        f"log.jsonl:{2 * number}: " in line for number, line in enumerate(shown.out.splitlines(), 1)
    ] == [True] * len(LINES)


def test_a_dry_run_tells_of_malformed_lines_with_file_and_line(cli: Cli) -> None:
    """Exit 3, as when they are dead."""
    for number, (bad, said) in enumerate(LINES):
        Path("log.jsonl").write_bytes(b"\n" * number + bad + b"\n")
        done = unharmed(cli("push", "-n", "log.jsonl", "--json"))
        assert (done.code, done.json()["bad"]) == (3, 1)
        assert done.err.startswith(f"syncer: log.jsonl:{number + 1}: ")
        assert said in done.err


SETTINGS = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
WORDS = st.text("abcxyz01-=_ \té\udcff", max_size=6)
FLAGS = [
    "--json",
    "--quiet",
    "-q",
    "--verbose",
    "-v",
    "-n",
    "--dry-run",
    "--strict",
    "--no-progress",
    "--online",
    "--help",
    "-h",
    "-V",
    "-nq",
]
WITH_VALUES = [
    "--batch-size",
    "--rps",
    "--concurrency",
    "--state",
    "-c",
    "--user-id",
    "--app-id",
    "--base-url",
    "--max-attempts",
    "--rps=1",
]
OPTIONS = st.sampled_from([*FLAGS, *WITH_VALUES, "--", "-", "--json=x", "--version=3"])
ALONE = [[word] for word in ("push", "status", "completion", "bogus")]
GROUPED = ["config check", "config show", "dead list", "dead show", "state forget"]
COMMANDS = st.sampled_from([*ALONE, [], *(words.split() for words in GROUPED)])
LINE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["i", "a", "post", "merge", "", "é"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["op", "action", "annotation", "input_id", "id", "data", "status", "worker"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@pytest.mark.proof
@SETTINGS
@given(command=COMMANDS, rest=st.lists(OPTIONS | WORDS, max_size=6))
def test_any_command_line_is_answered(cli: Cli, command: list[str], rest: list[str]) -> None:
    """One JSON object where --json was given, whatever else stood there."""
    done = unharmed(cli(*command, *rest))
    options = rest[: rest.index("--")] if "--" in rest else rest
    if "--json" in options:
        done.json()


@pytest.mark.proof
@SETTINGS
@given(
    st.lists(
        st.binary(max_size=40) | LINE.map(lambda value: json.dumps(value).encode()),
        min_size=1,
        max_size=6,
    )
)
@example([b"(\xb5/\xfd"])
def test_any_log_is_answered_and_every_line_of_it_counted(cli: Cli, lines: list[bytes]) -> None:
    """Read, and either a change, ignored or bad; or the file is of another kind, which
    is refused as a whole.
    """
    Path("log.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    done = unharmed(cli("push", "-n", "log.jsonl", "--json"))
    counts = done.json()
    if "error" in counts:
        assert (done.code, "log.jsonl is not a change log: " in counts["error"]) == (2, True)
        return
    parts = ("posts", "patches", "deletes", "input_deletes", "ignored", "bad")
    assert (done.code, counts["read"]) == (
        3 if counts["bad"] else 0,
        sum(counts[part] for part in parts),
    )
    assert done.err.count("log.jsonl:") == counts["bad"]


@pytest.mark.proof
@SETTINGS
@given(
    st.sampled_from(CONFIGS), st.sampled_from(CONFIGS), st.integers(0, 60), st.binary(max_size=3)
)
def test_any_config_is_answered(
    cli: Cli,
    first: tuple[str | bytes, int, str],
    second: tuple[str | bytes, int, str],
    at: int,
    noise: bytes,
) -> None:
    """Two bad ones in a row, with noise inside."""
    text = b"".join(
        part if isinstance(part, bytes) else part.encode() for part in (first[0], second[0])
    )
    Path("bad.toml").write_bytes(text[:at] + noise + text[at:])
    done = unharmed(cli("config", "check", "-c", "bad.toml", "--json"))
    assert (done.code == 0) == done.json()["ok"]
    assert done.code == 0 or "bad.toml:" in done.json()["error"]
