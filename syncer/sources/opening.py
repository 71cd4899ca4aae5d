"""How a change log is opened: what comes out are its uncompressed bytes."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import BinaryIO, cast

from syncer.errors import UsageError


def open_log(path: Path, label: str) -> BinaryIO:
    """The log, open for reading. Raises UsageError where it cannot be read."""
    try:
        if path.name.endswith(".gz"):
            return cast(BinaryIO, gzip.open(path, "rb"))
        return path.open("rb")
    except OSError as error:
        raise UsageError(f"the change log {label} cannot be read: {error.strerror}") from None
