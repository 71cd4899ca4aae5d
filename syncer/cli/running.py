"""One command from its arguments to its exit code: in any case users get a message that
says what to do, never a traceback.
"""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Sequence
from io import StringIO
from typing import Any

from cyclopts import App, CycloptsError

from syncer import signals
from syncer.cli.arguments import Arguments, understand
from syncer.cli.output import (
    FIX_THAT,
    abandon_stdout,
    blame,
    complain,
    fail,
    flush,
    print_as,
    print_json,
    printing,
)
from syncer.cli.usage import usage_message
from syncer.errors import (
    OutputError,
    SyncerError,
    UsageError,
    describe_unexpected,
    exit_code,
    first_error,
)

_PAGE_COLUMNS = 100
_CALL: dict[str, Any] = {
    "exit_on_error": False,
    "print_error": False,
    "result_action": "return_value",
}


def execute(app: App, given: Sequence[str]) -> int:
    """Run the command that was given; its exit code."""
    arguments = understand(given)
    print_as(arguments)
    try:
        try:
            code = _result(app, arguments)
            signals.hold()
            flush()
        except (Exception, KeyboardInterrupt) as error:
            signals.hold()
            code = _report(first_error(error) if isinstance(error, BaseExceptionGroup) else error)
            flush()
    except BrokenPipeError:  # who read us has seen enough
        abandon_stdout()
        return SyncerError.exit_code
    except OutputError as error:  # the error could not be printed there either
        blame(error)
        return error.exit_code
    return code


def _result(app: App, arguments: Arguments) -> int:
    if (before := arguments.empty_after()) is not None:
        raise UsageError(
            f"an empty argument follows {before}, which could do more than was meant: give a value,"
            " or leave it out"
        )
    if not printing.json:
        code = app(arguments.tokens, **_CALL)
        return code if isinstance(code, int) else 0
    from rich.console import Console

    page = StringIO()  # the parser prints help and version itself
    code = app(arguments.tokens, console=Console(file=page, width=_PAGE_COLUMNS), **_CALL)
    if text := page.getvalue():
        print_json({"text": text.rstrip()})
    return code if isinstance(code, int) else 0


def _report(error: BaseException) -> int:
    """Say what ended the command; the exit code. Raises BrokenPipeError for one."""
    match error:
        case BrokenPipeError():
            raise error
        case CycloptsError():
            return fail(usage_message(error), UsageError.exit_code)
        case SyncerError():
            return fail(str(error), error.exit_code, error.details, lines=error.lines)
        case signals.Terminated():
            return fail("terminated", exit_code(None, signal.SIGTERM, 0))
        case KeyboardInterrupt():
            return fail("interrupted", exit_code(None, signal.SIGINT, 0))
        case OSError(strerror=str(reason), filename=filename) if not printing.verbose:
            where = f"{os.fsdecode(filename)}: " if isinstance(filename, str | bytes) else ""
            return fail(f"{where}{reason}; {FIX_THAT}", SyncerError.exit_code)
    debug = printing.verbose or os.environ.get("SYNCER_DEBUG")
    if debug:
        complain(*"".join(traceback.format_exception(error)).rstrip().split("\n"))
    hint = "" if debug else " (run it again with -v or SYNCER_DEBUG=1 for the traceback)"
    return fail(f"{describe_unexpected(error)}{hint}", SyncerError.exit_code)
