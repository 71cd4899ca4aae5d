"""Pushes beside what users would pick instead, in one run: CPU, memory, throughput, and
what each makes of a limit of requests that it is not told.

The rounds are interleaved: in each one every client runs once. Figures are medians,
with the least and the most of the rounds; every run is kept beside them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from benchmarks.incumbents.pushers import (
    NAMED,
    PEERS,
    Dlt,
    Elastic,
    JsonChannel,
    Naive,
    Ours,
    Pusher,
    Sdk,
    Singer,
    ready,
)
from benchmarks.measured import cpu_of
from benchmarks.yardstick import FLOOR, Server, serving, write_log, write_numbered
from tests.clients.environments import python_of

OUT = Path(__file__).parents[1] / "docs" / "performance"
BATCH = 128
FAST, SLOW = 1_000_000, 100_000
"""Annotations that a client pushes, by what it takes for each."""
START_UP = 1_000
"""Annotations of a run that shows what starting costs."""
LIMIT, LATENCY_MS, LIMITED_SECONDS = 15, 50, 30


class Floor(Pusher):
    """One raw socket and orjson; each id and status checked, nothing else."""

    name = "the floor"

    def running(self, url: str, folder: Path, log: Path) -> Iterator[list[str]]:
        yield [sys.executable, FLOOR, str(log), Server.host, str(Server.port)]


UNLIMITED = ("--rps", "1000000")
CLIENTS: tuple[tuple[Pusher, int], ...] = (
    (Floor(), FAST),
    (Ours(*UNLIMITED), FAST),
    (Sdk(), SLOW),
    (JsonChannel(), SLOW // 2),
    (Dlt(), SLOW),
    (Singer(), SLOW),
    (Elastic(), SLOW),
    (Naive(), SLOW),
)
"""Clients, and how much each pushes where nothing limits it."""
LIMITED: tuple[Pusher, ...] = (
    *(Ours("--rps", str(LIMIT)), Ours("--rps", "auto")),
    *(Sdk(), JsonChannel(), Dlt(), Singer(), Elastic(), Naive()),
)


@dataclass(frozen=True)
class Pushed:
    """One run of a client."""

    client: str
    annotations: int
    echo: bool
    """Whether answers held each annotation whole, or its id and status only."""
    cpu_seconds: float
    seconds: float
    """From its start to its end."""
    peak_kb: int
    requests: int
    throttled: int
    lost: int
    doubled: int
    span_seconds: float
    """From the first request that was taken to the last."""

    @property
    def share_used(self) -> float:
        """Requests that were taken, of those that the bucket had in that time."""
        return (self.requests - self.throttled) / (LIMIT * (1 + self.span_seconds))


def run(pusher: Pusher, server: Server, log: Path, count: int, **settings: float) -> Pushed:
    """Run a client once, in a folder of its own."""
    with tempfile.TemporaryDirectory() as name:
        server.begin(**settings)
        with ready(pusher, server.url, Path(name), log) as arguments:
            begun = time.perf_counter()
            used, peak = cpu_of(arguments, exit_codes=(0, NAMED))
            took = time.perf_counter() - begun
    came = server.counts()
    return Pushed(
        client=pusher.name,
        annotations=count,
        echo=bool(settings.get("echo")),
        cpu_seconds=used,
        seconds=took,
        peak_kb=peak,
        requests=came["nreq"],
        throttled=came["n429"],
        lost=count - came["uniq"],
        doubled=came["dup"],
        span_seconds=came["span"],
    )


def beside(rounds: int = 3) -> None:
    """Print the tables; write every run as JSON, and the bars as SVG."""
    with tempfile.TemporaryDirectory() as name, serving(Path(name)) as server:
        logs = _Logs(Path(name))
        unlimited = [
            pushed
            for turn in range(rounds)
            for echo in (1, 0)
            for pusher, count in CLIENTS
            for size in (START_UP, count)
            for pushed in [_tell(turn, run(pusher, server, logs.of(pusher, size), size, echo=echo))]
        ]
        count = LIMIT * LIMITED_SECONDS * BATCH
        limits = {"rate": LIMIT, "burst": LIMIT, "lat": LATENCY_MS, "ra": 1, "echo": 1}
        limited = [
            _tell(turn, run(pusher, server, logs.of(pusher, count), count, **limits))
            for turn in range(rounds)
            for pusher in LIMITED
        ]
    OUT.mkdir(exist_ok=True)
    raw = OUT / "push-peers.json"
    raw.write_text(json.dumps(list_runs(unlimited, limited), indent=1) + "\n")
    for line in (*tell_cpu(unlimited), "", *tell_limit(limited)):
        print(line)
    plot = [python_of("plots", PEERS), PEERS / "plot_peers.py", raw, OUT / "push-peers.svg"]
    subprocess.run(plot, check=True)


def list_runs(
    unlimited: Sequence[Pushed], limited: Sequence[Pushed]
) -> dict[str, list[dict[str, object]]]:
    """Return every run as JSON has it, and `plot_peers` reads it."""
    return {
        "unlimited": [asdict(one) for one in unlimited],
        "limited": [{**asdict(one), "share_used": one.share_used} for one in limited],
    }


class _Logs:
    """A log of each size, written when it is first asked for; peers get one with
    numbers.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, pusher: Pusher, count: int) -> Path:
        bare = isinstance(pusher, Floor | Ours)
        path = self._folder / f"{'bare' if bare else 'numbered'}-{count}.jsonl"
        if not path.exists():
            (write_log if bare else write_numbered)(path, count)
        return path


def _tell(turn: int, pushed: Pushed) -> Pushed:
    size, took = f"{pushed.annotations:,}", f"{pushed.seconds:.1f} s"
    print(f"round {turn + 1}: {pushed.client}, {size}: {took}", file=sys.stderr, flush=True)
    return pushed


def tell_cpu(runs: Sequence[Pushed]) -> Iterator[str]:
    """Rows of Markdown: what an annotation costs each client, whole and beyond its
    start, and how many times syncer's that is in the same round.
    """
    yield (
        "| client | answers | µs per annotation | beyond start-up | times syncer's |"
        " annotations a second | peak MB |"
    )
    yield "|" + " --- |" * 7
    for echo in sorted({one.echo for one in runs}, reverse=True):
        whole: dict[str, list[float]] = {}
        beyond: dict[str, list[float]] = {}
        large = [one for one in runs if one.echo is echo and one.annotations != START_UP]
        starts = [one for one in runs if one.echo is echo and one.annotations == START_UP]
        for one, start in zip(large, starts, strict=True):
            whole.setdefault(one.client, []).append(one.cpu_seconds / one.annotations * 1e6)
            more = (one.cpu_seconds - start.cpu_seconds) / (one.annotations - START_UP)
            beyond.setdefault(one.client, []).append(more * 1e6)
        ours = beyond[Ours(*UNLIMITED).name]
        for client in whole:
            times = [theirs / own for theirs, own in zip(beyond[client], ours, strict=True)]
            its = [one for one in large if one.client == client]
            speed = median(one.annotations / one.seconds for one in its)
            memory = max(one.peak_kb for one in its) >> 10
            yield (
                f"| {client} | {'echoed' if echo else 'compact'} | {_spread(whole[client])} |"
                f" {_spread(beyond[client])} | {_spread(times)} | {speed:,.0f} | {memory:,} |"
            )


def tell_limit(runs: Sequence[Pushed]) -> Iterator[str]:
    """Rows of Markdown: what each made of the limit."""
    yield (
        f"| client, {LIMIT} requests a second | limit used | throttled | requests | lost |"
        " doubled | seconds |"
    )
    yield "|" + " --- |" * 7
    for client in dict.fromkeys(one.client for one in runs):
        its = [one for one in runs if one.client == client]
        used = median(one.share_used for one in its)
        cells = (
            f"{used:.1%}",
            f"{median(one.throttled for one in its):,.0f}",
            f"{median(one.requests for one in its):,.0f}",
            f"{max(one.lost for one in its):,}",
            f"{max(one.doubled for one in its):,}",
            f"{median(one.seconds for one in its):.0f}",
        )
        yield f"| {client} | {' | '.join(cells)} |"


def _spread(figures: Sequence[float]) -> str:
    return f"{median(figures):.2f} ({min(figures):.2f} to {max(figures):.2f})"
