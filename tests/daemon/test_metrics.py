"""The metrics of the daemon."""

from __future__ import annotations

import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from syncer.core.events import RequestAnswered
from syncer.daemon.metrics import Metrics
from syncer.daemon.status import Check, LaneStatus, SourceStatus, StateTotals, Traffic

LANE = LaneStatus(
    name="prod",
    state="paused",
    paused_until=None,
    reason="the token is refused",
    traffic=Traffic(rate=3.5, rate_limit=15.0, in_flight=2, concurrency=8),
    totals=StateTotals(read=10, applied=7, ignored=1, pending=1, dead=1, oldest_pending_seconds=30),
    checks=(),
)
CHECK = Check("file:a.jsonl", "error", "2026-11-27T00:00:00Z", "it was cut")
POLLS = Check("watch", "warning", "2026-11-27T00:00:00Z", "polling since 00:00: no events come")
SOURCE = SourceStatus("labels", "changelog", "prod", "parked", "it was cut", 4.5, 9, (POLLS, CHECK))


def shown(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Each sample by its name and the values of its labels."""
    text = metrics.render([LANE], [SOURCE]).decode()
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_lane_is_in_one_state_and_has_its_limits_beside_its_rates() -> None:
    found = shown(Metrics())
    states = {name[-1]: value for name, value in found.items() if name[0] == "syncer_lane_state"}
    assert states == {"open": 0, "paused": 1, "probing": 0, "stopped": 0}
    assert found["syncer_lane_request_rate", "prod"] == 3.5
    assert found["syncer_lane_request_rate_limit", "prod"] == 15
    assert found["syncer_lane_requests_in_flight", "prod"] == 2
    assert found["syncer_lane_requests_in_flight_limit", "prod"] == 8


def test_what_waits_longest_is_a_moment_and_not_an_age() -> None:
    at = shown(Metrics())["syncer_lane_oldest_pending_timestamp_seconds", "prod"]
    assert at == pytest.approx(time.time() - 30, abs=5)


def test_requests_are_counted_by_what_came_of_them() -> None:
    metrics = Metrics()
    for result, seconds in (("answered", 0.01), ("answered", 0.2), ("throttled", 0.03)):
        metrics.note("prod", RequestAnswered("POST", 200, result, seconds))  # type: ignore[arg-type]
    found = shown(metrics)
    assert found["syncer_lane_requests_total", "prod", "answered"] == 2
    assert found["syncer_lane_requests_total", "prod", "throttled"] == 1
    assert found["syncer_lane_request_duration_seconds_bucket", "prod", "0.05"] == 2
    assert found["syncer_lane_request_duration_seconds_count", "prod"] == 3


def test_the_changes_of_a_lane_add_up_over_restarts() -> None:
    found = shown(Metrics())
    assert found["syncer_lane_changes_applied_total", "prod"] == 7
    assert found["syncer_lane_dead_letters", "prod"] == 1


def test_no_file_name_is_a_label_and_a_source_has_the_number_of_its_parked_files() -> None:
    """A source that polls, as no events come, is read all the same."""
    found = shown(Metrics())
    assert found["syncer_source_files_parked", "prod", "labels"] == 1
    assert found["syncer_source_state", "prod", "labels", "parked"] == 1
    assert not [name for name in found if "a.jsonl" in "".join(name)]
