"""State files of any content: what was written, or one StateError that names the file;
never another end of a start.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer.core.facts import Destination
from syncer.errors import StateError
from syncer.journal import checkpoint, frames
from syncer.journal.checkpoint import Checkpoint, Checkpoints
from syncer.journal.journal import Journal
from tests.fuzz.outside import FUZZED, dumped, mangled, trees
from tests.journal.made import HERE, small_history
from tests.support.disk import STATE, SimulatedDisk

PATH = STATE / "journal"
NAMES = (
    "log",
    "totals",
    "read",
    "settled",
    "queued",
    "retried",
    "requeued",
    "unqueued",
    "unburied",
    "dead_file",
    "destination",
    "deleted",
    "forgotten",
)


def written() -> bytes:
    """A journal with a commit of every kind."""
    disk = SimulatedDisk()
    journal = Journal.open(STATE, HERE, disk=disk)
    for facts in small_history():
        if not any("Letter" in type(fact).__name__ for fact in facts):
            journal.commit(facts)
    journal.close()
    return disk.files()[PATH]


JOURNAL = written()
SMALL = st.integers(-1, 9) | st.sampled_from(
    [2**63, 10**30, 1.5, True, None, "", "a", "applied", "queued", "dead", "post", "paused"]
)
MARK = st.lists(SMALL, max_size=6)
FACT = st.builds(
    lambda name, fields: [name, *fields],
    st.sampled_from(NAMES),
    st.lists(SMALL | MARK | st.lists(MARK, max_size=2), max_size=20),
)
SETTLED = st.builds(
    lambda start, count, place: ["settled", 1, start, count, 0, place],
    SMALL,
    SMALL,
    st.sampled_from(["applied", "queued", "x"]),
)
PAYLOAD = st.lists(FACT | SETTLED, max_size=4) | trees("format", "version")


def opened(content: bytes) -> Journal:
    """A start on a folder whose journal holds this."""
    disk = SimulatedDisk()
    disk.make_folder(STATE)
    disk.put(PATH, content)
    return Journal.open(STATE, HERE, disk=disk)


@FUZZED
@given(st.just(JOURNAL).flatmap(mangled) | st.binary(max_size=80))
def test_a_start_on_any_bytes_is_a_prefix_of_what_was_written_or_names_the_damage(
    content: bytes,
) -> None:
    if not content:
        return
    try:
        journal = opened(content)
    except StateError as error:
        named = str(error)
    else:
        named = str(PATH)
        assert content.startswith(JOURNAL[: JOURNAL.index(b"\n") + 1])
        journal.close()
    assert str(STATE) in named


@FUZZED
@given(st.lists(PAYLOAD, min_size=1, max_size=3))
def test_a_frame_that_is_whole_but_says_what_makes_no_sense_is_named(payloads: list[Any]) -> None:
    header = JOURNAL[: JOURNAL.index(b"\n") + 1]
    content = header
    for payload in payloads:
        content += frames.encode(dumped(payload), len(content))
    try:
        journal = opened(content)
    except StateError as error:
        said = str(error)
    else:
        said = str(PATH)
        journal.close()
    assert str(STATE) in said


CHECKPOINT = Checkpoint(
    "job",
    "cursor",
    "position",
    3,
    30,
    29,
    1,
    0,
    False,
    False,
    Destination("paused", 7.5, "throttled"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all examples."""
    return tmp_path_factory.mktemp("pull")


def with_checksum(rest: bytes) -> bytes:
    """A line whose checksum holds."""
    return b'{"crc":"%08x",%s\n' % (crc32(rest), rest)


@FUZZED
@given(
    st.just(checkpoint.encode(CHECKPOINT)).flatmap(mangled)
    | st.just(checkpoint.encode(CHECKPOINT)[len('{"crc":"00000000",') : -1])
    .flatmap(mangled)
    .map(with_checksum)
    | st.dictionaries(st.sampled_from(Checkpoint.__struct_fields__), SMALL, max_size=12).map(
        lambda fields: with_checksum(dumped(fields)[1:])
    )
)
def test_a_checkpoint_of_any_bytes_is_taken_up_or_named(folder: Path, content: bytes) -> None:
    path = folder / checkpoint.CHECKPOINT_FILE
    path.write_bytes(content)
    try:
        opened = Checkpoints(folder, "job")
    except StateError as error:
        said = str(error)
    else:
        said = str(path)
        assert opened.last.job == "job"
        opened.close()
    assert str(folder) in said
