"""The form of a token: one that a config names, and one that a server grants."""

from __future__ import annotations


def is_token(text: str) -> bool:
    """Whether this can be a token: one word that a header can hold."""
    return bool(text) and text.isascii() and text.isprintable() and " " not in text
