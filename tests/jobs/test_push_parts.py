"""The parts of a push are closed in every case: what a push did not come to use is free
for the next one.
"""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from syncer.errors import StateError, UsageError
from syncer.jobs.limiters import Limiters
from syncer.jobs.push import PushLane
from syncer.jobs.push_parts import push_parts
from tests.support.lanes import App

LINE = b'{"op":"post","annotation":{"id":"a","input_id":"i"}}\n'


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(tmp_path / "state")


def is_free(app: App) -> bool:
    """Can the state be opened?"""
    with push_parts(app.config(), Limiters()):
        return True


def test_a_state_that_a_push_works_with_is_locked_for_others_until_it_is_over(app: App) -> None:
    with push_parts(app.config(), Limiters()), pytest.raises(StateError, match="locked"):
        is_free(app)
    assert is_free(app)


def test_a_bitmap_that_cannot_be_used_gives_the_lock_back(app: App) -> None:
    assert is_free(app)
    bitmap = app.state / "posted.bits"
    bitmap.unlink()
    bitmap.mkdir()
    with pytest.raises(StateError, match=r"posted\.bits cannot be used"):
        is_free(app)
    bitmap.rmdir()
    assert is_free(app)


def test_all_that_a_push_keeps_is_for_its_owner_only(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(LINE)))
    app.push("-")
    kept = {path.relative_to(app.state).as_posix(): path for path in app.state.rglob("*")}
    assert {"journal", "dead.jsonl", "lock", "posted.bits", "spool"} < set(kept)
    assert {
        path: f"{found.stat().st_mode & 0o777:o}"
        for path, found in (*kept.items(), (".", app.state))
    } == {path: "700" if path in {".", "spool"} else "600" for path in (*kept, ".")}


def test_logs_that_cannot_be_read_give_the_lock_back(app: App, tmp_path: Path) -> None:
    with pytest.raises(UsageError), push_parts(app.config(), Limiters()) as parts:
        PushLane(parts, [str(tmp_path / "absent.jsonl")])
    assert is_free(app)


def test_an_app_that_is_not_configured_leaves_no_state(app: App) -> None:
    with (
        pytest.raises(UsageError, match="no app"),
        push_parts(app.config(clarifai__app_id=""), Limiters()),
    ):
        pass
    assert not app.state.exists()
