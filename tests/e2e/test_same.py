"""What is the same annotation, and what is not, as users meet it: a post whose id is
taken, and `syncer verify` after an edit.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.support.processes import ENVIRONMENT, command
from tests.support.stand_in import READ_AT_ONCE, found_there, running

Json = dict[str, Any]
AT_MS = 1_732_612_345_678
"""A time of day in milliseconds: float32 holds 131,072 of them in one."""
DATA: Json = {
    "metadata": {
        "seen": True,
        "count": 16_777_217,
        "gone": None,
        "empty": {},
        "big": (1 << 53) + 1,
    },
    "frames": [{"id": "f", "frame_info": {"time": str(AT_MS)}}],
    "int_value": str((1 << 53) + 1),
    "concepts": [{"id": "tree", "value": 0.1}],
}


async def cli(folder: Path, url: str, *arguments: str) -> tuple[int, Json]:
    """A command in a process of its own; its exit code and its JSON."""
    environment = {**ENVIRONMENT, "CLARIFAI_APP_ID": "app"}
    ran = await anyio.run_process(
        [*command(*arguments), "--base-url", url, "--json"],
        check=False,
        cwd=folder,
        env=environment,
    )
    return ran.returncode, json.loads(ran.stdout)


def edited(change: Callable[[Json], None]) -> Json:
    """The data with one edit."""
    data = copy.deepcopy(DATA)
    change(data)
    return data


EDITS: dict[str, tuple[str, Callable[[Json], None]]] = {
    "a time a millisecond later": (
        "data.frames",
        lambda data: data["frames"][0]["frame_info"].update(time=str(AT_MS + 1)),
    ),
    "an integer by one": ("data.int_value", lambda data: data.update(int_value=str(1 << 53))),
    "1 for true": ("data.metadata", lambda data: data["metadata"].update(seen=1)),
    "a count by one": ("data.metadata", lambda data: data["metadata"].update(count=16_777_216)),
    "nought for nothing": ("data.metadata", lambda data: data["metadata"].update(gone=0)),
    "an empty text for nothing": ("data.metadata", lambda data: data["metadata"].update(empty="")),
}


def post(id: str, data: Json) -> str:
    return (
        json.dumps({"op": "post", "annotation": {"id": id, "input_id": "i", "data": data}}) + "\n"
    )


@pytest.mark.anyio
async def test_an_edit_is_found_and_what_is_held_with_it_is_another_annotation(
    tmp_path: Path,
) -> None:
    (tmp_path / "log.jsonl").write_text("".join(post(name, DATA) for name in EDITS))
    (tmp_path / "there.jsonl").write_text(
        "".join(post(name, edited(change)) for name, (_, change) in EDITS.items())
    )
    async with running(rps=0, load=(f"me/app={tmp_path / 'there.jsonl'}",)) as server:
        code, found = await cli(tmp_path, server.url, "verify", "log.jsonl")
        assert {one["id"]: one["fields"] for one in found["differences"]} == {
            name: [where] for name, (where, _) in EDITS.items()
        }
        pushed, report = await cli(tmp_path, server.url, "push", "log.jsonl")
    assert code == 4
    dead = found_there(len(EDITS))
    ended = (pushed, report["applied"], report["dead"])
    assert ended == (3 if dead else 0, len(EDITS) - dead, dead)


@pytest.mark.anyio
async def test_what_is_held_as_its_types_on_the_wire_are_is_what_was_sent(tmp_path: Path) -> None:
    """A state that was lost: every post is refused as a duplicate, read back, and found
    to be there; or it is done again.
    """
    (tmp_path / "log.jsonl").write_text(post("a", DATA))
    async with running(rps=0, needs=READ_AT_ONCE) as server:
        for state in ("one", "two"):
            pushed, report = await cli(tmp_path, server.url, "push", "log.jsonl", "--state", state)
            assert (pushed, report["applied"], report["dead"]) == (0, 1, 0)
        assert report["reconciled"] == found_there(1)
        code, found = await cli(tmp_path, server.url, "verify", "log.jsonl", "--state", "two")
        held = server.annotations("me", "app")[("i", "a")]["data"]
    assert (code, found["same"]) == (0, 1)
    assert held["metadata"]["big"] == 1 << 53
