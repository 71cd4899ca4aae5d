"""A lone - for standard input, on its way through the parser: that takes it for an
option without a name, so it is called by another name there.
"""

from __future__ import annotations

import re
from pathlib import Path

from syncer.errors import UsageError

_NAME = "/dev/stdin"
_AS_TYPED = re.compile("-(?=:|$)")  # also as the source of a dead letter: -:7
_FOR_PARSER = re.compile(f"{_NAME}(?=:|$)")


def for_parser(word: str) -> str:
    """An argument as the parser takes it."""
    return _NAME + word[1:] if _AS_TYPED.match(word) else word


def as_typed(word: str) -> str:
    """An argument that the parser gave back, as it was typed."""
    return "-" + word.removeprefix(_NAME) if _FOR_PARSER.match(word) else word


def check_file(option: str, path: Path | None) -> None:
    """Raise UsageError for a lone - where only a file can be written."""
    if path is not None and as_typed(str(path)) == "-":
        raise UsageError(f"--{option} is -, and this is written to a file only: name one")
