"""`syncer ARGUMENTS` again and again, each time with a SIGTERM to itself at another
line after the moment at which its outcome stands.

Prints a JSON line for each time: at which line, how the process ended, and what it
wrote to standard output. Forks, so that a time takes tens of milliseconds.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import syncer
from syncer import signals
from syncer.cli import app, loop, progress, running
from syncer.cli import main as main_module
from syncer.cli.commands import push
from syncer.jobs import push as job

EVERY = {"ending": 1, "ours": 20, "others": 400}
"""A signal comes at every line of the modules that end a process, at each 20th of our
others, at few of the event loop's.
"""
OURS = str(Path(syncer.__file__).parent)
ENDING = tuple(str(module.__file__) for module in (signals, main_module, running))
IMPORTED = (app, job, loop, progress, push, running)
"""Before the first fork, once for all."""


class Lines:
    """A trace function that counts lines from `signals.hold` on, and calls `act` at the
    chosen ones.
    """

    def __init__(self, act: Callable[[str, int], None]) -> None:
        self._act = act
        self._begun = False
        self._counts = dict.fromkeys(EVERY, 0)

    def __call__(self, frame: FrameType, event: str, argument: object) -> Any:
        code = frame.f_code
        if not self._begun:
            if code is not signals.Owner.hold.__code__:
                return None
            self._begun = True
            caller = frame.f_back
            while caller is not None:  # what is under way is traced from here on, too
                caller.f_trace, caller = self, caller.f_back
        if event == "line":
            file = code.co_filename
            whose = "ending" if file in ENDING else "ours" if file.startswith(OURS) else "others"
            self._counts[whose] += 1
            self._act(whose, self._counts[whose])
        return self


def run(act: Callable[[str, int], None], out: int) -> int:
    """Fork, and run the command there; its wait status. Its stdout is `out`."""
    pid = os.fork()
    if not pid:
        os.dup2(out, 1)
        sys.settrace(Lines(act))
        main_module.main()
    return os.waitpid(pid, 0)[1]


def lines() -> list[tuple[str, int]]:
    """Where a signal is to come: at each line of ours, and at some of the others."""
    with tempfile.TemporaryFile() as noted, tempfile.TemporaryFile() as out:
        # of which no object's end closes a copy in the fork
        descriptor = os.dup(noted.fileno())

        def note(whose: str, count: int) -> None:
            os.write(descriptor, f"{whose} {count}\n".encode())

        run(note, out.fileno())
        noted.seek(0)
        found = [line.split() for line in noted.read().decode().splitlines()]
    return [(whose, int(count)) for whose, count in found if not int(count) % EVERY[whose]]


def signalled(at: tuple[str, int]) -> dict[str, object]:
    """How the command ends with a signal there."""

    def act(whose: str, count: int) -> None:
        if (whose, count) == at:
            os.kill(os.getpid(), signal.SIGTERM)

    with tempfile.TemporaryFile() as out:
        status = run(act, out.fileno())
        out.seek(0)
        return {"at": at, "code": os.waitstatus_to_exitcode(status), "out": out.read().decode()}


if __name__ == "__main__":
    for at in lines():
        os.write(1, (json.dumps(signalled(at)) + "\n").encode())
