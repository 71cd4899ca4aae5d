"""`push_dataframe`: the push engine in every task of a cluster, at one rate; what
became of each row comes back as a DataFrame.

df ──shuffle by input, in order──► mapInArrow: rows
   ──► changes with ids of their own ──► engine ──► outcomes by row
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import anyio
import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - as everybody calls it
from pyspark.sql.types import LongType, StringType, StructField, StructType

from syncer.api import arguments
from syncer.api.remotes import Clarifai, app_of, load_with
from syncer.config import Loaded
from syncer.core.change import BadLine, Change
from syncer.core.events import ChangeDied, Event
from syncer.core.facts import DeadLetter
from syncer.errors import UsageError
from syncer.jobs.clarifai import app
from syncer.jobs.limiters import Limiters
from syncer.jobs.lines import line_options
from syncer.jobs.push import PushLane
from syncer.jobs.push_parts import push_parts
from syncer.sources.feed import SourceChunk
from syncer.sources.lines import LineOptions, LinePlace, parse
from syncer.sources.misuse import show
from syncer.spark.rate import TASKS_UNKNOWN, gap_seconds, share_rate, tasks_at_once

LINES = ("change", "annotation")
"""Columns that may hold a row's line, the first that is there: a change, or an
annotation as a read gives it.
"""
CHUNK_LINES = 500
ORDER, INPUT = "syncer_order", "syncer_input"
OUTCOME = ("input_id", "annotation_id", "outcome", "reason", "code")


def push_dataframe(
    df: DataFrame,
    to: Clarifai = Clarifai(),
    *,
    key: str | None = None,
    order: str | Sequence[str] | None = None,
    partitions: int | None = None,
    tasks: int | None = None,
    config: str | None = None,
    requests_per_second: float | None = None,
    concurrency: int | Literal["auto"] | None = None,
    batch_size: int | None = None,
    max_attempts: int | None = None,
) -> DataFrame:
    """Apply the changes of a DataFrame to a Clarifai app, in all tasks of the cluster,
    and say what became of each row.

    `df` has a column `change` (a line of a change log, docs/changelog.md) or
    `annotation` (an annotation as JSON, which is posted). All changes of an input go
    through one task, in the order of the columns `order`, else in that of the
    DataFrame. `key`: a column that no two rows share; posts without id get theirs from
    it and the line, so name one if lines without id may be alike. `partitions`: tasks'
    worth of rows, each held in memory; `tasks`: how many of them run at once, each with
    its part of `requests_per_second` (both: as the cluster says). The rest is as for
    `syncer.push`.

    It is done when this returns. The result has `key`, `change`, `input_id`,
    `annotation_id`, `outcome` (applied, dead, ignored), `reason` and `code`, and is
    held by the executors: reading it pushes nothing. Raises UsageError, and as Spark
    shows errors of Python CredentialsRefused and Stopped; rows applied until then stay
    applied.
    """
    options: dict[str, object] = {
        "push.requests_per_second": requests_per_second,
        "push.concurrency": concurrency,
        "push.batch_size": batch_size,
        "retry.max_attempts": max_attempts,
    }
    partitions = arguments.count("partitions", partitions, 1)
    tasks = arguments.count("tasks", tasks, 1)
    ordered = _names("order", [order] if isinstance(order, str) else order)
    if not hasattr(df, "mapInArrow"):
        raise UsageError(f"argument df: is {show(df)}; it must be a DataFrame of Spark")
    _names("key", None if key is None else [key])
    configured = load_with(app_of(to), config, options).portable("clarifai")
    app(configured, Limiters())  # anything missing is reported here, not by a task
    at_once = tasks or tasks_at_once(df.sparkSession)
    count = partitions or at_once or TASKS_UNKNOWN
    rows = _rows(df, key, ordered)
    arranged = rows.repartition(count, INPUT).sortWithinPartitions(
        *[name for name in rows.columns if name.startswith(ORDER)]
    )
    kept = ([key] if key else []) + ["change"]
    task = partial(
        push_partition, share_rate(configured, "push", min(count, at_once or count)), kept
    )
    fields = [rows.schema[name] for name in kept]
    told = [StructField(name, LongType() if name == "code" else StringType()) for name in OUTCOME]
    return arranged.mapInArrow(task, StructType(fields + told)).localCheckpoint()


def _names(name: str, columns: Sequence[str] | None) -> Sequence[str] | None:
    """Return names of columns, None if the engine cannot name them. Raises
    UsageError.
    """
    if columns is not None and not (
        isinstance(columns, list | tuple)
        and all(isinstance(column, str) and column for column in columns)
    ):
        raise UsageError(
            f"argument {name}: is {show(columns)}; it must name columns by their names, as text"
        )
    return columns


def _rows(df: DataFrame, key: str | None, order: Sequence[str] | None) -> DataFrame:
    """The key, the line, its input, and what they are ordered by."""
    lines = [name for name in LINES if name in df.columns]
    if not lines:
        raise UsageError(
            "the DataFrame needs a column `change` or `annotation`; it has"
            f" {', '.join(df.columns) or 'no columns'}"
        )
    for name in [*([key] if key else []), *(order or ())]:
        if name not in df.columns:
            raise UsageError(f"the DataFrame has no column {name}, but {', '.join(df.columns)}")
    if key in (*OUTCOME, "change"):
        raise UsageError(
            f"the key column {key} has the name of a column of the result: rename it"
            " (withColumnRenamed)"
        )
    line = df[lines[0]].cast("string")
    orders: list[Column] = (
        [df[name] for name in order] if order else [F.monotonically_increasing_id()]
    )
    input_id = F.coalesce(
        F.get_json_object(line, "$.annotation.input_id"), F.get_json_object(line, "$.input_id")
    )
    return df.select(
        *([df[key]] if key else []),
        line.alias("change"),
        input_id.alias(INPUT),
        *[column.alias(f"{ORDER}_{number}") for number, column in enumerate(orders)],
    )


# --- in a task ------------------------------------------------------------------------


@dataclass(slots=True)
class RowOutcome:
    """The fate of a row."""

    input_id: str | None
    annotation_id: str | None
    outcome: Literal["applied", "dead", "ignored"]
    reason: str | None = None
    code: int | None = None


class Lines:
    """The lines of a partition as a source.

    Implements `syncer.sources.feed.ChangeSource`.
    """

    name = "dataframe"

    def __init__(self, lines: Sequence[bytes]) -> None:
        self._lines = lines

    async def chunks(self, after: str) -> AsyncIterator[SourceChunk]:
        """From the beginning: the state is new in every attempt of a task."""
        for at in range(0, len(self._lines), CHUNK_LINES):
            yield SourceChunk(self._lines[at : at + CHUNK_LINES], cursor=str(at))

    async def ack(self, cursor: str) -> None:
        """Spark does not ask before the end."""


def push_partition(
    loaded: Loaded, kept: Sequence[str], batches: Iterator[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """Push the rows of a partition; the same rows with what became of them.

    Raises SyncerError.
    """
    held = [batch.select(list(kept)) for batch in batches]
    options = line_options(loaded.config)
    outcomes: list[RowOutcome] = []
    lines: list[bytes] = []
    sent: list[int] = []
    for batch in held:
        for key, text in zip(_keys(batch), batch.column(len(kept) - 1).to_pylist(), strict=True):
            line, outcome = prepare((text or "").encode(), key, options)
            if line is not None:
                lines.append(line)
                sent.append(len(outcomes))
            outcomes.append(outcome)
    if lines:
        for letter in asyncio.run(_push(loaded, lines)):
            outcome = outcomes[sent[letter.index]]
            outcome.outcome, outcome.reason, outcome.code = "dead", letter.reason, letter.code
    at = 0
    for batch in held:
        yield _report(batch, outcomes[at : at + batch.num_rows])
        at += batch.num_rows


def _keys(batch: pa.RecordBatch) -> Iterator[bytes]:
    """Yield the key of each row, as bytes; nothing without a key column."""
    if batch.num_columns == 1:
        return iter([b""] * batch.num_rows)
    return (repr(value).encode() for value in batch.column(0).to_pylist())


def prepare(raw: bytes, key: bytes, options: LineOptions) -> tuple[bytes | None, RowOutcome]:
    """Return the line to send, None for a row without one, and what becomes of the row
    if nothing is in its way.

    A post without id gets one from its line and the row's key alone: it is the same in
    any task, partition or attempt that sends it.
    """
    if not raw.strip():
        return None, RowOutcome(None, None, "ignored", "there is no line")
    found = parse(raw, LinePlace(0, 0, 1, 0, key), options)
    if isinstance(found, BadLine):
        return None, RowOutcome(found.input_id, found.id, "dead", found.reason)
    if not isinstance(found, Change):
        return None, RowOutcome(None, None, "ignored", "not sent: input-level, or made by a model")
    line = raw if found.written is None else b'{"op":"post","annotation":' + found.written + b"}"
    return line, RowOutcome(found.input_id, found.id or None, "applied")


async def _push(loaded: Loaded, lines: Sequence[bytes]) -> list[DeadLetter]:
    """Push to the end; the dead letters."""
    rate = loaded.config.push.requests_per_second
    letters: list[DeadLetter] = []
    with (
        tempfile.TemporaryDirectory(prefix="syncer-spark-") as state,
        push_parts(loaded.with_settings(state={"dir": state}), Limiters()) as parts,
    ):
        lane = PushLane(parts, [Lines(lines)])
        await anyio.sleep(gap_seconds(float(rate)))
        finished = await lane.run(_collecting(letters))
    if finished.error is not None:
        raise finished.error
    return letters


def _collecting(letters: list[DeadLetter]) -> Callable[[Event], None]:
    def collect(event: Event) -> None:
        if isinstance(event, ChangeDied):
            letters.append(event.letter)

    return collect


def _report(batch: pa.RecordBatch, outcomes: Sequence[RowOutcome]) -> pa.RecordBatch:
    """The rows with what became of them."""
    columns = [
        pa.array(
            [getattr(outcome, name) for outcome in outcomes],
            pa.int64() if name == "code" else pa.string(),
        )
        for name in OUTCOME
    ]
    return pa.RecordBatch.from_arrays(
        [*batch.columns, *columns], names=[*batch.schema.names, *OUTCOME]
    )
