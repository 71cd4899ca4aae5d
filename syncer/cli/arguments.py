"""A command line before its command is known: how to print, and a form that the parser
takes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from syncer.cli.stdin import for_parser

_EVERYWHERE = ("--json", "--quiet", "-q", "--verbose", "-v")
_NOTHING = re.compile("(--[^=]+=)?")
_FLAGS = re.compile("-[hnqvV]+")
_NO = ("false", "f", "no", "n", "0")
_MAY_BE_EMPTY = ("--faults",)
"""What takes a list, and may take one of nothing."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """A command line.

    `tokens` are for the parser; the rest is known even where the parser refuses them.
    """

    tokens: tuple[str, ...]
    json: bool
    quiet: bool
    verbose: bool

    def empty_after(self) -> str | None:
        """Return the word before an empty argument, None if no argument is empty.

        Most often a variable of a script is not set.
        """
        for before, token in pairwise(("syncer", *self.tokens)):
            if _NOTHING.fullmatch(token) and (word := token[:-1] or before) not in _MAY_BE_EMPTY:
                return word
        return None


def understand(given: Sequence[str]) -> Arguments:
    """Options that every command has may stand before it, too."""
    end = given.index("--") if "--" in given else len(given)
    options, rest = list(given[:end]), given[end:]
    first = next((n for n, token in enumerate(options) if token not in _EVERYWHERE), 0)
    tokens = tuple(for_parser(word) for word in (*options[first:], *options[:first], *rest))
    return Arguments(
        tokens,
        _has("json", "", options),
        _has("quiet", "q", options),
        _has("verbose", "v", options),
    )


def _has(name: str, letter: str, options: Sequence[str]) -> bool:
    """Whether this flag is given.

    No option takes a value that starts with a dash, so no value can look like one.
    """
    for token in options:
        flag, is_set, value = token.partition("=")
        named = flag == f"--{name}" or (letter and letter in flag and _FLAGS.fullmatch(flag))
        if named and (not is_set or value.lower() not in _NO):
            return True
    return False
