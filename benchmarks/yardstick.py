"""The server and the floor of ../shared/bench, which no client is faster than."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BENCH = Path(__file__).resolve().parents[2] / "shared" / "bench"
FLOOR = str(BENCH / "floor.py")
PORT = 18_900
SERVER_CORE = "1"
"""Clients run on core 0 (`measured`)."""


class Server:
    """One that answers posts, and counts what came."""

    host, port = "127.0.0.1", PORT
    url = f"http://127.0.0.1:{PORT}"

    def begin(self, **settings: float) -> None:
        """Forget what came, and answer so from now on (see its README)."""
        asked = "&".join(f"{name}={value:g}" for name, value in settings.items())
        urllib.request.urlopen(f"{self.url}/config?{asked}", timeout=10).close()

    def counts(self) -> dict[str, Any]:
        """What came since."""
        with urllib.request.urlopen(f"{self.url}/stats", timeout=10) as answer:
            return dict(json.load(answer))


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """The server, compiled into a folder, on a core of its own."""
    if not BENCH.is_dir():
        sys.exit(f"the floor and its server are read from {BENCH}, which is not there")
    binary = folder / "server"
    subprocess.run(["cc", "-O2", "-o", binary, BENCH / "server.c", "-lm"], check=True)
    process = subprocess.Popen(
        ["taskset", "-c", SERVER_CORE, binary, str(PORT)], stderr=subprocess.PIPE, text=True
    )
    try:
        _await_start(process)
        yield Server()
    finally:
        process.terminate()
        process.communicate()


def _await_start(process: subprocess.Popen[str]) -> None:
    for _ in range(100):
        try:
            Server().counts()
            return
        except OSError:
            if process.poll() is not None:
                assert process.stderr is not None
                sys.exit(f"the server ended: {process.stderr.read().strip()}")
            time.sleep(0.05)
    sys.exit("the server does not answer")


def write_log(path: Path, count: int) -> None:
    """A log of so many posts."""
    subprocess.run([sys.executable, BENCH / "make_log.py", str(count), path], check=True)


def write_numbered(path: Path, count: int) -> None:
    """The same log for peers: each line with its number, by which they name what
    failed.
    """
    bare = path.with_suffix(".bare")
    write_log(bare, count)
    with bare.open() as lines, path.open("w") as out:
        out.writelines(f'{{"n":{number},{line[1:]}' for number, line in enumerate(lines))
    bare.unlink()
