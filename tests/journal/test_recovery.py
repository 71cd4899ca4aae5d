"""What a start makes of a journal that was cut, flipped, mixed up or made by others:
all of it, or a clear refusal.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from syncer.core.change import Mark
from syncer.core.facts import Deleted, Opened, Read, Retried, Settled, Unqueued
from syncer.errors import StateError
from syncer.jobs.dead import open_in
from syncer.journal import frames
from syncer.journal.journal import Journal
from tests.journal.made import (
    ELSEWHERE,
    HERE,
    bodies,
    decoded,
    frame_ends,
    histories,
    opened,
    small_history,
    state,
    states_of,
)


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, bytes, list[object]]:
    """A state folder after the small history, its journal's bytes, and the state after
    each commit.
    """
    folder = tmp_path / "state"
    states = states_of(folder, small_history())
    return folder, (folder / "journal").read_bytes(), states


def test_a_new_state_folder_is_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "state"
    Journal.open(folder, HERE).close()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {
        "lock": 0o600,
        "journal": 0o600,
        "dead.jsonl": 0o600,
    }


def test_a_restart_finds_everything_that_was_committed(
    made: tuple[Path, bytes, list[object]],
) -> None:
    folder, _, states = made
    journal = Journal.open(folder, HERE)
    assert state(journal.ledger) == states[-1]
    assert journal.notes == []
    change = journal.read_queued(2)
    assert (change.index, change.verb, change.written, change.raw[:5]) == (
        8,
        "delete",
        b'{"w":1}',
        b'{"op"',
    )
    journal.close()


def test_the_file_is_as_the_docs_say(made: tuple[Path, bytes, list[object]]) -> None:
    payloads = decoded(made[0] / "journal")
    destination = {"base_url": HERE.base_url, "user_id": "me", "app_id": "app"}
    assert payloads[0] == [{"format": "syncer-journal", "version": 1, "destination": destination}]
    assert payloads[2] == [
        ["settled", 1, 0, 5, 55, "applied"],
        ["read", 1, msgspec.to_builtins(Mark(5, 500, 5, 555))],
        ["deleted", 2],
    ]


def test_dead_letters_count_from_the_frame_that_names_their_size(
    made: tuple[Path, bytes, list[object]],
) -> None:
    folder, data, _ = made
    assert [(found.letter.id, found.superseded) for found in open_in(folder)] == [
        ("b", False),
        ("a", True),
    ]
    (folder / "journal").write_bytes(data[: frame_ends(data)[-2]])
    assert [(found.letter.id, found.superseded) for found in open_in(folder)] == [
        ("b", False),
        ("a", False),
    ]
    (folder / "journal").write_bytes(data[: frame_ends(data)[1]])
    assert list(open_in(folder)) == []


@pytest.mark.proof
def test_every_cut_leaves_exactly_the_commits_whose_frames_are_whole(
    made: tuple[Path, bytes, list[object]],
) -> None:
    folder, data, states = made
    letters = (folder / "dead.jsonl").read_bytes()
    ends = frame_ends(data)
    for cut in range(ends[0], len(data)):
        (folder / "journal").write_bytes(data[:cut])
        (folder / "dead.jsonl").write_bytes(letters)
        whole = sum(end <= cut for end in ends)
        journal = Journal.open(folder, HERE)
        assert state(journal.ledger) == states[whole - 1], cut
        assert set(bodies(journal)) == set(journal.ledger.queue)
        assert bool(journal.notes) == (cut not in ends)
        journal.close()
        assert (folder / "journal").read_bytes() == data[: ends[whole - 1]]


def test_a_torn_tail_is_said_once_and_new_commits_go_on_behind_the_last_good_one(
    made: tuple[Path, bytes, list[object]],
) -> None:
    folder, data, _ = made
    (folder / "journal").write_bytes(data[:-4])
    journal = Journal.open(folder, HERE)
    assert [str(folder / "journal") in note and "cut off" in note for note in journal.notes] == [
        True
    ]
    journal.commit([Deleted(40)])
    journal.close()
    again = Journal.open(folder, HERE)
    assert again.notes == []
    assert again.ledger.deleted == 42
    again.close()


def test_a_cut_in_the_header_is_refused_since_no_crash_leaves_one(
    made: tuple[Path, bytes, list[object]],
) -> None:
    folder, data, _ = made
    for cut in range(1, frame_ends(data)[0]):
        (folder / "journal").write_bytes(data[:cut])
        with pytest.raises(StateError, match="damaged at byte 0"):
            Journal.open(folder, HERE)


@pytest.mark.proof
def test_every_flipped_byte_is_refused_with_its_place_or_cut_off_at_the_end(
    made: tuple[Path, bytes, list[object]],
) -> None:
    folder, data, states = made
    letters = (folder / "dead.jsonl").read_bytes()
    starts = [0, *frame_ends(data)]
    for at in range(len(data)):
        for bit in (0x01, 0x20, 0x80):
            (folder / "journal").write_bytes(data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :])
            (folder / "dead.jsonl").write_bytes(letters)
            frame = sum(start <= at for start in starts) - 1
            if frame < len(starts) - 2:
                with pytest.raises(
                    StateError, match=rf"journal: damaged at byte {starts[frame]} \("
                ):
                    Journal.open(folder, HERE)
                assert (folder / "dead.jsonl").read_bytes() == letters
            else:
                journal = Journal.open(folder, HERE)
                assert state(journal.ledger) == states[-2]
                assert journal.notes
                journal.close()


def test_frames_that_are_lost_or_swapped_inside_the_file_never_pass_for_a_state(
    made: tuple[Path, bytes, list[object]],
) -> None:
    folder, data, _ = made
    lines = data.splitlines(keepends=True)
    for broken in ([lines[0], *lines[2:]], [lines[0], lines[1], lines[2], lines[2], *lines[3:]]):
        (folder / "journal").write_bytes(b"".join(broken))
        with pytest.raises(StateError, match=r"damaged at byte \d+"):
            Journal.open(folder, HERE)


@pytest.mark.parametrize(
    "payload",
    [
        b'[["telepathy",1]]',
        b'[["deleted","many"]]',
        b'[["deleted"]]',
        b'{"deleted":1}',
        b"[",
        b"\xff",
        b'[["settled",9,0,1,2,"applied"]]',
        b'[["unqueued",77,"applied"]]',
        b'[["forgotten",77]]',
        b'[ ["queued",9,1,7,8,"delete","i","a",2,1,false,1.0,2.0,"r",null,"{}",0,0,null]]',
    ],
)
def test_a_fact_that_is_not_understood_stops_the_start_and_names_the_place(
    payload: bytes, made: tuple[Path, bytes, list[object]]
) -> None:
    folder, data, _ = made
    (folder / "journal").write_bytes(data + frames.encode(payload, len(data)))
    with pytest.raises(
        StateError,
        match=(
            f"journal: damaged at byte {len(data)} .*this syncer cannot understand the frame there"
        ),
    ):
        Journal.open(folder, HERE)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (
            b'[{"format":"syncer-journal","version":2,"somewhere":"else"}]',
            "syncer-journal version 2, and this syncer reads",
        ),
        (b'[{"format":"recipes","version":1}]', "recipes version 1, and this syncer reads"),
        (b"[]", "cannot understand"),
        (b'[["deleted",1]]', "cannot understand"),
    ],
)
def test_another_format_or_version_is_refused(header: bytes, said: str, tmp_path: Path) -> None:
    folder = tmp_path / "state"
    Journal.open(folder, HERE).close()
    (folder / "journal").write_bytes(frames.encode(header, 0))
    with pytest.raises(StateError, match=said):
        Journal.open(folder, HERE)


def test_a_file_that_is_no_journal_is_refused_and_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    Journal.open(folder, HERE).close()
    (folder / "journal").write_bytes(b"dear diary\n")
    with pytest.raises(StateError, match="not a journal"):
        Journal.open(folder, HERE)
    assert (folder / "journal").read_bytes() == b"dear diary\n"


def test_a_state_for_another_destination_is_refused_and_both_are_named(
    made: tuple[Path, bytes, list[object]],
) -> None:
    with pytest.raises(StateError, match=r"app app; this is for .* app another-app"):
        Journal.open(made[0], ELSEWHERE)


def test_an_empty_or_missing_journal_is_made_new(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    Journal.open(folder, HERE).close()
    for leave in (lambda path: path.unlink(), lambda path: path.write_bytes(b"")):
        leave(folder / "journal")
        journal = Journal.open(folder, HERE)
        journal.commit([opened()])
        journal.close()
        assert len(decoded(folder / "journal")) == 2


def test_a_missing_journal_beside_dead_letters_is_refused_and_the_letters_stay(
    made: tuple[Path, bytes, list[object]],
) -> None:
    folder, _, _ = made
    letters = (folder / "dead.jsonl").read_bytes()
    (folder / "journal").unlink()
    with pytest.raises(
        StateError,
        match=(
            r"journal: damaged at byte 0 \(missing or empty, though there is dead.jsonl\).*syncer"
            r" state repair"
        ),
    ):
        Journal.open(folder, HERE)
    assert (folder / "dead.jsonl").read_bytes() == letters


def test_a_missing_journal_beside_the_bitmap_of_a_push_is_refused(tmp_path: Path) -> None:
    """The bitmap is made once the journal is there: so there was one, and what it knew
    is lost.
    """
    folder = tmp_path / "state"
    Journal.open(folder, HERE).close()
    (folder / "posted.bits").write_bytes(b"\0")
    (folder / "journal").unlink()
    with pytest.raises(StateError, match=r"missing or empty, though there is posted.bits"):
        Journal.open(folder, HERE)


def test_a_compaction_that_did_not_finish_is_removed(
    made: tuple[Path, bytes, list[object]],
) -> None:
    folder, data, states = made
    (folder / "journal.new").write_bytes(data[:30])
    journal = Journal.open(folder, HERE)
    assert state(journal.ledger) == states[-1]
    assert not (folder / "journal.new").exists()
    journal.close()


def test_dead_letters_that_were_never_settled_are_cut_off(
    made: tuple[Path, bytes, list[object]],
) -> None:
    folder, _, states = made
    path = folder / "dead.jsonl"
    letters = path.read_bytes()
    for more in (b'{"ev', letters):
        path.write_bytes(letters + more)
        assert len(list(open_in(folder))) == 2
        journal = Journal.open(folder, HERE)
        assert state(journal.ledger) == states[-1]
        journal.close()
        assert path.read_bytes() == letters


def test_missing_dead_letters_are_refused(made: tuple[Path, bytes, list[object]]) -> None:
    path = made[0] / "dead.jsonl"
    letters = path.read_bytes()
    path.write_bytes(letters[:-1])
    with pytest.raises(
        StateError,
        match=(
            rf"dead.jsonl: damaged at byte {len(letters) - 1} .*, but {len(letters)} were written"
        ),
    ):
        Journal.open(made[0], HERE)


def test_a_damaged_dead_letter_is_refused_with_its_place(
    made: tuple[Path, bytes, list[object]],
) -> None:
    path = made[0] / "dead.jsonl"
    letters = path.read_bytes()
    second = letters.index(b"\n") + 1
    path.write_bytes(letters[:second] + b"?" + letters[second + 1 :])
    with pytest.raises(StateError, match=f"dead.jsonl: damaged at byte {second}"):
        Journal.open(made[0], HERE)
    with pytest.raises(StateError, match=f"dead.jsonl: damaged at byte {second}"):
        list(open_in(made[0]))


def test_reading_without_the_lock_sees_the_state_and_passes_over_a_torn_tail(
    made: tuple[Path, bytes, list[object]],
) -> None:
    folder, data, _ = made
    (folder / "journal").write_bytes(data + b"0123")
    ledger, destination, locked_by = Journal.read_only(folder)
    assert (ledger.deleted, set(ledger.queue), destination, locked_by) == (2, {2}, HERE, None)
    assert (folder / "journal").read_bytes() == data + b"0123"


def test_reading_a_folder_without_a_state_says_so(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="No such file"):
        Journal.read_only(tmp_path)
    with pytest.raises(StateError, match="No such file"):
        list(open_in(tmp_path))


def test_a_log_that_is_forgotten_takes_what_waits_of_it_along(
    made: tuple[Path, bytes, list[object]],
) -> None:
    from syncer.core.facts import Forgotten

    folder, _, _ = made
    journal = Journal.open(folder, HERE)
    journal.commit([Forgotten(1)])
    with pytest.raises(StateError, match="no change 2 waits"):
        journal.read_queued(2)
    found = state(journal.ledger)
    journal.close()
    again = Journal.open(folder, HERE)
    assert state(again.ledger) == found
    again.close()


def test_an_empty_commit_writes_nothing(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "state", HERE)
    before = (tmp_path / "state" / "journal").read_bytes()
    journal.commit([])
    assert (tmp_path / "state" / "journal").read_bytes() == before
    journal.close()


def test_the_same_folder_can_be_copied_and_opened(
    made: tuple[Path, bytes, list[object]], tmp_path: Path
) -> None:
    shutil.copytree(made[0], tmp_path / "copy")
    journal = Journal.open(tmp_path / "copy", HERE)
    assert state(journal.ledger) == made[2][-1]
    journal.close()


def test_numbers_grow_over_a_restart(made: tuple[Path, bytes, list[object]]) -> None:
    journal = Journal.open(made[0], HERE)
    assert journal.ledger.next_number == 3
    journal.close()


def test_facts_of_a_grown_log_keep_its_place(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    journal = Journal.open(folder, HERE)
    journal.commit([opened(), Settled(1, 0, 2, 1, "applied"), Read(1, Mark(2, 20, 2, 3))])
    grown = opened().identity
    journal.commit(
        [Opened(1, type(grown)(grown.path, grown.label, grown.head, grown.inode, 2000, 3, 4))]
    )
    journal.close()
    ledger, _, _ = Journal.read_only(folder)
    assert (ledger.logs[1].identity.size, ledger.logs[1].watermark.resume.offset) == (2000, 20)


def test_a_retry_of_what_does_not_wait_is_not_understood(
    made: tuple[Path, bytes, list[object]],
) -> None:

    folder, data, _ = made
    for fact in (Retried(1, 1, False, 0.0, 0.0, "", None), Unqueued(1, "dead")):
        (folder / "journal").write_bytes(
            data + frames.encode(b"[" + msgspec.json.encode(fact) + b"]", len(data))
        )
        with pytest.raises(StateError, match="cannot understand"):
            Journal.open(folder, HERE)


@pytest.mark.parametrize("seed", range(12))
def test_a_journal_that_is_compacted_at_every_commit_adds_up_to_the_same(
    seed: int, tmp_path: Path
) -> None:
    plain, compacted = (
        Journal.open(tmp_path / "plain", HERE),
        Journal.open(tmp_path / "compacted", HERE),
    )
    for facts in histories(seed, 40):
        plain.commit(facts)
        compacted._compact_at = 0
        compacted.commit(facts)
    wanted = (state(plain.ledger), bodies(plain))
    for journal in (plain, compacted):
        assert (state(journal.ledger), bodies(journal)) == wanted
        journal.close()
    for name in ("plain", "compacted"):
        journal = Journal.open(tmp_path / name, HERE)
        assert (state(journal.ledger), bodies(journal)) == wanted
        journal.close()
