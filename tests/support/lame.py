"""A folder on a file system that lacks calls: a library is preloaded into the process
that works on it (lame.c).
"""

from __future__ import annotations

import atexit
import errno
import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("lame.c")
REFUSALS = {
    "append": errno.EOPNOTSUPP,
    "reappend": errno.EOPNOTSUPP,
    "pwrite": errno.EOPNOTSUPP,
    "truncate": errno.EOPNOTSUPP,
    "lock": errno.ENOLCK,
    "record": errno.ENOLCK,
    "link": errno.EPERM,
    "symlink": errno.EPERM,
    "rename": errno.ENOSYS,
    "over": errno.EOPNOTSUPP,
    "sync": errno.EINVAL,
    "syncdir": errno.EINVAL,
    "map": errno.ENODEV,
}
"""Each call, and what real file systems refuse it with."""
OBJECT_STORE = ("append", "pwrite", "truncate", "lock", "link", "symlink", "syncdir", "over", "map")
"""What a mounted object store lacks: files are written from their start to their end,
once.
"""


@functools.cache
def library() -> Path:
    """The compiled library, made once a session."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.fail(
            "this test compiles a small C library (tests/support/lame.c) and there is no C compiler"
            " here: install gcc or clang"
        )
    folder = Path(tempfile.mkdtemp(prefix="syncer-lame-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = folder / "lame.so"
    subprocess.run(
        [
            compiler,
            "-Wall",
            "-Werror",
            "-O1",
            "-shared",
            "-fPIC",
            str(SOURCE),
            "-o",
            str(made),
            "-ldl",
        ],
        check=True,
    )
    return made


def lacking(folder: Path, *calls: str) -> dict[str, str]:
    """The environment of a process for which the file system of this folder lacks these
    calls.
    """
    return {
        "LD_PRELOAD": str(library()),
        "LAME_FOLDER": str(folder.resolve()),
        "LAME_CALLS": ",".join(f"{call}={REFUSALS[call]}" for call in calls),
    }
