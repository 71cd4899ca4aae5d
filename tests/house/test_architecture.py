"""The table of docs/architecture.md names every file, and no other: a newcomer finds
the one that a bug report is about.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "syncer"
ONE_FILE_PER_COMMAND = {"cli/commands"}
"""Folders that need no row: the names of their files say it all."""


def named(page: str) -> dict[str, list[str]]:
    """Return the names that the table has of each folder."""
    found: dict[str, list[str]] = defaultdict(list)
    folder = ""
    table = page.split("| folder | about | files |", 1)[1].split("\n\n", 1)[0]
    for row in table.splitlines()[2:]:
        _, first, _, files, _ = row.split("|")
        folder = first.strip(" `/") or folder
        found[folder] += re.findall(r"`(\w+)`", files)
    return found


def held() -> dict[str, set[str]]:
    """Return the modules of each folder of the package."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in PACKAGE.rglob("*.py"):
        folder = path.parent.relative_to(PACKAGE).as_posix()
        if not path.stem.startswith("__") and folder not in {".", *ONE_FILE_PER_COMMAND}:
            found[folder].add(path.stem)
    return found


PAGE = (ROOT / "docs/architecture.md").read_text("utf-8")


def test_every_file_is_in_the_table() -> None:
    table = named(PAGE)
    assert [] == sorted(
        f"{folder}/{name}.py"
        for folder, names in held().items()
        for name in names - set(table[folder])
    )


def test_every_name_in_the_table_is_a_file_or_a_folder() -> None:
    assert [] == [
        f"{folder}/{name}"
        for folder, names in named(PAGE).items()
        for name in names
        if not (PACKAGE / folder / f"{name}.py").exists() and not (PACKAGE / folder / name).is_dir()
    ]


def test_a_row_without_a_folder_goes_on_with_the_one_above() -> None:
    page = "| folder | about | files |\n| - | - | - |\n| `a/` | x | `b` c |\n| | y | `d`, `e` |\n\n"
    assert named(page) == {"a": ["b", "d", "e"]}
