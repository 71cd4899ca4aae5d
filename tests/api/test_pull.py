"""Pulls from Python: files, pages, frames; in a running loop, against a real server."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Literal

import orjson
import polars as pl
import pytest

import syncer
from syncer import emulator
from syncer.emulator import Emulator
from tests.api.test_push import home  # noqa: F401 - a fixture

FAULTS = (
    "throttle=0.02,error=0.02,html=0.01,gateway=0.01,reset-before=0.02,reset-after=0.02,cut=0.02"
)


def change_log(folder: Path, inputs: int = 300, each: int = 5) -> Path:
    path = folder / "made.jsonl"
    path.write_bytes(
        b"".join(
            orjson.dumps(
                {
                    "op": "post",
                    "annotation": {
                        "id": f"a-{n}-{m}",
                        "input_id": f"i-{n:04}",
                        "data": {"concepts": [{"id": "x"}]},
                    },
                }
            )
            + b"\n"
            for n in range(inputs)
            for m in range(each)
        )
    )
    return path


def app(server: Emulator) -> syncer.Clarifai:
    return syncer.Clarifai(app_id="app", base_url=server.url, token="a-token")


@pytest.mark.anyio
async def test_a_pull_is_a_few_lines_and_holds_what_is_there_whatever_fails(home: Path) -> None:  # noqa: F811
    async with emulator.running(
        rps=0, faults=FAULTS, seed=4, load=(f"me/app={change_log(home)}",)
    ) as server:
        report = await syncer.pull(app(server), home / "out.jsonl", requests_per_second=1000)
        held = server.annotations("me", "app")
    lines = [json.loads(line) for line in (home / "out.jsonl").read_text().splitlines()]
    assert (report.written, report.duplicates, report.unreadable) == (1500, 0, 0)
    assert {(line["input_id"], line["id"]): line for line in lines} == held


@pytest.mark.anyio
async def test_pages_come_while_you_work_on_them_and_may_be_left_at_any_time(home: Path) -> None:  # noqa: F811
    async with emulator.running(rps=0, load=(f"me/app={change_log(home)}",)) as server:
        ids: list[object] = []
        async with syncer.pages(app(server), requests_per_second=1000) as stream:
            async for page in stream:
                ids += [annotation["id"] for annotation in page.objects()]
        assert len(ids) == len(set(ids)) == 1500
        async with syncer.pages(app(server), syncer.Selection(input_ids=("i-0001",))) as stream:
            async for page in stream:
                assert [row.key[0] for row in page.rows] == ["i-0001"] * 5
                break


@pytest.mark.anyio
async def test_what_stops_pages_is_raised_where_they_are_read(home: Path) -> None:  # noqa: F811
    async with emulator.running(rps=0) as server:
        refused = syncer.Clarifai(app_id="app", base_url=server.url, token="refused-token")
        with pytest.raises(syncer.CredentialsRefused):
            await _count(refused)


async def _count(source: syncer.Clarifai) -> int:
    async with syncer.pages(source) as stream:
        return len([page async for page in stream])


@pytest.mark.anyio
async def test_frames_have_the_same_columns_for_many_rows_and_for_none(home: Path) -> None:  # noqa: F811
    async with emulator.running(rps=0, load=(f"me/app={change_log(home, 20)}",)) as server:
        table = await syncer.annotations_frame(app(server))
        nothing = await syncer.annotations_frame(app(server), syncer.Selection(input_ids=("nope",)))
        pandas = await syncer.annotations_frame(app(server), into="pandas")
        joined = await syncer.inputs_with_annotations_frame(app(server), into="polars")
    assert (table.num_rows, nothing.num_rows, len(pandas), joined.height) == (100, 0, 100, 100)
    assert table.schema == nothing.schema
    assert table.column_names[:6] == [
        "annotation_id",
        "annotation",
        "annotation_user_id",
        "input_id",
        "annotation_created_at",
        "annotation_modified_at",
    ]
    assert isinstance(joined, pl.DataFrame)
    assert joined["input_id"].n_unique() == 20


@pytest.mark.anyio
async def test_a_finished_pull_starts_anew_and_replaces_its_output(home: Path) -> None:  # noqa: F811
    out = home / "out.parquet"
    async with emulator.running(rps=0, load=(f"me/app={change_log(home, 20)}",)) as server:
        first = await syncer.pull(app(server), out)
        await syncer.push(_delete(home), app(server))
        second = await syncer.pull(app(server), out)
    assert (first.written, second.written, pl.read_parquet(out).height) == (100, 95, 95)


def _delete(folder: Path) -> Path:
    path = folder / "delete.jsonl"
    path.write_text('{"op":"delete","annotation":{"input_id":"i-0003"}}\n')
    return path


@pytest.mark.anyio
async def test_an_output_that_cannot_be_is_told_before_anything_is_asked(home: Path) -> None:  # noqa: F811
    to = syncer.Clarifai(app_id="app", token="t")
    with pytest.raises(syncer.UsageError, match="does not name a format"):
        await syncer.pull(to, "out.txt")
    with pytest.raises(syncer.UsageError, match="argument out"):
        await syncer.pull(to, "-")
    with pytest.raises(syncer.UsageError, match="argument out"):
        await syncer.pull(to, "")
    with pytest.raises(syncer.UsageError, match="no app"):
        await syncer.pull(syncer.Clarifai(token="t"), "out.jsonl")


@pytest.mark.anyio
async def test_arguments_that_cannot_be_are_told_before_anything_is_asked(home: Path) -> None:  # noqa: F811
    """No server is there."""
    to = syncer.Clarifai(app_id="app", base_url="http://127.0.0.1:9", token="t")
    with pytest.raises(
        syncer.UsageError,
        match="argument into: is 'numpy'; it must be one of arrow, pandas, polars",
    ):
        await syncer.annotations_frame(to, into="numpy")  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="rps"):
        await syncer.annotations_frame(to, rps=10)  # type: ignore[call-overload]
    with pytest.raises(syncer.UsageError, match="argument source: is 'app'"):
        await syncer.pull("app", "out.jsonl")  # type: ignore[arg-type]
    with pytest.raises(syncer.UsageError, match="argument select"):
        await syncer.inputs_with_annotations_frame(to, syncer.DocumentSelection(project="p"))  # type: ignore[call-overload]
    with pytest.raises(syncer.UsageError, match="input_ids is 'img-7'"):
        await syncer.pull(to, "out.jsonl", syncer.Selection(input_ids="img-7"))  # type: ignore[arg-type]
    with pytest.raises(syncer.UsageError, match="client_id and client_secret go together"):
        await syncer.pull(
            syncer.Annotell(client_id="id"), "out.jsonl", syncer.DocumentSelection(project="p")
        )


@pytest.mark.anyio
@pytest.mark.parametrize("library", ["pandas", "polars"])
async def test_a_library_that_is_missing_is_told_before_anything_is_asked(
    home: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    library: Literal["pandas", "polars"],
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    nobody = syncer.Clarifai(app_id="app", base_url="http://127.0.0.1:9", token="t")
    with pytest.raises(syncer.UsageError, match=rf"pip install 'label-syncer\[{library}\]'"):
        await syncer.annotations_frame(nobody, into=library)


@pytest.mark.anyio
async def test_what_could_not_be_had_is_a_warning_also_of_frames(
    home: Path,  # noqa: F811
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A report has but a number, and a frame not even that."""
    wanted = syncer.Selection(input_ids=("i-0001", "nope"))
    async with emulator.running(rps=0, load=(f"me/app={change_log(home, 3)}",)) as server:
        frame = await syncer.annotations_frame(app(server), wanted)
        report = await syncer.pull(app(server), home / "out.jsonl", wanted)
    assert (frame.num_rows, report.written, report.unreadable) == (5, 5, 1)
    assert [record.getMessage() for record in caplog.records if record.name == "syncer"] == [
        "input nope: there is no such input"
    ] * 2
