"""The daemon in Prometheus' text: base units, moments rather than ages, limits beside
what they limit. No key and no file name is a label.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from syncer.core.events import Event, RequestAnswered
from syncer.daemon.status import LaneState, LaneStatus, SourceState, SourceStatus
from syncer.version import __version__

REQUEST_SECONDS = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""The upper bounds of the buckets of request durations; the last one is the default of
`[push] request_timeout_seconds`.
"""


ValueOf = Callable[[LaneStatus], float | None]
COUNTERS: dict[str, tuple[str, ValueOf]] = {
    "changes_applied": ("Changes that the remote has.", lambda lane: lane.totals.applied),
    "changes_ignored": ("Changes that were not sent.", lambda lane: lane.totals.ignored),
}
GAUGES: dict[str, tuple[str, ValueOf]] = {
    "changes_pending": ("Changes that are to be tried again.", lambda lane: lane.totals.pending),
    "changes_in_doubt": ("Of these, unknown outcomes.", lambda lane: lane.totals.in_doubt),
    "dead_letters": ("Open dead letters.", lambda lane: lane.totals.dead),
    "oldest_pending_timestamp_seconds": (
        "When the change that waits longest failed first.",
        lambda lane: _ago(lane.totals.oldest_pending_seconds),
    ),
    "request_rate": ("Requests a second, of late.", lambda lane: lane.traffic.rate),
    "request_rate_limit": ("The most requests a second.", lambda lane: lane.traffic.rate_limit),
    "requests_in_flight": ("Requests under way.", lambda lane: lane.traffic.in_flight),
    "requests_in_flight_limit": (
        "The most requests under way.",
        lambda lane: lane.traffic.concurrency,
    ),
}
"""The metrics of each lane: the name after `syncer_lane_`, its help, its value."""


class Metrics:
    """Counters of events, and gauges of a moment."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "syncer_lane_requests",
            "Requests to the remote, by what came of them.",
            ("lane", "result"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "syncer_lane_request_duration_seconds",
            "From sending a request to the end of its answer.",
            ("lane",),
            buckets=REQUEST_SECONDS,
            registry=self._registry,
        )

    def note(self, lane: str, event: Event) -> None:
        """Count an event of a lane."""
        if isinstance(event, RequestAnswered):
            self._requests.labels(lane, event.result).inc()
            self._seconds.labels(lane).observe(event.seconds)

    def render(self, lanes: Sequence[LaneStatus], sources: Sequence[SourceStatus]) -> bytes:
        """Return all of it as text, with these lanes and sources as they are now."""
        now = _Families(
            [*self._registry.collect(), _info(), *_of_lanes(lanes), *_of_sources(sources)]
        )
        return generate_latest(now)


class _Families(Collector):
    """Families that are there already."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _info() -> Metric:
    info = GaugeMetricFamily("syncer_info", "The version that runs: 1.", labels=("version",))
    info.add_metric((__version__,), 1)
    return info


def _of_lanes(lanes: Sequence[LaneStatus]) -> Iterator[Metric]:
    yield _states(
        "syncer_lane_state",
        "1 for the state that the lane is in, 0 for the others.",
        get_args(LaneState),
        [((lane.name,), lane.state) for lane in lanes],
        ("lane",),
    )
    for make, table in ((CounterMetricFamily, COUNTERS), (GaugeMetricFamily, GAUGES)):
        for name, (about, value_of) in table.items():
            family = make(f"syncer_lane_{name}", about, labels=("lane",))
            for lane in lanes:
                if (value := value_of(lane)) is not None:
                    family.add_metric((lane.name,), value)
            yield family


def _of_sources(sources: Sequence[SourceStatus]) -> Iterator[Metric]:
    labels = ("lane", "source")
    names = [(source.lane, source.name) for source in sources]
    yield _states(
        "syncer_source_state",
        "1 for the state that the source is in, 0 for the others.",
        get_args(SourceState),
        list(zip(names, (source.state for source in sources), strict=True)),
        labels,
    )
    faults = GaugeMetricFamily(
        "syncer_source_faults",
        "Checks that do not hold.",
        labels=labels,
    )
    for name, source in zip(names, sources, strict=True):
        faults.add_metric(name, len(source.checks))
    yield faults


def _states(
    name: str,
    about: str,
    states: Sequence[str],
    found: Sequence[tuple[Sequence[str], str]],
    labels: Sequence[str],
) -> Metric:
    family = GaugeMetricFamily(name, about, labels=(*labels, "state"))
    for of, state in found:
        for each in states:
            family.add_metric((*of, each), each == state)
    return family


def _ago(seconds: float | None) -> float | None:
    return None if seconds is None else time.time() - seconds
