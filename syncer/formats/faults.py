"""The reasons for which a label is not converted, or nothing is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypeVar

from syncer.errors import UsageError
from syncer.formats.labels import FileFault

__all__ = [
    "UNDEFINED_CATEGORY",
    "UNDEFINED_IMAGE",
    "BadLabel",
    "ImportRefused",
    "NoPlace",
    "RefusalCode",
    "name_faults",
]

FoundItem = TypeVar("FoundItem")
UNDEFINED_IMAGE = "an image that is not defined"
UNDEFINED_CATEGORY = "a category that is not defined"


class BadLabel(ValueError):
    """A label whose numbers cannot be read, or belong to nothing."""


class NoPlace(ValueError):
    """A label of a kind that the wire has no place for; its text is the kind."""


RefusalCode = Literal["input-collision", "no-frame-rate", "too-many-concepts"]


class ImportRefused(UsageError):
    """Labels of which no log can be made until the user says more: nothing is written.

    `code` is what `--health` counts it by.
    """

    def __init__(self, code: RefusalCode, message: str) -> None:
        super().__init__(message)
        self.code = code


def name_faults(
    file: Path, found: Iterator[FoundItem], *kinds: type[Exception]
) -> Iterator[FoundItem | FileFault]:
    """Yield what is found in a file, and the fault with which it ends, if it does.

    `kinds`: errors whose message is the fault, beside those of the system.
    """
    try:
        yield from found
    except kinds as error:
        yield FileFault(file, str(error))
    except OSError as error:
        yield FileFault(file, error.strerror or "it cannot be read")
