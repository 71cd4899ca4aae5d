"""Events of the system about changes in folders, by watchfiles."""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
from watchfiles._rust_notify import RustNotify

from syncer.finish import finish
from syncer.sources.hints import Inode
from syncer.sources.watching import NoEvents, Receive

STEP_MS = 5
"""How often watchfiles looks whether events have come; they are handed on at the first
look at which no more have come. Each look wakes the processor: at 5 ms they cost less
than 1% of it.
"""
DEBOUNCE_MS = 20
"""After so long events are handed on, though more come."""

MOUNTS = Path("/proc/self/mountinfo")
SILENT = ("nfs", "cifs", "smb", "fuse.", "9p", "virtiofs", "ceph", "afs", "lustre", "gfs2", "ocfs2")
"""What the names of file systems begin with that others may write to, of which the
system here then hears nothing.
"""


@asynccontextmanager
async def watch_folders(folders: Sequence[str]) -> AsyncIterator[Receive]:
    """Watch these folders, not those below them, while the block lasts; gives what
    returns the paths that changed next.

    Raises NoEvents where the system will not tell of changes, or no more.
    """
    stop, one_at_a_time = threading.Event(), threading.Lock()
    make = partial(RustNotify, list(folders), False, False, 0, False, False)
    try:
        notify = await anyio.to_thread.run_sync(make)
    except (OSError, RuntimeError) as error:
        raise NoEvents(str(error)) from None
    limiter = anyio.CapacityLimiter(1)  # it waits for days: no other thread has less room

    def wait_for_changes() -> Collection[str]:
        with one_at_a_time:
            found = notify.watch(DEBOUNCE_MS, STEP_MS, 0, stop)
        return () if isinstance(found, str) else {path for _, path in found}

    async def receive() -> Collection[str]:
        wait = partial(anyio.to_thread.run_sync, abandon_on_cancel=True, limiter=limiter)
        try:
            return await wait(wait_for_changes)
        except RuntimeError as error:
            raise NoEvents(str(error)) from None

    def close() -> None:
        stop.set()
        with one_at_a_time:  # who waits sees that within a step
            notify.close()

    try:
        yield receive
    finally:
        await finish(partial(anyio.to_thread.run_sync, close))


def explain_silence(folders: Mapping[str, Inode]) -> dict[str, str]:
    """Return which of these folders are on a file system that tells of no changes, and
    that.
    """
    try:
        mounts = MOUNTS.read_text("utf-8", "replace").splitlines()
    except OSError:
        return {}
    kinds = {parse_mount(line) for line in mounts}
    silent = {device: kind for device, kind in kinds if kind.startswith(SILENT)}
    return {
        path: f"{path} is on {silent[name]}, where others may write"
        for path, (device, _) in folders.items()
        if (name := f"{os.major(device)}:{os.minor(device)}") in silent
    }


def parse_mount(line: str) -> tuple[str, str]:
    """Return the device and the kind of a file system, from a line of mountinfo."""
    before, _, after = line.partition(" - ")
    return before.split()[2], after.split()[0]
