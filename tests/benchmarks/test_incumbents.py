"""The benchmark of the incumbents, small: what it says of a script that sends again is
true, and what it says of syncer.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.incumbents.labels import changes, id_of, inputs, outcome
from benchmarks.incumbents.pushers import Naive, Ours
from benchmarks.incumbents.run import Run, Scenario, row, run

RPS = 200
WITHOUT_IDS = Scenario("labels without ids", ids=False)
KILLED = Scenario("labels with ids, killed", ids=True, duplicate="item", killed=True)


def pushed(pusher: Naive | Ours, scenario: Scenario, folder: Path, count: int) -> Run:
    folder.mkdir()
    return run(pusher, scenario, count, folder, rps=RPS, faults="reset-after=0.2")


@pytest.mark.proof
def test_where_a_script_that_sends_again_doubles_syncer_does_not(tmp_path: Path) -> None:
    script = pushed(Naive(), WITHOUT_IDS, tmp_path / "script", 400)
    ours = pushed(Ours(), WITHOUT_IDS, tmp_path / "ours", 400)
    assert script.outcome.doubled > 0
    assert (ours.outcome.right, ours.outcome.wanted, ours.codes) == (400, 400, (0,))
    assert (script.good, ours.good) == (False, True)


@pytest.mark.proof
def test_syncer_killed_and_started_again_leaves_everything_right_and_names_what_is_refused(
    tmp_path: Path,
) -> None:
    ours = pushed(Ours(), KILLED, tmp_path / "ours", 1200)
    assert ours.outcome.right == ours.outcome.wanted == 1199
    assert (ours.outcome.refused_named, ours.outcome.unsaid, ours.codes) == (1, 0, (-9, 3))
    assert row(Ours(), ours).startswith(
        "| syncer | 1,199 | 1,199 | 0 | 0 | 0 | 0 | 0 | 1 of 1 | -9, 3 |"
    )


def test_every_way_to_be_wrong_has_its_column() -> None:
    held = [change["annotation"] for change in changes(1000, ids=False)]
    del held[7]
    held += [held[8], held[8]]
    found = outcome(1000, ids=False, held=held, named={500, 3, 8})
    assert (found.wanted, found.right, found.lost, found.doubled, found.copies) == (
        999,
        997,
        1,
        1,
        2,
    )
    assert (found.unsaid, found.false, found.refused, found.refused_named) == (1, 2, 1, 1)


def test_a_patch_that_is_missing_or_came_too_early_is_a_label_wrongly_changed() -> None:
    held = {
        id_of(change["n"]): change["annotation"]
        for change in changes(20, ids=True)
        if change["op"] == "post"
    }
    for number in (0, 5, 10, 15):
        held[id_of(number)]["data"]["concepts"].append({"id": "seen", "value": 1})
    assert outcome(20, ids=True, held=list(held.values()), named=()).right == 20
    held[id_of(5)]["data"]["concepts"][1]["value"] = 0
    del held[id_of(10)]["data"]["concepts"][1]
    found = outcome(20, ids=True, held=list(held.values()), named=())
    assert (found.changed, found.right, found.unsaid) == (2, 18, 2)


def test_a_label_of_each_thousand_is_of_an_input_that_is_not_there() -> None:
    there = {row["input_id"] for row in inputs(2000)}
    assert [
        change["n"]
        for change in changes(2000, ids=False)
        if change["annotation"]["input_id"] not in there
    ] == [500, 1500]
