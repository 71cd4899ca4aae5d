"""A state folder as a whole: looked through, repaired, its pause lifted; and what a
push would do, counted without one.
"""

from __future__ import annotations

import io
import os
from contextlib import closing
from dataclasses import fields
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from syncer.core.facts import Destination
from syncer.core.ledger import Ledger, LogCounts, LogState
from syncer.errors import CredentialsRefused, StateError, Stopped, UsageError, exit_code
from syncer.jobs.dry_run import dry_run
from syncer.jobs.folders import resuming
from syncer.jobs.report import Before, PushReport, totals
from syncer.jobs.state import look, repair, resume
from syncer.journal import checkpoint
from syncer.journal.journal import Journal
from syncer.journal.parts import DoneParts
from syncer.journal.seen import Seen
from tests.journal.made import HERE, opened, small_history
from tests.support.lanes import App
from tests.support.lines import delete, delete_all, patch, post

PAUSED = Destination("paused", 5000.0, "throttled by the remote", 90.0)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Of a push."""
    journal = Journal.open(tmp_path / "state", HERE)
    for facts in small_history():
        journal.commit(facts)
    journal.close()
    return tmp_path / "state"


@pytest.fixture
def pull(tmp_path: Path) -> Path:
    """The state of a pull in the middle of a pause."""
    folder = tmp_path / "pull"
    folder.mkdir()
    checkpoint.write(folder, checkpoint.Checkpoint(job="job", cursor="c", destination=PAUSED))
    return folder


# --- pauses ---------------------------------------------------------------------------


def test_a_pause_is_lifted_and_how_it_was_is_told(state: Path) -> None:
    journal = Journal.open(state, None)
    journal.commit([PAUSED])
    journal.close()
    assert resume(state) == PAUSED
    assert Journal.read_only(state)[0].destination == Destination("open", 0.0, "")
    assert resume(state).state == "open"


def test_an_outage_is_no_pause_and_stays_as_it_is(state: Path) -> None:
    journal = Journal.open(state, None)
    journal.commit([Destination("probing", 0.0, "requests fail")])
    journal.close()
    assert resume(state).state == "probing"
    assert Journal.read_only(state)[0].destination.state == "probing"


def test_a_pulls_pause_is_lifted_too_and_it_goes_on_where_it_was(pull: Path) -> None:
    assert resume(pull) == PAUSED
    read = checkpoint.read(pull)
    assert isinstance(read, checkpoint.Checkpoint)
    assert (read.cursor, read.destination.state) == ("c", "open")


def test_a_folder_that_cannot_be_used_is_named_with_the_reason_alone(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    (tmp_path / checkpoint.CHECKPOINT_FILE).write_bytes(b"")
    (tmp_path / "spool" / "log.jsonl").mkdir(parents=True)
    with pytest.raises(StateError) as refused:
        resume(tmp_path)
    assert str(refused.value) == f"the state {tmp_path} cannot be written: Is a directory"
    with pytest.raises(StateError) as refused:
        look(tmp_path)
    assert str(refused.value) == f"the state folder {tmp_path} cannot be read: Is a directory"
    (tmp_path / "spool" / "log.jsonl").rmdir()
    with pytest.raises(StateError) as refused:
        repair(tmp_path)
    assert (
        str(refused.value)
        == f"the state {tmp_path} cannot be repaired: Is a directory. Fix that, then repair again"
    )


def test_a_state_in_use_is_not_resumed(state: Path, pull: Path) -> None:
    journal = Journal.open(state, None)
    with pytest.raises(StateError, match="locked"):
        resume(state)
    journal.close()
    assert resume(state).state == "paused"


def test_a_folder_without_a_state_is_told_and_gets_none(tmp_path: Path) -> None:
    for what in (resume, look, repair):
        with pytest.raises(UsageError, match="no state at"):
            what(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_command_that_lifts_a_pause_can_be_pasted() -> None:
    assert resuming(Path("a b/state")) == "syncer state resume --state 'a b/state'"


# --- looked through -------------------------------------------------------------------


def test_a_whole_state_has_no_damages_and_no_notes(state: Path, pull: Path) -> None:
    found = look(state)
    assert (found.damages, found.notes, found.locked_by, found.pull) == ([], [], None, None)
    assert found.push is not None
    found = look(pull)
    assert (found.damages, found.notes, found.push) == ([], [], None)
    assert found.pull is not None


def test_who_holds_a_state_is_told_and_it_is_looked_at_all_the_same(state: Path) -> None:
    journal = Journal.open(state, None)
    assert look(state).locked_by == os.getpid()
    journal.close()


def test_a_torn_tail_is_noted_and_no_damage(state: Path) -> None:
    with (state / "journal").open("ab") as file:
        file.write(b"torn")
    found = look(state)
    assert (found.damages, len(found.notes)) == ([], 1)
    assert repair(state).damages == []


def test_a_damaged_checkpoint_is_told_and_set_aside_and_the_pull_begins_anew(pull: Path) -> None:
    path = pull / checkpoint.CHECKPOINT_FILE
    path.write_bytes(path.read_bytes()[:-3])
    found = look(pull)
    assert ([Path(damage.file).name for damage in found.damages], found.pull) == (
        [checkpoint.CHECKPOINT_FILE],
        None,
    )
    repaired = repair(pull)
    assert repaired.quarantine is not None
    assert (repaired.quarantine / checkpoint.CHECKPOINT_FILE).exists()
    assert any("starts from the beginning" in sentence for sentence in repaired.unknown)
    assert not path.exists()


def test_a_pull_that_was_killed_before_its_first_checkpoint_has_no_damages(tmp_path: Path) -> None:
    parts = DoneParts(tmp_path, 0)
    parts.add(["a part"])
    parts.close()
    found = look(tmp_path)
    assert (found.push, found.pull, found.damages, found.notes) == (None, None, [], [])


@pytest.mark.parametrize("file", ["parts", "seen.sqlite"])
def test_what_a_pull_has_had_is_looked_at_for_as_long_as_it_is_needed(
    file: str, tmp_path: Path
) -> None:
    with closing(DoneParts(tmp_path, 0)) as parts, closing(Seen(tmp_path, 0)) as seen:
        parts.add(["a part"])
        seen.fresh([("a", "row")], 0)
    noted = checkpoint.Checkpoint(job="job", parts=1, pages=1)
    checkpoint.write(tmp_path, noted)
    assert look(tmp_path).damages == []
    (tmp_path / file).write_bytes(b"rotten")
    assert [Path(damage.file).name for damage in look(tmp_path).damages] == [file]
    checkpoint.write(tmp_path, structs.replace(noted, done=True))
    assert look(tmp_path).damages == []


def test_a_spooled_log_of_another_content_is_damaged_and_set_aside_and_a_whole_one_stays(
    state: Path,
) -> None:
    spool = state / "spool"
    spool.mkdir()
    sound = spool / f"{blake2b(b'sound', digest_size=16).hexdigest()}.jsonl"
    sound.write_bytes(b"sound")
    rotten = spool / f"{blake2b(b'rotten', digest_size=16).hexdigest()}.jsonl"
    rotten.write_bytes(b"Rotten")
    assert [damage.file for damage in look(state).damages] == [str(rotten)]
    repaired = repair(state)
    assert [damage.file for damage in repaired.damages] == [str(rotten)]
    assert (sound.exists(), rotten.exists()) == (True, False)
    assert repaired.quarantine is not None
    assert (repaired.quarantine / rotten.name).read_bytes() == b"Rotten"
    assert look(state).damages == []


def test_damages_of_all_kinds_are_repaired_at_once_into_one_quarantine(state: Path) -> None:
    data = bytearray((state / "journal").read_bytes())
    data[len(data) // 2] ^= 1
    (state / "journal").write_bytes(data)
    (state / "spool").mkdir()
    (state / "spool" / "00.jsonl").write_bytes(b"?")
    repaired = repair(state)
    assert repaired.quarantine is not None
    assert {path.name for path in repaired.quarantine.iterdir()} >= {"journal", "00.jsonl"}
    assert look(state).damages == []


def test_a_state_in_use_is_not_repaired(state: Path) -> None:
    journal = Journal.open(state, None)
    with pytest.raises(StateError, match="locked"):
        repair(state)
    journal.close()
    assert repair(state).damages == []


# --- what a push would do -------------------------------------------------------------


def test_a_dry_run_counts_every_kind_and_sends_and_keeps_nothing(tmp_path: Path) -> None:
    app = App(tmp_path / "state")
    log = tmp_path / "log.jsonl"
    model_made = b'{"input_id":"i","id":"m","model_version_id":"v"}'
    kinds = [
        post("a"),
        post("b"),
        patch("a"),
        patch("a", action="merge"),
        delete("a"),
        delete_all("i"),
        b"bad",
        model_made,
    ]
    log.write_bytes(b"\n".join(kinds) + b"\n")
    counted = dry_run(
        app.config(push__batch_size=1, push__requests_per_second=2.0), [str(log)], io.BytesIO()
    )
    assert (
        counted.read,
        counted.posts,
        counted.patches,
        counted.deletes,
        counted.input_deletes,
    ) == (8, 2, 2, 1, 1)
    assert (counted.ignored, counted.bad) == (1, 1)
    assert (counted.requests, counted.estimated_seconds) == (6, 3.0)
    assert counted.messages[-1].startswith(f"{log}:7: ")
    assert counted.as_json()["dry_run"] is True
    assert "messages" not in counted.as_json()
    assert (app.asked, app.state.exists()) == ([], False)


KINDS = {
    "posts": post("a"),
    "patches": patch("a"),
    "deletes": delete("a"),
    "input_deletes": delete_all("i"),
    "ignored": b'{"input_id":"i","id":"m","model_version_id":"v"}',
}


@pytest.mark.parametrize("kind", KINDS)
def test_of_a_log_with_lines_of_one_kind_nothing_else_is_counted(kind: str, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes((KINDS[kind] + b"\n") * 2)
    counted = dry_run(App(tmp_path / "state").config(), [str(log)], io.BytesIO()).as_json()
    nothing = dict.fromkeys([*KINDS, "bad"], 0)
    assert {name: counted[name] for name in nothing} == {**nothing, kind: 2}


def test_requests_are_counted_by_whole_batches_of_each_verb(tmp_path: Path) -> None:
    app = App(tmp_path / "state")
    log = tmp_path / "log.jsonl"
    log.write_bytes(
        b"\n".join(
            [
                *[post(f"a{number}") for number in range(9)],
                *[delete(f"a{number}") for number in range(4)],
            ]
        )
        + b"\n"
    )
    assert dry_run(app.config(push__batch_size=4), [str(log)], io.BytesIO()).requests == 3 + 1


def test_where_the_limit_is_to_be_found_no_time_is_estimated(tmp_path: Path) -> None:
    app = App(tmp_path / "state")
    (tmp_path / "log.jsonl").write_bytes(post("a") + b"\n")
    assert (
        dry_run(
            app.config(push__requests_per_second="auto"),
            [str(tmp_path / "log.jsonl")],
            io.BytesIO(),
        ).estimated_seconds
        == 0.0
    )


def test_only_so_many_bad_lines_are_named(tmp_path: Path) -> None:
    app = App(tmp_path / "state")
    (tmp_path / "log.jsonl").write_bytes(post("a") + b"\n" + b"bad\n" * 50)
    counted = dry_run(app.config(), [str(tmp_path / "log.jsonl")], io.BytesIO())
    assert (counted.bad, len(counted.messages)) == (50, 20)


def test_a_dry_run_reads_standard_input_and_keeps_nothing_of_it(tmp_path: Path) -> None:
    app = App(tmp_path / "state")
    assert dry_run(app.config(), ["-"], io.BytesIO(post("a") + b"\n")).posts == 1
    assert not app.state.exists()
    with pytest.raises(UsageError, match="a dry run needs the change logs"):
        dry_run(app.config(), [], io.BytesIO())


# --- how a run is summed up -----------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "interrupted", "left", "code"),
    [
        (None, None, 0, 0),
        (None, None, 1, 3),
        (Stopped("gave up"), None, 1, 1),
        (CredentialsRefused("no"), None, 0, 2),
        (None, 15, 0, 143),
        (Stopped("gave up"), 2, 3, 130),
    ],
)
def test_the_exit_code_says_how_a_run_ended(
    error: Stopped | None, interrupted: int | None, left: int, code: int
) -> None:
    assert exit_code(error, interrupted, left) == code


PARTS = ("applied", "skipped", "ignored", "dead", "pending")


def summary(**counts: int) -> PushReport:
    """Of a run with these counts, and none of the others."""
    nothing: dict[str, Any] = {field.name: 0 for field in fields(PushReport)}
    return PushReport(**{**nothing, **counts})


@pytest.mark.parametrize("off", [-1, 1])
@pytest.mark.parametrize("part", PARTS)
def test_a_run_has_accounted_for_every_change_only_where_all_parts_together_are_what_was_read(
    part: str, off: int
) -> None:
    counts = dict.fromkeys(PARTS, 7)
    assert summary(read=35, **counts).conserved
    assert not summary(read=35, **{**counts, part: 7 + off}).conserved


def test_the_totals_of_a_run_are_those_of_its_logs_alone_and_of_what_it_did() -> None:
    ledger = Ledger()
    for number in (1, 2, 3):
        ledger.apply(opened(number))
    of: dict[int, LogState] = ledger.logs
    of[1].counts = LogCounts(applied=10, ignored=2, dead=3, queued=4)
    of[2].counts = LogCounts(applied=1)
    of[3].counts = LogCounts(applied=1000)
    before = Before.of(ledger, [1, 2])
    of[1].counts = LogCounts(applied=15, ignored=2, dead=4, queued=2)
    of[2].counts = LogCounts(applied=1, queued=1)
    assert totals(before, ledger, {1: 6, 2: 3}) == (
        10 + 2 + 3 + 4 + 6 + 1 + 3,
        5,
        11,
        2,
        4,
        29 - 5 - 11 - 2 - 4,
    )
