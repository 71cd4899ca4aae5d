"""Bytes that rot, tails that tear, files that go: a start is exact or refused with
file, byte and the way out; and a repair ends right.

The damage is done to the state as it was after each command of the script.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from syncer.errors import StateError
from syncer.journal.check import check
from syncer.journal.damage import Damage
from syncer.journal.journal import Journal
from syncer.journal.repair import repair
from tests.journal.made import state
from tests.proof.crash.recording import Moment, Recording, recorded
from tests.proof.crash.remote import Held
from tests.proof.crash.script import COUNTS, DESTINATION, FIRST, MORE, STEPS, WANTED, World
from tests.proof.crash.test_crash_points import ENDS
from tests.support.disk import STATE, SimulatedDisk

MUTATIONS = int(os.environ.get("SYNCER_PROOF_STATE_FUZZ", "1500"))
REPAIRS = int(os.environ.get("SYNCER_PROOF_STATE_REPAIRS", "60"))
"""Of the mutations that are refused, how many are repaired and pushed to the end."""
JOURNAL, LETTERS = STATE / "journal", STATE / "dead.jsonl"
DIED_AT_FIRST: Held = {("i9", "zz"): {"car": 1, "tree": 1}}
"""A patch came before its post, and died.
Where not even the log is known any more it is asked again, and now there is what it
patches.
"""


@dataclass
class Kept:
    """The state between two commands."""

    folder: Path
    disk: SimulatedDisk
    moment: Moment
    states: list[object]
    """All that was ever durable up to here."""

    def with_(self, path: Path, content: bytes | None) -> SimulatedDisk:
        """The same, with another content of one file."""
        disk = self.disk.then(())
        disk.put(path, content)
        return disk


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Recording]:
    folder = tmp_path_factory.mktemp("logs")
    return folder, recorded(folder, 0)


@pytest.fixture(
    params=range(1, len(STEPS) + 1),
    ids=lambda step: f"after-{STEPS[step - 1].command.replace(' ', '-')}-{step}",
)
def kept(request: pytest.FixtureRequest, script: tuple[Path, Recording]) -> Kept:
    folder, recording = script
    step = request.param
    count = next(
        (at for at, moment in enumerate(recording.moments) if moment.step == step),
        len(recording.operations),
    )
    last = recording.moments[count]
    moment = Moment(last.image, last.seconds, min(step, len(STEPS) - 1))
    return Kept(
        folder,
        recording.ended(count, None),
        moment,
        [value for done, value in recording.states if done <= count],
    )


def started(disk: SimulatedDisk) -> object:
    """What a start makes of it; the message where it refuses.

    Anything else that is raised is wrong.
    """
    try:
        journal = Journal.open(STATE, DESTINATION, disk=disk.then(()))
    except StateError as error:
        return str(error)
    found = state(journal.ledger)
    journal.close()
    return found


def told(message: object, path: Path) -> bool:
    """Does it name file, byte and the way out?"""
    text = str(message)
    return f"{path}: damaged at byte " in text and f"syncer state repair --state {STATE}" in text


def ended(kept: Kept, disk: SimulatedDisk, *, repaired: bool = True) -> list[str]:
    """Repair, give the rest of the commands, and what is wrong with the end: labels
    that are not what the log gives, changes uncounted.
    """
    if repaired:
        assert repair(STATE, "now", disk=disk).damages
        assert damages(disk) == []
    known = (
        JOURNAL in disk.files() and Journal.open(STATE, DESTINATION, disk=disk.then(())).ledger.logs
    )
    world = World(kept.folder, 1, disk, kept.moment.image)
    world.clock.pass_(kept.moment.seconds)
    world.play(STEPS[kept.moment.step :], faults=False)
    journal = Journal.open(STATE, DESTINATION, disk=world.disk)
    (log,) = journal.ledger.logs.values()
    journal.close()
    allowed = [WANTED] if known else [WANTED, WANTED | DIED_AT_FIRST]
    wrong = [] if world.remote.held() in allowed else [f"the remote holds {world.remote.held()}"]
    if (log.counts.read, log.counts.queued) != (len(FIRST) + len(MORE), 0):
        wrong.append(f"counts: {log.counts}")
    if found := damages(world.disk):
        wrong.append(f"the end is damaged: {found}")
    return wrong


def test_the_script_itself_ends_right(kept: Kept) -> None:
    assert ended(kept, kept.disk.then(()), repaired=False) == []
    assert sum(COUNTS.values()) == len(FIRST) + len(MORE)


@pytest.mark.parametrize("path", [JOURNAL, LETTERS], ids=["journal", "dead.jsonl"])
def test_every_flipped_byte_is_refused_or_is_the_torn_tail(kept: Kept, path: Path) -> None:
    content = kept.disk.files()[path]
    last = content.rstrip(b"\n").rfind(b"\n") + 1
    for at in range(len(content)):
        for bit in (0x01, 0x20, 0x80):
            found = started(
                kept.with_(path, content[:at] + bytes([content[at] ^ bit]) + content[at + 1 :])
            )
            if path == JOURNAL and at >= last and found in kept.states:
                # as if it had not been written; what a compaction wrote was synced
                # whole, and is refused
                continue
            assert told(found, path), f"byte {at}, bit {bit}: {found}"


@pytest.mark.parametrize("path", [JOURNAL, LETTERS], ids=["journal", "dead.jsonl"])
def test_every_cut_is_refused_or_a_state_that_was(kept: Kept, path: Path) -> None:
    content = kept.disk.files()[path]
    for cut in range(len(content)):
        found = started(kept.with_(path, content[:cut]))
        assert found in kept.states or told(found, path), f"cut at byte {cut}: {found}"


def test_every_missing_file_is_refused(kept: Kept) -> None:
    assert told(started(kept.with_(JOURNAL, None)), JOURNAL)
    assert told(started(kept.with_(LETTERS, None)), LETTERS)


def test_a_repair_of_what_is_whole_does_nothing(kept: Kept) -> None:
    disk = kept.disk.then(())
    before = disk.files()
    found = repair(STATE, "now", disk=disk)
    assert (found.damages, found.quarantine, found.set_aside, found.unknown) == ([], None, [], [])
    assert disk.files() == before


def damaged(kept: Kept, rng: random.Random, path: Path) -> bytes:
    """Some mutation of the file."""
    content = kept.disk.files()[path]
    lines = content.splitlines(keepends=True)
    one, two = sorted(rng.sample(range(len(lines)), 2)) if len(lines) > 1 else (0, 0)
    at = rng.randrange(len(content))
    noise = rng.randbytes(rng.choice([1, 2, 9, 200]))
    match rng.choice(
        [
            "flip",
            "cut",
            "noise in",
            "noise over",
            "lost",
            "doubled",
            "swapped",
            "zeros",
            "tail",
            "spliced",
        ]
    ):
        case "flip":
            return content[:at] + bytes([content[at] ^ 1 << rng.randrange(8)]) + content[at + 1 :]
        case "cut":
            return content[:at]
        case "noise in":
            return content[:at] + noise + content[at:]
        case "noise over":
            return content[:at] + noise + content[at + len(noise) :]
        case "lost":
            return b"".join(lines[:one] + lines[one + 1 :])
        case "doubled":
            return b"".join([*lines[:two], lines[one], *lines[two:]])
        case "swapped":
            lines[one], lines[two] = lines[two], lines[one]
            return b"".join(lines)
        case "zeros":
            return content[:at] + bytes(min(len(content) - at, 512)) + content[at + 512 :]
        case "tail":
            return content + noise
    return content[:at] + content[rng.randrange(len(content)) :]


def mutations(kept: Kept, count: int) -> Iterator[tuple[str, Path, SimulatedDisk]]:
    """So many, each with its name."""
    for seed in range(count):
        rng = random.Random(f"{kept.moment.step} {seed}")
        path = rng.choice([JOURNAL, LETTERS])
        yield f"mutation {seed} of {path.name}", path, kept.with_(path, damaged(kept, rng, path))


def test_no_mutation_is_a_state_that_never_was(kept: Kept) -> None:
    """Nor ends a start in any other way than by a refusal that says what to do."""
    for name, path, disk in mutations(kept, MUTATIONS):
        found = started(disk)
        assert found in kept.states or told(found, path), f"{name}: {found}"


def test_what_is_refused_can_be_repaired_and_ends_with_what_the_log_gives(kept: Kept) -> None:
    """Nothing is lost or doubled at the remote, and every change stays counted,
    whatever was damaged.
    """
    tried = 0
    for name, _, disk in mutations(kept, MUTATIONS):
        if tried < REPAIRS and isinstance(started(disk), str):
            tried += 1
            before = disk.files()
            assert ended(kept, disk) == [], name
            aside = {
                path.name: content
                for path, content in disk.files().items()
                if path.parent.parent.name == "quarantine"
            }
            assert aside["journal"] == before[JOURNAL], name
            assert aside["dead.jsonl"] == before[LETTERS], name
    assert tried == REPAIRS


@pytest.mark.parametrize("path", [JOURNAL, LETTERS], ids=["journal", "dead.jsonl"])
def test_a_missing_file_can_be_repaired_and_ends_with_what_the_log_gives(
    kept: Kept, path: Path
) -> None:
    assert ended(kept, kept.with_(path, None)) == []


def damages(disk: SimulatedDisk) -> list[Damage]:
    """What a check finds; nothing where there is no state any more, or not yet."""
    return check(STATE, disk=disk).damages if {JOURNAL, LETTERS} & set(disk.files()) else []


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("where", ["header", "middle"])
def test_a_repair_that_is_cut_short_anywhere_is_done_by_the_next_one(
    kept: Kept, where: str, end: str
) -> None:
    """Of a journal that is damaged, and a letter with it."""
    journal, letters = kept.disk.files()[JOURNAL], kept.disk.files()[LETTERS]
    at = 20 if where == "header" else len(journal) // 2
    disk = kept.with_(JOURNAL, journal[:at] + b"?" + journal[at + 1 :])
    disk.put(LETTERS, letters[:40] + b"?" + letters[41:])
    start, before = disk.then(()), len(disk.operations)
    repair(STATE, "now", disk=disk)
    operations = disk.operations[before:]
    for count in range(len(operations) + 1):
        cut_short = start.then(operations[:count])
        survives = ENDS[end]
        if survives is None:
            cut_short.kill()
        else:
            cut_short.crash(survives)
        if damages(cut_short):
            repair(STATE, "later", disk=cut_short)
        assert damages(cut_short) == [], f"behind {count} operations"
        aside = {
            content
            for path, content in cut_short.files().items()
            if path.parent.parent.name == "quarantine"
        }
        assert start.files()[JOURNAL] in aside, f"behind {count} operations"
        if count % 5 == 0:
            assert ended(kept, cut_short, repaired=False) == [], f"behind {count} operations"
