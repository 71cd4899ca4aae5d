"""Ids: those of annotations are the same for the same label each time, with others
beside it or without; those of inputs and concepts are their names, spelt as the service
takes them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b
from tempfile import TemporaryFile
from typing import BinaryIO, Literal, cast

from syncer.formats.store import Store

Charset = Literal["any", "word"]
LENGTH_MIN = 16
_BYTES = 16
_DIGITS = 12
_DIGITS_MAX = 8
_NUMBERS_MAX = 10**_DIGITS_MAX
"""A bit for each is 12.5 MB."""
_GROWTH_BYTES = 1 << 16
_SPOOLED_BYTES = 1 << 20
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
        self._begun = blake2b(_measure(format_name.encode()), digest_size=_BYTES)
        """Of each id. A copy takes half the time of a digest from scratch."""
        self._known: Store[bytes, int] = Store()
        self._numbers = bytearray()
        """A bit for each number that is an own id of a label, on any input."""
        self._unsorted = bytearray()
        """Ids of labels whose numbers no label had before. They are not looked for, and
        so not sorted, until a number comes again.
        """
        self._spooled: BinaryIO | None = None
        """Those before them."""

    def name_label(self, input_id: str, own_id: str, content: bytes) -> tuple[str, int]:
        """Return the id, 32 hex digits, and how many were like it before."""
        kind, told = (b"2:id", own_id.encode()) if own_id else (b"7:content", content)
        key = self.make_key(input_id.encode(), told, kind)
        if self.claim(key, read_number(own_id)):
            return key.hex(), 0
        before = self._count(key)
        self._known.put(key, before + 1)
        return _digest(key, b"%d" % before).hex(), before

    def make_key(self, input_id: bytes, told: bytes, kind: bytes = b"2:id") -> bytes:
        """Return the id of the first label with this own id on this input."""
        digest = self._begun.copy()
        digest.update(b"%d:%b%b%d:%b" % (len(input_id), input_id, kind, len(told), told))
        return digest.digest()

    def claim_all(self, keys: list[bytes], numbers: list[int]) -> int:
        """Take the ids of labels up to the first that another has; how many."""
        claimed = self._claim_numbers(numbers)
        self._keep_unsorted(b"".join(keys[:claimed]))
        while claimed < len(keys) and self.claim(keys[claimed], numbers[claimed]):
            claimed += 1
        return claimed

    def _claim_numbers(self, own_ids: list[int]) -> int:
        """Set the bits of own ids up to the first that was set; how many."""
        end = min(max(own_ids, default=0) + 1, _NUMBERS_MAX)
        self._make_room(end - 1)
        numbers = self._numbers
        for claimed, number in enumerate(own_ids):
            if not 0 <= number < end:
                return claimed
            at, bit = number >> 3, 1 << (number & 7)
            bits = numbers[at]
            if bits & bit:
                return claimed
            numbers[at] = bits | bit
        return len(own_ids)

    def claim(self, key: bytes, number: int) -> bool:
        """Take an id for a label if none has it; whether that was so.

        `number` is the label's own id, -1 where that is not one. It says in nearly all
        cases that nothing needs to be looked for.
        """
        if 0 <= number < _NUMBERS_MAX:
            numbers, at, bit = self._numbers, number >> 3, 1 << (number & 7)
            self._make_room(number)
            if not numbers[at] & bit:
                numbers[at] |= bit
                self._keep_unsorted(key)
                return True
        if self._count(key):
            return False
        self._known.put(key, 1)
        return True

    def close(self) -> None:
        """Forget them."""
        self._known.close()
        if self._spooled is not None:
            self._spooled.close()

    def _count(self, key: bytes) -> int:
        """Return how many labels of this id there were."""
        if self._spooled is not None:
            self._spooled.seek(0)
            while keys := self._spooled.read(_SPOOLED_BYTES):
                self._sort(keys)
            self._spooled.close()
            self._spooled = None
        self._sort(self._unsorted)
        self._unsorted.clear()
        return self._known.find(key) or 0

    def _make_room(self, number: int) -> None:
        missing = (number >> 3) + 1 - len(self._numbers)
        if missing > 0:
            self._numbers.extend(bytes(missing + _GROWTH_BYTES))

    def _keep_unsorted(self, keys: bytes) -> None:
        self._unsorted += keys
        if len(self._unsorted) >= _SPOOLED_BYTES:
            self._spool()

    def _spool(self) -> None:
        if self._spooled is None:
            self._spooled = cast(BinaryIO, TemporaryFile())  # noqa: SIM115 - `close` ends it
        self._spooled.write(self._unsorted)
        self._unsorted.clear()

    def _sort(self, keys: bytes | bytearray) -> None:
        for at in range(0, len(keys), _BYTES):
            self._known.put(bytes(keys[at : at + _BYTES]), 1)


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


def read_number(own_id: str) -> int:
    """Return the number that is written so, and in no other way; -1 for other texts."""
    if not own_id.isdecimal() or len(own_id) > _DIGITS_MAX:
        return -1
    number = int(own_id)
    return number if str(number) == own_id else -1


def is_odd(id: str) -> bool:
    """Whether a strict service could refuse it."""
    return len(id) > _COMMON_LENGTH or _OTHERS.search(id) is not None


def _digest(*parts: bytes) -> bytes:
    """Return a digest in which each part begins with its length."""
    return blake2b(b"".join(map(_measure, parts)), digest_size=_BYTES).digest()


def _measure(part: bytes) -> bytes:
    return b"%d:%b" % (len(part), part)
