"""200 documents of Annotell at 20 ms a request: the official clients and syncer in one
run, each fetching all and storing all.

Two clocks. `fetch and store`: from making the client (or from the call of
`syncer.pull`) to the closed file, libraries imported before; signing in, lists and
writing are in it. `whole process`: from starting the interpreter to its end; of syncer,
the command line.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from syncer.emulator.annotell.documents import image, make_uuid
from tests.clients.environments import python_of
from tests.support.processes import ENVIRONMENT, command, emulator

DRIVE = str(Path(__file__).parent / "peers" / "annotell_drive.py")
PROJECT, KIND = "benchmark", "signs"
CREDENTIALS = {"ANNOTELL_CLIENT_ID": "some-client", "ANNOTELL_CLIENT_SECRET": "some-secret"}
LATENCY_SECONDS = 0.02
BAR = 1 / 20
"""Of the wall time of annotell-input-api and of kognic-io, in the same run."""
OURS = "syncer"


@dataclass(frozen=True)
class Client:
    """A row: how a client is run, and what it took."""

    name: str
    way: str
    environment: str
    flavour: str
    concurrency: str = ""
    """Of ours, documents fetched at a time; none: as it comes."""
    fetches: list[float] = field(default_factory=list)
    processes: list[float] = field(default_factory=list)

    def run(self, url: str, folder: Path) -> dict[str, Any]:
        """Once, by both clocks; what it stored, by input."""
        python = sys.executable if self.environment == OURS else str(python_of(self.environment))
        out = folder / "out.jsonl"
        flavour = f"{self.flavour}-{self.concurrency}" if self.concurrency else self.flavour
        took, said = _timed([python, DRIVE, self.way, flavour, url, PROJECT, KIND, str(out)])
        self.fetches.append(float(said))
        found = {
            row["input_uuid"]: row["content"]
            for row in map(json.loads, out.read_text().splitlines())
        }
        if self.environment == OURS:
            took, _ = _timed(self._command_line(url, folder))
        self.processes.append(took)
        return found

    def _command_line(self, url: str, folder: Path) -> list[str]:
        what = (
            ("--annotation-type", KIND) if self.way == "project" else ("--input-status", "created")
        )
        where = (
            "--base-url",
            url,
            "--auth-url",
            url,
            "--out",
            str(folder / "cli.jsonl"),
            "--state",
            str(folder / "cli.state"),
        )
        at_once = ("--concurrency", self.concurrency) if self.concurrency else ()
        return command(
            "pull",
            "annotell",
            "--project",
            PROJECT,
            *what,
            *where,
            *at_once,
            "--no-progress",
            "--quiet",
        )


def _timed(arguments: Sequence[str]) -> tuple[float, str]:
    begun = time.perf_counter()
    path = {"PYTHONPATH": ENVIRONMENT["PYTHONPATH"] if arguments[0] == sys.executable else ""}
    done = subprocess.run(
        arguments, env={**ENVIRONMENT, **CREDENTIALS, **path}, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(
            f"{list(arguments[:4])} ended with status {done.returncode}: {done.stderr[-2000:]}"
        )
    return time.perf_counter() - begun, done.stdout


def project(documents: int) -> dict[str, Any]:
    """One annotation an input, its document as small as an image's is."""

    def made(number: int) -> dict[str, Any]:
        content = image(f"{PROJECT}/{number}")
        annotation = {"annotationType": KIND, "content": content, "exportContent": content}
        return {
            "internalId": make_uuid(f"{PROJECT}/{number}"),
            "externalId": f"{number}",
            "status": "created",
            "annotations": [annotation],
        }

    return {
        "projects": [
            {
                "project": PROJECT,
                "annotationTypes": [KIND],
                "inputs": [made(number) for number in range(documents)],
            }
        ]
    }


def beside(documents: int = 200, rounds: int = 3) -> None:
    """In turn, some rounds of each; the best of each."""
    peers = [
        Client("annotell-input-api 1.1.5", "project", "annotell-1.1", "annotell"),
        Client("annotell-input-api 1.3.1", "project", "annotell-1.3", "annotell"),
        Client("kognic-io 2.19.0", "project", "kognic-2.19", "kognic"),
        Client("annotell-input-api 1.0.8, by inputs", "inputs", "annotell-1.0", "annotell"),
    ]
    ours = [
        Client(OURS, "project", OURS, OURS),
        Client(f"{OURS}, 64 at a time", "project", OURS, OURS, "64"),
        Client(f"{OURS}, by inputs", "inputs", OURS, OURS),
    ]
    held = project(documents)
    wanted = {
        one["internalId"]: one["annotations"][0]["content"] for one in held["projects"][0]["inputs"]
    }
    with emulator("--rps", "0", "--latency", str(LATENCY_SECONDS)) as remote:
        remote.post("/_emulator/projects", held)
        for _ in range(rounds):
            for client in (*peers, *ours):
                with tempfile.TemporaryDirectory() as name:
                    if client.run(remote.url, Path(name)) != wanted:
                        sys.exit(f"{client.name} did not fetch what the emulator holds")
    print(
        f"{documents} documents, {LATENCY_SECONDS * 1000:g} ms a request; seconds, the best of"
        f" {rounds} rounds"
    )
    print(f"{'client':36} {'fetch and store':>15}   {'whole process':>13}")
    for client in (*peers, *ours):
        print(f"{client.name:36} {min(client.fetches):15.3f}   {min(client.processes):13.3f}")
    print(
        f"\n{'share of the wall time':36} {'of':36} {'fetch and store':>15}       "
        f" {'whole process':>13}   (bar: {BAR:g})"
    )
    for client in ours:
        for peer in peers:
            if client.way == peer.way:
                print(
                    f"{client.name:36} {peer.name:36} {_share(client.fetches, peer):>20}  "
                    f" {_share(client.processes, peer, whole=True):>18}"
                )


def _share(ours: Sequence[float], peer: Client, *, whole: bool = False) -> str:
    """The oldest client has no verdict: it asks for no document, since its one list has
    the contents in it.
    """
    share = min(ours) / min(peer.processes if whole else peer.fetches)
    verdict = "    " if peer.way == "inputs" else "PASS" if share <= BAR else "FAIL"
    return f"{share:.3f} {verdict}"
