"""Ids of annotations: the same for the same label each time, with others beside it or
without.
"""

from __future__ import annotations

from hashlib import blake2b

from syncer.formats.store import Store

_BYTES = 16


class AnnotationIds:
    """Ids for the labels of one format.

    A label is known by its input and the format's own id of it; where it has none, by
    its content. Those that are alike are numbered, so labels of one content are
    interchangeable, and only labels that share an own id on an input can change each
    other's ids.
    """

    def __init__(self, format_name: str) -> None:
        self._format = format_name.encode()
        self._known: Store[bytes, int] = Store()

    def name_label(self, input_id: str, own_id: str, content: bytes) -> tuple[str, int]:
        """Return the id, 32 hex digits, and how many were like it before."""
        kind, told = (b"id", own_id.encode()) if own_id else (b"content", content)
        key = _digest(self._format, input_id.encode(), kind, told)
        before = self._known.find(key) or 0
        self._known.put(key, before + 1)
        return (key if not before else _digest(key, b"%d" % before)).hex(), before

    def close(self) -> None:
        """Forget them."""
        self._known.close()


def name_part(label_id: str, part: int) -> str:
    """Return the id of one of several parts of a label."""
    return _digest(label_id.encode(), b"part", b"%d" % part).hex()


def _digest(*parts: bytes) -> bytes:
    """Return a digest in which each part begins with its length."""
    told = b"".join([b"%d:%b" % (len(part), part) for part in parts])
    return blake2b(told, digest_size=_BYTES).digest()
