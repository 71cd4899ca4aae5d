"""States that older versions wrote are carried on: what waited is sent, what was applied is not, and letters keep what is known of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.support.processes import EmulatorProcess, push
from tests.support.states import old_state

HELD = (
    {("i1", "a0"): 0.0, ("i1", "a1"): 0.5, ("i1", "late"): 1.0, ("i1", "b1"): 0.5}
    | {("i1", f"a{n}"): n / 8 for n in range(3, 8)}
    | {("i2", f"z{n}"): n / 8 for n in range(1, 8)}
    | {("i4", f"g{n}"): (n % 8 + 1) / 8 for n in range(39)}
    | {("i5", f"s{n}"): n / 8 for n in range(6)}
)
"""What the logs of the state give, but for the eight posts without an id on i3."""
OPEN = [("logs/done.jsonl", 12), ("logs/done.jsonl", 13), ("logs/done.jsonl", 14), ("logs/done.jsonl", 15)]


def held(remote: EmulatorProcess) -> dict[tuple[str, str], float]:
    """The values at the remote; those of i3 are checked here."""
    values = {(held["input_id"], held["id"]): held["data"]["concepts"][0].get("value", 0) for held in remote.held("app")}
    assert Counter(value for (input_id, _), value in values.items() if input_id == "i3") == Counter(n / 8 for n in range(8))
    return {key: value for key, value in values.items() if key[0] != "i3"}


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmulatorProcess]:
    monkeypatch.chdir(tmp_path)
    with old_state("231636e", tmp_path) as running:
        yield running


def letters(cli: Cli) -> list[dict[str, object]]:
    return [json.loads(line) for line in cli("dead", "list", "--state", "state", "--json").out.splitlines()]


@pytest.mark.parametrize("logs", [(), ("logs", "-")], ids=["no log named", "folder and the same stdin"])
def test_a_state_with_waiting_changes_and_letters_is_carried_on(remote: EmulatorProcess, cli: Cli, logs: tuple[str, ...]) -> None:
    (spool,) = Path("state/spool").iterdir()
    before = cli("status", "--state", "state", "--json").json()
    assert (before["pending"], before["dead"]) == (4, 3)
    code, summary, stderr = push(remote.url, "app", Path("state"), logs, stdin=spool.read_bytes() if logs else None)
    assert code == 3, stderr
    assert held(remote) == HELD
    assert {name: summary[name] for name in ("read", "ignored", "dead", "pending")} == {"read": 126, "ignored": 2, "dead": 4, "pending": 0}
    assert summary["applied"] + summary["skipped"] == 120
    assert summary["skipped"] == before["applied"]
    found = letters(cli)
    assert sorted((letter["source"], letter["line"]) for letter in found) == OPEN
    assert [letter["line"] for letter in found if letter["superseded"]] == [15]
    assert cli("state", "check", "--state", "state").code == 0
    assert push(remote.url, "app", Path("state"), ())[1]["applied"] == 0


def test_letters_of_a_log_that_got_a_forgotten_ones_number_are_not_superseded_by_it(
    tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with old_state("231636e-reused", tmp_path) as remote:
        found = letters(cli)
        assert [(letter["source"], letter["superseded"]) for letter in found] == [("logs/new.jsonl", False)] * 2
        assert cli("dead", "retry", "--all", "--state", "state", "--json").json()["refused"] == []
        assert cli("state", "forget", "logs/new.jsonl", "--force", "--state", "state").code == 0
        assert push(remote.url, "app", Path("state"), ["logs/new.jsonl"])[1]["dead"] == 2
        logs = [record["log"] for record in map(json.loads, cli("state", "export", "--state", "state").out.splitlines()) if "log" in record]
        assert logs == [1, 3]
