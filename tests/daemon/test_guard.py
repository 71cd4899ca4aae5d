"""Which requests the daemon turns away."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from syncer.daemon.http.guard import Guard

OPEN, CLOSED = Guard(), Guard("a-secret")
HERE = {"Host": "127.0.0.1:9464"}


def judged(guard: Guard, method: str = "GET", path: str = "/api/status", **headers: str) -> int:
    """The status of the refusal, 200 where it is answered."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    refusal = guard.judge(method, path, CIMultiDict({**HERE, **named}))
    return 200 if refusal is None else refusal.status


@pytest.mark.parametrize("host", ["127.0.0.1:9464", "localhost:9464", "[::1]:9464", "127.8.8.8"])
def test_on_loopback_this_machine_is_asked_by_its_own_names(host: str) -> None:
    assert judged(OPEN, Host=host) == 200


@pytest.mark.parametrize(
    "host", ["evil.example:9464", "", "localhost.evil.example", "[::1", "10.0.0.1"]
)
def test_a_name_that_was_made_to_mean_this_machine_is_turned_away(host: str) -> None:
    assert judged(OPEN, Host=host) == 403
    assert judged(OPEN, path="/healthz", Host=host) == 403


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_pages_of_other_origins_are_turned_away(method: str) -> None:
    assert judged(OPEN, method, Origin="http://127.0.0.1:9464") == 200
    for origin in ("http://evil.example", "null", "http://127.0.0.1:8000", ""):
        assert judged(OPEN, method, Origin=origin) == 403


def test_what_changes_something_comes_from_no_other_site() -> None:
    assert judged(OPEN, "POST") == 200
    assert judged(OPEN, "POST", Sec_Fetch_Site="same-origin") == 200
    for site in ("cross-site", "same-site", "none"):
        assert judged(OPEN, "POST", Sec_Fetch_Site=site) == 403
        assert judged(OPEN, "GET", Sec_Fetch_Site=site) == 200


def test_beyond_loopback_everything_but_health_needs_the_token() -> None:
    assert judged(CLOSED, Host="syncer:9464", Authorization="Bearer a-secret") == 200
    for given in ({}, {"Authorization": "Bearer a-secre"}, {"Authorization": "a-secret"}):
        assert judged(CLOSED, Host="syncer:9464", **given) == 401
    for path in ("/healthz", "/readyz"):
        assert judged(CLOSED, path=path, Host="syncer:9464") == 200


def test_a_token_that_is_not_ascii_is_a_wrong_one_and_no_error() -> None:
    assert judged(CLOSED, Authorization="Bearer \udcff") == 401
