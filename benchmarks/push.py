"""Pushes: CPU and memory beside a floor, the share of the request limit, and what is
left after kills.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.measured import cpu_of
from benchmarks.yardstick import FLOOR, Server, serving, write_log
from tests.proof.processes.test_kills import killed_push
from tests.support.processes import emulator, push, push_arguments


def cpu(count: int = 1_000_000, rounds: int = 3) -> None:
    """Floor and syncer in turn, client on one core, server on the other; the best of
    some rounds of each.
    """
    small = count // 10
    with tempfile.TemporaryDirectory() as name, serving(Path(name)) as server:
        folder = Path(name)
        for size in (small, count):
            write_log(folder / f"{size}.jsonl", size)
        floor = [_floor(server, folder / f"{count}.jsonl") / count for _ in range(rounds)]
        ours = [_ours(server, folder, count, f"state-{number}") for number in range(rounds)]
        little = _ours(server, folder, small, "small")
    best = min(used for used, _ in ours) / count
    print(f"floor   {min(floor) * 1e6:5.2f} µs an annotation")
    print(
        f"syncer  {best * 1e6:5.2f} µs an annotation, {best / min(floor):.2f} times the floor (bar:"
        " 1.0)"
    )
    print(
        f"memory  {little[1] >> 10} MB at {small:,}, {max(rss for _, rss in ours) >> 10} MB at"
        f" {count:,}"
    )


def _floor(server: Server, log: Path) -> float:
    server.begin(echo=1)
    return cpu_of([sys.executable, FLOOR, str(log), server.host, str(server.port)])[0]


def _ours(server: Server, folder: Path, count: int, state: str) -> tuple[float, int]:
    server.begin(echo=1)
    log = str(folder / f"{count}.jsonl")
    return cpu_of(
        push_arguments(server.url, "a", folder / state, [log], "--rps", "1000000", "--user-id", "u")
    )


def rate(seconds: int = 30) -> None:
    """Small batches, so that the emulator is not what limits.

    A limit to be found is sought within the time that is measured.
    """
    print("limit  --rps  latency  used    most in 0.95 s  throttled")
    for rps, limit in ((rps, limit) for rps in ("", "auto") for limit in (15, 200)):
        for latency in ("0.05", "0.4"):
            with (
                tempfile.TemporaryDirectory() as name,
                emulator("--rps", str(limit), "--latency", latency) as remote,
            ):
                log = Path(name) / "log.jsonl"
                posts = (
                    f'{{"op":"post","annotation":{{"id":"r-{n}","input_id":"i"}}}}\n'
                    for n in range(limit * seconds * 4)
                )
                log.write_text("".join(posts))
                push(
                    remote.url,
                    "a",
                    Path(name) / "state",
                    [str(log)],
                    "--rps",
                    rps or str(limit),
                    "--batch-size",
                    "4",
                )
                report = remote.get("/_emulator/report")
                throttled = report.get("throttled", 0)
                used = (report["requests"] - throttled - 1) / report["span_seconds"] / limit
                print(
                    f"{limit:5}  {rps or limit:>5}  {latency:>7}  {used:6.1%} "
                    f" {report['max_in_0.95s']:14}  {throttled:9}"
                )


def kills(count: int = 100_000, times: int = 30, seed: int = 1) -> None:
    """The proof's own scenario, with a larger log.

    Ends with 1 where anything is lost, doubled or out of order.
    """
    with tempfile.TemporaryDirectory() as name:
        tally = killed_push(Path(name), seed, count=count, times=times)
    print(
        f"{count:,} changes, killed {tally.hit} times, {sum(tally.faults.values())} faults:"
        f" {len(tally.wrong)} differences"
    )
    if tally.wrong:
        sys.exit("\n".join(tally.wrong[:20]))
