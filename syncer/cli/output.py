"""Printing: results on stdout, everything else on stderr. Nobody listening on stderr is no reason to stop."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedReader, RawIOBase, TextIOWrapper
from pathlib import Path

import orjson

from syncer import signals
from syncer.cli.arguments import Arguments
from syncer.errors import OutputError


@dataclass(slots=True)
class _Told:
    """What the command line said of printing."""

    quiet: bool = False
    json: bool = False


_told = _Told()
_closed: set[str] = set()
"""Streams that our starter closed."""
_kept: list[object] = []
"""What has to live as long as the process."""


class _ClosedInput(RawIOBase):
    """A standard input that our starter closed."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        raise OSError(errno.EBADF, "it is closed")


def print_as(arguments: Arguments) -> None:
    """Print as this command line wants it, from now on."""
    _told.quiet, _told.json = arguments.quiet, arguments.json


def mend_streams() -> None:
    """Streams that our starter closed lead nowhere, and no character is a reason to fail."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            _closed.add(name)
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115 - as long as the process
    if "stdin" in _closed:  # its descriptor stays taken; reading it is an error all the same, not an empty input
        _kept.append(sys.stdin)
        sys.stdin = TextIOWrapper(BufferedReader(_ClosedInput()))
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def stdout_is_closed() -> bool:
    """What is written there reaches nobody."""
    return "stdout" in _closed


def print_line(text: str) -> None:
    """A line on stdout, in the midst of work. Raises BrokenPipeError, and OutputError where stdout takes no more."""
    try:
        sys.stdout.write(text + "\n")
    except BrokenPipeError:
        raise
    except OSError as error:
        abandon_stdout()
        raise OutputError(f"stdout cannot be written: {error.strerror}; mend that, and run the same command again") from None


def print_json(value: object) -> None:
    """The one JSON object of a command, one line, on stdout. With it the outcome stands: no signal adds another."""
    signals.hold()
    print(as_json(value), flush=True)


def as_json(value: object) -> str:
    """One JSON value on one line."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return _readable(json.dumps(value, ensure_ascii=False))


def _readable(text: str) -> str:
    """Without the halves of characters that stand for the bytes of a file's name that is no text."""
    return text.encode(errors="replace").decode()


def say(text: str) -> None:
    """A line for people, on stderr; not with --quiet."""
    if not _told.quiet:
        complain(text)


def complain(text: str) -> None:
    """A line for people, on stderr, also with --quiet: what went wrong."""
    with suppress(OSError):
        print(_readable(text), file=sys.stderr, flush=True)


def fail(message: str, exit_code: int, details: Mapping[str, object] | None = None) -> int:
    """Report what ended the command; its exit code."""
    complain(f"syncer: {message}")
    if _told.json:
        print_json({"error": message, **(details or {})})
    return exit_code


def abandon_stdout() -> None:
    """Nobody reads stdout, or it is full: what is still to be written goes nowhere, instead of failing once more at the exit."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
