"""The status page in a real browser."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.environment import drive
from tests.e2e.test_run import Site, wait_until
from tests.support.lines import patch, post
from tests.support.outbox import insert
from tests.support.processes import emulator

HOSTILE = ("<img src=x onerror=alert(1)>\u202e\u061c", "\u0007" + "y" * 65_000)


def patch_of(id: str) -> bytes:
    """A patch of an annotation that is not there."""
    change = json.loads(patch("x"))
    change["annotation"]["id"] = id
    return json.dumps(change).encode()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with emulator() as remote:
        yield Site(tmp_path, remote)


def test_it_shows_what_is_and_does_what_is_asked_and_nothing_else(
    site: Site, tmp_path: Path
) -> None:
    site.remote.post("/_emulator/faults", {"faults": "inputs=must-exist"})
    insert(site.table, post("again"))
    with site.running():
        wait_until(lambda: site.lane()["dead"] == 1)
        site.remote.post("/_emulator/faults", {"faults": ""})
        insert(site.table, post("known"), patch("gone"), *map(patch_of, HOSTILE))
        wait_until(lambda: site.lane()["dead"] == 4)
        feeding = subprocess.Popen(
            ["python3", "-c", FEED, str(site.table)], stdout=subprocess.DEVNULL
        )
        try:
            seen: dict[str, Any] = drive("watch", site.url, str(tmp_path))
        finally:
            feeding.kill()
            feeding.wait()
        assert site.lane()["dead"] == 2
    assert seen["errors"] == []
    assert seen["elsewhere"] == []
    assert seen["violations"] == []
    assert seen["title"].endswith("– syncer")
    assert "<img src=x onerror=alert(1)>\\u202e\\u061c" in seen["dead"]
    assert "\\u0007yyy" in seen["dead"]
    assert "(cut)" in seen["dead"]
    assert len(seen["dead"]) < 10_000
    assert "paused by hand" in seen["paused"]
    assert "applied" in seen["story"]
    assert seen["question"] == "Give up 1 dead letter of lane clarifai?"


FEED = """
import sqlite3, sys, time, json
db = sqlite3.connect(sys.argv[1], isolation_level=None)
for n in range(3000):
    change = {"op": "post", "annotation": {"id": f"fed-{n}", "input_id": "i", "data": {}}}
    db.execute("insert into outbox (change) values (?)", [json.dumps(change)])
    time.sleep(0.1)
"""


def test_where_a_token_is_needed_it_asks_for_it_and_keeps_it_for_the_session(site: Site) -> None:
    token = "a-token-of-the-page"
    with site.running(SYNCER_DAEMON_TOKEN=token):
        seen = drive("token", site.url, token)
    assert seen["before"] == ""
    assert "clarifai" in seen["after"]
    assert token not in seen["url"]


def test_more_dead_letters_than_a_page_holds_are_shown_and_named_one_by_one(site: Site) -> None:
    insert(site.table, *(b"bad %d" % n for n in range(120)))
    with site.running():
        wait_until(lambda: site.lane()["dead"] == 120)
        seen = drive("letters", site.url, "")
        assert site.lane()["dead"] == 0
    assert seen["shown"] == [50, 100, 120]
    assert seen["question"] == "Give up 120 dead letters of lane clarifai?"
