"""The reasons for which a label is not converted, or nothing is."""

from __future__ import annotations

from syncer.errors import UsageError

__all__ = ["BadLabel", "ImportRefused", "NoPlace"]


class BadLabel(ValueError):
    """A label whose numbers cannot be read, or belong to nothing."""


class NoPlace(ValueError):
    """A label of a kind that the wire has no place for; its text is the kind."""


class ImportRefused(UsageError):
    """Labels of which no log can be made until the user says more: nothing is written.

    `code` is what `--health` counts it by.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
