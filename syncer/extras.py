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
            f"{missing.name} is not installed: pip install 'label-syncer[{extra}]', or in a clone"
            f" pip install '.[{extra}]'"
        ) from None
