"""The process of the command line, from its first line to its exit code."""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from syncer import signals


def run(arguments: Sequence[str]) -> int:
    """Run one command; its exit code."""
    from syncer.cli.app import app
    from syncer.cli.running import execute

    return execute(app, arguments)


def main() -> NoReturn:
    """The console script."""
    # Imports, a state that is read and a push make much that stays, and few cycles.
    gc.set_threshold(100_000, 50, 50)
    try:
        signals.own()
        signals.defer_in_extensions()
        from syncer.cli.output import fix_streams

        fix_streams()
        code = run(sys.argv[1:])
    except KeyboardInterrupt as stopped:  # before a command had begun
        code = _report_stop(stopped)
    signals.finish()
    sys.exit(code)


def _report_stop(stopped: KeyboardInterrupt) -> int:
    from syncer.cli.arguments import understand
    from syncer.cli.output import fail, print_as
    from syncer.errors import exit_code

    print_as(understand(sys.argv[1:]))
    terminated = isinstance(stopped, signals.Terminated)
    return fail(
        *(
            ("terminated", exit_code(None, signal.SIGTERM, 0))
            if terminated
            else ("interrupted", exit_code(None, signal.SIGINT, 0))
        )
    )
