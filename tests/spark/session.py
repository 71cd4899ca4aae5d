"""A Spark session at work: reads a JSON job a line from standard input, prints a JSON
answer a line. Run by the environment's interpreter.

    python session.py FOLDER        FOLDER takes Spark's event log

A job is [name of a function below, its keyword arguments]; an answer {"value": …} or
{"error": text}.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import runpy
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark import TaskContext
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

import syncer
import syncer.spark
from syncer.core.pace import Pace
from syncer.core.ports.pull import Flow, Found, Row, Unit
from syncer.jobs.limiters import Limiters
from syncer.jobs.origins import clarifai_origin
from syncer.remotes.clarifai.selection import Selection
from syncer.spark import options, push, units
from syncer.spark.rate import gap_seconds

Json = Any


def session(folder: Path) -> SparkSession:
    """Two tasks at once, each tried three times; far from UTC, as a user may be."""
    settings = {
        # for a minute of small jobs
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.session.timeZone": "America/St_Johns",
        "spark.eventLog.enabled": "true",
        "spark.eventLog.compress": "false",
        "spark.eventLog.dir": folder.as_uri(),
        "spark.local.dir": str(folder / "local"),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
    }
    builder = SparkSession.builder.master("local[2,3]").appName("syncer")
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def register(environment: dict[str, str]) -> None:
    """With these variables, as a notebook may set them after Java was started."""
    os.environ.update(environment)
    syncer.spark.register(spark)


def read(options: dict[str, str], columns: list[str]) -> Json:
    """Rows, these expressions of them, and all columns."""
    frame = spark.read.format("syncer").options(**options).load()
    rows = [list(row) for row in frame.selectExpr(*columns).collect()] if columns else []
    return {
        "rows": rows,
        "schema": [[field.name, field.dataType.simpleString()] for field in frame.schema],
    }


def partitions(options: dict[str, str]) -> Json:
    """How many rows each partition holds."""
    frame = spark.read.format("syncer").options(**options).load()
    return [row["count"] for row in frame.groupBy(F.spark_partition_id()).count().collect()]


def first_row(options: dict[str, str]) -> Json:
    """Spark stops asking once it has one."""
    return spark.read.format("syncer").options(**options).load().select("annotation_id").first()[0]


def explain(options: dict[str, str]) -> str:
    """All that Spark tells of a plan."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        spark.read.format("syncer").options(**options).load().where("input_id > ''").explain(True)
    return printed.getvalue()


def asked(options: dict[str, str]) -> None:
    """What the options mean, without any Spark."""
    from syncer.spark.options import reading

    reading(options)


def option_names() -> Json:
    """Of each remote."""
    return options.OF_REMOTE


def pushed(
    rows: Json, columns: str, to: dict[str, str], arguments: dict[str, Any], spread: bool = False
) -> Json:
    """Push rows, scattered over the cluster where `spread`; what became of them, and
    how the result is called.
    """
    frame = spark.createDataFrame([tuple(row) for row in rows], columns)
    if spread:
        frame = frame.repartition(7, F.rand(3))
    result = syncer.spark.push_dataframe(frame, syncer.Clarifai(**to), **arguments)
    return {
        "columns": result.columns,
        "rows": [list(row) for row in result.collect()],
        "again": result.count(),
    }


def pushed_read(options: dict[str, str], to: dict[str, str]) -> Json:
    """From one app into another."""
    result = syncer.spark.push_dataframe(
        spark.read.format("syncer").options(**options).load(), syncer.Clarifai(**to)
    )
    return {row.outcome: row["count"] for row in result.groupBy("outcome").count().collect()}


def pushed_by_tasks_that_die(**arguments: Any) -> Json:
    """Each task does all its work, and then its first attempt fails before Spark has
    the results.
    """
    real = push.push_partition
    push.push_partition = partial(dying, real)
    try:
        return pushed(**arguments)
    finally:
        push.push_partition = real


def dying(real: Any, *arguments: Any) -> Iterator[pa.RecordBatch]:
    """Nothing of the first attempt reaches anybody."""
    told = list(real(*arguments))
    if TaskContext.get().attemptNumber() == 0:
        raise RuntimeError("the first attempt dies after its work is done")
    yield from told


def parts(count: int, units_count: int) -> Json:
    """How many units each part holds."""
    return [len(units.unpack(part)) for part in units.parts(list(range(units_count)), count)]


def seams(rate: float, gap: bool) -> int:
    """The most requests in any second of tasks that come one after another, each with a
    pace of its own and woken a little late.
    """
    rng, now = random.Random(1), 0.0
    times: list[float] = []
    for length in [1, 2, 3, *[int(1.5 * rate) + 2] * 8]:
        pace = Pace(rate)
        now += gap_seconds(rate) if gap else 0.0
        for _ in range(length):
            now = max(now, pace.next_at(now)) + (0.04 if rng.random() < 0.1 else 0.0) * rng.random()
            pace.take(now)
            times.append(now)
    return max(sum(at <= later < at + 1.0 for later in times) for at in times)


def repeated(repeats: bool) -> Json:
    """The keys of the pages of a list that gives the same row in two units."""

    def flow() -> Flow:
        yield []
        return Found([Row(("i", "a"), b"{}")])

    loaded = options.reading({"app_id": "app", "token": "a-token"}).load({})
    origin = replace(
        clarifai_origin(loaded, Limiters(), Selection()), listing=units.TaskPart([], repeats)
    )
    return [
        [row.key for row in page.rows]
        for page in units.fetch_pages(origin, [Unit("one", "1", flow), Unit("two", "2", flow)])
    ]


def example(path: str, environment: dict[str, str]) -> str:
    """What a script prints in this session, which goes on as it was."""
    printed, before = io.StringIO(), dict(os.environ)
    os.environ.update(environment)
    try:
        with contextlib.redirect_stdout(printed):
            runpy.run_path(path, run_name="__main__")
    finally:
        os.environ.clear()
        register(before)
    return printed.getvalue()


def frame_without_lines() -> DataFrame:
    """Nothing that could be pushed."""
    return syncer.spark.push_dataframe(
        spark.range(1), syncer.Clarifai(app_id="app", token="a-token")
    )


if __name__ == "__main__":
    answers, sys.stdout = sys.stdout, sys.stderr
    spark = session(Path(sys.argv[1]))
    for line in sys.stdin:
        name, arguments = json.loads(line)
        try:
            answer = {"value": globals()[name](**arguments)}
        except Exception as error:
            answer = {"error": str(error)}
        answers.write(json.dumps(answer, default=str) + "\n")
        answers.flush()
    spark.stop()
