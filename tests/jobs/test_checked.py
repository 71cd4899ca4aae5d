"""Whether token and app are good, and what is said where they are not; and what an
export of a state holds.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from syncer.core.facts import Deleted, Destination, Settled
from syncer.core.ports.wire import NoReply, Reply
from syncer.errors import CredentialsRefused, Stopped, SyncerError
from syncer.jobs.check import check
from syncer.jobs.state import look
from syncer.jobs.state_export import export
from syncer.journal.journal import Journal
from tests.journal.made import HERE, frame_ends, letter, opened, queued, small_history
from tests.support.lanes import App


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(tmp_path / "state")


def said(app: App, reply: Reply | NoReply | None) -> SyncerError | None:
    """What a check says of an answer."""
    app.interfering = lambda _: reply
    return app.run(lambda: check(app.config())).error


def status(http: int, code: int, **headers: str) -> Reply:
    return Reply(
        http,
        b'{"status":{"code":%d,"description":"as it says"}}' % code,
        headers.get("retry_after"),
    )


def test_a_good_app_is_asked_again_each_time_and_nothing_is_changed(app: App) -> None:
    checked = app.run(lambda: check(app.config()))
    assert (checked.error, checked.base_url, checked.user_id, checked.app_id) == (
        None,
        "http://127.0.0.1:1",
        "me",
        "app",
    )
    assert (checked.answer_seconds, app.run(lambda: check(app.config())).answer_seconds) == (
        0.05,
        0.05,
    )
    assert [request.method for request in app.asked] == ["GET"] * 6
    assert app.held == {}


@pytest.mark.parametrize(
    ("reply", "kind", "names"),
    [
        (
            status(401, 11009),
            CredentialsRefused,
            ("clarifai.token (", "user me", "app app", "code 11009"),
        ),
        (status(403, 11007), CredentialsRefused, ("clarifai.token (",)),
        (
            status(404, 11101),
            Stopped,
            ("no app app of user me", "clarifai.app_id (", "clarifai.user_id ("),
        ),
        (status(402, 11004), Stopped, ("refuses to go on", "code 11004")),
        (status(429, 11005, retry_after="7"), Stopped, ("throttled", "in 7 s")),
        (status(429, 11005), Stopped, ("throttled", "in a while")),
        (status(400, 11102), Stopped, ("code 11102", "clarifai.user_id (", "clarifai.app_id (")),
        (
            Reply(500, b"<html>"),
            Stopped,
            ("did not answer as the service does", "clarifai.base_url ("),
        ),
        (
            NoReply("refused", sent=False),
            Stopped,
            ("cannot be reached", "the network and the proxy"),
        ),
        (
            NoReply("no certificate", sent=False, cause="never"),
            Stopped,
            ("can never answer", "its authority and the proxy"),
        ),
    ],
)
def test_each_answer_names_what_to_check(
    app: App, reply: Reply | NoReply, kind: type[SyncerError], names: tuple[str, ...]
) -> None:
    error = said(app, reply)
    assert type(error) is kind
    for name in names:
        assert name in str(error), error
    assert "a-token" not in str(error)


# --- exports --------------------------------------------------------------------------


@pytest.fixture
def state(tmp_path: Path) -> Path:
    journal = Journal.open(tmp_path / "made", HERE)
    for facts in small_history():
        journal.commit(facts)
    journal.commit(
        [
            opened(2),
            letter(0, log=2),
            Settled(2, 0, 1, 0, "dead"),
            Deleted(5),
            Destination("paused", 0.0, "busy", 90.0),
        ]
    )
    journal.close()
    return tmp_path / "made"


def records(folder: Path) -> dict[str, list[dict[str, object]]]:
    found: dict[str, list[dict[str, object]]] = {}
    for record in export(look(folder)):
        found.setdefault(str(record["record"]), []).append(record)
    return found


def test_an_export_holds_all_that_is_known(state: Path) -> None:
    found = records(state)
    (whole,) = found["state"]
    assert whole["destination"] == {"base_url": HERE.base_url, "user_id": "me", "app_id": "app"}
    assert (whole["deleted"], whole["certain"]) == (7, True)
    assert whole["pause"] == {
        "until": "1970-01-01T00:00:00.000Z",
        "reason": "busy",
        "asked_seconds": 90.0,
    }
    first = found["log"][0]
    assert (
        first["path"],
        first["label"],
        first["read"],
        first["applied"],
        first["dead"],
        first["pending"],
    ) == (
        "/logs/1.jsonl",
        "1.jsonl",
        9,
        6,
        2,
        1,
    )
    assert first["resume"] == {"line": 10, "offset": 900, "cursor": ""}
    (waiting,) = found["waiting"]
    assert (
        waiting["source"],
        waiting["line"],
        waiting["op"],
        waiting["id"],
        waiting["certain"],
    ) == ("1.jsonl", 9, "delete", "a", True)
    assert '"id":"a"' in str(waiting["change"])
    assert [
        (dead["source"], dead["line"], dead["superseded"], dead["certain"])
        for dead in found["dead"]
    ] == [
        ("1.jsonl", 6, False, True),
        ("1.jsonl", 7, True, True),
        ("2.jsonl", 1, False, True),
    ]
    assert "damage" not in found


def test_of_a_damaged_state_what_can_be_read_is_exported_and_said_not_to_be_certain(
    state: Path,
) -> None:
    path = state / "journal"
    data = bytearray(path.read_bytes())
    data[(frame_ends(bytes(data))[1] + frame_ends(bytes(data))[2]) // 2] ^= 1
    path.write_bytes(data)
    found = records(state)
    assert (found["state"][0]["certain"], found["state"][0]["deleted"]) == (False, 5)
    assert {log["certain"] for log in found["log"]} == {False}
    assert {(waiting["line"], waiting["certain"]) for waiting in found["waiting"]} == {(9, False)}
    assert {dead["certain"] for dead in found["dead"]} == {False}
    assert found["damage"][0]["file"] == str(path)


def test_what_waits_behind_another_has_no_time_of_a_failure(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "made", HERE)
    journal.commit([opened(), queued(1, 0)])
    journal.close()
    (waiting,) = records(tmp_path / "made")["waiting"]
    assert waiting["first_failed_at"] == "1970-01-01T00:00:10.000Z"
    assert (waiting["in_doubt"], waiting["attempts"], waiting["reason"]) == (False, 1, "HTTP 500")
