"""The names that enter the interpreter's table of names. The table never shrinks, and
each name takes room in it until it is made larger, also a name that goes at once.
"""

from __future__ import annotations

import sys

import pytest


def noted_names(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list of the names that enter the table from now on: pathlib enters each
    part of each Path.
    """
    named: list[str] = []
    intern = sys.intern
    monkeypatch.setattr(sys, "intern", lambda name: named.append(name) or intern(name))
    return named
