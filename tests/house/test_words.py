"""The words of the code, as docs/style.md has them: a class name has one home, a
function is a verb, and prose is plain English.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TREES = {
    str(path.relative_to(ROOT)): ast.parse(path.read_text("utf-8"))
    for path in sorted((ROOT / "syncer").rglob("*.py"))
}
Function = ast.FunctionDef | ast.AsyncFunctionDef

HOMONYMS = {
    "Annotell": "the options, the config, and the stand-in of one service",
    "App": "an app that is pushed to, and one that the stand-in holds",
    "Box": "one of a label file, and one as the wire has it",
    "Clarifai": "the options, the config, the codec, and the stand-in of one service",
    "Concept": "one of a label file, and one as the wire has it",
    "Journal": "the port, and what implements it",
    "Request": "one that is sent, and one that the stand-in gets",
}
"""Class names with several homes, and why one word serves."""

IRREGULAR = re.compile(
    "begun|bound|broken|brought|built|caught|chosen|done|drawn|driven|fallen|felt|found|given"
    "|gone|grown|heard|held|hidden|kept|known|laid|led|left|lent|lost|made|meant|met|paid|risen"
    "|said|seen|sent|shown|sold|sought|spent|spoken|struck|taken|taught|thought|thrown|told|torn"
    "|understood|won|worn|written"
)
REGULAR = re.compile("(?!embed|exceed|feed|need|proceed|seed|speed|succeed).*ed")
VALUES = {
    "applied": "a part of a log, beside `place`",
    "asked_seconds": "seconds",
    "counted": "a number with its noun, read as text",
    "finished": "an operation of the stand-in, counted under its name",
    "found": "what a look-up found: the port's word",
    "known": "logs, by number",
    "left_seconds": "seconds",
    "requested_inputs": "an operation of the stand-in, counted under its name",
    "settled_end": "an index",
    "stored": "an operation of the stand-in, counted under its name",
    "trusted_seconds": "seconds",
}
"""Functions that are called like the value that they give, and why."""

BANNED = {
    r"\banew\b": "again, from scratch",
    r"\bmend(s|ed|ing)?\b": "fix",
    r"\b(whoever|whatever|whichever)\b": "the one that, any",
    r"\b(is|are|be) told of\b": "gets, is called with",
    r"\bcannot be had\b": "cannot be fetched",
    r"\bin circles\b": "say what comes twice",
}
"""Words that a native writer would not choose, and what to write."""
QUESTION = re.compile(r"(What|How|Which|Who|Whom|Whose|Why|Is|Are|Does|Has|Have|Can|May)\b")


def is_participle(name: str) -> bool:
    """Whether the first word of a function's name is a participle."""
    word = name.strip("_").split("_")[0]
    return any(words.fullmatch(word) for words in (IRREGULAR, REGULAR))


def states_a_fact(path: str, function: Function) -> bool:
    """Whether a participle is good: a property, a question, or an event that the core
    hears of.
    """
    returns = "" if function.returns is None else ast.unparse(function.returns)
    return (
        any("property" in ast.unparse(each) for each in function.decorator_list)
        or returns == "bool"
        or (returns == "None" and path.startswith("syncer/core/"))
    )


def participles(path: str, tree: ast.Module) -> Iterator[str]:
    """Yield functions whose names are participles, though they do something."""
    for node in ast.walk(tree):
        if (
            isinstance(node, Function)
            and is_participle(node.name)
            and not states_a_fact(path, node)
            and node.name not in VALUES
        ):
            yield f"{path}:{node.lineno}: {node.name}"


def class_names(tree: ast.Module) -> Iterator[str]:
    """Yield the names of classes and type aliases, without a leading underscore."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield node.name.lstrip("_")
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id.lstrip("_")
            if re.match(r"[A-Z][a-z]", name):
                yield name


def docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the docstrings of modules, classes and functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | Function) and (
            text := ast.get_docstring(node)
        ):
            yield node.body[0].lineno, " ".join(text.split())


def texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield every string: messages, docstrings, parts of both."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, " ".join(node.value.split())


def test_no_class_name_stands_twice() -> None:
    homes: dict[str, list[str]] = defaultdict(list)
    for path, tree in TREES.items():
        for name in class_names(tree):
            homes[name].append(path)
    assert {} == {
        name: places for name, places in homes.items() if len(places) > 1 and name not in HOMONYMS
    }


def test_a_function_that_does_something_is_a_verb() -> None:
    assert [] == [wrong for path, tree in TREES.items() for wrong in participles(path, tree)]


def test_no_docstring_opens_with_a_question() -> None:
    assert [] == [
        f"{path}:{line}: {text[:60]}"
        for path, tree in TREES.items()
        for line, text in docstrings(tree)
        if QUESTION.match(text)
    ]


@pytest.mark.parametrize("pattern", BANNED)
def test_no_text_has_a_word_that_the_style_bans(pattern: str) -> None:
    assert [] == [
        f"{path}:{line}: {text[:80]} (write: {BANNED[pattern]})"
        for path, tree in TREES.items()
        for line, text in texts(tree)
        if re.search(pattern, text, re.IGNORECASE)
    ]


def test_a_participle_is_found_and_a_fact_is_not() -> None:
    tree = ast.parse(
        "def made() -> int: ...\ndef ended() -> bool: ...\ndef make() -> int: ...\n"
        "def need() -> int: ...\n"
    )
    assert list(participles("syncer/a.py", tree)) == ["syncer/a.py:1: made"]
