"""States that older versions wrote are carried on: what waited is sent, what was
applied is not, and letters keep what is known of them.
"""

from __future__ import annotations

import gzip
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from syncer.journal.replay import replay
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
OPEN = [
    ("logs/done.jsonl", 12),
    ("logs/done.jsonl", 13),
    ("logs/done.jsonl", 14),
    ("logs/done.jsonl", 15),
]


def held(remote: EmulatorProcess) -> dict[tuple[str, str], float]:
    """The values at the remote; those of i3 are checked here."""
    values = {
        (held["input_id"], held["id"]): held["data"]["concepts"][0].get("value", 0)
        for held in remote.held("app")
    }
    assert Counter(value for (input_id, _), value in values.items() if input_id == "i3") == Counter(
        n / 8 for n in range(8)
    )
    return {key: value for key, value in values.items() if key[0] != "i3"}


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmulatorProcess]:
    monkeypatch.chdir(tmp_path)
    with old_state("231636e", tmp_path) as running:
        yield running


def letters(cli: Cli) -> list[dict[str, object]]:
    return [
        json.loads(line)
        for line in cli("dead", "list", "--state", "state", "--json").out.splitlines()
    ]


@pytest.mark.parametrize(
    "logs", [(), ("logs", "-")], ids=["no log named", "folder and the same stdin"]
)
def test_a_state_with_waiting_changes_and_letters_is_carried_on(
    remote: EmulatorProcess, cli: Cli, logs: tuple[str, ...]
) -> None:
    (spool,) = Path("state/spool").iterdir()
    before = cli("status", "--state", "state", "--json").json()
    assert (before["pending"], before["dead"]) == (4, 3)
    code, summary, stderr = push(
        remote.url, "app", Path("state"), logs, stdin=spool.read_bytes() if logs else None
    )
    assert code == 3, stderr
    assert held(remote) == HELD
    assert {name: summary[name] for name in ("read", "ignored", "dead", "pending")} == {
        "read": 126,
        "ignored": 2,
        "dead": 4,
        "pending": 0,
    }
    assert summary["applied"] + summary["skipped"] == 120
    assert summary["skipped"] == before["applied"]
    found = letters(cli)
    assert sorted((letter["source"], letter["line"]) for letter in found) == OPEN
    assert [letter["line"] for letter in found if letter["superseded"]] == [15]
    assert cli("state", "check", "--state", "state").code == 0
    assert push(remote.url, "app", Path("state"), ())[1]["applied"] == 0


def recorded_times(folder: Path) -> dict[str, int]:
    """The modification time that the state has of each log, by its label."""
    return {
        log.identity.label: log.identity.mtime_ns
        for log in replay(folder / "state" / "journal").ledger.logs.values()
    }


def rename_folder(logs: Path) -> None:
    logs.rename(logs.with_name("archive"))


def compress_all(logs: Path) -> None:
    logs.rename(logs.with_name("archive"))
    for path in logs.with_name("archive").glob("*.jsonl"):
        status = path.stat()
        packed = path.with_name(path.name + ".gz")
        packed.write_bytes(gzip.compress(path.read_bytes()))
        os.utime(packed, ns=(status.st_atime_ns, status.st_mtime_ns // 10**9 * 10**9))
        path.unlink()


@pytest.mark.parametrize("times", [True, False], ids=["with their times", "with other times"])
@pytest.mark.parametrize("moved", [rename_folder, compress_all])
def test_the_logs_of_an_old_state_are_known_by_what_is_in_them(
    remote: EmulatorProcess, cli: Cli, tmp_path: Path, moved: Callable[[Path], None], *, times: bool
) -> None:
    """An old state has neither devices nor times of birth, and of packed logs not where
    they end.
    """
    for label, mtime_ns in recorded_times(tmp_path).items():
        if times and label != "-":
            os.utime(label, ns=(mtime_ns, mtime_ns))
    moved(tmp_path / "logs")
    (spool,) = Path("state/spool").iterdir()
    named = ("archive", "-") if times else ("archive", "-", "--moved", "same")
    code, summary, stderr = push(remote.url, "app", Path("state"), named, stdin=spool.read_bytes())
    assert code == 3, stderr
    assert held(remote) == HELD
    assert (summary["read"], summary["dead"], summary["pending"]) == (126, 4, 0)
    assert {
        log["path"].partition(".")[0]
        for log in cli("status", "--state", "state", "--json").json()["logs"]
    } == {*("archive/done", "archive/grew", "archive/plain", "archive/zipped", "-")}


def test_logs_of_an_old_state_that_are_gone_are_done_if_that_is_known(
    remote: EmulatorProcess,
) -> None:
    for name in ("plain.jsonl", "zipped.jsonl.gz"):
        (Path("logs") / name).unlink()
    code, summary, stderr = push(remote.url, "app", Path("state"), ())
    assert code == 1
    assert "logs/plain.jsonl is gone, and was applied to its end" in stderr
    assert (
        "a log is gone before its end: logs/zipped.jsonl.gz (read up to line 10)"
        in summary["error"]
    )
    assert held(remote) == HELD


def test_letters_of_a_log_that_got_a_forgotten_ones_number_are_not_superseded_by_it(
    tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with old_state("231636e-reused", tmp_path) as remote:
        found = letters(cli)
        assert [(letter["source"], letter["superseded"]) for letter in found] == [
            ("logs/new.jsonl", False)
        ] * 2
        assert cli("dead", "retry", "--all", "--state", "state", "--json").json()["refused"] == []
        assert cli("state", "forget", "logs/new.jsonl", "--force", "--state", "state").code == 0
        assert push(remote.url, "app", Path("state"), ["logs/new.jsonl"])[1]["dead"] == 2
        logs = [
            record["log"]
            for record in map(
                json.loads, cli("state", "export", "--state", "state").out.splitlines()
            )
            if "log" in record
        ]
        assert logs == [1, 3]
