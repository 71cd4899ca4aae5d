"""Printing: results on stdout, everything else on stderr. This module alone writes
there.

Text for people is a line an argument; each line passes `printable`, so that nothing
from outside reaches a terminal as it is. JSON is UTF-8 in any locale.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BufferedReader, BufferedWriter, FileIO, RawIOBase, TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from syncer import signals
from syncer.cli.arguments import Arguments
from syncer.cli.aside import BackgroundWriter
from syncer.errors import OutputError, SyncerError
from syncer.printable import json_text, printable

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


@dataclass(slots=True)
class Printing:
    """The way this command prints, as its line says."""

    json: bool = False
    quiet: bool = False
    verbose: bool = False
    is_done: bool = False
    """The one JSON object is out."""


FIX_THAT = "fix that, then run the same command again"
_DUMB = ("", "dumb", "unknown")
_COLUMNS = 80
"""Where a terminal says no width of its own."""
printing = Printing()
"""The one of this process: all that print ask it."""
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


class _Stdout(FileIO):
    """Standard output, whose faults are always reported as its own."""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            abandon_stdout()
            raise OutputError(
                f"standard output cannot be written: {error.strerror}; {FIX_THAT}"
            ) from None


def print_as(arguments: Arguments) -> None:
    """Print as this command line wants it, from now on."""
    printing.json, printing.quiet = arguments.json, arguments.quiet
    printing.verbose, printing.is_done = arguments.verbose, False


def fix_streams() -> None:
    """Streams that our starter closed lead nowhere, and no character is an error."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            _closed.add(name)
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115 - as long as the process
    if "stdin" in _closed:
        # Its descriptor stays taken; reading it is an error all the same, not an empty
        # input.
        _kept.append(sys.stdin)
        sys.stdin = TextIOWrapper(BufferedReader(_ClosedInput()))
    if isinstance(sys.stderr, TextIOWrapper):
        sys.stderr.reconfigure(errors="backslashreplace")
    stdout = sys.stdout
    if isinstance(stdout, TextIOWrapper):
        _kept.append(stdout)
        raw = _Stdout(stdout.fileno(), "w", closefd=False)
        sys.stdout = TextIOWrapper(
            BufferedWriter(raw),
            stdout.encoding,
            "backslashreplace",
            line_buffering=stdout.line_buffering,
        )


def stdout_is_closed() -> bool:
    """Whether what is written there reaches nobody."""
    return "stdout" in _closed


def say(*lines: str) -> None:
    """Lines for people, on stderr; not with --quiet."""
    if not printing.quiet:
        complain(*lines)


def complain(*lines: str) -> None:
    """Lines for people, on stderr, also with --quiet: what went wrong.

    That nobody listens there is not a reason to stop.
    """
    text = "".join(f"{printable(line)}\n" for line in lines)
    if _aside is not None:
        _aside.add(text.encode(sys.stderr.encoding, "backslashreplace"))
        return
    with suppress(OSError):
        sys.stderr.write(text)
        sys.stderr.flush()


_aside: BackgroundWriter | None = None


@contextmanager
def saying_aside() -> Iterator[None]:
    """While the block lasts, nobody waits for those who read standard error."""
    global _aside
    with suppress(OSError):  # there may be no such stream
        sys.stderr.flush()
        _aside = BackgroundWriter(sys.stderr.fileno())
    try:
        yield
    finally:
        if _aside is not None and _aside.end():
            _aside = None


def blame(error: SyncerError) -> None:
    """Say what went wrong, on stderr."""
    first, *rest = error.lines
    complain(f"syncer: {first}", *rest)


def terminal_columns() -> int | None:
    """Return the width of the terminal on stderr; None without a terminal that can draw
    a line again.
    """
    if not sys.stderr.isatty() or os.environ.get("TERM", "dumb") in _DUMB:
        return None
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or _COLUMNS
    except (OSError, ValueError):
        return None


def terminal_shows(text: str) -> bool:
    """Whether stderr's encoding has these characters."""
    try:
        text.encode(sys.stderr.encoding)
    except UnicodeEncodeError:
        return False
    return True


def redraw(line: str, columns: int) -> None:
    """Draw this line in the place of the last one on the terminal, cut to its width.

    An empty one leaves nothing.
    """
    from rich.cells import set_cell_size

    plain = (
        printable(line).encode(sys.stderr.encoding, "backslashreplace").decode(sys.stderr.encoding)
    )
    with suppress(OSError):
        # A full line would move the cursor to the next one.
        sys.stderr.write(f"\r{set_cell_size(plain, columns - 1).rstrip()}\x1b[K")
        sys.stderr.flush()


def print_lines(*lines: str) -> None:
    """Lines for people, on stdout.

    Raises BrokenPipeError, and OutputError where stdout takes no more.
    """
    print(*map(printable, lines), sep="\n")


def print_page(text: str) -> None:
    """Text of our own, as it is, on stdout. Raises as `print_lines` does."""
    print(text)


def print_json(value: object) -> None:
    """The one JSON object of a command, on one line of stdout.

    Raises as `print_lines` does.
    """
    print_json_parts([json_text(value)])


def print_json_parts(parts: Iterable[str]) -> None:
    """The one JSON object of a command, from its parts.

    With it the outcome stands: no signal, and no error, adds another.
    """
    signals.hold()
    printing.is_done = True
    stdout = _utf8()
    stdout.writelines(parts)
    stdout.write("\n")
    stdout.flush()


def print_json_item(value: object) -> None:
    """One of many JSON values, on a line of stdout. Raises as `print_lines` does."""
    _utf8().write(json_text(value) + "\n")


def flush() -> None:
    """Everything that was printed is with the reader. Raises as `print_lines` does."""
    sys.stdout.flush()


def _utf8() -> TextIO:
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.encoding.lower() != "utf-8":
        sys.stdout.reconfigure(encoding="utf-8")
    return sys.stdout


def fail(
    message: str,
    exit_code: int,
    details: Mapping[str, object] | None = None,
    *,
    lines: Sequence[str] = (),
) -> int:
    """Report what ended the command, on stderr in these lines; its exit code."""
    first, *rest = lines or (message,)
    complain(f"syncer: {first}", *rest)
    if printing.json and not printing.is_done:
        print_json({"error": message, **(details or {})})
    return exit_code


def describe_end(
    error: SyncerError | None, interrupted: int | None, interruption: str
) -> dict[str, str]:
    """Return the `error` of a run's JSON object: what stopped it before its end, or its
    interruption in these words.
    """
    if error is not None:
        return {"error": str(error)}
    return {} if interrupted is None else {"error": interruption}


def abandon_stdout() -> None:
    """Nobody reads stdout, or it is full: what is still to be written goes nowhere,
    instead of failing once more at the exit.
    """
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
