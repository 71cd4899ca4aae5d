"""Ids: those of annotations are the same for the same label each time, with others
beside it or without; those of inputs and concepts are their names, spelt as the service
takes them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

from syncer.formats.store import Store

Charset = Literal["any", "word"]
LENGTH_MIN = 16
_BYTES = 16
_DIGITS = 12
_COMMON_LENGTH = 32
_OTHERS = re.compile(r"[^A-Za-z0-9_-]+")


class AnnotationIds:
    """Ids for the labels of one format.

    A label is known by its input and the format's own id of it; where it has none, by
    its content. Those that are alike are numbered, so labels of one content are
    interchangeable, and only labels that share an own id on an input can change each
    other's ids.
    """

    def __init__(self, format_name: str) -> None:
        self._format = _measure(format_name.encode())
        self._known: Store[bytes, int] = Store()

    def name_label(self, input_id: str, own_id: str, content: bytes) -> tuple[str, int]:
        """Return the id, 32 hex digits, and how many were like it before."""
        name = input_id.encode()
        kind, told = (b"2:id", own_id.encode()) if own_id else (b"7:content", content)
        text = b"%b%d:%b%b%d:%b" % (self._format, len(name), name, kind, len(told), told)
        key = blake2b(text, digest_size=_BYTES).digest()
        before = self._known.find(key) or 0
        self._known.put(key, before + 1)
        return (_digest(key, b"%d" % before) if before else key).hex(), before

    def find_new(self, input_id: str, own_id: str) -> bytes | None:
        """Return the id of a label with an own id, as bytes; None if it is known."""
        name, told = input_id.encode(), own_id.encode()
        text = b"%b%d:%b2:id%d:%b" % (self._format, len(name), name, len(told), told)
        key = blake2b(text, digest_size=_BYTES).digest()
        return key if self._known.find(key) is None else None

    def keep(self, key: bytes) -> None:
        """Count the first label of this id."""
        self._known.put(key, 1)

    def close(self) -> None:
        """Forget them."""
        self._known.close()


def name_part(label_id: str, part: int) -> str:
    """Return the id of one of several parts of a label."""
    return _digest(label_id.encode(), b"part", b"%d" % part).hex()


@dataclass(frozen=True, slots=True)
class IdSpelling:
    """The characters that ids made of names may have: the service does not publish
    which it takes.
    """

    charset: Charset = "any"
    """word: letters, digits, - and _."""
    length: int | None = None
    """In characters; LENGTH_MIN or more."""

    def spell(self, name: str) -> str:
        """Return the name where it may be an id, else what is left of it, and digits of
        its own, which are the same each time.
        """
        plain = name if self.charset == "any" else _OTHERS.sub("-", name)
        if plain == name and (self.length is None or len(name) <= self.length):
            return name
        if self.length is not None:
            plain = plain[: self.length - _DIGITS - 1]
        own = _digest(b"name", name.encode("utf-8", "surrogatepass")).hex()[:_DIGITS]
        return f"{plain.strip('-')}-{own}".lstrip("-")


def is_odd(id: str) -> bool:
    """Whether a strict service could refuse it."""
    return len(id) > _COMMON_LENGTH or _OTHERS.search(id) is not None


def _digest(*parts: bytes) -> bytes:
    """Return a digest in which each part begins with its length."""
    return blake2b(b"".join(map(_measure, parts)), digest_size=_BYTES).digest()


def _measure(part: bytes) -> bytes:
    return b"%d:%b" % (len(part), part)
