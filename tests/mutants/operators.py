"""Which changes of a module's text are plausible bugs, by the operators of cosmic-ray.
It runs in an environment of its own, as a filter.

    on standard input              on standard output
    {"path": …}               ──►  the places of this module,
                                   each with what could stand there instead
    {"path": …, "option": …}  ──►  the text of the module with this change;
                                   null where that is not Python

A place is where one thing stands: of an operator, a number, a condition, a call that is
a statement. Not looked at are annotations (they do nothing), decorators, docstrings,
and what checks and is not checked itself: asserts, `raise AssertionError`,
`strict=True`, `frozen=True`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import parso
import parso.tree
from cosmic_ray.ast import ast_nodes
from cosmic_ray.operators.operator import Operator
from cosmic_ray.operators.provider import OperatorProvider

LEFT_OUT = ("RemoveDecorator", "VariableReplacer", "VariableInserter")
CONCERNS = {"ReplaceComparisonOperator": "comparison", "ReplaceBinaryOperator": "operator"}
"""The only nodes that operators of these kinds, of which there are very many, have to
be asked about.
"""
CHECKS = ("raise AssertionError", "strict=True", "frozen=True")
NOT_LOOKED_AT = ("annassign", "assert_stmt", "decorator", "import_name", "import_from")


class LeaveOutStatement(Operator):
    """What cosmic-ray has no operator for: a statement that is there for its effect,
    and is forgotten.
    """

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        """One, where it is such a statement."""
        if node.type == "simple_stmt" and _has_an_effect(node.children[0]):
            yield node.children[0].start_pos, node.children[0].end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """`pass` in its place."""
        node.children[0] = parso.parse(node.children[0].get_first_leaf().prefix + "pass")
        return node

    @classmethod
    def examples(cls) -> tuple[()]:
        """None: cosmic-ray tests its operators by them."""
        return ()


def _has_an_effect(statement: Any) -> bool:
    """A call, or an assignment to what is not only a local name.

    In constructors nobody can do without one.
    """
    if statement.type in ("atom_expr", "power", "await", "raise_stmt", "del_stmt"):
        return True
    if statement.type != "expr_stmt" or statement.children[1].type == "annassign":
        return False
    function = parso.tree.search_ancestor(statement, "funcdef")
    if function is not None and function.name.value == "__init__":
        return False
    return statement.children[0].type != "name" or (
        statement.children[1].type == "operator" and statement.children[1].value != "="
    )


def operators() -> dict[str, Operator]:
    """All that are used, by name."""
    provider = OperatorProvider()
    found: dict[str, Operator] = {
        name: provider[name]() for name in provider if name not in LEFT_OUT
    }
    return {**found, "LeaveOutStatement": LeaveOutStatement()}


def places(source: str) -> list[dict[str, Any]]:
    """Every place of a module: `line`, `kind`, and `options`, each an operator's name,
    the number of a node and which of its changes.
    """
    found: dict[tuple[Any, Any, str], dict[str, Any]] = {}
    chosen = operators()
    for number, node in enumerate(ast_nodes(parso.parse(source))):
        if _is_not_looked_at(node):
            continue
        for name, operator in chosen.items():
            kind = name.partition("_")[0]
            if CONCERNS.get(kind, node.type) != node.type:
                continue
            for index, (start, end) in enumerate(operator.mutation_positions(node)):
                place = found.setdefault(
                    (start, end, kind), {"line": start[0], "kind": kind, "options": []}
                )
                place["options"].append([name, number, index])
    return [place for _, place in sorted(found.items())]


def changed(source: str, name: str, number: int, index: int) -> str | None:
    """The text with this change, None if not Python or not what the operator makes."""
    tree = parso.parse(source)
    node = next(node for at, node in enumerate(ast_nodes(tree)) if at == number)
    try:
        mutated = operators()[name].mutate(node, index)
    # cosmic-ray's of exceptions knows plain names only, not `module.Error`
    except AttributeError:
        return None
    if mutated is not node:
        siblings = node.parent.children
        siblings[siblings.index(node)] = mutated
    text: str = tree.get_code()
    try:
        compile(text, "mutant", "exec")
    except SyntaxError:
        return None
    return text


def _is_not_looked_at(node: Any) -> bool:
    while node is not None:
        parent = node.parent
        if node.type in ("raise_stmt", "argument", "simple_stmt") and node.get_code(
            include_prefix=False
        ).startswith(CHECKS):
            return True
        if node.type in NOT_LOOKED_AT or (
            parent is not None and parent.type == "tfpdef" and node is not parent.children[0]
        ):
            return True
        if parent is not None and parent.type == "funcdef" and node is parent.annotation:
            return True
        node = parent
    return False


if __name__ == "__main__":
    for line in sys.stdin:
        row = json.loads(line)
        text = Path(row["path"]).read_text(encoding="utf-8")
        print(
            json.dumps(changed(text, *row["option"]) if "option" in row else places(text)),
            flush=True,
        )
