"""How each is run: its command line, and what it names as failed."""

from __future__ import annotations

import json
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.clients.environments import python_of
from tests.support.processes import ENVIRONMENT, command, push_arguments

PEERS = Path(__file__).parents[1] / "peers"
APP = "labels"
NAMED = 3
"""Exit code of one that came to its end and names what failed; 0: nothing did.
With any other it is run again.
"""


class Pusher(ABC):
    """One of those that are compared."""

    name: str

    @abstractmethod
    def running(self, url: str, folder: Path, log: Path) -> Iterator[list[str]]:
        """Its command line, while what it needs beside it runs; as a generator for
        `contextmanager`.
        """

    def named(self, folder: Path) -> set[int]:
        """The labels that it named as failed, over all of its runs."""
        path = folder / "failed.jsonl"
        return (
            {json.loads(line)["n"] for line in path.read_text().splitlines()}
            if path.exists()
            else set()
        )

    def _script(self, python: str, name: str, address: str, folder: Path, log: Path) -> list[str]:
        return [python, str(PEERS / name), address, APP, str(log), str(folder / "failed.jsonl")]


class Sdk(Pusher):
    """clarifai's SDK, behind a bridge of its own."""

    name = "clarifai SDK 12.5 `upload_annotations`"

    def running(self, url: str, folder: Path, log: Path) -> Iterator[list[str]]:
        python = str(python_of("clarifai", PEERS))
        bridge = subprocess.Popen(
            [python, str(PEERS / "grpc_bridge.py"), url],
            stdout=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT,
        )
        try:
            assert bridge.stdout is not None
            yield self._script(python, "push_sdk.py", bridge.stdout.readline().strip(), folder, log)
        finally:
            bridge.terminate()
            bridge.communicate()


class Dlt(Pusher):
    """A destination of dlt."""

    name = "dlt 1.31 destination, `batch_size=128`"

    def running(self, url: str, folder: Path, log: Path) -> Iterator[list[str]]:
        yield self._script(str(python_of("dlt", PEERS)), "push_dlt.py", url, folder, log)


class Naive(Pusher):
    """A script of forty lines, run by this interpreter."""

    name = "gather + retry script (aiohttp)"

    def running(self, url: str, folder: Path, log: Path) -> Iterator[list[str]]:
        yield self._script(sys.executable, "push_naive.py", url, folder, log)


class JsonChannel(Pusher):
    """clarifai-grpc over JSON."""

    name = "clarifai-grpc 12.6, JSON channel"

    def running(self, url: str, folder: Path, log: Path) -> Iterator[list[str]]:
        python = str(python_of("clarifai", PEERS))
        yield self._script(python, "push_grpc_json.py", url, folder, log)


class Singer(Pusher):
    """A target of the Singer SDK."""

    name = "Singer SDK 0.54 batch sink"

    def running(self, url: str, folder: Path, log: Path) -> Iterator[list[str]]:
        yield self._script(str(python_of("singer", PEERS)), "push_singer.py", url, folder, log)


class Elastic(Pusher):
    """The bulk helper of another service's client."""

    name = "elasticsearch-py 9.5 `streaming_bulk`"

    def running(self, url: str, folder: Path, log: Path) -> Iterator[list[str]]:
        yield self._script(str(python_of("elastic", PEERS)), "push_elastic.py", url, folder, log)


class Ours(Pusher):
    """`syncer push`."""

    def __init__(self, *options: str) -> None:
        self.name = " ".join(("syncer", *options))
        self._options = options

    def running(self, url: str, folder: Path, log: Path) -> Iterator[list[str]]:
        yield push_arguments(url, APP, folder / "state", [str(log)], *self._options)

    def named(self, folder: Path) -> set[int]:
        """Of its dead letters, which name lines."""
        listed = command("dead", "list", "--state", str(folder / "state"), "--json")
        done = subprocess.run(listed, env=ENVIRONMENT, capture_output=True, text=True, check=True)
        lines = (folder / "changes.jsonl").read_text().splitlines()
        return {
            json.loads(lines[letter["line"] - 1])["n"]
            for letter in map(json.loads, done.stdout.splitlines())
        }


PUSHERS: tuple[Pusher, ...] = (Sdk(), Dlt(), Naive(), Ours())


@contextmanager
def ready(pusher: Pusher, url: str, folder: Path, log: Path) -> Iterator[list[str]]:
    """Its command line, while what it needs runs."""
    yield from pusher.running(url, folder, log)
