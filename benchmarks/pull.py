"""Pulls: CPU and memory in every form, and the share of the request limit."""

from __future__ import annotations

import tempfile
from pathlib import Path

import orjson

from benchmarks.measured import cpu_of
from tests.support.processes import emulator
from tests.support.pulls import pull, pull_arguments

SMALL, LARGE = 20_000, 200_000
LABELS_AN_INPUT = 10
FORMS = {"jsonl": 6.0, "csv": None, "parquet": 12.0, "delta": None}
"""With the goal in microseconds an annotation, where there is one."""


def write_boxes(path: Path, count: int) -> None:
    """Annotations with a box each, of some 520 bytes as they are listed."""
    box = {"top_row": 0.1, "left_col": 0.2, "bottom_row": 0.5, "right_col": 0.75}
    with path.open("wb") as out:
        for number in range(count):
            region = {
                "id": f"r{number}",
                "region_info": {"bounding_box": box},
                "data": {"concepts": [{"id": "tree", "value": 1}]},
            }
            row = {
                "id": f"{number:032x}",
                "input_id": f"input-{number // LABELS_AN_INPUT:08}",
                "data": {"regions": [region]},
            }
            out.write(orjson.dumps(row) + b"\n")


def cpu(rounds: int = 3) -> None:
    """The whole process on one core, start-up included, the emulator on the other; the
    best of some rounds of each.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        loads = []
        for count in (SMALL, LARGE):
            write_boxes(folder / f"{count}.jsonl", count)
            loads += ["--load", f"me/a{count}={folder / f'{count}.jsonl'}"]
        print(
            "form     µs an annotation   of them beyond start-up   goal   MB at 20,000   MB at"
            " 200,000"
        )
        with emulator("--rps", "0", *loads) as remote:
            for form, goal in FORMS.items():
                used = {}
                for count in (SMALL, LARGE):
                    arguments = pull_arguments(
                        remote.url, f"a{count}", folder / f"{count}.{form}", "--rps", "1000000"
                    )
                    runs = [cpu_of(arguments) for _ in range(rounds)]
                    used[count] = (
                        min(seconds for seconds, _ in runs),
                        max(size for _, size in runs) >> 10,
                    )
                whole = used[LARGE][0] / LARGE * 1e6
                beyond = (used[LARGE][0] - used[SMALL][0]) / (LARGE - SMALL) * 1e6
                bar = "" if goal is None else f"{goal:g}"
                print(
                    f"{form:8} {whole:16.1f} {beyond:25.1f} {bar:>6} {used[SMALL][1]:14}"
                    f" {used[LARGE][1]:15}"
                )


def rate(seconds: int = 40) -> None:
    """A long list of small parts, so that the emulator is not what limits: ids are so
    long that twenty inputs fill a URL.
    """
    print("limit  latency  used    most in 0.95 s  throttled")
    for limit in (15, 50, 200):
        for latency in ("0.05", "0.4"):
            with tempfile.TemporaryDirectory() as name:
                log = Path(name) / "held.jsonl"
                rows = (
                    f'{{"id":"a-{n}","input_id":"input-{n:08}-{"x" * 180}"}}\n'
                    for n in range(limit * seconds * 9)
                )
                log.write_text("".join(rows))
                with emulator(
                    "--rps", str(limit), "--latency", latency, "--load", f"me/app={log}"
                ) as remote:
                    pull(remote.url, "app", Path(name) / "out.jsonl", "--rps", str(limit))
                    report = remote.get("/_emulator/report")
            used = (report["requests"] - 1) / report["span_seconds"] / limit
            print(
                f"{limit:5}  {latency:>7}  {used:6.1%}  {report['max_in_0.95s']:14} "
                f" {report.get('throttled', 0):9}",
                flush=True,
            )
