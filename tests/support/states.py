"""States that an older syncer wrote, put to use here: tests/fixtures/states/make.py
made them.
"""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from syncer.journal import frames
from tests.fixtures.states.make import PLACE
from tests.support.processes import EmulatorProcess, emulator

STATES = Path(__file__).resolve().parents[1] / "fixtures" / "states"


@contextmanager
def old_state(name: str, folder: Path) -> Iterator[EmulatorProcess]:
    """A copy of a kept state and its logs in this folder, and an emulator that holds
    what the service held then.
    """
    with emulator("--rps", "0", "--load", f"me/app={STATES / name / 'held.jsonl'}") as remote:
        _copy(name, folder, remote.url)
        yield remote


def _copy(name: str, folder: Path, address: str) -> None:
    """Paths and the address are the only things in it that change: each frame of the
    journal is written again with them.
    """
    shutil.copytree(STATES / name, folder, dirs_exist_ok=True)
    state, url = folder / "state", (folder / "url").read_text().strip()
    replaced = {str(PLACE): str(folder), url: address}
    journal = b""
    for piece in frames.pieces((state / "journal").read_bytes().splitlines(keepends=True)):
        assert piece.frame
        payload = piece.payload.decode()
        for old, new in replaced.items():
            payload = payload.replace(old, new)
        journal += frames.encode(payload.encode(), len(journal))
    (state / "journal").write_bytes(journal)
    bitmap = state / "posted.bits.gz"
    (state / "posted.bits").write_bytes(gzip.decompress(bitmap.read_bytes()))
    bitmap.unlink()
