"""Text from outside, such as ids, names of files and reasons, as people may see it."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return the text as one line that a terminal does nothing but show.

    Whatever it would obey, hide or turn round is written as an escape: line ends, control characters, escape codes, marks of direction,
    halves of characters (`\\n`, `\\x1b`, `\\u202e`, `\\udcff`).
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
