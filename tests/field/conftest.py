"""Tests that read what is not part of a checkout: real labels, in a folder `shared`
beside it. `make field` runs them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared"


@pytest.fixture
def shared() -> Path:
    """The folder of real labels.

    A test that needs it fails, and says so, where it is not there.
    """
    assert SHARED.is_dir(), f"this test reads real labels from {SHARED}, which is not there"
    return SHARED
