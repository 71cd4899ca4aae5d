"""Text for people: what comes from outside, such as ids, names of files and reasons,
and numbers of things. And the same as JSON.
"""

from __future__ import annotations

import json
import re
import shlex

import orjson

_HALF = re.compile("[\ud800-\udfff]")


def printable(text: str) -> str:
    """Return the text as one line that a terminal does nothing but show.

    All that it would obey, hide or turn round is written as an escape: line ends,
    control characters, escape codes, marks of direction, halves of characters (`\\n`,
    `\\x1b`, `\\u202e`, `\\udcff`).
    """
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


def counted(count: int, thing: str, things: str = "") -> str:
    """Return a number of things: `1 dead letter`, `2 dead letters`.

    `things`: their plural, where an s does not make it.
    """
    return f"{count:,} {thing if count == 1 else things or thing + 's'}"


def spell_seconds(seconds: float) -> str:
    """Return seconds as people say them."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.0f} h"


def as_argument(text: object) -> str:
    """Return the text as one argument of a command line that is shown to people and can
    be copied into a shell.
    """
    plain = str(text)
    if plain.isprintable():
        return shlex.quote(plain)
    return (
        f"$'{printable(plain.replace(chr(92), chr(92) * 2).replace(chr(39), chr(92) + chr(39)))}'"
    )


def is_unicode(text: str) -> bool:
    """Whether it can be written as UTF-8: halves of surrogate pairs, as bytes of a
    command line become, cannot.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def json_text(value: object) -> str:
    """One JSON value on one line.

    The halves of characters that stand for the bytes of a file's name that is not text
    become escapes.
    """
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return _HALF.sub(
            lambda half: f"\\\\u{ord(half[0]):04x}", json.dumps(value, ensure_ascii=False)
        )
