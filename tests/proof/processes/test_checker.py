"""What judges the other tests of this folder finds each way a remote can be wrong."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from tests.proof.processes.logs import Log, numbered_log
from tests.proof.processes.remote import RecordedApp, Write, misplaced


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return numbered_log(tmp_path / "changes.jsonl", 600, 3)


def writes_of(log: Log) -> list[Write]:
    """The writes of a remote that carries the log out once, in order."""
    app, alive = RecordedApp("owner", "app"), dict[tuple[str, str], dict[str, object]]()
    for number, line in enumerate(log.path.read_bytes().splitlines()):
        change = orjson.loads(line)
        annotation = change["annotation"]
        key = (
            annotation["input_id"],
            annotation.get("id", f"made-{number}" if change["op"] == "post" else ""),
        )
        if change["op"] != "delete":
            alive[key] = {**annotation, "id": key[1]}
            app.put(alive[key])
        elif key[1]:
            app.delete(key)
        else:
            app.delete_of_input(key[0])
    return app.writes


def test_a_log_carried_out_once_in_order_is_right_and_so_are_repeats_at_once(log: Log) -> None:
    writes = writes_of(log)
    assert misplaced(writes, log) == []
    repeated = [
        again
        for write in writes
        for again in ([write] if write.kind == "create" else [write, write])
    ]
    assert misplaced(repeated, log) == []


def after(write: Write, other: Write) -> bool:
    """Has the other one to wait for this one?"""
    return other.input_id == write.input_id and (not write.id or other.id in (write.id, ""))


@pytest.mark.parametrize("kind", ["create", "change", "delete", "delete input"])
def test_a_write_that_comes_back_at_the_end_is_found_where_something_later_was_done(
    kind: str, log: Log
) -> None:
    """All writes of a kind, one by one: of those that anything came behind."""
    writes = writes_of(log)
    late = [
        write
        for place, write in enumerate(writes)
        if write.kind == kind and any(after(write, other) for other in writes[place + 1 :])
    ]
    if kind == "delete input":  # a second one of an input is as good as a later one
        late = [write for write in late if len(log.input_deletes[write.input_id]) == 1]
    assert late
    assert [write for write in late if not misplaced([*writes, write], log)] == []


def test_a_post_that_overtakes_the_delete_of_its_input_is_found(log: Log) -> None:
    writes = writes_of(log)
    found = 0
    for place, write in enumerate(writes):
        behind = next(
            (
                later
                for later in writes[place + 1 :]
                if later.input_id == write.input_id and later.kind == "create"
            ),
            None,
        )
        if write.kind == "delete input" and behind is not None:
            found += 1
            overtaken = [other for other in writes if other is not behind]
            overtaken.insert(place, behind)
            assert misplaced(overtaken, log) != []
    assert found > 0


def test_what_is_missing_differs_or_is_held_twice_is_found(log: Log) -> None:
    held = [{**annotation, "input_id": key[0]} for key, annotation in log.wanted.items()]
    log.nameless = 0
    assert log.differences(held) == []
    assert log.differences(held[1:]) != []
    assert log.differences([*held, {**held[0], "id": "another"}]) != []
    assert (
        log.differences(
            [{**held[0], "data": {**held[0]["data"], "metadata": {"n": -1}}}, *held[1:]]
        )
        != []
    )
