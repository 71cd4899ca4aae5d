"""What all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture
def anyio_backend() -> str:
    """Async tests run on asyncio."""
    return "asyncio"


@pytest.fixture
def shared() -> Path:
    """The folder of real labels beside the checkout. A test that needs it fails, and says so, where it is not there."""
    assert SHARED.is_dir(), f"this test reads real labels from {SHARED}, which is not there"
    return SHARED
