"""Libraries that are installed only by those who need them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from syncer.errors import UsageError


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Turn the import of what is not installed into a UsageError naming the extra."""
    try:
        yield
    except ModuleNotFoundError as missing:
        raise UsageError(
            f"{extra} needs {missing.name}, which is not installed: pip install"
            f" 'label-syncer[{extra}]'"
        ) from None
