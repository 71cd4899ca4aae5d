"""Folders and stdin as users really have them: real processes in a real folder."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import ENVIRONMENT, EmulatorProcess, command, emulator

GOOD = b'{"op":"post","annotation":{"id":"a","input_id":"i"}}\n'


def syncer(here: Path, remote: EmulatorProcess, *arguments: str, app: str = "app", stdin: bytes = b"") -> tuple[int, dict[str, Any], str]:
    """Run a command in this folder: (exit code, JSON, stderr)."""
    line = command(*arguments, "--base-url", remote.url, "--app-id", app, "--json", "--no-progress")
    if arguments[0] != "push":
        line.remove("--no-progress")
    done = subprocess.run(line, env=ENVIRONMENT, cwd=here, input=stdin, capture_output=True, timeout=60)
    return done.returncode, json.loads(done.stdout), done.stderr.decode()


def test_a_push_of_the_current_folder_takes_no_state_for_logs(tmp_path: Path) -> None:
    """Neither its own, with its dead letters and what came by stdin, nor the one of another app."""
    (tmp_path / "a.jsonl").write_bytes(GOOD + b"not JSON\n")
    with emulator("--rps", "0") as remote:
        assert syncer(tmp_path, remote, "push", "-", "--state", "other", app="other", stdin=GOOD.replace(b'"a"', b'"b"'))[0] == 0
        ends = [syncer(tmp_path, remote, "push", ".") for _ in range(3)]
        assert syncer(tmp_path, remote, "push", "-", stdin=GOOD.replace(b'"a"', b'"c"') + b"bad\n")[0] == 3
        ends.append(syncer(tmp_path, remote, "push", "."))
        code, counted, _ = syncer(tmp_path, remote, "push", "-n", ".")
        held = {annotation["id"] for annotation in remote.held("app")}
    assert [(code, summary["read"], summary["dead"]) for code, summary, _ in ends] == [(3, 2, 1)] * 4
    assert (code, counted["read"], counted["bad"]) == (3, 2, 1)
    assert held == {"a", "c"}


@pytest.mark.parametrize("arguments", [["push"], ["push", "-n"], ["verify"]])
def test_what_is_left_out_of_a_folder_is_named_by_every_command(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(GOOD)
    (tmp_path / "b.ndjson").write_bytes(GOOD)
    with emulator("--rps", "0") as remote:
        syncer(tmp_path, remote, "push", "a.jsonl")
        code, _, said = syncer(tmp_path, remote, *arguments, ".")
    assert (code, said.count("b.ndjson")) == (0, 1), said


@pytest.mark.parametrize("arguments", [["push"], ["push", "-n"], ["verify"]])
def test_a_folder_that_cannot_be_read_whole_ends_every_command_before_anything_is_sent(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(GOOD)
    (tmp_path / "z").symlink_to("gone")
    with emulator("--rps", "0") as remote:
        code, value, said = syncer(tmp_path, remote, *arguments, ".")
        held = remote.held("app")
    assert (code, "z, a link to gone, cannot be read" in value["error"], "Traceback" in said) == (2, True, False), said
    assert held == []


@pytest.mark.parametrize("arguments", [["push"], ["push", "-n"], ["verify"]])
def test_a_stdin_that_is_closed_is_refused(arguments: list[str], tmp_path: Path) -> None:
    """An empty one is not: nothing is to be done then."""
    with emulator("--rps", "0") as remote:
        line = [*command(*arguments, "-"), "--base-url", remote.url, "--app-id", "app", "--json"]
        shell = ["sh", "-c", '"$@" <&-', "sh", *line]
        done = subprocess.run(shell, env=ENVIRONMENT, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        empty = subprocess.run(line, env=ENVIRONMENT, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    assert (done.returncode, "stdin cannot be read: it is closed" in json.loads(done.stdout)["error"]) == (2, True)
    assert empty.returncode == 0
    assert list(tmp_path.glob(".syncer/spool/*.part")) == []
