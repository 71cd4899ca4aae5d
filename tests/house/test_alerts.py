"""Alerts and dashboard ask for metrics that there are; the docs name all of these."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from syncer.daemon.metrics import Metrics
from tests.daemon.test_metrics import LANE, SOURCE

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy" / "alerts.yml"
DASHBOARD = ROOT / "deploy" / "grafana-dashboard.json"
OPERATIONS = (ROOT / "docs" / "operations.md").read_text("utf-8")


def families() -> set[str]:
    """The metrics of the daemon's own."""
    text = Metrics().render([LANE], [SOURCE]).decode()
    found = {family.name for family in text_string_to_metric_families(text)}
    return {name for name in found if name.startswith("syncer_")}


def expressions() -> list[str]:
    """What alerts and dashboard ask for."""
    groups = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    asked = [rule["expr"] for group in groups for rule in group["rules"]]
    return asked + [target["expr"] for panel in panels for target in panel["targets"]]


def test_each_metric_that_is_asked_for_is_there() -> None:
    asked = set(re.findall(r"syncer_\w+", " ".join(expressions())))
    bare = {re.sub(r"_(total|bucket|count|sum)$", "", name) for name in asked}
    assert bare - families() == set()


def test_each_metric_is_in_the_table_of_the_docs_and_nothing_else() -> None:
    table = set(re.findall(r"^\| `(syncer_\w+?)(?:_total)?`", OPERATIONS, re.MULTILINE))
    assert table == families()


def test_each_alert_has_a_section_that_says_what_to_do() -> None:
    groups = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    for rule in (rule for group in groups for rule in group["rules"]):
        assert f"### {rule['alert']}\n" in OPERATIONS
        anchor = rule["alert"].lower()
        assert rule["annotations"]["runbook_url"] == f"docs/operations.md#{anchor}"


@pytest.mark.skipif(shutil.which("promtool") is None, reason="this machine has no promtool")
def test_prometheus_takes_the_rules_and_every_query(tmp_path: Path) -> None:
    rules = [{"record": f"r{n}", "expr": expr} for n, expr in enumerate(expressions())]
    asked = tmp_path / "asked.yml"
    asked.write_text(yaml.safe_dump({"groups": [{"name": "asked", "rules": rules}]}))
    for path in (RULES, asked):
        done = subprocess.run(
            ["promtool", "check", "rules", path], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
