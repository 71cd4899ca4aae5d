"""Printing: JSON and text results on stdout, messages on stderr."""

from __future__ import annotations

import sys

import orjson


def print_json(value: object) -> None:
    """One JSON value, one line, on stdout."""
    sys.stdout.write(orjson.dumps(value).decode() + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """A line for people, on stderr."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def fail(message: str, exit_code: int, *, as_json: bool) -> int:
    """Report what ended the command; its exit code."""
    say(f"syncer: {message}")
    if as_json:
        print_json({"error": message})
    return exit_code
