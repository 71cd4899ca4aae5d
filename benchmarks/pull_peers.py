"""The official clients' ways to fetch annotations beside ours, in one run: CPU and
memory of the whole client on one core.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measured import cpu_of
from benchmarks.pull import LARGE, SMALL, write_boxes
from tests.clients.environments import python_of
from tests.support.processes import emulator
from tests.support.pulls import pull_arguments

PEERS = Path(__file__).parent / "peers"
DRIVE = str(PEERS / "drive.py")


@contextmanager
def grpc_server(python: str, count: int) -> Iterator[str]:
    """An address at which the SDK is answered: it speaks gRPC only, so not with the
    emulator.
    """
    process = subprocess.Popen(
        ["taskset", "-c", "1", python, DRIVE, "serve", str(count)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.communicate()


def beside(rounds: int = 2) -> None:
    """Two sizes for each client, so that its start-up is known apart; the best of some
    rounds, of the slowest one of one.
    """
    python = str(python_of("clarifai", PEERS))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        loads = []
        for count in (SMALL, LARGE):
            write_boxes(folder / f"{count}.jsonl", count)
            loads += ["--load", f"me/a{count}={folder / f'{count}.jsonl'}"]
        print(
            "client                                   µs an annotation   of them beyond start-up  "
            " MB at 20,000   MB at 200,000"
        )
        with emulator("--rps", "0", *loads) as remote:

            def ours(count: int) -> list[str]:
                return pull_arguments(
                    remote.url, f"a{count}", folder / f"{count}.out.jsonl", "--rps", "1000000"
                )

            _row("syncer pull to JSON Lines", ours, rounds)
            _row(
                "clarifai-grpc, JSON, to JSON Lines",
                lambda count: [python, DRIVE, "json", remote.url, f"a{count}"],
                1,
            )
        with grpc_server(python, SMALL) as small, grpc_server(python, LARGE) as large:
            addresses = {SMALL: small, LARGE: large}
            _row(
                "clarifai list_annotations, only read",
                lambda count: [python, DRIVE, "sdk", addresses[count]],
                rounds,
            )
            _row(
                "clarifai-pyspark's rows, without Spark",
                lambda count: [python, DRIVE, "pyspark", addresses[count]],
                rounds,
            )


def _row(client: str, command: Callable[[int], list[str]], rounds: int) -> None:
    used = {}
    for count in (SMALL, LARGE):
        runs = [cpu_of(command(count)) for _ in range(rounds)]
        used[count] = min(seconds for seconds, _ in runs), max(size for _, size in runs) >> 10
    beyond = (used[LARGE][0] - used[SMALL][0]) / (LARGE - SMALL) * 1e6
    print(
        f"{client:40} {used[LARGE][0] / LARGE * 1e6:16.1f} {beyond:25.1f} {used[SMALL][1]:14}"
        f" {used[LARGE][1]:15}",
        flush=True,
    )
