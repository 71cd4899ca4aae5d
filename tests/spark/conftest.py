"""One Spark session for all tests of it, in a process and an environment of its own;
the emulator is in this one.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal

from syncer import emulator
from syncer.emulator import Emulator
from tests.spark.environment import python

TOKEN = "secret-token-of-spark"
RATE = "1000"
SETTINGS = {
    "SYNCER_RETRY_BASE_SECONDS": "0.02",
    "SYNCER_RETRY_THROTTLE_SECONDS": "0.1",
    "SYNCER_PUSH_REQUESTS_PER_SECOND": RATE,
}
"""Of the driver; that tasks keep to them shows that they are taken along."""
JOB_SECONDS = 120


class Refused(Exception):
    """What Spark raised."""


class Session:
    """A session in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], events: Path, log: Path) -> None:
        self._process = process
        self._events = events
        self._log = log

    def __call__(self, name: str, **arguments: Any) -> Any:
        """Do a job. Raises Refused with what Spark says."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        timer = threading.Timer(JOB_SECONDS, self._process.kill)
        timer.start()
        try:
            self._process.stdin.write(json.dumps([name, arguments]) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        finally:
            timer.cancel()
        assert line, f"the session ended:\n{self._log.read_text()[-3000:]}"
        answer = json.loads(line)
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["value"]

    def written(self) -> str:
        """All that the session left in logs and event logs."""
        events = [
            path for path in self._events.rglob("*") if path.is_file() and "local" not in path.parts
        ]
        assert events
        return "\n".join(path.read_text() for path in [self._log, *events])


@pytest.fixture(scope="session")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """Started once; ended by closing its input."""
    interpreter, folder = python(), tmp_path_factory.mktemp("spark")
    own = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CLARIFAI_", "SYNCER_", "ANNOTELL_", "KOGNIC_"))
    }
    environment = {
        **own,
        "PYSPARK_PYTHON": str(interpreter),
        "HOME": str(folder),
        "TZ": "Asia/Kathmandu",
        **SETTINGS,
    }
    log, events = folder / "log.txt", folder / "events"
    events.mkdir()
    with log.open("w") as errors:
        process = subprocess.Popen(
            [interpreter, Path(__file__).with_name("session.py"), str(events)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=folder,
            env=environment,
        )
        running = Session(process, events, log)
        try:
            running("register", environment={"CLARIFAI_PAT": TOKEN})
            yield running
        finally:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.close()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()


Start = Callable[..., Emulator]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts emulators that run beside the test."""
    with start_blocking_portal() as portal, ExitStack() as stack:
        yield lambda **settings: stack.enter_context(
            portal.wrap_async_context_manager(emulator.running(**settings))
        )
