"""The example that moves an app with Spark."""

from __future__ import annotations

import pytest

from tests.spark.conftest import TOKEN, Session, Start
from tests.support.processes import ROOT

pytestmark = pytest.mark.proof
FOLDER = ROOT / "examples" / "migrate"


def test_the_notebook_moves_an_app_and_an_id_on_two_inputs_arrives_twice(
    session: Session, start: Start
) -> None:
    server = start(rps=0, faults="id-scope=app", load=(f"me/old={FOLDER / 'old.jsonl'}",))
    environment = {
        "OLD_APP": "old",
        "NEW_APP": "new",
        "OLD_PAT": TOKEN,
        "NEW_PAT": TOKEN,
        "CLARIFAI_API_BASE": server.url,
    }
    printed = session("example", path=str(FOLDER / "databricks.py"), environment=environment)
    assert "pushed: 6 applied" in printed
    assert "not applied" not in printed
    old, new = server.annotations("me", "old"), server.annotations("me", "new")
    assert len({id for _, id in new}) == len(new) == 6
    kept = {key for key in old if key in new}
    assert kept == old.keys() - {("street-2", "scene")}
    assert all(new[key]["data"]["regions"] for key in kept if key[1] != "scene")
