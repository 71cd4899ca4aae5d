"""A small disk: a tmpfs in a mount namespace of its own, which goes with the process
that holds it. Nothing else on the machine sees it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_HELD = 'mount -t tmpfs -o "size=$1,mode=700" tmpfs "$2" && echo mounted && exec sleep infinity'


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """`path` is where processes that are started by `launcher` find it, `seen` where
    all others do.
    """

    path: Path
    launcher: tuple[str, ...]
    seen: Path

    @property
    def _filler(self) -> Path:
        return self.seen / "filler"

    def leave(self, room: int) -> None:
        """Fill it up, but for so many bytes; a page more or less."""
        self._filler.unlink(missing_ok=True)
        size = shutil.disk_usage(self.seen).free - room
        assert size >= 0, f"{room} bytes are not free"
        with self._filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(1, size))

    def copied(self, name: str, folder: Path) -> Path:
        """A file or folder of it, in another folder."""
        source, target = self.seen / name, folder / name
        return Path(
            shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
        )

    def empty(self) -> None:
        """Give all room back."""
        self._filler.unlink(missing_ok=True)


@contextmanager
def small_disk(path: Path, size: int) -> Iterator[SmallDisk]:
    """Mount it at a folder.

    Needs root, or user namespaces; where neither is given, the test that needs it
    fails, and says so.
    """
    path.mkdir()
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    arguments = ["unshare", "--mount", *user, "sh", "-c", _HELD, "sh", str(size), str(path)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stderr is not None
        try:
            mounted = holder.stdout.readline() == b"mounted\n"
            assert mounted, (
                "this test mounts a small disk, which is not permitted here:"
                f" {holder.stderr.read().decode().strip()}"
            )
            launcher = (
                "nsenter",
                "--mount",
                *(["--user", "--preserve-credentials"] if user else []),
                "--target",
                str(holder.pid),
                "--",
            )
            yield SmallDisk(path, launcher, Path(f"/proc/{holder.pid}/root{path}"))
        finally:
            holder.kill()
