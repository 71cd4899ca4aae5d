"""`spark.read.format("syncer")`: annotations as a DataFrame, read by all tasks of a
cluster at one rate.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession
from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    DataType,
    DoubleType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from syncer.config import Loaded
from syncer.core.ports.pull import ColumnType, Layout, Problem
from syncer.errors import SyncerError
from syncer.jobs.limiters import Limiters
from syncer.jobs.origins import annotell_origin, clarifai_origin
from syncer.jobs.wiring import Origin
from syncer.printable import printable
from syncer.remotes.clarifai.selection import Selection
from syncer.sinks import arrow
from syncer.spark.options import ReadRequest, reading
from syncer.spark.rate import TASKS_UNKNOWN, share_rate, tasks_at_once
from syncer.spark.units import enumerate_units, fetch_pages, parts, unpack

VARIABLES = (
    "SYNCER_",
    "CLARIFAI_",
    "ANNOTELL_",
    "KOGNIC_",
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "XDG_CONFIG_HOME",
    "HOME",
)
"""What is taken along of the driver's environment: variables that start like this."""
TYPES: Mapping[ColumnType, DataType] = {
    "string": StringType(),
    "binary": BinaryType(),
    "bool": BooleanType(),
    "int64": LongType(),
    "double": DoubleType(),
    "timestamp": TimestampType(),
    "list<string>": ArrayType(StringType()),
    "list<double>": ArrayType(DoubleType()),
}
PROBLEMS_SHOWN_MAX = 5


@dataclass(frozen=True, slots=True)
class Driver:
    """The facts of the driver that a read needs: the process that plans it is another
    one.
    """

    environment: Mapping[str, str] = field(repr=False)
    tasks: int | None


def register(spark: SparkSession) -> None:
    """Make `spark.read.format("syncer")` known to this session.

    The driver's environment (token, app, `SYNCER_*`) is taken as it is now; register
    again after it has changed. docs/spark.md lists the options. Reads raise UsageError,
    CredentialsRefused, Stopped, as Spark shows errors of Python.
    """
    environment = {name: value for name, value in os.environ.items() if name.startswith(VARIABLES)}

    class Registered(LabelSource):
        driver = Driver(environment, tasks_at_once(spark))

    spark.dataSource.register(Registered)


class LabelSource(DataSource):  # type: ignore[misc]
    """The data source. `driver` is set by `register`."""

    driver: Driver

    @classmethod
    def name(cls) -> str:
        """Return the name that `format` is given."""
        return "syncer"

    def schema(self) -> StructType:
        """The columns of docs/schema.md.

        Raises UsageError for options that are wrong.
        """
        return schema(reading(self.options).layout)

    def reader(self, schema: StructType) -> LabelReader:
        """Called on the driver, for each read.

        Raises UsageError, also where the configuration does not do.
        """
        return LabelReader(reading(self.options), self.driver)


class LabelReader(DataSourceReader):  # type: ignore[misc]
    """One read: `partitions` on the driver, `read` in the tasks.

    All that it holds can be pickled.
    """

    def __init__(self, asked: ReadRequest, driver: Driver) -> None:
        self._asked = asked
        self._loaded = asked.load(driver.environment).portable(asked.remote)
        self._tasks = asked.tasks or driver.tasks

    def partitions(self) -> list[InputPartition]:
        """Parts of the list, neighbours in each; one for a search, of which nobody
        knows how long it is. Raises SyncerError.
        """
        origin = self._origin(self._loaded)
        count = self._asked.partitions or self._tasks or TASKS_UNKNOWN
        if isinstance(self._asked.select, Selection) and origin.listing.repeats:
            return [InputPartition((None, 1))]
        found = parts(asyncio.run(enumerate_units(origin)), count)
        return [
            InputPartition((part, min(len(found), self._tasks or len(found)))) for part in found
        ]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        """In a task: the rows of a part. Raises SyncerError."""
        part, tasks = partition.value
        origin = self._origin(share_rate(self._loaded, self._asked.rates, tasks))
        for page in fetch_pages(origin, None if part is None else unpack(part)):
            if page.problems:
                self._unreadable(page.problems)
            if page.rows:
                yield arrow.batch(origin.layout, page.rows)

    def _origin(self, loaded: Loaded) -> Origin:
        select: Any = self._asked.select
        limiters = Limiters()  # a task shares its part of the rate with nobody
        return (
            clarifai_origin(loaded, limiters, select)
            if self._asked.remote == "clarifai"
            else annotell_origin(loaded, limiters, select)
        )

    def _unreadable(self, problems: list[Problem]) -> None:
        told = "; ".join(
            f"{problem.what}: {problem.reason}" for problem in problems[:PROBLEMS_SHOWN_MAX]
        )
        if not self._asked.keep_going:
            raise SyncerError(
                f'could not fetch {told}; to skip these, set the option unreadable to "skip"'
            )
        logging.getLogger(__name__).warning("skipped, could not be fetched: %s", printable(told))


def schema(layout: Layout) -> StructType:
    """A field a column, each may be null; what it holds is its comment."""
    return StructType(
        [
            StructField(column.name, TYPES[column.type], metadata={"comment": column.doc})
            for column in layout.columns
        ]
    )
