"""One process at a time in a state folder."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from syncer import files
from syncer.errors import StateLocked

LOCK = "lock"
"""The name of the lock in a state folder."""
WAY_OUT = ". Put --state on a local disk: a state may be copied there"
"""What to do where the file system of a state lacks what a state needs."""

PID_WIDTH = 20
"""The pid is written with blanks after it, in one write: nobody ever reads a part of
it, or one that is mixed with an older one.
"""

GLANCES = 20
GLANCE_SECONDS = 0.005
"""A look at who holds the lock holds it for some microseconds: taking it is tried again
this often before that counts.
"""


class Lock:
    """An advisory lock that ends with its process, however that ends."""

    def __init__(self, path: Path) -> None:
        """Take it. Raises StateLocked where another process holds it, OSError."""
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._take(path)
            self._sign(path)
        except BaseException:
            os.close(self._descriptor)
            raise

    def _take(self, path: Path) -> None:
        for _ in range(GLANCES):
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                time.sleep(GLANCE_SECONDS)
            except OSError as error:
                raise files.explain(error, "lock a file", path, WAY_OUT) from None
        raise StateLocked(
            f"the state {path.parent} is locked: process {_pid(self._descriptor) or 'unknown'} is"
            " using it. Wait for it, or stop it (SIGTERM loses nothing)"
        )

    def _sign(self, path: Path) -> None:
        try:
            os.pwrite(self._descriptor, b"%-*d" % (PID_WIDTH, os.getpid()), 0)
        except OSError as error:
            raise files.explain(error, "write over a part of a file", path, WAY_OUT) from None

    def release(self) -> None:
        """Give it back."""
        os.close(self._descriptor)


def holder(path: Path) -> int | None:
    """The process that holds the lock, None where nobody does."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _pid(descriptor)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return None


def _pid(descriptor: int) -> int | None:
    text = os.pread(descriptor, PID_WIDTH, 0).strip()
    return int(text) if text.isdigit() else None
