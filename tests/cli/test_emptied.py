"""`CLARIFAI_API_BASE=$UNSET`: no command that asks an app takes the default for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Cli

ASKING = [
    "push log.jsonl",
    "verify log.jsonl",
    "pull clarifai --out x.jsonl",
    "config check",
    "config show",
]


@pytest.mark.parametrize("line", ASKING)
def test_every_command_with_a_destination_ends_with_2_and_the_name(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    Path("log.jsonl").write_text('{"id":"a","input_id":"i"}\n')
    monkeypatch.setenv("CLARIFAI_PAT", "token")
    monkeypatch.setenv("CLARIFAI_APP_ID", "app")
    monkeypatch.setenv("CLARIFAI_API_BASE", "")
    done = cli(*line.split(), "--json")
    assert (done.code, "CLARIFAI_API_BASE: is set, but empty" in done.json()["error"]) == (2, True)
    assert not Path(".syncer").exists()


def test_commands_without_a_destination_do_not_ask(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("log.jsonl").write_text('{"id":"a","input_id":"i"}\n')
    monkeypatch.setenv("CLARIFAI_API_BASE", "")
    assert cli("push", "-n", "log.jsonl").code == 0
