"""Outputs on file systems that lack calls: whole all the same, built elsewhere and
copied where that is what it takes, and that is said.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sinks.made import KINDS, annotation, row
from tests.sinks.on_lame import PAGES, SIZE
from tests.support.cases import first_quick
from tests.support.lame import OBJECT_STORE, REFUSALS, lacking

GROWING = {"out.jsonl", "out.jsonl.gz", "out.csv", "out.csv.gz", "out.parquet", "out.delta"}
"""Kinds whose pages are appended to one part."""
BUILT_ELSEWHERE = {
    "append": "append to a file",
    "reappend": "append to a file",
    "truncate": "cut a file",
    "lock": "lock a file",
}
IN_PLACE = "cannot rename files: the output was written in place"


def written(folder: Path, work: Path, run: int, *calls: str) -> dict[str, list[str]]:
    """One process writes outputs of every kind; what they note."""
    environment = {**os.environ, **(lacking(folder, *calls) if calls else {})}
    arguments = [sys.executable, "-m", "tests.sinks.on_lame", str(folder), str(work), str(run)]
    done = subprocess.run(
        arguments, env=environment, cwd=Path(__file__).parents[2], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, list[str]] = json.loads(done.stdout)
    return told


def holds(folder: Path, run: int) -> dict[str, bool]:
    """Does each output hold the rows of a run, and nothing else?"""
    rows = [row(annotation(run * 1000 + number)) for number in range(PAGES * SIZE)]
    return {kind.name: kind.same(rows, folder) for kind in KINDS}


@pytest.mark.parametrize(
    "calls",
    first_quick([OBJECT_STORE, ["link", "rename"], *([call] for call in REFUSALS)], 2),
    ids=lambda calls: " ".join(calls),
)
def test_an_output_is_whole_whatever_its_file_system_lacks_and_replaces_an_older_one(
    calls: list[str], tmp_path: Path
) -> None:
    folder, work = tmp_path / "lame", tmp_path / "work"
    folder.mkdir()
    work.mkdir()
    written(folder, work, 1)
    told = written(folder, work, 2, *calls)
    assert holds(folder, 2) == {kind.name: True for kind in KINDS}
    names = {kind.name.strip("/") for kind in KINDS}
    # no part, and nothing half-made
    assert {path.name for path in folder.iterdir()} == names
    for name, notes in told.items():
        elsewhere = [note for note in notes if "is built in" in note]
        what = next((BUILT_ELSEWHERE[call] for call in calls if call in BUILT_ELSEWHERE), None)
        if name in GROWING and (what or "sync" in calls):
            assert (
                f"cannot {what or 'write, sync and read a file that grows'}: the output is built in"
                f" {work}" in elsewhere[0]
            )
        else:
            assert elsewhere == []
        in_place = [note for note in notes if IN_PLACE in note]
        renamed_over = name != "out.delta"  # a table's commit is a new name
        assert bool(in_place) == (
            ({"link", "rename"} <= {*calls} or renamed_over)
            and ("rename" in calls or "over" in calls)
        ), notes
