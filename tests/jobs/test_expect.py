"""Changes that were planned, from their lines to the service and to dead letters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from syncer.core.ports.wire import NoReply, Reply, Request
from syncer.jobs.dead import LettersToRetry, Selector
from syncer.jobs.dry_run import dry_run
from syncer.remotes.clarifai import digest_annotation
from syncer.sources.lines import LineOptions
from tests.support.lanes import App
from tests.support.lines import delete, patch, post

ALL = Selector(every=True)
THEIRS = {"metadata": {"is": "theirs"}}


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(tmp_path / "state")


def write(path: Path, lines: list[bytes]) -> Path:
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def planned(app: App, line: bytes) -> bytes:
    """The line, against what is there now."""
    change = orjson.loads(line)
    key = change["annotation"]["input_id"], change["annotation"]["id"]
    return orjson.dumps({**change, "expect": {"digest": digest_annotation(app.held[key])}})


def change_theirs(app: App, id: str) -> dict[str, Any]:
    """Somebody else changes an annotation."""
    theirs: dict[str, Any] = {**app.held["i", id], "data": THEIRS}
    app.there.put(theirs)
    return theirs


def start(app: App, tmp_path: Path, count: int = 3) -> None:
    """Annotations a0, a1… are there."""
    app.push(write(tmp_path / "first.jsonl", [post(f"a{number}") for number in range(count)]))


def test_planned_changes_are_applied_in_two_requests(app: App, tmp_path: Path) -> None:
    start(app, tmp_path)
    lines = [planned(app, patch(f"a{number}")) for number in range(3)]
    asked = len(app.asked)
    finished = app.push(write(tmp_path / "plan.jsonl", lines))
    assert (finished.exit_code, finished.summary.applied) == (0, 3)
    assert [request.method for request in app.asked[asked:]] == ["GET", "PATCH"]


@pytest.mark.parametrize("force", [False, True])
def test_a_letter_that_is_tried_again_is_looked_at_again(
    app: App, tmp_path: Path, force: bool
) -> None:
    start(app, tmp_path)
    before = app.held["i", "a1"]
    plan = write(tmp_path / "plan.jsonl", [planned(app, patch("a1")), planned(app, delete("a2"))])
    theirs = change_theirs(app, "a1"), change_theirs(app, "a2")
    assert app.push(plan).exit_code == 3
    for _ in range(2):
        again = LettersToRetry(app.state, ALL, LineOptions(), force=force)
        assert again.write().queued == 2
        finished = app.push(plan)
        assert (finished.exit_code, finished.summary.dead) == (3, 2)
        assert (app.held["i", "a1"], app.held["i", "a2"]) == theirs
    app.there.put(before)
    LettersToRetry(app.state, ALL, LineOptions()).write()
    assert app.push(plan).summary.dead == 1
    assert app.held["i", "a1"]["data"]["metadata"] == {"is": "patched"}


def test_a_restart_knows_what_a_queued_change_was_planned_against(app: App, tmp_path: Path) -> None:
    start(app, tmp_path)
    plan = write(tmp_path / "plan.jsonl", [planned(app, patch("a1"))])

    def lose_the_patch(request: Request) -> Reply | NoReply | None:
        patched = any(one.method == "PATCH" for one in app.asked)
        return NoReply("lost", sent=request.method == "PATCH") if patched else None

    app.interfering = lose_the_patch
    assert app.push(plan, retry__give_up_seconds=5, retry__cap_seconds=2).exit_code == 1
    theirs = change_theirs(app, "a1")
    app.interfering = lambda _: None
    assert app.push(plan).summary.dead == 1
    assert app.held["i", "a1"] == theirs


def test_a_dry_run_counts_the_looks(app: App, tmp_path: Path) -> None:
    start(app, tmp_path)
    plan = write(
        tmp_path / "plan.jsonl", [planned(app, patch("a0")), planned(app, patch("a1")), patch("a2")]
    )
    counted = dry_run(app.config(), [str(plan)], None)
    assert (counted.patches, counted.requests, counted.bad) == (3, 3, 0)


def test_verify_knows_planned_changes(app: App, tmp_path: Path) -> None:
    start(app, tmp_path)
    plan = write(tmp_path / "plan.jsonl", [planned(app, patch("a0")), planned(app, delete("a1"))])
    app.push(plan)
    verified, _ = app.verify(tmp_path / "first.jsonl", plan)
    assert (verified.compared, verified.same, verified.differs) == (2, 2, 0)
