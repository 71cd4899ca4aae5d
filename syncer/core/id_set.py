"""A set of ids in little memory: 16 bytes of digest each, and no text."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

_BYTES = 16
"""That two ids among a thousand million have one digest: once in 10^20 sets."""
_BUCKETS = 1 << 12
"""A bucket is searched from its start: of 5 million ids it holds 20 KB."""


class IdSet:
    """Ids, of any number; none of them comes back out."""

    def __init__(self, ids: Iterable[str] = ()) -> None:
        self._buckets = [bytearray() for _ in range(_BUCKETS)]
        self._count = 0
        for id in ids:
            self.add(id)

    def add(self, id: str) -> bool:
        """Put an id in; return whether it was not there."""
        digest = _digest(id)
        bucket = self._find_bucket(digest)
        if _holds(bucket, digest):
            return False
        bucket += digest
        self._count += 1
        return True

    def __contains__(self, id: object) -> bool:
        if not isinstance(id, str):
            return False
        digest = _digest(id)
        return _holds(self._find_bucket(digest), digest)

    def __len__(self) -> int:
        return self._count

    def _find_bucket(self, digest: bytes) -> bytearray:
        return self._buckets[int.from_bytes(digest[:2]) % _BUCKETS]


def _digest(id: str) -> bytes:
    # An id of JSON may hold half a surrogate pair.
    return blake2b(id.encode("utf-8", "surrogatepass"), digest_size=_BYTES).digest()


def _holds(bucket: bytearray, digest: bytes) -> bool:
    """Whether it begins at a whole multiple of its length."""
    at = bucket.find(digest)
    while at >= 0 and at % _BYTES:
        at = bucket.find(digest, at + 1)
    return at >= 0
