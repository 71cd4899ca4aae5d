"""`spark.read.format("syncer")` in a real session, against a real server."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from syncer.core.moments import moment
from syncer.emulator import Emulator
from syncer.remotes.annotell.layout import DocumentLayout
from syncer.remotes.clarifai.layout import AnnotationLayout, InputsLayout
from tests.spark.conftest import TOKEN, Refused, Session, Start
from tests.support import annotell

ROOT = Path(__file__).parents[2]
TYPES = {
    "int64": "bigint",
    "bool": "boolean",
    "list<string>": "array<string>",
    "list<double>": "array<double>",
}
FAULTS = (
    "throttle=0.02,error=0.02,html=0.01,gateway=0.01,reset-before=0.02,reset-after=0.02,cut=0.02"
)

pytestmark = pytest.mark.proof


def loaded(folder: Path, inputs: int = 300, each: int = 5) -> tuple[str, ...]:
    """What an emulator is to load into the app `app`."""
    posts = [
        {
            "op": "post",
            "annotation": {
                "id": f"a-{n}-{m}",
                "input_id": f"i-{n:04}",
                "data": {"concepts": [{"id": "x"}]},
            },
        }
        for n in range(inputs)
        for m in range(each)
    ]
    path = folder / "made.jsonl"
    path.write_bytes(b"\n".join(map(orjson.dumps, posts)))
    return (f"me/app={path}",)


def of(server: Emulator, **options: object) -> dict[str, str]:
    """Options of a read of that app."""
    return {
        "app_id": "app",
        "base_url": server.url,
        **{name: str(value) for name, value in options.items()},
    }


def columns(layout: Any) -> list[list[str]]:
    return [[column.name, TYPES.get(column.type, column.type)] for column in layout.columns]


def test_a_read_holds_every_annotation_once_byte_for_byte_whatever_fails(
    session: Session, start: Start, tmp_path: Path
) -> None:
    server = start(rps=0, load=loaded(tmp_path), faults=FAULTS, seed=4)
    read = session(
        "read",
        options=of(server, partitions=3),
        columns=["input_id", "annotation_id", "annotation"],
    )
    held = server.annotations("me", "app")
    assert len(read["rows"]) == 1500
    assert {(input_id, id): json.loads(text) for input_id, id, text in read["rows"]} == held
    assert read["schema"] == columns(AnnotationLayout())


def test_times_are_the_same_moments_wherever_the_session_is(
    session: Session, start: Start, tmp_path: Path
) -> None:
    server = start(rps=0, load=loaded(tmp_path, inputs=1, each=1))
    ((text, micros),) = session(
        "read", options=of(server), columns=["annotation", "unix_micros(annotation_created_at)"]
    )["rows"]
    wanted = moment(json.loads(text)["created_at"])
    assert wanted is not None
    assert micros == round(wanted.timestamp() * 1_000_000)


def test_inputs_come_with_their_annotations_and_without_any(
    session: Session, start: Start, tmp_path: Path
) -> None:
    server = start(rps=0, load=loaded(tmp_path, inputs=250, each=2))
    for key in [key for key in server.clarifai.app("me", "app").annotations if key[0] == "i-0007"]:
        del server.clarifai.app("me", "app").annotations[key]
    read = session(
        "read", options=of(server, with_inputs=True), columns=["input_id", "input", "annotation_id"]
    )
    assert len(read["rows"]) == 499
    assert [row[2] for row in read["rows"] if row[0] == "i-0007"] == [None]
    assert {json.loads(row[1])["id"] for row in read["rows"]} == {f"i-{n:04}" for n in range(250)}
    assert read["schema"] == columns(InputsLayout())


def test_only_what_is_selected_is_read(session: Session, start: Start, tmp_path: Path) -> None:
    server = start(rps=0, load=loaded(tmp_path, inputs=20, each=2))
    named = session("read", options=of(server, input_ids="i-0001, i-0003"), columns=["input_id"])
    quoted = session(
        "read",
        options=of(server, input_ids='["i-0001"]', annotation_ids='["a-1-1"]'),
        columns=["annotation_id"],
    )
    nothing = session(
        "read", options=of(server, input_ids="nope", unreadable="skip"), columns=["input_id"]
    )
    searched = session(
        "read",
        options=of(server, status="ANNOTATION_SUCCESS", partitions=4),
        columns=["annotation_id"],
    )
    assert sorted(named["rows"]) == [["i-0001"]] * 2 + [["i-0003"]] * 2
    assert quoted["rows"] == [["a-1-1"]]
    assert (nothing["rows"], nothing["schema"]) == ([], columns(AnnotationLayout()))
    assert len(searched["rows"]) == len({row[0] for row in searched["rows"]}) == 40


def test_the_list_is_cut_into_as_many_parts_as_asked_for(
    session: Session, start: Start, tmp_path: Path
) -> None:
    server = start(rps=0, load=loaded(tmp_path, inputs=500, each=1))
    assert sorted(session("partitions", options=of(server, partitions=5))) == [100] * 5
    assert sorted(session("partitions", options=of(server))) == [200, 300]


def test_parts_are_neighbours_and_never_empty_but_for_an_empty_list(session: Session) -> None:
    assert [[0], [1], [3, 3, 4], [1, 1]] == [
        session("parts", count=n, units_count=of) for n, of in ((3, 0), (3, 1), (3, 10), (5, 2))
    ]


def test_all_tasks_together_keep_the_rate(session: Session, start: Start, tmp_path: Path) -> None:
    server = start(rps=0, load=loaded(tmp_path, inputs=4000, each=1))
    session("read", options=of(server, rps=40, partitions=4), columns=["annotation_id"])
    accepted = server.counts["accepted"]
    assert accepted > 2 * 40
    assert server.span_seconds > accepted / 40 - 1, "at four times the rate a quarter of it"


@pytest.mark.parametrize("rate", [0.5, 1, 2.5, 7.5, 15, 40])
def test_the_seam_between_two_tasks_does_not_exceed_the_rate(session: Session, rate: float) -> None:
    assert (
        session("seams", rate=rate, gap=True)
        <= max(1, int(rate))
        < session("seams", rate=rate, gap=False)
    )


def test_a_list_that_may_repeat_keys_is_read_with_each_key_once(session: Session) -> None:
    assert session("repeated", repeats=True) == [[["i", "a"]], []]
    assert session("repeated", repeats=False) == [[["i", "a"]], [["i", "a"]]]


def test_a_read_may_be_left_before_its_end(session: Session, start: Start, tmp_path: Path) -> None:
    server = start(rps=0, load=loaded(tmp_path))
    assert re.fullmatch(r"a-\d+-\d", session("first_row", options=of(server, partitions=1)))


def test_what_cannot_be_had_ends_the_read_or_is_left_out(
    session: Session, start: Start, tmp_path: Path
) -> None:
    server = start(rps=0, load=loaded(tmp_path, inputs=2, each=1))
    wanted = {"input_ids": "i-0000,i-0001", "annotation_ids": "a-0-0,gone"}
    with pytest.raises(
        Refused,
        match=r'annotation gone of input i-0001: there is no such annotation.*unreadable to "skip"',
    ):
        session("read", options=of(server, **wanted), columns=["annotation_id"])
    assert session(
        "read", options=of(server, **wanted, unreadable="skip"), columns=["annotation_id"]
    )["rows"] == [["a-0-0"]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"aap_id": "x"}, "there is no option aap_id of clarifai; did you mean app_id?"),
        ({"remote": "annotell", "app_id": "x"}, "there is no option app_id of annotell"),
        ({"dataset": ""}, "option dataset is empty: give a value, or leave it out"),
        ({"input_ids": " , "}, 'option input_ids is ",", which names nothing'),
        (
            {"input_ids": "[]"},
            "option input_ids is an empty list: name something, or leave it out to read everything",
        ),
        ({"remote": "dropbox"}, 'option remote is "dropbox"; it is clarifai or annotell'),
        ({"RPS": "0"}, 'option rps is "0"; it must be a number above 0'),
        ({"partitions": "2.5"}, 'option partitions is "2.5"; it must be a whole number above 0'),
        ({"with_inputs": "yes"}, 'option with_inputs is "yes"; it is false or true'),
        (
            {"input_ids": '["a", 1]'},
            "option input_ids begins like a JSON list, but is not a list of non-empty strings",
        ),
        (
            {"since": "monday"},
            'option since is "monday"; it must be a time like 2026-11-24T12:00:00Z',
        ),
        (
            {"dataset": "d", "input_ids": "i"},
            "option dataset cannot be combined with input_ids: name the inputs, or the dataset",
        ),
        ({"by_user": "u", "status": "24150"}, "option status cannot be combined with by_user"),
        (
            {"annotation_ids": "a"},
            (
                "1 annotation_ids but 0 input_ids: each annotation needs the input it belongs to,"
                " in the same order"
            ),
        ),
    ],
)
def test_an_option_that_is_wrong_is_told(
    session: Session, options: dict[str, str], message: str
) -> None:
    with pytest.raises(Refused, match=re.escape(message)):
        session("asked", options=options)


def test_spark_shows_what_is_wrong_before_anything_is_read(session: Session) -> None:
    with pytest.raises(
        Refused, match="UsageError: there is no option aap_id of clarifai; did you mean app_id"
    ):
        session("read", options={"aap_id": "x"}, columns=["annotation_id"])
    with pytest.raises(Refused, match="UsageError: no app: give"):
        session("read", options={}, columns=["annotation_id"])


def test_a_refused_token_is_told_and_no_token_is_shown_anywhere(
    session: Session, start: Start, tmp_path: Path
) -> None:
    server = start(rps=0, load=loaded(tmp_path, inputs=2, each=1))
    given = "refused-token"
    plan = session("explain", options=of(server, token=given))
    with pytest.raises(Refused, match="CredentialsRefused") as refused:
        session("read", options=of(server, token=given), columns=["annotation_id"])
    assert "syncer" in plan
    for shown in (plan, str(refused.value), session.written()):
        assert given not in shown
        assert TOKEN not in shown


def test_documents_of_annotell_are_read_by_the_same_means(session: Session, start: Start) -> None:
    server = start(rps=0)
    server.annotell.projects.add(annotell.projects())
    project = annotell.projects()["projects"][0]
    options = {
        "remote": "annotell",
        "project": project["project"],
        "client_id": "some-client",
        "client_secret": "some-secret",
        "rps": "1000",
    }
    read = session(
        "read",
        options={**options, "base_url": server.url, "auth_url": server.url},
        columns=["input_uuid", "content"],
    )
    wanted = [
        (one["internalId"], of["content"]) for one in project["inputs"] for of in one["annotations"]
    ]
    assert sorted((uuid, json.loads(content)) for uuid, content in read["rows"]) == sorted(
        wanted, key=lambda row: row[0]
    )
    assert read["schema"] == columns(DocumentLayout())


def test_every_option_is_documented_and_no_other(session: Session) -> None:
    page = (ROOT / "docs" / "spark.md").read_text("utf-8")
    documented = {
        name
        for row in re.findall(r"^\| (`.*?`(?:, `.*?`)*) \|", page, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }
    assert documented == {name for names in session("option_names").values() for name in names}


def test_the_notebook_of_the_example_fetches_in_three_ways_and_pushes_back(
    session: Session, start: Start, tmp_path: Path
) -> None:
    server = start(rps=0, load=loaded(tmp_path, inputs=30, each=2))
    for key in [
        key
        for key in server.clarifai.app("me", "app").annotations
        if key[0] in ("i-0007", "i-0008")
    ]:
        del server.clarifai.app("me", "app").annotations[key]
    environment = {"CLARIFAI_PAT": TOKEN, "CLARIFAI_APP_ID": "app", "CLARIFAI_API_BASE": server.url}
    script = str(ROOT / "examples" / "databricks_fetch.py")
    printed = session("example", path=script, environment=environment)
    assert "annotation a-0-0 of i-0000 holds ['concepts']" in printed
    assert "of input i-0000 alone: 2" in printed
    assert "annotations: 56 with 25 columns" in printed
    assert "inputs: 30 of them without annotation: 2" in printed
    assert "pushed: 2 applied" in printed
    assert "not applied" not in printed
    held = server.annotations("me", "app")
    assert {key for key in held if key[0] in ("i-0007", "i-0008")} == {
        ("i-0007", "todo-i-0007"),
        ("i-0008", "todo-i-0008"),
    }
    assert len(held) == 2 * 28 + 2
