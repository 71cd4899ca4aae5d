"""The page of a migration: nothing of others is markup in it, it asks for nothing."""

from __future__ import annotations

import re
from typing import Any

from syncer.jobs.migrate.html import render_html

EVIL = '<script>alert("x")</script>\n&'
REPORT: dict[str, Any] = {
    "sentence": "1 of 2 labels are at the target and verified",
    "from": {"app_id": EVIL, "user_id": "me", "base_url": "https://x"},
    "to": {"app_id": "new", "user_id": "me", "base_url": "https://x"},
    "pass": 1,
    "phases": [{"name": "push", "seconds": 1.5, "requests": 2, "items": 1}],
    **dict.fromkeys(("read", "converted", "written", "applied", "dead", "repaired"), 1),
    "left_out": {EVIL: 1},
    "skipped": {},
    "lost": {"owner": 1234},
    "clamped": {},
    "verified": {"same": 1, "missing": 0, "differs": 0, "extra": 0, "unreadable": 0},
}
LETTER = {"input_id": EVIL, "id": EVIL, "reason": EVIL}


def test_what_comes_from_outside_is_text() -> None:
    page = render_html(REPORT, [LETTER], [])
    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 5
    assert '<td class="n">1,234</td>' in page


def test_the_page_asks_for_nothing() -> None:
    page = render_html(REPORT, [LETTER], [(0, 0), (1, 10), (2, 30)])
    assert not re.search(r"(src|href)=|url\(|@import", page)
    assert "default-src 'none'" in page


def test_the_plot_shows_labels_a_second_and_none_without_samples() -> None:
    page = render_html(REPORT, [], [(0, 0), (1, 10), (1, 10), (2, 30)])
    assert "20/s" in page
    assert "<svg" not in render_html(REPORT, [], [(0, 0)])


def test_sources_of_each_kind_are_named() -> None:
    files = {"kind": "files", "format": "voc", "paths": ["a", "b"]}
    project = {"kind": "kognic", "project": "cars", "base_url": "https://x"}
    assert "voc files in a, b" in render_html({**REPORT, "from": files}, [], [])
    assert "project cars of kognic" in render_html({**REPORT, "from": project}, [], [])


def test_what_a_sample_predicted_is_shown() -> None:
    said = {"requests": {"low": 1, "likely": 2, "high": 7654}}
    assert "7,654" in render_html({**REPORT, "prediction": said}, [], [])
    assert "predicted" not in render_html(REPORT, [], [])
