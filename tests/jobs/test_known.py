"""Logs that a state knows: forgotten with or without what they hold, and moved."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from syncer.core.facts import Queued, Settled
from syncer.errors import LogChanged, StateError, UsageError
from syncer.jobs.known import (
    ForgetLogs,
    GivenUp,
    LogName,
    MoveLog,
    Renamed,
    describe_held,
)
from syncer.journal.journal import Journal
from tests.journal.made import queued
from tests.support.lanes import App
from tests.support.lines import post


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(tmp_path / "state")


def pushed(app: App, path: Path, *lines: bytes) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    app.push(path)
    return path


def forget(state: Path, names: Sequence[str], *, force: bool) -> GivenUp:
    return ForgetLogs(tuple(map(LogName.of, names)), force).write(state)


def move(state: Path, old: str, new: str) -> Renamed:
    return MoveLog(LogName.of(old), LogName.of(new)).write(state)


def labels(app: App) -> list[str]:
    return sorted(log.identity.label for log in Journal.read_only(app.state)[0].logs.values())


# --- forgotten ------------------------------------------------------------------------


def test_a_log_is_forgotten_by_its_name_and_the_others_are_known(app: App, tmp_path: Path) -> None:
    first, second = (pushed(app, tmp_path / name, post(name)) for name in ("1.jsonl", "2.jsonl"))
    result = forget(app.state, [str(first)], force=False)
    assert (result.logs, result.waiting, result.dead) == ([str(first)], 0, 0)
    assert labels(app) == [str(second)]


def test_a_log_is_forgotten_by_any_spelling_of_its_path_also_when_it_is_gone(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = pushed(app, tmp_path / "1.jsonl", post("a"))
    log.unlink()
    monkeypatch.chdir(tmp_path)
    assert forget(app.state, ["x/../1.jsonl"], force=False).logs == [str(log)]


def test_patterns_match_names_and_no_slash(app: App, tmp_path: Path) -> None:
    for name in ("a-1.jsonl", "a-2.jsonl", "b-1.jsonl"):
        pushed(app, tmp_path / name, post(name))
    assert sorted(Path(log).name for log in forget(app.state, ["a-?.jsonl"], force=False).logs) == [
        "a-1.jsonl",
        "a-2.jsonl",
    ]
    assert [Path(label).name for label in labels(app)] == ["b-1.jsonl"]


def test_a_log_that_several_names_match_is_forgotten_once(app: App, tmp_path: Path) -> None:
    log = pushed(app, tmp_path / "1.jsonl", b"bad")
    result = forget(app.state, [str(log), "*.jsonl"], force=True)
    assert (result.logs, result.dead) == ([str(log)], 1)


def test_where_one_name_is_not_known_nothing_is_forgotten(app: App, tmp_path: Path) -> None:
    log = pushed(app, tmp_path / "1.jsonl", post("a"))
    with pytest.raises(UsageError, match="does not know the log other") as told:
        forget(app.state, [str(log), "other"], force=False)
    assert str(log) in str(told.value)
    with pytest.raises(UsageError, match="a log that matches"):
        forget(app.state, ["x*"], force=False)
    assert labels(app) == [str(log)]


def test_what_waits_or_is_dead_is_given_up_only_with_force_and_counted(
    app: App, tmp_path: Path
) -> None:
    log, clean = (
        pushed(app, tmp_path / "1.jsonl", b"bad", b"worse"),
        pushed(app, tmp_path / "2.jsonl", post("a")),
    )
    journal = Journal.open(app.state, None)
    journal.commit([Settled(1, 2, 1, 0, "queued"), queued(1, 2)])
    journal.close()
    with pytest.raises(
        UsageError, match=r"1 waiting change and 2 dead letters. Nothing was forgotten"
    ):
        forget(app.state, [str(clean), str(log)], force=False)
    assert len(labels(app)) == 2
    result = forget(app.state, [str(clean), str(log)], force=True)
    assert (result.waiting, result.dead, sorted(result.logs)) == (
        1,
        2,
        sorted([str(log), str(clean)]),
    )
    assert "1 waiting change and 2 dead letters" in result.sentence()
    assert not any(isinstance(fact, Queued) for fact in Journal.read_only(app.state)[0].facts())


def test_many_logs_are_forgotten_in_several_commits(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        pushed(app, tmp_path / f"{number}.jsonl", post(f"a{number}"))
    monkeypatch.setattr("syncer.jobs.known.LOGS_MAX", 2)
    assert len(forget(app.state, ["*.jsonl"], force=False).logs) == 5
    assert labels(app) == []


@pytest.mark.parametrize(
    ("waiting", "dead", "said"),
    [
        (0, 0, ""),
        (1, 0, "1 waiting change"),
        (0, 1, "1 dead letter"),
        (2, 1000, "2 waiting changes and 1,000 dead letters"),
    ],
)
def test_what_is_held_is_told_with_its_number(waiting: int, dead: int, said: str) -> None:
    assert describe_held(waiting, dead) == said


# --- moved ----------------------------------------------------------------------------


def test_a_log_is_carried_on_under_another_path(app: App, tmp_path: Path) -> None:
    log = pushed(app, tmp_path / "1.jsonl", post("a"))
    log.write_bytes(log.read_bytes() + post("b") + b"\n")
    new = Path(shutil.move(log, tmp_path / "elsewhere"))
    result = move(app.state, str(log), str(new))
    assert (result.old, result.new, result.is_there) == (str(log), str(new), True)
    finished = app.push(new)
    assert (finished.summary.applied, finished.summary.skipped) == (1, 1)
    assert labels(app) == [str(new)]


def test_a_log_may_be_given_the_path_at_which_its_file_will_be(app: App, tmp_path: Path) -> None:
    log = pushed(app, tmp_path / "1.jsonl", post("a"))
    result = move(app.state, str(log), str(tmp_path / "later.jsonl"))
    assert (result.is_there, "no such file yet" in result.sentence()) == (False, True)


def test_a_log_that_is_given_the_path_that_it_has_stays_as_done_as_it_was(
    app: App, tmp_path: Path
) -> None:
    log = pushed(app, tmp_path / "1.jsonl", post("a"))
    move(app.state, str(log), str(log))
    log.unlink()
    finished = app.push()
    assert finished.error is None
    assert finished.summary.skipped == 1


def test_a_file_of_another_content_is_not_taken_for_the_log(app: App, tmp_path: Path) -> None:
    log = pushed(app, tmp_path / "1.jsonl", post("a"), post("b"))
    (tmp_path / "2.jsonl").write_bytes(post("a") + b"\n" + post("c") + b"\n")
    with pytest.raises(LogChanged, match="Nothing was changed"):
        move(app.state, str(log), str(tmp_path / "2.jsonl"))
    assert labels(app) == [str(log)]


def test_a_path_of_another_log_of_which_something_was_applied_is_not_taken(
    app: App, tmp_path: Path
) -> None:
    log, other = (
        pushed(app, tmp_path / "1.jsonl", post("a")),
        pushed(app, tmp_path / "2.jsonl", post("b")),
    )
    with pytest.raises(LogChanged, match="a log of its own"):
        move(app.state, str(log), str(other))
    assert labels(app) == [str(log), str(other)]


@pytest.mark.parametrize("new", ["", "-"])
def test_the_new_name_is_a_path(app: App, tmp_path: Path, new: str) -> None:
    log = pushed(app, tmp_path / "1.jsonl", post("a"))
    with pytest.raises(UsageError, match="is a path"):
        move(app.state, str(log), new)


def test_a_name_that_several_logs_match_is_not_moved(app: App, tmp_path: Path) -> None:
    for name in ("1.jsonl", "2.jsonl"):
        pushed(app, tmp_path / name, post(name))
    with pytest.raises(UsageError, match="2 logs match"):
        move(app.state, "*.jsonl", str(tmp_path / "3.jsonl"))


def test_a_folder_is_not_a_log(app: App, tmp_path: Path) -> None:
    log = pushed(app, tmp_path / "1.jsonl", post("a"))
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match="is not a file"):
        move(app.state, str(log), str(tmp_path / "folder"))


def test_a_state_in_use_is_left_alone(app: App, tmp_path: Path) -> None:
    log = pushed(app, tmp_path / "1.jsonl", post("a"))
    journal = Journal.open(app.state, None)
    with pytest.raises(StateError, match="locked"):
        forget(app.state, [str(log)], force=False)
    with pytest.raises(StateError, match="locked"):
        move(app.state, str(log), "x.jsonl")
    journal.close()
    assert forget(app.state, [str(log)], force=False).logs == [str(log)]
