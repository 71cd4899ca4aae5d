"""What is sent: whatever is taken can be answered, and read by the official client."""

from __future__ import annotations

import json
from typing import Any

import pytest

from syncer.emulator.bodies import DEPTH_MAX, Unreadable, read_json
from tests.emulator.official import Client, emulated, requests

AROUND = 4
"""The body, its list, an annotation, its data."""


def nested(depth: int) -> Any:
    """An object in an object, so many in all."""
    value: Any = 1
    for _ in range(depth):
        value = {"x": value}
    return value


def sent(client: Client, id: str, depth: int) -> int:
    """Post an annotation with metadata of this depth; the code of the answer."""
    annotation = {"id": id, "input_id": "i", "data": {"metadata": nested(depth)}}
    code: int = client.send("POST", "/annotations", {"annotations": [annotation]})["status"]["code"]
    return code


def test_what_is_nested_as_deep_as_may_be_is_answered_and_the_official_client_reads_it() -> None:
    with emulated() as server:
        client = Client(server.url)
        assert sent(client, "a", DEPTH_MAX - AROUND) == 10000
        shown = client("GetAnnotation", annotation_id="a", input_id="i").annotation.data.metadata
    for _ in range(DEPTH_MAX - AROUND - 1):
        shown = shown["x"]
    assert shown["x"] == 1


@pytest.mark.parametrize("depth", [DEPTH_MAX - AROUND + 1, 500])
def test_what_is_nested_deeper_is_refused_and_everything_else_is_answered_as_before(
    depth: int,
) -> None:
    """It used to be stored, and then every list that held it was a bare 500."""
    with emulated() as server:
        client = Client(server.url)
        assert sent(client, "deep", depth) == 11100
        assert (
            client.send("POST", "/annotations", {"annotations": [nested(depth + AROUND)]})[
                "status"
            ]["code"]
            == 11100
        )
        assert sent(client, "a", 1) == 10000
        assert [annotation.id for annotation in client("ListAnnotations").annotations] == ["a"]
        state = requests.get(f"{server.url}/_emulator/state?user=alice&app=animals", timeout=10)
        assert [annotation["id"] for annotation in state.json()["annotations"]] == ["a"]


def test_projects_that_are_nested_too_deep_are_refused_too() -> None:
    with emulated() as server:
        url = f"{server.url}/_emulator/projects"
        answer = requests.post(url, data=json.dumps(nested(500)), timeout=10)
        assert (answer.status_code, answer.json()) == (
            400,
            {"error": f"nested more than {DEPTH_MAX} deep"},
        )
        assert requests.get(url, timeout=10).status_code == 200


@pytest.mark.parametrize(
    "wide", [[{}] * 1000, {str(n): [n] for n in range(1000)}, [[[1]] * 500] * 3]
)
def test_what_is_wide_is_not_deep(wide: Any) -> None:
    assert read_json(json.dumps(wide).encode()) == wide


def test_the_depth_counts_objects_and_lists_whatever_stands_beside_them() -> None:
    mixed = b"[1," * 50 + b'{"a":1,"x":' * 50
    assert read_json(mixed + b"1" + b"}" * 50 + b"]" * 50)
    with pytest.raises(Unreadable, match="nested more than 100 deep"):
        read_json(mixed + b"[]" + b"}" * 50 + b"]" * 50)
