"""How a push grows with its log, and the logs that are hard on it, each with its bound.

All against servers that hold nothing, or next to nothing, themselves.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.incumbents.pushers import PEERS
from benchmarks.measured import cpu_of
from benchmarks.push_peers import OUT
from benchmarks.yardstick import Server, serving, write_log
from tests.clients.environments import python_of
from tests.support.endless import annotation, endless
from tests.support.processes import push_arguments

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
UNLIMITED = ("--rps", "1000000")
MIB = 1 << 20
GROWTH_MAX_KB = 8 << 10
"""Of peak memory, from 100,000 changes to 10,000,000."""
RESTART_MAX_SECONDS = 1.0
"""Of a push over settled changes whose log is as it was: the whole process."""


@dataclass(frozen=True)
class Size:
    """A push of so many changes, and the next one, which finds nothing to do."""

    changes: int
    seconds: float
    cpu_seconds: float
    peak_kb: int
    state_bytes: int
    restart_seconds: float
    restart_peak_kb: int


def grow(sizes: tuple[int, ...] = SIZES) -> None:
    """Print a row for each size; write them as JSON, and the curves as SVG.

    Ends with 1 where a bound is missed.
    """
    print("changes      seconds  µs of CPU each  peak MB  state kB  restart s  restart MB")
    rows = []
    with tempfile.TemporaryDirectory() as name, serving(Path(name)) as server:
        for count in sizes:
            row = _measure(server, Path(name), count)
            rows.append(row)
            print(
                f"{count:10,}  {row.seconds:8.1f}  {row.cpu_seconds / count * 1e6:14.2f} "
                f" {row.peak_kb / 1024:7.1f}  {row.state_bytes >> 10:8,} "
                f" {row.restart_seconds:9.2f}  {row.restart_peak_kb / 1024:10.1f}",
                flush=True,
            )
    OUT.mkdir(exist_ok=True)
    raw = OUT / "scale.json"
    raw.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    plot = [python_of("plots", PEERS), PEERS / "plot_scale.py", raw, OUT / "scale.svg"]
    subprocess.run(plot, check=True)
    peaks = [row.peak_kb for row in rows if row.changes >= SIZES[1]]
    if peaks and max(peaks) - peaks[0] > GROWTH_MAX_KB:
        sys.exit(f"memory grew by {(max(peaks) - peaks[0]) >> 10} MB")
    if (slowest := max(row.restart_seconds for row in rows)) > RESTART_MAX_SECONDS:
        sys.exit(f"a restart took {slowest:.2f} s")


def _measure(server: Server, folder: Path, count: int) -> Size:
    log, state = folder / "log.jsonl", folder / f"state-{count}"
    write_log(log, count)
    arguments = push_arguments(server.url, "a", state, [str(log)], *UNLIMITED)
    server.begin()
    begun = time.perf_counter()
    used, peak = cpu_of(arguments)
    took = time.perf_counter() - begun
    if server.counts()["uniq"] != count:
        sys.exit(f"{server.counts()['uniq']:,} of {count:,} came")
    begun = time.perf_counter()
    _, restart_peak = cpu_of(arguments)
    again = time.perf_counter() - begun
    size = sum(path.stat().st_size for path in state.rglob("*") if path.is_file())
    log.unlink()
    return Size(count, took, used, peak, size, again, restart_peak)


# --- logs that are hard on it ---------------------------------------------------------


@dataclass(frozen=True)
class Hard:
    """A log, and what it may take."""

    title: str
    lines: Callable[[], Iterator[str]]
    peak_mb_max: int
    requests_max: int
    busy_first: bool = False


HOT, TURNS, OTHERS = 10, 500, 100_000


def _hot_keys() -> Iterator[str]:
    """Ten annotations that change five hundred times, amid others that are posted."""
    for number in range(OTHERS):
        yield _post(annotation(number + HOT))
        if number % (OTHERS // TURNS) == 0:
            op = '"post",' if not number else '"patch","action":"overwrite",'
            for hot in range(HOT):
                yield f'{{"op":{op}"annotation":{{{annotation(hot, f"0.{number + 1}")}}}}}\n'


def _long_lines() -> Iterator[str]:
    """Annotations of almost 16 MiB, the most that a line may have."""
    text = "x" * (16 * MIB - 1024)
    for number in range(64):
        data = f'{{"metadata":{{"text":"{text}"}}}}'
        yield _post(f'"id":"ann-{number:012}","input_id":"img-{number // 10:012}","data":{data}')


def _many() -> Iterator[str]:
    return (_post(annotation(number)) for number in range(1_000_000))


def _post(members: str) -> str:
    return f'{{"op":"post","annotation":{{{members}}}}}\n'


SCENARIOS = (
    Hard("hot keys: ten annotations that change 500 times each", _hot_keys, 90, 2_000),
    Hard("64 lines of 16 MiB", _long_lines, 400, 64),
    Hard("a million posts, each refused for now at first", _many, 200, 40_000, busy_first=True),
)


def strain() -> None:
    """Push each; ends with 1 where a bound is missed."""
    print("what | seconds | CPU seconds | peak MB (bound) | requests (bound)")
    missed = []
    for hard in SCENARIOS:
        with (
            tempfile.TemporaryDirectory() as name,
            endless("taskset", "-c", "1", busy_first=hard.busy_first) as url,
        ):
            log, out = Path(name) / "log.jsonl", Path(name) / "out"
            with log.open("w", buffering=MIB) as file:
                file.writelines(hard.lines())
            arguments = push_arguments(url, "a", Path(name) / "state", [str(log)], *UNLIMITED)
            begun = time.perf_counter()
            used, peak = cpu_of(arguments, out=out)
            took = time.perf_counter() - begun
            report = json.loads(out.read_text())
        print(
            f"{hard.title} | {took:.1f} | {used:.1f} | {peak >> 10} ({hard.peak_mb_max}) |"
            f" {report['requests']:,} ({hard.requests_max:,})",
            flush=True,
        )
        if peak >> 10 > hard.peak_mb_max or report["requests"] > hard.requests_max:
            missed.append(hard.title)
    if missed:
        sys.exit(f"over its bound: {'; '.join(missed)}")
