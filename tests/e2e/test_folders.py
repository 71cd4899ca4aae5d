"""Folders and stdin as users really have them: real processes in a real folder."""

from __future__ import annotations

import gzip
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.cases import first_quick
from tests.support.processes import ENVIRONMENT, EmulatorProcess, command, emulator
from tests.support.stand_in import READ_AT_ONCE

GOOD = b'{"op":"post","annotation":{"id":"a","input_id":"i"}}\n'

EVERY_COMMAND = pytest.mark.parametrize(
    "arguments", [["push"], ["push", "-n"], ["verify"]], ids=" ".join
)


def syncer(
    here: Path, remote: EmulatorProcess, *arguments: str, app: str = "app", stdin: bytes = b""
) -> tuple[int, dict[str, Any], str]:
    """Run a command in this folder: (exit code, JSON, stderr)."""
    line = command(*arguments, "--base-url", remote.url, "--app-id", app, "--json", "--no-progress")
    if arguments[0] != "push":
        line.remove("--no-progress")
    done = subprocess.run(
        line, env=ENVIRONMENT, cwd=here, input=stdin, capture_output=True, timeout=60
    )
    return done.returncode, json.loads(done.stdout), done.stderr.decode()


@pytest.mark.proof
def test_a_push_of_the_current_folder_takes_no_state_for_logs(tmp_path: Path) -> None:
    """Neither its own, with its dead letters and what came by stdin, nor the one of
    another app.
    """
    (tmp_path / "a.jsonl").write_bytes(GOOD + b"not JSON\n")
    with emulator("--rps", "0", needs=READ_AT_ONCE) as remote:
        assert (
            syncer(
                tmp_path,
                remote,
                "push",
                "-",
                "--state",
                "other",
                app="other",
                stdin=GOOD.replace(b'"a"', b'"b"'),
            )[0]
            == 0
        )
        ends = [syncer(tmp_path, remote, "push", ".") for _ in range(3)]
        assert (
            syncer(tmp_path, remote, "push", "-", stdin=GOOD.replace(b'"a"', b'"c"') + b"bad\n")[0]
            == 3
        )
        ends.append(syncer(tmp_path, remote, "push", "."))
        code, counted, _ = syncer(tmp_path, remote, "push", "-n", ".")
        held = {annotation["id"] for annotation in remote.held("app")}
    assert [(code, summary["read"], summary["dead"]) for code, summary, _ in ends] == [
        (3, 2, 1)
    ] * 4
    assert (code, counted["read"], counted["bad"]) == (3, 2, 1)
    assert held == {"a", "c"}


@EVERY_COMMAND
def test_what_is_left_out_of_a_folder_is_named_by_every_command(
    arguments: list[str], tmp_path: Path
) -> None:
    (tmp_path / "a.jsonl").write_bytes(GOOD)
    (tmp_path / "b.ndjson").write_bytes(GOOD)
    with emulator("--rps", "0", needs=READ_AT_ONCE) as remote:
        syncer(tmp_path, remote, "push", "a.jsonl")
        code, _, said = syncer(tmp_path, remote, *arguments, ".")
    assert (code, said.count("b.ndjson")) == (0, 1), said


@pytest.mark.proof
def test_the_rest_of_a_rotated_log_is_not_said_to_be_unread(tmp_path: Path) -> None:
    """It is read, though a folder's logs are called otherwise; a file beside it that no
    known log begins is not.
    """
    (tmp_path / "x.jsonl").write_bytes(GOOD)
    with emulator("--rps", "0", needs=READ_AT_ONCE) as remote:
        syncer(tmp_path, remote, "push", ".")
        (tmp_path / "x.jsonl").rename(tmp_path / "x.jsonl.1")
        (tmp_path / "x.jsonl").write_bytes(GOOD.replace(b'"a"', b'"b"'))
        (tmp_path / "y.jsonl.1").write_bytes(GOOD.replace(b'"a"', b'"c"'))
        code, summary, said = syncer(tmp_path, remote, "push", ".")
        assert (code, summary["read"], "not read: y.jsonl.1 (" in said) == (0, 2, True), said
        (tmp_path / "x.jsonl.1").rename(tmp_path / "x.jsonl.3")
        (tmp_path / "x.jsonl").rename(tmp_path / "x.jsonl.2")
        for name, id in (("x.jsonl", b'"e"'), ("x.jsonl.1", b'"d"')):
            (tmp_path / name).write_bytes(GOOD.replace(b'"a"', id))
        code, summary, said = syncer(tmp_path, remote, "push", "x.jsonl")
        assert (code, summary["read"]) == (0, 3), said
        assert (
            "not read: x.jsonl.1 (named like a part of a log that was rotated, but no log that the"
            " state knows;" in said
        )


@EVERY_COMMAND
def test_a_folder_that_cannot_be_read_whole_ends_every_command_before_anything_is_sent(
    arguments: list[str], tmp_path: Path
) -> None:
    (tmp_path / "a.jsonl").write_bytes(GOOD)
    (tmp_path / "z").symlink_to("gone")
    with emulator("--rps", "0", needs=READ_AT_ONCE) as remote:
        code, value, said = syncer(tmp_path, remote, *arguments, ".")
        held = remote.held("app")
    assert (code, "z, a link to gone, cannot be read" in value["error"], "Traceback" in said) == (
        2,
        True,
        False,
    ), said
    assert held == []


@EVERY_COMMAND
def test_a_stdin_that_is_closed_is_refused(arguments: list[str], tmp_path: Path) -> None:
    """An empty one is not: nothing is to be done then."""
    with emulator("--rps", "0", needs=READ_AT_ONCE) as remote:
        line = [*command(*arguments, "-"), "--base-url", remote.url, "--app-id", "app", "--json"]
        shell = ["sh", "-c", '"$@" <&-', "sh", *line]
        done = subprocess.run(
            shell, env=ENVIRONMENT, cwd=tmp_path, capture_output=True, text=True, timeout=60
        )
        empty = subprocess.run(
            line,
            env=ENVIRONMENT,
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
        )
    assert (
        done.returncode,
        "stdin cannot be read: it is closed" in json.loads(done.stdout)["error"],
    ) == (2, True)
    assert empty.returncode == 0
    assert list(tmp_path.glob(".syncer/spool/*.part")) == []


@EVERY_COMMAND
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            GOOD.decode().encode("utf-16"),
            "b.jsonl is not a change log: the file is in UTF-16, not in UTF-8",
        ),
        (
            b"bad\n" * 10_000 + GOOD,
            "b.jsonl is not a change log: its first 10,000 lines are all bad (line 1: not JSON: ",
        ),
    ],
)
def test_a_file_of_another_kind_ends_every_command_before_anything_is_sent(
    content: bytes, said: str, arguments: list[str], tmp_path: Path
) -> None:
    """It is the second of the logs, and no letters are written."""
    (tmp_path / "a.jsonl").write_bytes(GOOD)
    (tmp_path / "b.jsonl").write_bytes(content)
    with emulator("--rps", "0", needs=READ_AT_ONCE) as remote:
        code, value, _ = syncer(tmp_path, remote, *arguments, "a.jsonl", "b.jsonl")
        held = remote.held("app")
    assert (code, said in value["error"], held) == (2, True, []), value
    assert [path for path in tmp_path.glob(".syncer/dead.jsonl") if path.stat().st_size] == []


def test_a_stdin_of_another_kind_is_refused_and_not_kept(tmp_path: Path) -> None:
    with emulator("--rps", "0", needs=READ_AT_ONCE) as remote:
        code, value, _ = syncer(tmp_path, remote, "push", "-", stdin=b"PK\3\4" + GOOD * 100)
        held = remote.held("app")
    assert (code, "- is not a change log: the file is a zip archive" in value["error"], held) == (
        2,
        True,
        [],
    )
    assert list(tmp_path.glob(".syncer/spool/*")) == []


def test_a_log_that_turns_out_to_be_damaged_leaves_the_others_alone(tmp_path: Path) -> None:
    """All but what cannot be unpacked is pushed, each time: exit 1, the log is named,
    and no letters come of it.
    """
    (tmp_path / "a.jsonl").write_bytes(gzip.compress(GOOD) + b"garbage\nof two lines\n")
    (tmp_path / "b.jsonl.gz").write_bytes(GOOD.replace(b'"a"', b'"b"'))
    with emulator("--rps", "0", needs=READ_AT_ONCE) as remote:
        ends = [syncer(tmp_path, remote, "push", ".") for _ in range(2)]
        held = {annotation["id"] for annotation in remote.held("app")}
        counted = syncer(tmp_path, remote, "push", "-n", ".")
        compared = syncer(tmp_path, remote, "verify", ".")
    for code, summary, _ in [*ends, counted, compared]:
        assert (
            code,
            "a.jsonl:2: what follows the compressed data is not gzip" in summary["error"],
        ) == (1, True)
    assert [(summary["read"], summary["dead"], summary["pending"]) for _, summary, _ in ends] == [
        (2, 0, 0)
    ] * 2
    assert (counted[1]["read"], compared[1]["same"]) == (2, 2)
    assert held == {"a", "b"}


DELETED = b'{"op":"delete","annotation":{"id":"a","input_id":"i"}}\n'


@pytest.mark.parametrize("moved", first_quick(["logs/pulled.jsonl", "logs/elsewhere.jsonl"]))
def test_what_a_pull_wrote_brings_no_deleted_label_back(moved: str, tmp_path: Path) -> None:
    """Where it was written, and where it was moved to; named outright it is read."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.jsonl").write_bytes(GOOD)
    with emulator("--rps", "0", needs=READ_AT_ONCE) as remote:
        assert syncer(tmp_path, remote, "push", "logs")[0] == 0
        assert syncer(tmp_path, remote, "pull", "clarifai", "--out", "logs/pulled.jsonl")[0] == 0
        (tmp_path / "logs" / "pulled.jsonl").rename(tmp_path / moved)
        with (tmp_path / "logs" / "a.jsonl").open("ab") as log:
            log.write(DELETED)
        code, summary, said = syncer(tmp_path, remote, "push", "logs")
        assert (code, summary["read"], said.count(f"not read: {moved} (written by a pull")) == (
            0,
            2,
            1,
        ), said
        assert remote.held("app") == []
        assert syncer(tmp_path, remote, "verify", "logs")[0] == 0
        assert syncer(tmp_path, remote, "push", "-n", "logs")[1]["read"] == 2
        assert syncer(tmp_path, remote, "push", moved)[0] == 0
        assert [annotation["id"] for annotation in remote.held("app")] == ["a"]
