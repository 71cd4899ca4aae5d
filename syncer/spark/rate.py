"""One rate for many tasks.

They share no limiter, so each gets its part of what the remote allows.
"""

from __future__ import annotations

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from syncer.config import Loaded
from syncer.core.pace import CATCH_UP_SECONDS, WINDOW_SECONDS
from syncer.errors import UsageError

TASKS_UNKNOWN = 4
"""Partitions where it is not known how many tasks run at once; each then gets a quarter
of the rate, even if fewer run.
"""


def tasks_at_once(spark: SparkSession) -> int | None:
    """Return how many tasks the cluster runs at once, as far as it says so: a session
    of Spark Connect does not.
    """
    try:
        return max(1, int(spark.sparkContext.defaultParallelism))
    except (PySparkException, AttributeError):
        return None


def share_rate(loaded: Loaded, section: str, tasks: int) -> Loaded:
    """Return the configuration of one of this number of tasks.

    Raises UsageError for a limit to be found.
    """
    rate = getattr(loaded.config, section).requests_per_second
    if isinstance(rate, str):
        raise UsageError(
            f'[{section}] requests_per_second = "{rate}" cannot be divided among tasks:'
            " give a number"
        )
    return loaded.with_settings(**{section: {"requests_per_second": rate / tasks}})


def gap_seconds(requests_per_second: float) -> float:
    """Return how long a task waits before its first request: what ran just before it in
    its place kept to the same rate.

    Requests are 1/rate apart, except the lateness that a pace makes up for, also at its
    start. Where that is waited for on both sides of the seam, no second that it lies in
    holds more than the others.
    """
    spacing = 1.0 / requests_per_second
    return max(spacing, min(WINDOW_SECONDS, 2 * spacing + 2 * max(CATCH_UP_SECONDS, spacing)))
