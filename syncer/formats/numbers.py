"""Numbers as label files write them."""

from __future__ import annotations

__all__ = ["NotANumber", "parse_number", "parse_size"]

LENGTH_MAX = 400
SIZE_MAX = 1 << 31


class NotANumber(ValueError):
    """A text that should be a number, and is not."""


def parse_number(text: str) -> float:
    """Return the number, NaN and infinity included.

    Stricter than float(): neither `1_0` nor digits of other scripts. Raises NotANumber.
    """
    if len(text) <= LENGTH_MAX and text.isascii() and "_" not in text:
        try:
            return float(text)
        except ValueError:
            pass
    raise NotANumber(text)


def parse_size(text: str) -> int | None:
    """Return a width or height in whole pixels, or None where the text is not one; 0 is
    what tools write that do not know it.
    """
    try:
        number = parse_number(text)
    except NotANumber:
        return None
    return int(number) if 1 <= number < SIZE_MAX else None
