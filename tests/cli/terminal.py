"""Commands at a real terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
from collections.abc import Sequence

from tests.support.processes import ENVIRONMENT


def at_a_terminal(
    arguments: Sequence[str], columns: int, **environment: str
) -> tuple[int, list[str]]:
    """Run a command at a terminal of this width: its exit code, and all lines that were
    shown, also where others took their place.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        arguments,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**ENVIRONMENT, "TERM": "xterm", **environment},
    )
    os.close(theirs)
    printed = b""
    try:
        while part := os.read(ours, 65536):
            printed += part
    except OSError:  # a terminal whose other end is closed
        pass
    os.close(ours)
    lines = printed.decode().replace("\x1b[K", "").replace("\n", "\r").split("\r")
    return process.wait(30), [line for line in lines if line]
