"""Sinks in processes of their own: killed, and measured."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sinks.made import KINDS, Kind, annotation, row


def run(
    kind: Kind, folder: Path, pages: int, size: int, *dies_at: int
) -> subprocess.CompletedProcess[str]:
    """One process; its output is its peak of memory."""
    arguments = [
        f"{folder}/{kind.name}",
        f"{folder}/checkpoint.json",
        str(pages),
        str(size),
        *map(str, dies_at),
    ]
    return subprocess.run(
        [sys.executable, "-m", "tests.sinks.running", *arguments],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )


@pytest.mark.proof
@pytest.mark.parametrize(
    ("kind", "syncs"),
    [(KINDS[1], 4), (KINDS[4], 4), (KINDS[6], 10)],
    ids=["jsonl.gz", "parquet", "delta"],
)
def test_a_process_that_is_killed_again_and_again_writes_every_row_once(
    kind: Kind, syncs: int, tmp_path: Path
) -> None:
    """SIGKILL at the same sync of each run, which leaves room for a page, until a run
    has fewer left to do.
    """
    codes = [run(kind, tmp_path, 4, 5, syncs).returncode for _ in range(5)]
    assert codes[0] == -signal.SIGKILL
    assert codes[-1] == 0
    assert kind.same([row(annotation(number)) for number in range(20)], tmp_path)


@pytest.mark.proof
@pytest.mark.parametrize("kind", [KINDS[0], KINDS[4], KINDS[6]], ids=lambda kind: kind.name)
def test_memory_does_not_grow_with_the_rows(kind: Kind, tmp_path: Path) -> None:
    """Four times as many come to a twentieth more at most."""
    peaks = []
    for pages in (50, 200):
        folder = tmp_path / str(pages)
        folder.mkdir()
        ended = run(kind, folder, pages, 1000)
        assert 0 == ended.returncode, ended.stderr
        peaks.append(int(ended.stdout))
    assert peaks[1] <= peaks[0] * 1.05, peaks
