"""The parts of the program whose tests are measured, and the tests that are to notice: fast ones, and only what speaks of that part."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """Modules under `folder`, and what pytest is given for them."""

    folder: str
    tests: tuple[str, ...]


PARTS = {
    "core": Part("syncer/core", ("tests/core", "tests/engine", "tests/models", "tests/journal/test_dead.py")),
    "engine": Part("syncer/engine", ("tests/engine", "tests/contracts/test_listing.py", "tests/lanes")),
    "journal": Part("syncer/journal", ("tests/journal", "tests/contracts/test_journal.py", "tests/contracts/test_disk.py", "tests/models")),
    "lanes": Part("syncer/lanes", ("tests/lanes",)),
    "remotes": Part("syncer/remotes", ("tests/remotes", *(f"tests/contracts/test_{port}.py" for port in ("remote", "listing", "layout")))),
    "sources": Part("syncer/sources", ("tests/sources", "tests/contracts/test_source.py", "tests/lanes/test_push.py")),
}
