"""The fetch examples of Clarifai's guides beside syncer: the official client asks as
the guide shows, and both bring the same.

The guide's examples show one page; here they are asked page after page until one is
empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import orjson
import pytest

import syncer
from syncer.emulator import Emulator
from tests.emulator.official import Client, emulated
from tests.support.mixed import write_mixed
from tests.support.stand_in import settings_of

pytestmark = pytest.mark.anyio
USER = "alice"
OFFICIAL = "added-fields=none"
"""The official client reads no field that it does not know."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    folder = tmp_path_factory.mktemp("load")
    write_mixed(folder / "mixed.jsonl", 400, seed=41, each=7)
    lines = [orjson.loads(line) for line in (folder / "mixed.jsonl").read_bytes().splitlines()]
    with emulated(load={f"{USER}/animals": lines}, folder=folder, needs=OFFICIAL) as running:
        yield running


GUIDE: dict[str, tuple[dict[str, Any], syncer.Selection]] = {
    "List All User Created Annotations in Your App": ({}, syncer.Selection()),
    "List All Annotations in Your App": (
        {"list_all_annotations": True},
        syncer.Selection(all_makers=True),
    ),
    "List User Created Annotations by Input IDs": (
        {"input_ids": ["input-000001", "input-000002"]},
        syncer.Selection(input_ids=("input-000001", "input-000002")),
    ),
    "List Annotations by Input IDs and Annotation IDs": (
        {"input_ids": ["input-000001", "input-000002"], "ids": ["a-1-0", "a-2-3"]},
        syncer.Selection(pairs=(("input-000001", "a-1-0"), ("input-000002", "a-2-3"))),
    ),
    "List Annotations by User IDs": (
        {"user_ids": ["ann", "bob"]},
        syncer.Selection(user_ids=("ann", "bob")),
    ),
    "List Annotations by Model Version IDs": (
        {"model_version_ids": ["version-0", "version-2"]},
        syncer.Selection(model_version_ids=("version-0", "version-2")),
    ),
}


def officially(server: Emulator, **fields: Any) -> dict[tuple[str, str], dict[str, Any]]:
    """What the official client's ListAnnotations brings, as the JSON that came.

    Where a list of a whole app leaves input-level annotations out, its inputs are
    named, and they are shown.
    """
    if settings_of()["input-level"] == "unlisted":
        everywhere = {input_id for input_id, _ in server.annotations(USER, "animals")}
        fields = {"input_ids": sorted(everywhere), **fields}
    client, found = Client(server.url, USER), dict[tuple[str, str], dict[str, Any]]()
    for page in count(1):
        client("ListAnnotations", per_page=50, page=page, **fields)
        if not (rows := client.raw["annotations"]):
            return found
        found.update({(row["input_id"], row["id"]): row for row in rows})


def app(server: Emulator) -> syncer.Clarifai:
    return syncer.Clarifai(user_id=USER, app_id="animals", base_url=server.url, token="t")


def keyed(rows: Sequence[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["input_id"], row["id"]): row for row in rows}


@pytest.mark.parametrize("example", GUIDE)
async def test_the_api_guide(
    example: str, server: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fields, select = GUIDE[example]
    expected = officially(server, **fields)
    report = await syncer.pull(app(server), "out.jsonl", select, requests_per_second=1000)
    rows = keyed(
        [orjson.loads(line) for line in (tmp_path / "out.jsonl").read_bytes().splitlines()]
    )
    assert report.written == len(rows) > 0
    assert rows == expected


async def test_the_databricks_guide_retrieves_annotations_in_json_format(server: Emulator) -> None:
    """`dataset.list_annotations(input_ids)`."""
    rows: list[dict[str, Any]] = []
    async with syncer.pages(
        app(server), syncer.Selection(input_ids=("input-000003",)), requests_per_second=1000
    ) as stream:
        async for page in stream:
            rows += page.objects()
    assert keyed(rows) == officially(server, input_ids=["input-000003"])


async def test_the_databricks_guide_retrieves_annotations_as_a_dataframe(server: Emulator) -> None:
    """`dataset.export_annotations_to_dataframe()`: its six columns, others behind."""
    frame = await syncer.annotations_frame(app(server), into="pandas", requests_per_second=1000)
    guide = [
        "annotation_id",
        "annotation",
        "annotation_user_id",
        "input_id",
        "annotation_created_at",
        "annotation_modified_at",
    ]
    assert list(frame.columns[:6]) == guide
    expected = officially(server)
    assert keyed([orjson.loads(text) for text in frame["annotation"]]) == expected
    for row in frame.itertuples():
        told = expected[row.input_id, row.annotation_id]
        assert (row.annotation_user_id, row.annotation_created_at.isoformat()[:19]) == (
            told["user_id"],
            told["created_at"][:19],
        )


async def test_the_databricks_guide_retrieves_inputs_with_annotations_as_a_dataframe(
    server: Emulator,
) -> None:
    """`dataset.export_dataset_to_dataframe()`: inputs left-joined with annotations."""
    frame = await syncer.inputs_with_annotations_frame(
        app(server), into="polars", requests_per_second=1000
    )
    client = Client(server.url, USER)
    client("ListInputs", per_page=1000, page=1)
    inputs = {row["id"]: row for row in client.raw["inputs"]}
    assert set(frame["input_id"]) == set(inputs)
    assert all(
        orjson.loads(row["input"]) == inputs[row["input_id"]] for row in frame.iter_rows(named=True)
    )
    assert keyed([orjson.loads(text) for text in frame["annotation"]]) == officially(server)
