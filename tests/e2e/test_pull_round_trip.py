"""What is pulled can be pushed: into another app, and pulled again, it is the same but
for what the service itself fills in.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from syncer.remotes.clarifai.codes import number
from tests.support.mixed import write_mixed
from tests.support.processes import EmulatorProcess, emulator, push
from tests.support.pulls import Key, pull
from tests.support.stand_in import READ_AT_ONCE

Annotation = dict[str, Any]
SERVERS_OWN = frozenset({"created_at", "modified_at", "user_id", "worker", "trusted"})
"""Times, and who made it: the second app's annotations were made by whoever pushed
them, when they were pushed.
"""


@pytest.fixture(scope="module")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    log = tmp_path_factory.mktemp("load") / "mixed.jsonl"
    write_mixed(log, 1500, seed=31, each=4)
    with emulator(
        "--rps", "0", "--load", f"me/first={log}", needs=f"caller=owner,{READ_AT_ONCE}"
    ) as running:
        yield running


def rows(path: Path) -> dict[Key, Annotation]:
    return {
        (row["input_id"], row["id"]): row
        for row in map(orjson.loads, path.read_bytes().splitlines())
    }


def without(row: Annotation, names: frozenset[str]) -> Annotation:
    return {name: value for name, value in row.items() if name not in names}


def test_a_pull_pushed_to_another_app_and_pulled_again_is_the_same_but_for_what_is_filled_in(
    remote: EmulatorProcess, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    assert pull(remote.url, "first", first, "--all", "--rps", "1000")[0] == 0
    code, summary, stderr = push(
        remote.url, "second", tmp_path / "state", [str(first)], "--rps", "1000"
    )
    assert pull(remote.url, "second", second, "--all", "--rps", "1000")[0] == 0
    sent = {
        key: row
        for key, row in rows(first).items()
        if not row.get("input_level") and "model_version_id" not in row
    }
    assert (code, summary["applied"], summary["ignored"]) == (
        0,
        len(sent),
        1500 - len(sent),
    ), stderr
    found = rows(second)
    assert found.keys() == sent.keys()
    assert [
        key
        for key, row in sent.items()
        if without(found[key], SERVERS_OWN) != without(row, SERVERS_OWN)
    ] == []


def test_what_differs_is_what_a_bare_line_leaves_out(
    remote: EmulatorProcess, tmp_path: Path
) -> None:
    """And nothing that a bare line keeps: owners are not sent, statuses and the user's
    own information are.
    """
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    pull(remote.url, "first", first, "--all", "--rps", "1000")
    push(remote.url, "third", tmp_path / "state", [str(first)], "--rps", "1000")
    pull(remote.url, "third", second, "--all", "--rps", "1000")
    before, after = rows(first), rows(second)
    differ = {
        name
        for key, row in after.items()
        for name in row.keys() | before[key].keys()
        if row.get(name) != before[key].get(name)
    }
    assert differ == SERVERS_OWN - {"trusted"}
    assert {row["user_id"] for row in after.values()} == {"emulator-user"}
    assert {row["user_id"] for row in before.values() if "user_id" in row} == {
        "emulator-user",
        "ann",
        "bob",
    }
    assert {number(row["status"]["code"]) for row in after.values()} == {24150, 24151, 24157}
    assert any("annotation_info" in row for row in after.values())


def test_a_second_push_of_the_same_pull_finds_everything_there(
    remote: EmulatorProcess, tmp_path: Path
) -> None:
    out = tmp_path / "out.jsonl"
    pull(remote.url, "first", out, "--rps", "1000")
    code, one, _ = push(remote.url, "fourth", tmp_path / "one", [str(out)], "--rps", "1000")
    again, two, _ = push(remote.url, "fourth", tmp_path / "two", [str(out)], "--rps", "1000")
    assert (code, again) == (0, 0)
    assert one["applied"] == two["applied"] == two["reconciled"]
    assert remote.get("/_emulator/report")["posted"] >= one["applied"]
