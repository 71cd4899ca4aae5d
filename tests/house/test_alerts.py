"""Alerts and dashboard ask for metrics that there are; the docs name all of these."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from syncer.core.events import RequestAnswered
from syncer.daemon.drift import DriftFound
from syncer.daemon.lag import STAGES, Delays, Durations
from syncer.daemon.metrics import Metrics
from tests.daemon.test_metrics import LANE, SOURCE

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy" / "alerts.yml"
CASES = ROOT / "deploy" / "alerts_test.yml"
DASHBOARD = ROOT / "deploy" / "grafana-dashboard.json"
OPERATIONS = (ROOT / "docs" / "operations.md").read_text("utf-8")
GIVEN_NAMES = {"lane", "source"}
SCRAPE_LABELS = {"job", "instance"}
needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="this machine has no promtool"
)


def shown() -> list[Metric]:
    """What the daemon shows of a lane and a source of which there is all to show."""
    times, metrics = Durations([1.0]), Metrics()
    delays = Delays(1.0, 1.0, 1.0, 1.0, times, dict.fromkeys(STAGES, times), 1.0)
    metrics.note("prod", RequestAnswered("POST", 200, "answered", 0.01))
    lane = replace(LANE, last_applied_at=1.0, drift=DriftFound(checked_at=1.0))
    text = metrics.render([lane], [replace(SOURCE, delays=delays)]).decode()
    return list(text_string_to_metric_families(text))


def families() -> set[str]:
    """The metrics of the daemon's own."""
    return {family.name for family in shown() if family.name.startswith("syncer_")}


def alerts() -> list[dict[str, Any]]:
    """All rules."""
    groups = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions() -> list[str]:
    """What alerts and dashboard ask for."""
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    asked = [rule["expr"] for rule in alerts()]
    return asked + [target["expr"] for panel in panels for target in panel["targets"]]


def cases() -> list[dict[str, Any]]:
    """The stories in which alerts fire and do not."""
    found: list[dict[str, Any]] = yaml.safe_load(CASES.read_text("utf-8"))["tests"]
    return found


def kind(name: str, labels: Mapping[str, str]) -> tuple[str, str]:
    """A series without what Prometheus adds and without the user's own names."""
    kept = {label: labels[label] for label in labels.keys() - SCRAPE_LABELS}
    return name, json.dumps(kept | dict.fromkeys(kept.keys() & GIVEN_NAMES), sort_keys=True)


def run_promtool(*command: str | Path) -> None:
    """Fails with what promtool says."""
    done = subprocess.run(
        ["promtool", *command], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_metric_that_is_asked_for_is_there() -> None:
    asked = set(re.findall(r"syncer_\w+", " ".join(expressions())))
    bare = {re.sub(r"_(total|bucket|count|sum)$", "", name) for name in asked}
    assert bare - families() == set()


def test_each_metric_is_in_the_table_of_the_docs_with_its_labels_and_nothing_else() -> None:
    rows = re.findall(r"^\| `(syncer_\w+?)(?:_total)?` \| ([^|]*) \|", OPERATIONS, re.MULTILINE)
    assert dict(rows) == {
        family.name: ", ".join(label for label in family.samples[0].labels if label != "le")
        for family in shown()
        if family.name.startswith("syncer_")
    }


def test_each_alert_has_a_section_that_says_what_to_do() -> None:
    for rule in alerts():
        assert f"### {rule['alert']}\n" in OPERATIONS
        anchor = rule["alert"].lower()
        assert rule["annotations"]["runbook_url"] == f"docs/operations.md#{anchor}"


def test_each_alert_has_a_story_in_which_it_fires_begins_silent_and_ends() -> None:
    for name in (rule["alert"] for rule in alerts()):
        stories = [
            [len(look.get("exp_alerts", [])) for look in case["alert_rule_test"]]
            for case in cases()
            if {name} == {look["alertname"] for look in case["alert_rule_test"]}
        ]
        assert [0, 1, 0] in stories, name


def test_the_series_of_the_stories_are_those_that_the_daemon_shows() -> None:
    known = {kind(sample.name, sample.labels) for each in shown() for sample in each.samples}
    for series in (each["series"] for case in cases() for each in case["input_series"]):
        name, labels = series.removesuffix("}").split("{")
        if name != "up":
            assert kind(name, dict(re.findall(r'(\w+)="(\w+)"', labels))) in known, series


@needs_promtool
def test_each_alert_fires_when_its_story_says_and_at_no_other_time() -> None:
    run_promtool("test", "rules", CASES)


@needs_promtool
def test_prometheus_takes_the_rules_and_every_query(tmp_path: Path) -> None:
    rules = [{"record": f"r{n}", "expr": expr} for n, expr in enumerate(expressions())]
    asked = tmp_path / "asked.yml"
    asked.write_text(yaml.safe_dump({"groups": [{"name": "asked", "rules": rules}]}))
    run_promtool("check", "rules", RULES, asked)
