"""`python -m benchmarks.spark [ROWS]`: rows a second of `push_dataframe` and of a read,
on one core and on two, beside the API alone.

The emulator has no limit, and shares the machine: what is measured is what this machine
can do, not what a service allows. The command line of the second kind, `INTERPRETER
benchmarks/spark.py MASTER URL ROWS`, is one session of Spark; it prints two numbers of
seconds.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROWS = 200_000
UNLIMITED = 1_000_000
MASTERS = ("local[1]", "local[2]")


def timed(work: Callable[[], int], wanted: int) -> float:
    """Seconds; ends the benchmark where the work did not do all."""
    started = time.perf_counter()
    done = work()
    if done != wanted:
        sys.exit(f"{done:,} rows, {wanted:,} wanted")
    return time.perf_counter() - started


def in_spark(master: str, url: str, rows: int) -> None:
    """Push rows that Spark makes, then read them; workers are started before the clock
    is.
    """
    from pyspark.sql import SparkSession

    import syncer
    import syncer.spark

    local = {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
    }
    builder = SparkSession.builder.master(master)
    for name, value in local.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    syncer.spark.register(spark)

    def push(count: int, app_id: str) -> int:
        sides = '"top_row":0.25,"left_col":0.25,"bottom_row":0.75,"right_col":0.75'
        box = f'"region_info":{{"bounding_box":{{{sides}}}}}'
        data = (
            f'{{"regions":[{{"id":"r",{box},"data":{{"concepts":[{{"id":"tree","value":1}}]}}}}]}}'
        )
        start = """'{"op":"post","annotation":{"id":"a-', id, '","input_id":"i-'"""
        ids = f"{start}, id % {count // 10}"
        changes = spark.range(count).selectExpr(
            f"""concat({ids}, '","data":{data}}}}}') as change"""
        )
        told = syncer.spark.push_dataframe(
            changes, syncer.Clarifai(app_id=app_id, base_url=url), requests_per_second=UNLIMITED
        )
        return told.where("outcome = 'applied'").count()

    def read(app_id: str) -> int:
        frame = (
            spark.read.format("syncer").options(app_id=app_id, base_url=url, rps=UNLIMITED).load()
        )
        return frame.selectExpr("count(annotation)").first()[0]  # type: ignore[no-any-return]

    push(1000, "warm")
    read("warm")
    print(json.dumps([timed(lambda: push(rows, "app"), rows), timed(lambda: read("app"), rows)]))
    spark.stop()


def alone(url: str, rows: int) -> tuple[float, float]:
    """The same rows by the Python API, in one process and without Spark."""
    import syncer

    app = syncer.Clarifai(app_id="alone", base_url=url, token="any")
    box = {
        "region_info": {
            "bounding_box": {
                "top_row": 0.25,
                "left_col": 0.25,
                "bottom_row": 0.75,
                "right_col": 0.75,
            }
        }
    }
    data = {"regions": [{"id": "r", **box, "data": {"concepts": [{"id": "tree", "value": 1}]}}]}
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log.jsonl")
        with log.open("w") as out:
            for n in range(rows):
                annotation = {"id": f"a-{n}", "input_id": f"i-{n % (rows // 10)}", "data": data}
                out.write(
                    json.dumps({"op": "post", "annotation": annotation}, separators=(",", ":"))
                    + "\n"
                )

        def push() -> int:
            return asyncio.run(
                syncer.push(log, app, state=Path(folder, "state"), requests_per_second=UNLIMITED)
            ).applied

        def read() -> int:
            return asyncio.run(
                syncer.annotations_frame(app, requests_per_second=UNLIMITED)
            ).num_rows

        return timed(push, rows), timed(read, rows)


def compared(rows: int) -> None:
    """One table."""
    from tests.spark.environment import python
    from tests.support.processes import ENVIRONMENT, emulator

    environment = {**ENVIRONMENT, "PYSPARK_PYTHON": str(python())}
    print(f"{rows:,} rows       push        read    (rows a second)")
    for name in ("API alone", *MASTERS):
        with emulator("--rps", "0") as remote:
            if name in MASTERS:
                command = [python(), __file__, name, remote.url, str(rows)]
                done = subprocess.run(
                    command,
                    env=environment,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    check=True,
                    text=True,
                )
                push, read = json.loads(done.stdout)
            else:
                push, read = alone(remote.url, rows)
        print(f"{name:12} {rows / push:10,.0f}  {rows / read:10,.0f}")


if __name__ == "__main__":
    if len(sys.argv) == 4:
        in_spark(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    else:
        os.chdir(ROOT)
        compared(int(sys.argv[1]) if sys.argv[1:] else ROWS)
