"""`push_dataframe` in a real session, against a real server."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from syncer.emulator import Emulator
from tests.spark.conftest import TOKEN, Refused, Session, Start
from tests.spark.test_read import FAULTS, loaded, of
from tests.support.changes import differences, write_log

pytestmark = pytest.mark.proof


def app(server: Emulator, app_id: str = "app") -> dict[str, str]:
    return {"app_id": app_id, "base_url": server.url}


def post(input_id: str, id: str | None = None, **more: Any) -> str:
    return json.dumps(
        {"op": "post", "annotation": {"input_id": input_id, **({"id": id} if id else {}), **more}}
    )


def test_scattered_changes_of_every_kind_are_applied_in_order_whatever_fails(
    session: Session, start: Start, tmp_path: Path
) -> None:
    server = start(rps=0, faults=FAULTS + ",partial=0.05", seed=2)
    wanted, nameless = write_log(tmp_path / "log.jsonl", 2000, seed=5)
    rows = [
        [number, line]
        for number, line in enumerate((tmp_path / "log.jsonl").read_text().splitlines())
    ]
    result = session(
        "pushed",
        rows=rows,
        columns="n int, change string",
        to=app(server),
        arguments={"order": "n", "key": "n", "partitions": 4},
        spread=True,
    )
    assert Counter(row[4] for row in result["rows"]) == {"applied": 2000}
    assert differences(wanted, nameless, list(server.annotations("me", "app").values())) == []


def test_each_row_is_told_what_became_of_it(session: Session, start: Start) -> None:
    server = start(rps=0)
    rows = [
        ["good", post("i", "a")],
        ["nameless", post("i")],
        ["no json", '{"op":'],
        [
            "missing",
            '{"op":"patch","action":"overwrite","annotation":{"input_id":"i","id":"gone","data":{}}}',
        ],
        ["by a model", '{"input_id":"i","id":"m","model_version_id":"v"}'],
        ["null", None],
        ["whole input", '{"op":"delete","annotation":{"input_id":"other"}}'],
    ]
    result = session(
        "pushed",
        rows=rows,
        columns="name string, change string",
        to=app(server),
        arguments={"key": "name", "max_attempts": 2},
    )
    assert result["columns"] == [
        "name",
        "change",
        "input_id",
        "annotation_id",
        "outcome",
        "reason",
        "code",
    ]
    told = {row[0]: row[1:] for row in result["rows"]}
    assert {name: told[name][0] for name in told} == dict(rows)
    assert told["good"][1:] == ["i", "a", "applied", None, None]
    assert told["nameless"][3] == "applied"
    assert ("i", told["nameless"][2]) in server.annotations("me", "app")
    assert told["no json"][1:4] == [None, None, "dead"]
    assert told["no json"][4].startswith("not JSON")
    assert told["missing"][1:4] == ["i", "gone", "dead"]
    assert isinstance(told["missing"][5], int)
    assert told["by a model"][3] == told["null"][3] == "ignored"
    assert told["whole input"][1:4] == ["other", None, "applied"]


def test_what_is_read_can_be_pushed_to_another_app(
    session: Session, start: Start, tmp_path: Path
) -> None:
    server = start(rps=0, load=loaded(tmp_path, inputs=150, each=3))
    assert session("pushed_read", options=of(server), to=app(server, "copy")) == {"applied": 450}
    copied, held = server.annotations("me", "copy"), server.annotations("me", "app")
    assert {key: annotation["data"] for key, annotation in copied.items()} == {
        key: annotation["data"] for key, annotation in held.items()
    }


def test_the_second_attempt_of_a_task_changes_nothing(session: Session, start: Start) -> None:
    server = start(rps=0)
    rows = [
        [
            n,
            post(
                f"i-{n % 40}",
                None if n % 2 else f"a-{n}",
                data={"concepts": [{"id": "x", "value": 1}]},
            ),
        ]
        for n in range(600)
    ]
    result = session(
        "pushed_by_tasks_that_die",
        rows=rows,
        columns="n int, change string",
        to=app(server),
        arguments={"key": "n"},
    )
    held = server.annotations("me", "app")
    assert len(held) == 600
    assert {(row[2], row[3]) for row in result["rows"]} == set(held)
    assert {row[4] for row in result["rows"]} == {"applied"}
    assert "the first attempt dies after its work is done" in session.written()


def test_a_second_attempt_calls_a_post_dead_that_a_patch_has_changed_and_the_remote_is_right(
    session: Session, start: Start
) -> None:
    server = start(rps=0)
    patch = {"input_id": "i", "id": "a", "data": {"concepts": [{"id": "y", "value": 1}]}}
    rows = [[post("i", "a", data={"concepts": [{"id": "x", "value": 1}]})]]
    rows += [[json.dumps({"op": "patch", "action": "overwrite", "annotation": patch})]]
    result = session(
        "pushed_by_tasks_that_die", rows=rows, columns="change string", to=app(server), arguments={}
    )
    assert [row[3] for row in result["rows"]] == ["dead", "applied"]
    assert [
        concept["id"] for concept in server.annotations("me", "app")["i", "a"]["data"]["concepts"]
    ] == ["y"]


def test_reading_the_result_pushes_nothing(session: Session, start: Start) -> None:
    server = start(rps=0)
    result = session(
        "pushed", rows=[[post("i", "a")]], columns="change string", to=app(server), arguments={}
    )
    assert result["again"] == 1
    assert server.counts["accepted"] == 1


def test_lines_without_id_that_are_alike_are_one_annotation_unless_a_key_tells_them_apart(
    session: Session, start: Start
) -> None:
    server = start(rps=0)
    rows = [[n, post("i")] for n in range(3)]
    session(
        "pushed", rows=rows, columns="n int, change string", to=app(server, "alike"), arguments={}
    )
    session(
        "pushed",
        rows=rows,
        columns="n int, change string",
        to=app(server, "keyed"),
        arguments={"key": "n", "partitions": 1},
    )
    session(
        "pushed",
        rows=rows,
        columns="n int, change string",
        to=app(server, "keyed"),
        arguments={"key": "n"},
        spread=True,
    )
    assert [len(server.annotations("me", name)) for name in ("alike", "keyed")] == [1, 3]


def test_all_tasks_together_keep_the_rate(session: Session, start: Start) -> None:
    server = start(rps=0)
    arguments = {"requests_per_second": 40, "batch_size": 1, "partitions": 4}
    result = session(
        "pushed",
        rows=[[post(f"i-{n}", "a")] for n in range(120)],
        columns="change string",
        to=app(server),
        arguments=arguments,
    )
    assert {row[3] for row in result["rows"]} == {"applied"}
    assert server.counts["accepted"] == 120
    assert server.span_seconds > 2, "three seconds at the rate, less than one at four times it"


def test_what_is_wrong_is_told_before_anything_is_pushed(session: Session, start: Start) -> None:
    server = start(rps=0)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"key": "nope"}, "the DataFrame has no column nope, but n, change"),
        ({"order": ["nope"]}, "the DataFrame has no column nope, but n, change"),
        ({"key": "change"}, "the key column change has the name of a column of the result"),
        ({"requests_per_second": 0}, "argument requests_per_second"),
        (
            {"partitions": 0},
            "argument partitions: is 0 .int.; it must be a whole number of 1 or more",
        ),
        ({"tasks": 1.5}, "argument tasks: is 1.5 .float.; it must be a whole number of 1 or more"),
        (
            {"order": [5]},
            "argument order: is .5. .list.; it must name columns by their names, as text",
        ),
        ({"key": 5}, "argument key: is .5. .list.; it must name columns"),
    ]
    for arguments, message in wrong:
        with pytest.raises(Refused, match=message):
            session(
                "pushed",
                rows=[[1, post("i", "a")]],
                columns="n int, change string",
                to=app(server),
                arguments=arguments,
            )
    with pytest.raises(Refused, match="needs a column `change` or `annotation`; it has id"):
        session("frame_without_lines")
    assert server.counts["requests"] == 0


def test_a_refused_token_ends_the_push_and_is_not_shown(session: Session, start: Start) -> None:
    server = start(rps=0)
    given = "refused-token"
    with pytest.raises(Refused, match="CredentialsRefused") as refused:
        session(
            "pushed",
            rows=[[post("i", "a")]],
            columns="change string",
            to={**app(server), "token": given},
            arguments={},
        )
    for shown in (str(refused.value), session.written()):
        assert given not in shown
        assert TOKEN not in shown
