"""`python -m benchmarks [NAME…]`; without a name, as in `make bench`: push-peers, rate,
scale, pull-peers, annotell-peers, some forty minutes. Tables are printed; every run
goes into docs/performance/ as JSON, and the plots do.

`make setup` is all that they need: environments of other clients are made from their
locks, once.

cpu             CPU and memory of `syncer push` for a million posts, echoed answers,
                beside the floor of ../shared/bench
push-peers      pushes by syncer, the floor, Clarifai's own clients, dlt, Singer, a bulk
                helper and a script, three rounds in turn: CPU, memory, speed; what each
                makes of a limit of 15 requests a second; twenty minutes
scale           `syncer push` for 10,000 to 10,000,000 changes: time, memory, state, a
                start that finds nothing to do; five minutes, 7 GB of disk
strain          logs that are hard on it, each with its bound: hot keys, lines of 16
                MiB, a million retries
rate            share of the request limit that a push uses, at 15 and 200 requests a
                second, 50 and 400 ms latency, told and found
seek            share of a limit that `--rps auto` finds, by rule, limit and change, in
                virtual time; two minutes
memory          peak memory of `syncer push`, `verify`, `plan` and `migrate` at 500,000
                and at 5,000,000 changes; half an hour, 12 GB of disk
kills           100,000 changes of every kind with faults, killed -9 thirty times; is
                the remote right afterwards?
incumbents      20,000 labels pushed by the SDK, dlt, a script and syncer under the same
                faults: lost, doubled, named; a quarter of an hour
instructions    instructions of a push of 20,000 changes beside the committed baseline
                (callgrind); three minutes
hot-path        instructions of whole pushes of plain posts, over HTTP, beside the floor
                (callgrind); ten minutes
pull            CPU and memory of `syncer pull` for 20,000 and 200,000 annotations, in
                every form
pull-rate       share of the request limit that a long pull uses
pull-kills      200,000 annotations of every kind, one request in ten faulty, killed -9
                ten times, in three forms; is all of it there, once?
pull-peers      Clarifai's own clients' ways to fetch beside ours: CPU and memory
daemon-latency  time from a change in each kind of source until the remote has it, at
                half the limit, beside the bounds; six minutes
daemon-drain    share of the request limit that a backlog of 100,000 uses after an
                outage, and the most requests in one second
import-coco     CPU and memory of `syncer import coco` for files of 1 GB, beside ijson
                reading them; ten minutes (`python -m benchmarks.imports MB`: others)
annotell-peers  Annotell's and Kognic's own clients beside ours: 200 documents at 20 ms
                each

`python -m benchmarks.spark [ROWS]` measures Spark.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from benchmarks import (
    annotell_peers,
    daemon,
    hot_path,
    imports,
    instructions,
    memory,
    pull,
    pull_kills,
    pull_peers,
    push,
    push_peers,
    scale,
    seek,
)
from benchmarks.incumbents import run as incumbents

COMMANDS: dict[str, Callable[[], None]] = {
    "cpu": push.cpu,
    "push-peers": push_peers.beside,
    "scale": scale.grow,
    "strain": scale.strain,
    "rate": push.rate,
    "seek": seek.found,
    "memory": memory.flat,
    "kills": push.kills,
    "instructions": instructions.instructions,
    "hot-path": hot_path.beside_floor,
    "pull": pull.cpu,
    "pull-rate": pull.rate,
    "pull-kills": pull_kills.kills,
    "pull-peers": pull_peers.beside,
    "incumbents": incumbents.side_by_side,
    "daemon-latency": daemon.latency,
    "daemon-drain": daemon.drain,
    "import-coco": imports.beside,
    "annotell-peers": annotell_peers.beside,
}

if __name__ == "__main__":
    chosen = sys.argv[1:] or ["push-peers", "rate", "scale", "pull-peers", "annotell-peers"]
    if unknown := [name for name in chosen if name not in COMMANDS]:
        sys.exit(f"no benchmark {unknown[0]}: one of {', '.join(COMMANDS)}")
    for name in chosen:
        COMMANDS[name]()
