"""Pictures of masks that are shown as addresses."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from syncer.core.outcome import Failed, Refused, Throttled
from syncer.core.ports.pull import Found
from syncer.core.ports.wire import NoReply, Reply
from syncer.remotes.clarifai.pictures import (
    AT_ONCE,
    PICTURE_BYTES_MAX,
    Pictures,
    find_address,
    list_addresses,
    read_picture,
)

ADDRESS = "https://pictures.example/a.png?signed=1"


def region(**image: object) -> dict[str, Any]:
    return {"id": "r", "region_info": {"mask": {"image": image}}}


def test_masks_of_regions_and_frames_are_found_where_their_bytes_are_not_shown() -> None:
    data = {
        "regions": [region(url=ADDRESS), region(url="https://x/b.png", base64="AA=="), "odd"],
        "frames": [{"data": {"regions": [region(url="https://x/c.png")]}}],
        "image": {"url": "https://x/no-mask.png"},
    }
    assert set(list_addresses({"data": data})) == {ADDRESS, "https://x/c.png"}
    assert list(list_addresses({})) == []


@pytest.mark.parametrize(
    "image",
    [{}, {"url": 5}, {"url": "file:///etc/passwd"}, {"url": "https://ä/"}, {"url": "https://u@x/"}],
)
def test_what_is_not_a_plain_address_is_not_asked_for(image: dict[str, Any]) -> None:
    assert find_address({"image": image}) is None
    assert find_address("odd") is None


def test_they_are_fetched_some_at_a_time_and_taken_up_after_any() -> None:
    addresses = [f"https://x/{n}.png" for n in range(AT_ONCE + 3)]
    first, second = Pictures(addresses).units("")
    assert [unit.cursor for unit in Pictures(addresses).units(first.cursor)] == [second.cursor]
    flow = second.flow()
    asks = next(flow)
    assert [(ask.request.path, ask.via) for ask in asks] == [
        (address, "storage") for address in addresses[AT_ONCE:]
    ]
    with pytest.raises(StopIteration) as end:
        flow.send([b"png", Refused("its address answered HTTP 404"), b"other"])
    found: Found = end.value.value
    assert [orjson.loads(row.line) for row in found.rows] == [
        {"address": addresses[AT_ONCE], "base64": "cG5n"},
        {"address": addresses[AT_ONCE + 2], "base64": "b3RoZXI="},
    ]
    assert [one.reason for one in found.problems] == ["its address answered HTTP 404"]


def test_an_answer_is_a_picture_or_says_whether_it_is_worth_asking_again() -> None:
    assert read_picture(Reply(200, b"png")) == b"png"
    for reply, kind in (
        (NoReply("cut", sent=True), Failed),
        (Reply(200, b""), Refused),
        (Reply(200, bytes(PICTURE_BYTES_MAX + 1)), Refused),
        (Reply(429, b""), Throttled),
        (Reply(408, b""), Failed),
        (Reply(503, b""), Failed),
        (Reply(404, b""), Refused),
    ):
        assert isinstance(read_picture(reply), kind), reply
