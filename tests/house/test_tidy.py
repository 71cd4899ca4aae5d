"""The shape that the code keeps, held by counting: what a reader has to take in at once
stays small.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "syncer").rglob("*.py"))
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70


def functions(source: str) -> Iterator[tuple[str, int]]:
    """Yield each function's name and its number of lines."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield node.name, node.end_lineno - node.lineno + 1


def too_long(path: Path, source: str) -> list[str]:
    """Return what of a file is longer than it may be."""
    lines = len(source.splitlines())
    found = [f"{path}: {lines} lines"] if lines > FILE_LINES_MAX else []
    return found + [
        f"{path}: {name} has {count} lines"
        for name, count in functions(source)
        if count > FUNCTION_LINES_MAX
    ]


def test_no_file_and_no_function_is_longer_than_a_reader_can_hold() -> None:
    assert [] == [
        wrong
        for path in SOURCES
        for wrong in too_long(path.relative_to(ROOT), path.read_text("utf-8"))
    ]


def test_only_the_floor_of_files_writes_and_syncs() -> None:
    calls = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if re.search(r"os\.(fsync|write)\(", path.read_text("utf-8"))
    ]
    assert calls == ["syncer/files.py"]


def test_what_is_too_long_is_found() -> None:
    body = "    x = 1\n" * FUNCTION_LINES_MAX
    assert too_long(Path("a.py"), f"def f():\n{body}") == ["a.py: f has 71 lines"]
    assert too_long(Path("a.py"), "x = 1\n" * 401) == ["a.py: 401 lines"]
