"""A TOML text as values, and the line on which each key stands (which `tomllib` does
not give).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from syncer.errors import UsageError

Location = tuple[str | int, ...]
"""Where a value is: names of keys, and numbers within lists."""

_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_TABLE = re.compile(r"\s*\[[^\]]+\]\]?")
_AT = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)")


class NotToml(Exception):
    """The text is not TOML: `line` (from 1) and the reason."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


@dataclass(frozen=True, slots=True)
class ConfigDocument:
    """A TOML file. `name` is how messages call it."""

    name: str
    values: Mapping[str, object]
    lines: Mapping[Location, int]

    def line(self, location: Location) -> int:
        """The line of a key, or of the nearest table around it."""
        return next(
            (
                self.lines[location[:end]]
                for end in range(len(location), 0, -1)
                if location[:end] in self.lines
            ),
            1,
        )


def read(path: Path) -> bytes:
    """A config file's bytes. Raises UsageError where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"config file {path}: cannot be read ({error.strerror})") from error


def parse(data: bytes, name: str) -> ConfigDocument:
    """Values and lines of a TOML file. Raises NotToml."""
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise NotToml(data.count(b"\n", 0, error.start) + 1, "is not UTF-8") from None
    try:
        values = tomllib.loads(text)
    except RecursionError:
        raise NotToml(1, "is nested too deeply") from None
    except (
        ValueError
    ) as error:  # TOMLDecodeError, and what Python says of numbers with thousands of digits
        at = _AT.search(str(error))
        line = int(at[1]) if at and at[1] else text.rstrip("\n").count("\n") + 1
        raise NotToml(line, _AT.sub("", str(error))) from None
    return ConfigDocument(name, values, _lines(text))


def _lines(text: str) -> dict[Location, int]:
    """The line of every table and key of a valid TOML text.

    Keys inside inline tables count as the key they belong to.
    """
    lines: dict[Location, int] = {}
    table: Location = ()
    counts: dict[Location, int] = {}
    # the quotes that end the string over several lines that we are in
    inside: str | None = None
    for number, line in enumerate(text.split("\n"), start=1):
        if inside is not None:
            inside = None if line.count(inside) % 2 else inside
            continue
        if line.lstrip().startswith("#"):
            continue
        if (header := _TABLE.match(line)) and (names := _names(header[0])):
            table = names
            if header[0].lstrip().startswith("[["):
                counts[names] = counts.get(names, -1) + 1
                table = (*names, counts[names])
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            lines.setdefault((*table, *_names(f"{key[1]} = 0")), number)
        inside = next((quotes for quotes in ('"""', "'''") if line.count(quotes) % 2), None)
    return lines


def _names(fragment: str) -> Location:
    """The names in a table header or in front of a value, their quotes resolved."""
    try:
        value: object = tomllib.loads(fragment)
    except tomllib.TOMLDecodeError:
        # A line of an array over several lines that looks like a header.
        return ()
    names: list[str | int] = []
    while isinstance(value, dict) and value:
        name, value = next(iter(value.items()))
        names.append(name)
        value = value[0] if isinstance(value, list) and value else value
    return tuple(names)
