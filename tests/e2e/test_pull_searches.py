"""Searches that end before all that they find, over real sockets: all that was updated
in the time comes, or what does not is told.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

import syncer
from syncer.emulator import codes
from syncer.emulator.answer import Answer, ItemFault, Request
from tests.support.pulls import keyed
from tests.support.stand_in import running

pytestmark = pytest.mark.anyio
SIZE = 2000
SHAPES: dict[str, tuple[Callable[[int], float], Callable[[int], str]]] = {
    "a second": (lambda n: n / 6001, lambda n: f"input-{n % 90}"),
    "a minute": (lambda n: n / 101, lambda n: f"input-{n % 90}"),
    "one input": (lambda n: float(n), lambda n: "input"),
}
"""When, in seconds after noon, and on which input each label is."""


def label(number: int, shape: str) -> bytes:
    when, where = SHAPES[shape]
    minutes, seconds = divmod(when(number), 60)
    at = f"2026-03-01T{12 + int(minutes) // 60:02}:{int(minutes) % 60:02}:{seconds:012.9f}Z"
    status = {"code": 24151 if number % 4 == 0 else 24150}
    annotation = {
        "id": f"a-{number}",
        "input_id": where(number),
        "data": {},
        "status": status,
        "created_at": at,
        "modified_at": at,
    }
    return orjson.dumps(annotation) + b"\n"


@pytest.mark.parametrize(
    ("times", "window"), [("seconds", "none"), ("exact", "refused"), ("seconds", "empty")]
)
@pytest.mark.parametrize("shape", SHAPES)
async def test_three_times_as_many_labels_as_a_search_shows_all_come_and_no_others(
    times: str, window: str, shape: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    count = 3 * SIZE
    (tmp_path / "labels.jsonl").write_bytes(
        b"".join(label(number, shape) for number in range(count))
    )
    faults = (
        f"search-window={window},search-window-size={SIZE},list-order=newest,search-times={times}"
    )
    async with running(rps=0, faults=faults, load=("me/app=labels.jsonl",)) as server:
        app = syncer.Clarifai(app_id="app", base_url=server.url, token="t")
        since = await syncer.pull(
            app,
            "since.jsonl",
            syncer.Selection(since="2026-03-01T12:00:00Z"),
            requests_per_second=1000,
        )
        pending = await syncer.pull(
            app,
            "pending.jsonl",
            syncer.Selection(status="ANNOTATION_PENDING"),
            requests_per_second=1000,
        )
        until = syncer.Selection(
            since="2026-03-01T12:00:00.25Z", until="2026-03-01T12:00:00.75Z", status="24150"
        )
        between = await syncer.pull(app, "between.jsonl", until, requests_per_second=1000)
    whole = keyed((tmp_path / "since.jsonl").read_bytes().splitlines())
    assert {id for _, id in whole} == {f"a-{number}" for number in range(count)}
    assert len(keyed((tmp_path / "pending.jsonl").read_bytes().splitlines())) == count // 4
    half = {f"a-{n}" for n in range(count) if 0.25 <= SHAPES[shape][0](n) <= 0.75 and n % 4}
    assert {id for _, id in keyed((tmp_path / "between.jsonl").read_bytes().splitlines())} == half
    assert since.unreadable == pending.unreadable == between.unreadable == 0


async def test_where_neither_a_search_nor_a_list_shows_all_it_is_told_of_what(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second holds too much for a search, and the service refuses to list one of the
    inputs.
    """
    monkeypatch.chdir(tmp_path)
    (tmp_path / "labels.jsonl").write_bytes(
        b"".join(label(number, "a second") for number in range(3000))
    )
    async with running(
        rps=0, faults="search-window=empty,search-window-size=1000", load=("me/app=labels.jsonl",)
    ) as server:
        answer = server.clarifai.answer

        def refusing(request: Request, item_fault: ItemFault) -> Answer:
            refused = request.method == "GET" and "input-7" in request.query.get("input_ids", ())
            return (
                Answer.of(codes.INVALID_REQUEST, "not this one")
                if refused
                else answer(request, item_fault)
            )

        server.clarifai.answer = refusing  # type: ignore[method-assign]
        app = syncer.Clarifai(app_id="app", base_url=server.url, token="t")
        done = await syncer.pull(
            app,
            "out.jsonl",
            syncer.Selection(since="2026-03-01T12:00:00Z"),
            requests_per_second=1000,
        )
    came = keyed((tmp_path / "out.jsonl").read_bytes().splitlines())
    assert done.unreadable == 1
    assert {f"a-{n}" for n in range(3000) if n % 90 != 7} <= {id for _, id in came}
