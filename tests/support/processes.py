"""Real processes: the emulator, pushes, and what is ended at a moment of its life."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from tests.support import stand_in

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {
    **os.environ,
    "CLARIFAI_PAT": "secret-token-of-the-test",
    "PYTHONPATH": str(ROOT),
    "HOME": "/nonexistent",
}
for name in ("CLARIFAI_API_BASE", "CLARIFAI_USER_ID", "CLARIFAI_APP_ID", "SYNCER_CONFIG"):
    ENVIRONMENT.pop(name, None)


def command(*arguments: str) -> list[str]:
    """The command line of syncer."""
    return [sys.executable, "-m", "syncer", *arguments]


def started(arguments: Sequence[str], *, stdin: Path | None = None) -> subprocess.Popen[bytes]:
    """A process whose outputs are read by `communicate`."""
    with stdin.open("rb") if stdin else nullcontext() as file:
        return subprocess.Popen(
            arguments, env=ENVIRONMENT, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )


def until(process: subprocess.Popen[bytes], happened: Callable[[], bool]) -> bool:
    """Wait until something has happened; False where the process ended before."""
    while process.poll() is None:
        if happened():
            return True
        time.sleep(0.0002)
    return False


def after(seconds: float) -> Callable[[], bool]:
    """Have so many seconds passed?"""
    at = time.monotonic() + seconds
    return lambda: time.monotonic() >= at


class EmulatorProcess:
    """`syncer emulator` in a process of its own."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str) -> Any:
        """A page of the emulator's own."""
        with urllib.request.urlopen(self.url + path, timeout=60) as response:
            return json.load(response)

    def post(self, path: str, value: Any) -> None:
        """Tell it something."""
        request = urllib.request.Request(self.url + path, json.dumps(value).encode(), method="POST")
        urllib.request.urlopen(request, timeout=60).close()

    def held(self, app: str) -> list[dict[str, Any]]:
        """What an app holds."""
        annotations: list[dict[str, Any]] = self.get(f"/_emulator/state?user=me&app={app}")[
            "annotations"
        ]
        return annotations


@contextmanager
def emulator(*options: str, needs: str = "") -> Iterator[EmulatorProcess]:
    """Run the emulator; ended by its process id.

    `needs`: switches that go over the profile of these tests.
    """
    with stand_in.options_of(needs) as base:
        process = subprocess.Popen(
            command("emulator", *base, *options), stdout=subprocess.PIPE, env=ENVIRONMENT, text=True
        )
        assert process.stdout is not None
        listening = process.stdout.readline()
    try:
        yield EmulatorProcess(json.loads(listening)["clarifai"])
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        if process.stdout is not None:
            process.stdout.close()


def push_arguments(
    url: str, app: str, state: Path, logs: Sequence[str], *options: str
) -> list[str]:
    """The command line of a push."""
    return command(
        "push",
        *logs,
        "--base-url",
        url,
        "--app-id",
        app,
        "--state",
        str(state),
        "--json",
        "--no-progress",
        *options,
    )


def push(
    url: str, app: str, state: Path, logs: Sequence[str], *options: str, stdin: bytes | None = None
) -> tuple[int, dict[str, Any], str]:
    """Push to the end: (exit code, JSON, stderr)."""
    done = subprocess.run(
        push_arguments(url, app, state, logs, *options),
        env=ENVIRONMENT,
        input=stdin,
        capture_output=True,
        timeout=300,
    )
    return done.returncode, json.loads(done.stdout), done.stderr.decode()
