"""What is known of a mutant is used again, as long as it holds; and a mutant is tried
without touching the checkout.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutants import kept
from tests.mutants.__main__ import tell
from tests.mutants.kept import Kept
from tests.mutants.parts import PARTS, ROOT
from tests.mutants.sample import Mutant
from tests.mutants.trial import Copies, Outcome

PATH = "syncer/core/deletions.py"
SOUND = (ROOT / PATH).read_text()
BROKEN = Mutant(
    "core",
    PATH,
    1,
    "Broken",
    SOUND.replace("self.count + more > self.limit", "self.count + more < self.limit"),
)
SAME = Mutant("core", PATH, 1, "Same", SOUND + "\n")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(kept, "FILE", tmp_path / "outcomes.jsonl")
    return tmp_path / "outcomes.jsonl"


def test_what_was_kept_is_known_to_the_next_run_also_where_the_last_line_was_cut_off(
    file: Path,
) -> None:
    Kept().keep(BROKEN, Outcome("killed", 1.5))
    Kept().keep(SAME, Outcome("survived", 2.5))
    with file.open("a") as out:
        out.write('{"key": "ab')
    assert (Kept().of(BROKEN), Kept().of(SAME)) == (
        Outcome("killed", 1.5),
        Outcome("survived", 2.5),
    )


def test_a_survivor_is_tried_again_once_tests_have_changed_and_what_was_noticed_is_not(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Kept().keep(BROKEN, Outcome("killed", 1.5))
    Kept().keep(SAME, Outcome("survived", 2.5))
    monkeypatch.setattr(kept, "tests_of", lambda part: "others")
    assert (Kept().of(BROKEN), Kept().of(SAME)) == (Outcome("killed", 1.5), None)


def test_a_bug_is_noticed_in_a_copy_and_what_is_no_bug_survives(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(
        PARTS, "core", type(PARTS["core"])(("syncer/core/*.py",), ("tests/core/test_deletions.py",))
    )
    with Copies(1) as copies:
        outcomes = {mutant: copies.tried(mutant) for mutant in (BROKEN, SAME)}
    assert [outcome.how for outcome in outcomes.values()] == ["killed", "survived"]
    assert (ROOT / PATH).read_text() == SOUND
    assert tell([BROKEN, SAME], outcomes) == 1
    said = capsys.readouterr().out
    assert "core: syncer/core/deletions.py:1 Same" in said
    assert "50.0%" in said
