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
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from syncer.core.events import Event, RequestAnswered
from syncer.daemon.followed import FILE
from syncer.daemon.status import LaneState, LaneStatus, ReloadResult, SourceState, SourceStatus
from syncer.version import __version__

# The moments at which series began tell nobody anything.
disable_created_metrics()  # type: ignore[no-untyped-call]

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
    "changes_in_window": (
        "Changes that are read and not over, but for those that are to be tried again.",
        lambda lane: lane.load.window,
    ),
    "changes_in_window_limit": (
        "With so many nothing more is read.",
        lambda lane: lane.load.window_limit,
    ),
    "changes_pending_limit": (
        "With so many to be tried again nothing more is read.",
        lambda lane: lane.load.queue_limit,
    ),
    "last_applied_timestamp_seconds": (
        "When a change was applied last.",
        lambda lane: lane.last_applied_at,
    ),
    "drift_check_timestamp_seconds": (
        "When some of what was applied was looked up again last.",
        lambda lane: lane.drift.checked_at,
    ),
    "drift_checked": ("Annotations that were looked up then.", lambda lane: lane.drift.checked),
    "drifted_annotations": (
        "Of these, those that are not as they were asked for.",
        lambda lane: len(lane.drift.drifted),
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


SOURCE_GAUGES: dict[str, tuple[str, Callable[[SourceStatus], float | None]]] = {
    "files_parked": (
        "Files of it that are not read.",
        lambda source: sum(check.name.startswith(FILE) for check in source.checks),
    ),
    "last_change_timestamp_seconds": (
        "When a change of it was read last.",
        lambda source: source.delays.last_read_at,
    ),
    "oldest_unread_timestamp_seconds": (
        "When the oldest row was written that a table holds, and that was not read yet.",
        lambda source: source.delays.oldest_unread_at,
    ),
    "oldest_unsent_timestamp_seconds": (
        "When the oldest change was written that is read, and was not sent yet.",
        lambda source: source.delays.oldest_unsent_at,
    ),
    "oldest_unapplied_timestamp_seconds": (
        "When the oldest change was written that is read, and not over.",
        lambda source: source.delays.oldest_unapplied_at,
    ),
}
"""The metrics of each source: the name after `syncer_source_`, its help, its value."""


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
        self._reloads = Counter(
            "syncer_config_reload",
            "Reloads of the config, by what came of them.",
            ("result",),
            registry=self._registry,
        )
        for each in get_args(ReloadResult):
            self._reloads.labels(each)

    def note(self, lane: str, event: Event) -> None:
        """Count an event of a lane."""
        if isinstance(event, RequestAnswered):
            self._requests.labels(lane, event.result).inc()
            self._seconds.labels(lane).observe(event.seconds)

    def note_reload(self, result: ReloadResult) -> None:
        """Count a reload."""
        self._reloads.labels(result).inc()

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
    for metric, (about, value) in SOURCE_GAUGES.items():
        family = GaugeMetricFamily(f"syncer_source_{metric}", about, labels=labels)
        for name, source in zip(names, sources, strict=True):
            if (found := value(source)) is not None:
                family.add_metric(name, found)
        yield family
    yield from _times_of(sources)


def _times_of(sources: Sequence[SourceStatus]) -> Iterator[Metric]:
    whole = HistogramMetricFamily(
        "syncer_change_to_applied_seconds",
        "From the writing of a change until the remote has it.",
        labels=("lane", "source"),
    )
    stages = HistogramMetricFamily(
        "syncer_change_stage_seconds",
        "The parts of that: until a change is read, sent, applied.",
        labels=("lane", "source", "stage"),
    )
    for source in sources:
        name = (source.lane, source.name)
        if (times := source.delays.whole) is not None:
            whole.add_metric(name, times.buckets(), times.sum_seconds)
        for stage, times in source.delays.stages.items():
            stages.add_metric((*name, stage), times.buckets(), times.sum_seconds)
    yield from (whole, stages)


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
