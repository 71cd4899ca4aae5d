"""Dead letters of a state: which are meant, which are queued again, which are refused,
and what a push makes of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import pytest

from syncer.core.facts import DeadLetter
from syncer.core.limits import Limits
from syncer.core.ports.wire import Reply, Request
from syncer.errors import StateError, UsageError
from syncer.jobs.dead import (
    DropResult,
    LetterPlace,
    LettersToDrop,
    LettersToRetry,
    RefusedLetter,
    Selector,
    open_in,
)
from syncer.journal.journal import Journal
from syncer.sources.lines import LineOptions
from tests.support.lanes import App
from tests.support.lines import delete, patch, post

ALL = Selector(every=True)
REFUSING = Reply(400, b'{"status":{"code":11102,"description":"invalid"}}')
LISTS = (
    b'{"op":"patch","action":"merge","annotation":'
    b'{"id":"a","input_id":"i","data":{"metadata":{"t":["x"]}}}}'
)


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(tmp_path / "state")


def pushed(app: App, path: Path, *lines: bytes) -> str:
    """The log's name as users see it."""
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    app.push(path)
    return str(path)


def at(*places: str) -> Selector:
    """The letters of these places."""
    return Selector(tuple(map(LetterPlace.parse, places)))


def refusing(*ids: str) -> object:
    """Any request that names one of these annotations is refused."""
    return lambda request: (
        REFUSING if any(f'"{id}"'.encode() in (request.body or b"") for id in ids) else None
    )


@dataclass
class Again:
    """What a retry came to."""

    queued: int
    refused: list[RefusedLetter] = field(default_factory=list)
    left: int = 0


def again(
    app: App,
    selector: Selector = ALL,
    *,
    force: bool = False,
    options: LineOptions = LineOptions(),  # noqa: B008 - frozen
) -> Again:
    told: list[RefusedLetter] = []
    result = LettersToRetry(app.state, selector, options, told.append, force=force).write()
    assert result.refused == len(told)
    return Again(result.queued, told, result.left)


def letters(app: App) -> list[DeadLetter]:
    """The open ones."""
    return [found.letter for found in open_in(app.state)]


def lines(app: App) -> list[int]:
    """Of the open letters."""
    return [letter.line for letter in letters(app)]


def counts(app: App) -> tuple[int, int, int, int]:
    """(applied, ignored, dead, waiting) of all logs."""
    logs = Journal.read_only(app.state)[0].logs.values()
    of = [
        (log.counts.applied, log.counts.ignored, log.counts.dead, log.counts.queued) for log in logs
    ]
    return tuple(map(sum, zip(*of, strict=True)))  # type: ignore[return-value]


def bodies(requests: Sequence[Request]) -> list[bytes]:
    return [request.body or b"" for request in requests if request.method == "PATCH"]


# --- which are meant ------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"places": (LetterPlace("a", 1),), "every": True},
        {"code": 1, "every": True},
        {"places": (LetterPlace("a", 1),), "code": 0},
    ],
)
def test_letters_are_selected_in_exactly_one_way(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="one of these"):
        Selector(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "place", ["7", ":7", "log.jsonl", "log.jsonl:", "log.jsonl:x", "log.jsonl:-1", "log.jsonl:٣"]
)
def test_a_place_is_a_source_and_a_line(app: App, tmp_path: Path, place: str) -> None:
    pushed(app, tmp_path / "log.jsonl", b"bad")
    with pytest.raises(UsageError, match="SOURCE:LINE"):
        again(app, at(place))


def test_letters_are_named_by_source_and_line(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = pushed(app, tmp_path / "log.jsonl", b"bad", b"worse", b"worst")
    monkeypatch.chdir(tmp_path)
    assert LettersToDrop(app.state, at(f"{log}:2")).write().dropped == 1
    assert lines(app) == [1, 3]
    assert LettersToDrop(app.state, at("log.jsonl:3")).write().dropped == 1
    assert lines(app) == [1]


def test_a_line_of_another_log_is_not_meant(app: App, tmp_path: Path) -> None:
    first, second = (pushed(app, tmp_path / name, b"bad") for name in ("1.jsonl", "2.jsonl"))
    assert LettersToDrop(app.state, at(f"{second}:1")).write().dropped == 1
    assert again(app, at(f"{first}:1")).refused[0].source == first


def test_of_places_of_which_one_is_not_there_nothing_is_dropped(app: App, tmp_path: Path) -> None:
    log = pushed(app, tmp_path / "log.jsonl", b"bad", post("a"))
    with pytest.raises(UsageError, match=r"log.jsonl:2; run `syncer dead list") as told:
        LettersToDrop(app.state, at(f"{log}:1", f"{log}:2")).write()
    assert f"{log}:1" not in str(told.value)
    assert lines(app) == [1]


def test_letters_are_selected_by_the_code_of_the_remote(app: App, tmp_path: Path) -> None:
    app.interfering = refusing("b")  # type: ignore[assignment]
    pushed(app, tmp_path / "log.jsonl", post("a"), post("b"), b"bad", patch("nobody's"))
    assert {letter.line: letter.code for letter in letters(app)}[2] == 11102
    assert again(app, Selector(code=11102)).queued == 1
    assert lines(app) == [3, 4]
    with pytest.raises(UsageError, match="no dead letter matches code 11102"):
        again(app, Selector(code=11102))


# --- queued again ---------------------------------------------------------------------


def test_a_letter_is_sent_by_the_next_push_and_counts_once(app: App, tmp_path: Path) -> None:
    app.interfering = refusing("b")  # type: ignore[assignment]
    log = pushed(app, tmp_path / "log.jsonl", post("a"), post("b"))
    assert again(app) == Again(1)
    assert (counts(app), lines(app)) == ((1, 0, 0, 1), [])
    app.interfering = lambda _: None
    finished = app.push(log)
    assert (finished.summary.read, finished.summary.applied, finished.summary.dead) == (2, 1, 0)
    assert set(app.held) == {("i", "a"), ("i", "b")}


def test_letters_go_in_the_order_of_their_log_whatever_the_order_in_which_they_were_queued(
    app: App, tmp_path: Path
) -> None:
    log = pushed(app, tmp_path / "log.jsonl", *[patch("a", data=number) for number in range(4)])
    app.there.put({"input_id": "i", "id": "a", "data": {}})
    for line in (3, 1, 4, 2):
        assert again(app, at(f"{log}:{line}")).queued == 1
    asked = len(app.asked)
    app.push(log)
    sent = [
        orjson.loads(body)["annotations"][0]["data"]["metadata"]["is"]
        for body in bodies(app.asked[asked:])
    ]
    assert sent == [0, 1, 2, 3]


def test_a_superseded_letter_is_refused_by_name_unless_forced_and_the_others_are_queued(
    app: App, tmp_path: Path
) -> None:
    log = pushed(app, tmp_path / "log.jsonl", patch("a"), post("a"), patch("nobody's"))
    result = again(app)
    assert (result.queued, [(one.source, one.line) for one in result.refused]) == (1, [(log, 1)])
    assert result.refused[0].reason.startswith("superseded: ")
    assert lines(app) == [1]
    assert LettersToRetry(app.state, ALL, LineOptions()).write().queued == 0
    assert again(app, force=True) == Again(1)
    app.push(log)
    assert app.held["i", "a"]["data"]["metadata"] == {"is": "patched"}


def test_a_line_that_is_still_no_change_is_refused_with_its_reason(
    app: App, tmp_path: Path
) -> None:
    log = pushed(app, tmp_path / "log.jsonl", b"bad", LISTS)
    result = again(app)
    assert (result.queued, [one.line for one in result.refused]) == (0, [1, 2])
    assert all(
        "still not a valid change" in one.reason and "append a corrected line" in one.reason
        for one in result.refused
    )
    assert again(app, at(f"{log}:2")).queued == 0
    assert again(app, at(f"{log}:2"), options=LineOptions("send")).queued == 1


def test_a_line_of_which_only_a_part_was_kept_is_refused(app: App, tmp_path: Path) -> None:
    pushed(
        app,
        tmp_path / "log.jsonl",
        b'{"op":"post","annotation":{"id":"a","input_id":"i"}' + b" " * 70_000,
    )
    (refused,) = again(app).refused
    assert "only a part of the line was kept" in refused.reason


def test_a_post_that_got_its_id_from_its_place_keeps_it(app: App, tmp_path: Path) -> None:
    app.interfering = lambda request: REFUSING if request.method == "POST" else None
    log = pushed(
        app, tmp_path / "log.jsonl", post("a"), b'{"op":"post","annotation":{"input_id":"i"}}'
    )
    made = {letter.line: letter.id for letter in letters(app)}[2]
    assert again(app).queued == 2
    app.interfering = lambda _: None
    app.push(log)
    assert set(app.held) == {("i", "a"), ("i", made)}


def test_no_more_are_queued_than_the_retry_queue_takes(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed(app, tmp_path / "log.jsonl", *[patch(f"a{number}") for number in range(7)])
    monkeypatch.setattr("syncer.jobs.dead.Limits", lambda: Limits(queue_max=3))
    assert again(app) == Again(queued=3, left=4)
    assert lines(app) == [4, 5, 6, 7]
    assert again(app) == Again(queued=0, left=4)
    # A delete of a whole input queues more at once.
    monkeypatch.setattr("syncer.jobs.dead.Limits", lambda: Limits(queue_max=2))
    assert again(app) == Again(queued=0, left=4)


@pytest.mark.parametrize("portion", [1, 3])
def test_many_letters_are_queued_in_several_commits_that_add_up(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, portion: int
) -> None:
    log = pushed(app, tmp_path / "log.jsonl", *[patch(f"a{number}") for number in range(10)])
    monkeypatch.setattr("syncer.jobs.dead.COMMIT_LETTERS_MAX", portion)
    commits = watched(monkeypatch)
    assert again(app) == Again(10)
    assert len(commits) >= 10 / portion
    assert (lines(app), counts(app)) == ([], (0, 0, 0, 10))
    app.push(log)
    assert counts(app) == (0, 0, 10, 0)


def test_short_lines_share_a_commit(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed(app, tmp_path / "log.jsonl", *[patch(f"a{number}") for number in range(100)])
    commits = watched(monkeypatch)
    assert again(app) == Again(100)
    assert len(commits) == 1


def test_long_lines_go_in_commits_of_their_own(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed(
        app, tmp_path / "log.jsonl", *[patch(f"a{number}", data="x" * 600) for number in range(4)]
    )
    monkeypatch.setattr("syncer.jobs.dead.COMMIT_BYTES_MAX", 1000)
    commits = watched(monkeypatch)
    assert again(app) == Again(4)
    assert len(commits) == 4


def watched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many facts each commit from now on has; none is empty."""
    sizes: list[int] = []
    commit = Journal.commit

    def noting(journal: Journal, facts: Sequence[object]) -> None:
        if facts:
            sizes.append(len(facts))
        commit(journal, facts)  # type: ignore[arg-type]

    monkeypatch.setattr(Journal, "commit", noting)
    return sizes


# --- dropped --------------------------------------------------------------------------


def test_dropped_letters_count_as_ignored_and_are_gone(app: App, tmp_path: Path) -> None:
    log = pushed(app, tmp_path / "log.jsonl", post("a"), b"bad", patch("nobody's"))
    assert LettersToDrop(app.state, ALL).write() == DropResult(2)
    assert (counts(app), lines(app)) == ((1, 2, 0, 0), [])
    finished = app.push(log)
    assert (finished.summary.ignored, finished.summary.dead, finished.exit_code) == (2, 0, 0)
    assert LettersToDrop(app.state, ALL).write() == DropResult(0)


def test_many_letters_are_dropped_in_several_commits(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed(app, tmp_path / "log.jsonl", *[b"bad"] * 10)
    monkeypatch.setattr("syncer.jobs.dead.COMMIT_LETTERS_MAX", 4)
    commits = watched(monkeypatch)
    assert LettersToDrop(app.state, ALL).write() == DropResult(10)
    assert len(commits) == 3
    assert counts(app) == (0, 10, 0, 0)


# --- the state ------------------------------------------------------------------------


def test_a_folder_without_a_state_gets_none(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    state = tmp_path / "state"
    for command in (LettersToRetry(state, ALL, LineOptions()), LettersToDrop(state, ALL)):
        with pytest.raises(StateError, match="no state at"):
            command.write()
    assert not (tmp_path / "state" / "journal").exists()


def test_a_state_in_use_is_left_alone_and_given_back_afterwards(app: App, tmp_path: Path) -> None:
    log = pushed(app, tmp_path / "log.jsonl", b"bad")
    journal = Journal.open(app.state, None)
    for command in (LettersToRetry(app.state, ALL, LineOptions()), LettersToDrop(app.state, ALL)):
        with pytest.raises(StateError, match="locked"):
            command.write()
    journal.close()
    with pytest.raises(UsageError):
        LettersToDrop(app.state, at("x:1")).write()
    assert LettersToDrop(app.state, at(f"{log}:1")).write() == DropResult(1)


def test_deletes_that_died_are_sent_again_too(app: App, tmp_path: Path) -> None:
    app.interfering = lambda request: REFUSING if request.method == "DELETE" else None
    log = pushed(app, tmp_path / "log.jsonl", post("a"), delete("a"))
    assert again(app).queued == 1
    app.interfering = lambda _: None
    app.push(log)
    assert app.held == {}


def test_a_letter_that_dies_again_has_attempts_that_began_anew(app: App, tmp_path: Path) -> None:
    log = pushed(app, tmp_path / "log.jsonl", patch("a"))
    for _ in range(2):
        assert again(app).queued == 1
        app.push(log)
        assert [(letter.line, letter.attempts) for letter in letters(app)] == [(1, 1)]
