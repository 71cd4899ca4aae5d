"""The shape that the code keeps, held by counting: what a reader has to take in at once
stays small.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
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


def awaits(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield what is awaited there, but for what only nested functions await."""
    for node in nodes:
        if isinstance(node, ast.Await | ast.AsyncWith | ast.AsyncFor):
            yield node
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from awaits(ast.iter_child_nodes(node))


def finally_that_may_be_cut_short(source: str) -> list[int]:
    """Return the lines of those that a cancelled task would not come to the end of."""
    return [
        node.finalbody[0].lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Try)
        if (found := list(awaits(node.finalbody)))
        if len(found) > 1
        or not ast.unparse(found[0]).startswith("await finish(")
        or any(isinstance(one, ast.For | ast.While) for one in node.finalbody)
    ]


def test_a_finally_awaits_one_thing_at_most_and_that_to_its_end() -> None:
    """A cancelled task is cancelled again at each await: at the first in a `finally`
    that is not finished, and after the first that is. A lane that was cut off left its
    sources open by that, and its successor wrote to the same files.
    """
    assert [] == [
        f"{path.relative_to(ROOT)}:{line}"
        for path in SOURCES
        for line in finally_that_may_be_cut_short(path.read_text("utf-8"))
    ]


def test_a_finally_that_may_be_cut_short_is_found() -> None:
    def tried(body: str) -> list[int]:
        lines = "".join(f"        {line}\n" for line in body.splitlines())
        return finally_that_may_be_cut_short(
            f"async def f():\n    try:\n        work()\n    finally:\n{lines}"
        )

    assert tried("close()") == tried("await finish(close)") == []
    assert tried("await close()") == [5]
    assert tried("await finish(a)\nawait finish(b)") == [5]
    assert tried("for one in all:\n    await finish(one)") == [5]
    assert tried("async with lock:\n    pass") == [5]


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
