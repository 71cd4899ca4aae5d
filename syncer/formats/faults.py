"""The reasons for which a label is not converted."""

from __future__ import annotations

__all__ = ["BadLabel", "NoPlace"]


class BadLabel(ValueError):
    """A label whose numbers cannot be read, or belong to nothing."""


class NoPlace(ValueError):
    """A label of a kind that the wire has no place for; its text is the kind."""
