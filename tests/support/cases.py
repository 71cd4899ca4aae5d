"""Cases of a test of which `make test` tries a few, and the proof every one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def first_quick(cases: Iterable[Any], count: int = 1) -> list[Any]:
    """The cases; those after the first ones are part of the proof only."""
    return [
        case if at < count else pytest.param(case, marks=pytest.mark.proof)
        for at, case in enumerate(cases)
    ]
