"""The values that a selection may have, for any remote."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING

from syncer.printable import is_unicode

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def unfit(selection: DataclassInstance, named: Callable[[str], str] = str) -> str | None:
    """Return why a value of a selection cannot be what was meant, None if all can: a
    string in place of ids is as many ids as it has letters.

    The default of a field says what it may hold. `named`: what the caller calls a
    field.
    """
    for field in fields(selection):
        value, name = getattr(selection, field.name), named(field.name)
        if field.default == ():
            fits, wanted = (_pair, "pairs of ids") if field.name == "pairs" else (_id, "ids")
            if not isinstance(value, tuple | list) or not all(map(fits, value)):
                each = "each a string that is not empty and can be written as UTF-8"
                return f"{name} is {_show(value)}; it must be a tuple of {wanted}, {each}"
        elif not isinstance(value, type(field.default)):
            return (
                f"{name} is {_show(value)}; it must be a"
                f" {'string' if field.default == '' else 'bool'}"
            )
        elif isinstance(value, str) and not is_unicode(value):
            return f"{name} is {_show(value)}; it must be text that can be written as UTF-8"
    return None


def _id(value: object) -> bool:
    return isinstance(value, str) and value != "" and is_unicode(value)


def _pair(value: object) -> bool:
    return isinstance(value, tuple | list) and len(value) == 2 and all(map(_id, value))


SHOWN_MAX = 80
"""Characters of a value in a message."""


def _show(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}…"
