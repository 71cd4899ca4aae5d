"""What is said of a config that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncer.config import load
from syncer.errors import UsageError


def complaint(
    folder: Path,
    text: str | bytes,
    env: dict[str, str] | None = None,
    options: dict[str, object] | None = None,
) -> str:
    """What is said of a config file, which is called FILE."""
    path = folder / "syncer.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UsageError) as raised:
        load(path, env or {}, options or {})
    return str(raised.value).replace(str(path), "FILE")
