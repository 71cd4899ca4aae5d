"""Each fault of the official clients' downloads (clarifai 12.5, clarifai-pyspark 0.0.4)
that was found, shown not to be one here.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

import syncer
from syncer.emulator import Emulator
from tests.emulator.official import emulated
from tests.support.annotations import PIXEL
from tests.support.stand_in import RECOGNISED

pytestmark = pytest.mark.anyio
MADE = "2025-02-28T09:41:55.068082659Z"
LIMIT = {"requests_per_second": 1000}


def annotation(id: str, input_id: str, data: dict[str, Any], **others: Any) -> dict[str, Any]:
    return {
        "id": id,
        "input_id": input_id,
        "data": data,
        "created_at": MADE,
        "modified_at": MADE,
        **others,
    }


def region(**info: Any) -> dict[str, Any]:
    return {
        "regions": [
            {"id": "r", "region_info": info, "data": {"concepts": [{"id": "tree", "value": 1}]}}
        ]
    }


BOX = {"top_row": 0, "left_col": 0, "bottom_row": 0.5, "right_col": 1}
SEGMENT = {"time_segments": [{"id": "s", "time_info": {"begin_time": 0.5, "end_time": 2}}]}
FILMED = {
    "frames": [
        {"frame_info": {"time": str(2**53 + 1), "number": 45}, "data": region(bounding_box=BOX)}
    ]
}
SPECIAL = [
    annotation("masked", "special", region(mask={"image": {"base64": PIXEL}})),
    annotation("filmed", "special", FILMED),
    annotation("timed", "special", SEGMENT),
    annotation("noted", "special", {"metadata": {"camelCase": 1}}, annotation_info={"by": "hand"}),
    annotation("pending", "special", {}, user_id="ann", status={"code": "ANNOTATION_PENDING"}),
    annotation("modelled", "special", {}, model_version_id="mv-1"),
    annotation(
        "level",
        "special",
        {"text": {"raw": "x"}, "metadata": {"of": "the input"}},
        input_level=True,
    ),
]
MANY = [annotation(f"m-{number}", "many", {}) for number in range(1200)]
SPREAD = [annotation(f"s-{number}", f"spread-{number:05}-{'x' * 20}", {}) for number in range(5000)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    folder = tmp_path_factory.mktemp("load")
    with emulated(
        "url-limit=4096",
        needs=RECOGNISED,
        load={"me/app": [*SPECIAL, *MANY], "me/spread": SPREAD},
        folder=folder,
    ) as running:
        yield running


def app(server: Emulator, app_id: str = "app") -> syncer.Clarifai:
    return syncer.Clarifai(app_id=app_id, base_url=server.url, token="t")


def shown(server: Emulator) -> dict[str, Any]:
    """What the stand-in shows of each special annotation, by id."""
    held = server.annotations("me", "app")
    special = [row for (input_id, _), row in held.items() if input_id == "special"]
    rows: Any = server.clarifai.show({"annotations": special})["annotations"]
    return {row["id"]: row for row in rows}


async def objects(server: Emulator, select: syncer.Selection) -> dict[str, dict[str, Any]]:
    rows: list[Any] = []
    async with syncer.pages(app(server), select, **LIMIT) as stream:
        async for page in stream:
            rows += page.objects()
    return {row["id"]: row for row in rows}


SPECIALS = syncer.Selection(input_ids=("special",), all_makers=True)


async def test_fault_12_a_list_of_more_than_a_page_does_not_end_with_its_first_page(
    server: Emulator,
) -> None:
    """Every request names its page and size, and the list still comes to its end."""
    assert len(await objects(server, syncer.Selection(input_ids=("many",)))) == 1200


async def test_fault_13_no_request_repeats_thousands_of_input_ids(
    server: Emulator, tmp_path: Path
) -> None:
    """5,000 inputs: each is in a URL of less than 4 KB, and asked for once, but for a
    page and the empty one behind it.
    """
    before = server.counts["requests"]
    ids = tuple(row["input_id"] for row in SPREAD)
    report = await syncer.pull(
        app(server, "spread"),
        tmp_path / "out.jsonl",
        syncer.Selection(input_ids=ids),
        state=tmp_path / "s",
        **LIMIT,
    )
    assert (report.written, report.unreadable) == (5000, 0)
    assert server.counts["requests"] - before == report.requests < 2 * 5000 / 50


async def test_fault_14_masks_and_frames_with_64_bit_times_come_as_they_are(
    server: Emulator,
) -> None:
    rows = await objects(server, SPECIALS)
    assert rows["masked"] == shown(server)["masked"]
    assert rows["masked"]["data"]["regions"][0]["region_info"]["mask"]["image"]["base64"] == PIXEL
    assert rows["filmed"]["data"]["frames"][0]["frame_info"]["time"] == str(2**53 + 1)
    frame = (await syncer.annotations_frame(app(server), SPECIALS, **LIMIT)).to_pylist()
    assert [row["frame_time_ms"] for row in frame if row["annotation_id"] == "filmed"] == [
        2**53 + 1
    ]


async def test_fault_15_times_with_nine_digits_are_kept(server: Emulator) -> None:
    assert {row["created_at"] for row in (await objects(server, SPECIALS)).values()} == {MADE}
    frame = await syncer.annotations_frame(app(server), SPECIALS, **LIMIT)
    assert set(frame["annotation_created_at"].to_pylist()) == {
        datetime(2025, 2, 28, 9, 41, 55, 68082, UTC)
    }


async def test_fault_16_annotations_can_be_chosen_by_status_user_model_and_time(
    server: Emulator,
) -> None:
    chosen = {
        "pending": syncer.Selection(status="ANNOTATION_PENDING"),
        "modelled": syncer.Selection(model_version_ids=("mv-1",)),
    }
    assert {id: list(await objects(server, select)) for id, select in chosen.items()} == {
        id: [id] for id in chosen
    }
    assert list(await objects(server, syncer.Selection(user_ids=("ann",)))) == ["pending"]
    assert len(await objects(server, syncer.Selection(until=MADE))) == len(SPECIAL) + 1200
    assert await objects(server, syncer.Selection(since="2025-02-28T09:41:55.068082660Z")) == {}


async def test_fault_17_frames_time_segments_and_ids_are_written_and_what_fails_is_told(
    server: Emulator, tmp_path: Path
) -> None:
    select = syncer.Selection(
        pairs=(("special", "filmed"), ("special", "timed"), ("special", "nope"))
    )
    report = await syncer.pull(
        app(server), tmp_path / "out.jsonl", select, state=tmp_path / "state", **LIMIT
    )
    rows = {
        row["id"]: row
        for row in map(orjson.loads, (tmp_path / "out.jsonl").read_bytes().splitlines())
    }
    assert rows.keys() == {"filmed", "timed"}
    held = shown(server)
    assert rows["filmed"]["data"]["frames"] == held["filmed"]["data"]["frames"]
    assert rows["timed"]["data"]["time_segments"] == held["timed"]["data"]["time_segments"]
    timed = rows["timed"]["data"]["time_segments"][0]["time_info"]
    assert (timed["begin_time"], timed["end_time"]) == (0.5, 2.0)
    assert report.unreadable == 1


# --- clarifai-pyspark -----------------------------------------------------------------


async def test_pyspark_fault_times_keep_their_year_and_their_seconds(server: Emulator) -> None:
    frame = await syncer.annotations_frame(app(server), SPECIALS, into="pandas", **LIMIT)
    assert {(at.year, at.second) for at in frame["annotation_modified_at"]} == {(2025, 55)}


async def test_pyspark_fault_fractions_with_leading_zeros_are_right(server: Emulator) -> None:
    """.068 is not .68."""
    frame = await syncer.annotations_frame(app(server), SPECIALS, into="polars", **LIMIT)
    assert set(frame["annotation_created_at"].dt.microsecond()) == {68082}


async def test_pyspark_fault_rows_with_metadata_are_not_left_out(server: Emulator) -> None:
    frame = await syncer.annotations_frame(app(server), SPECIALS, **LIMIT)
    assert set(frame["annotation_id"].to_pylist()) == {row["id"] for row in SPECIAL}


async def test_pyspark_fault_there_is_a_column_for_the_status(server: Emulator) -> None:
    rows = (await syncer.annotations_frame(app(server), SPECIALS, **LIMIT)).to_pylist()
    assert {row["annotation_id"]: row["status"] for row in rows}["pending"] == 24151


async def test_pyspark_fault_a_column_holds_json_and_no_text_of_a_protobuf(
    server: Emulator,
) -> None:
    rows = (await syncer.annotations_frame(app(server), SPECIALS, **LIMIT)).to_pylist()
    held = shown(server)
    assert rows
    assert all(orjson.loads(row["annotation"]) == held[row["annotation_id"]] for row in rows)


async def test_pyspark_fault_a_list_is_not_held_as_a_whole(server: Emulator) -> None:
    """While one page is worked on, only some of the pages behind it are asked for."""
    before = server.counts["requests"]
    async with syncer.pages(app(server, "spread"), concurrency=4, **LIMIT) as stream:
        async for page in stream:
            assert 0 < len(page.rows) < 200
            break
    assert server.counts["requests"] - before < 20


async def test_pyspark_fault_an_input_is_not_fetched_once_for_each_of_its_annotations(
    server: Emulator, tmp_path: Path
) -> None:
    select = syncer.Selection(input_ids=("many", "special"), with_inputs=True)
    report = await syncer.pull(
        app(server), tmp_path / "out.jsonl", select, state=tmp_path / "state", **LIMIT
    )
    assert report.written == 1200 + len(SPECIAL) - 1
    assert report.requests < 20
