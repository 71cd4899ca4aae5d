"""The status page: what it may do in a browser, and what it says without a token."""

from __future__ import annotations

import base64
import re
from hashlib import sha256

from syncer.daemon.http.guard import Guard
from syncer.daemon.http.page import PAGE, write_policy

TEXT = PAGE.read_text("utf-8")


def test_only_what_is_on_it_runs_and_it_speaks_to_its_daemon_alone() -> None:
    policy = dict(part.split(" ", 1) for part in write_policy(TEXT).split("; "))
    (script,) = re.findall(r"<script>(.*?)</script>", TEXT, re.DOTALL)
    digest = base64.b64encode(sha256(script.encode()).digest()).decode()
    assert policy["script-src"] == f"'sha256-{digest}'"
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["connect-src"] == "'self'"


def test_it_is_whole_by_itself() -> None:
    outside = set(re.findall(r"https?://[^\s\"'<>`)]+", TEXT))
    assert outside == {"http://www.w3.org/2000/svg"}  # a name, not an address
    for word in (
        "innerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "style=",
        "onclick=",
    ):
        assert word not in TEXT


def test_it_is_shown_to_anybody_since_it_has_no_data() -> None:
    guard = Guard("the-token")
    assert guard.judge("GET", "/", {"Host": "labels.example"}) is None
    refused = guard.judge("GET", "/api/events", {"Host": "labels.example"})
    assert refused is not None
    assert refused.status == 401
