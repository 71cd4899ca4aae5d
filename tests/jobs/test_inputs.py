"""What a push tells of logs that it does not read to their end: there are none, they
are still being written, or they are gone.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from syncer.errors import UsageError
from syncer.jobs.limiters import Limiters
from syncer.jobs.push import PushLane
from syncer.jobs.push_parts import push_parts
from tests.support.lanes import App
from tests.support.lines import post


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(tmp_path / "state")


def whole(path: Path, id: str) -> Path:
    """A log of one line."""
    path.write_bytes(post(id) + b"\n")
    return path


def part(path: Path, id: str) -> Path:
    """A log of one line, and of another that is still being written."""
    path.write_bytes(post(id) + b"\n" + post("more")[:-5])
    return path


def notes(app: App) -> list[str]:
    """What a push of all the logs that the state knows tells before it runs."""
    with push_parts(app.config(), Limiters()) as parts:
        return PushLane(parts, []).notes


def test_without_a_log_a_state_that_knows_none_is_told_to_name_one(app: App) -> None:
    refused = app.refused()
    assert isinstance(refused, UsageError)
    assert "no change log: name one" in str(refused)


@pytest.mark.parametrize(
    ("names", "advice"),
    [
        (["a.jsonl"], "everything before it is done. Push again when it is whole"),
        (["a.jsonl", "b.jsonl"], "everything before them is done. Push again when they are whole"),
    ],
)
def test_logs_that_are_still_being_written_are_named_and_are_to_be_pushed_again(
    app: App, tmp_path: Path, names: list[str], advice: str
) -> None:
    logs = [part(tmp_path / name, name) for name in names]
    finished = app.push(*logs)
    assert str(finished.error).endswith(advice)
    assert all(str(log) in str(finished.error) for log in logs)
    assert finished.summary.applied == len(names)


def test_of_logs_that_are_gone_it_is_told_which_were_applied_to_their_end_and_which_were_not(
    app: App, tmp_path: Path
) -> None:
    finished, unfinished = whole(tmp_path / "whole.jsonl", "a"), part(tmp_path / "part.jsonl", "b")
    app.push(finished, unfinished)
    app.push(whole(tmp_path / "kept.jsonl", "c"))
    assert notes(app) == []
    finished.unlink()
    unfinished.unlink()
    assert notes(app) == [f"{finished} is gone, and was applied to its end"]
    assert f"a log is gone before its end: {unfinished} (read up to line 1)" in str(
        app.push().error
    )
