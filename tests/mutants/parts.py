"""The parts of the program whose tests are measured, and the tests that are to notice:
fast ones, and only what speaks of that part.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Part:
    """Modules, as patterns, and what pytest is given for them."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]


ROOT = Path(__file__).resolve().parents[2]


def _of_remotes(*but: str) -> tuple[str, ...]:
    """The tests of remotes, less those that are all about another one."""
    files = sorted((ROOT / "tests/remotes").glob("test_*.py"))
    own = [
        str(file.relative_to(ROOT))
        for file in files
        if not file.name.startswith(tuple(f"test_{name}" for name in but))
    ]
    return (*own, *(f"tests/contracts/test_{port}.py" for port in ("remote", "listing", "layout")))


PARTS = {
    "annotell": Part(("syncer/remotes/annotell/**/*.py",), _of_remotes("clarifai")),
    "clarifai": Part(
        ("syncer/remotes/*.py", "syncer/remotes/clarifai/**/*.py"), _of_remotes("annotell")
    ),
    "core": Part(
        ("syncer/core/**/*.py",),
        ("tests/core", "tests/engine", "tests/models", "tests/journal/test_dead.py"),
    ),
    "engine": Part(
        ("syncer/engine/**/*.py",),
        ("tests/engine", "tests/contracts/test_listing.py", "tests/jobs"),
    ),
    "journal": Part(
        ("syncer/journal/**/*.py",),
        (
            "tests/journal",
            "tests/contracts/test_journal.py",
            "tests/contracts/test_disk.py",
            "tests/models",
        ),
    ),
    "jobs": Part(("syncer/jobs/**/*.py",), ("tests/jobs",)),
    "sources": Part(
        ("syncer/sources/**/*.py",),
        ("tests/sources", "tests/contracts/test_source.py", "tests/jobs/test_push.py"),
    ),
}
