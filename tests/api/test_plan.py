"""`syncer.plan`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import syncer
from syncer import emulator
from tests.api.test_push import app, home, log  # noqa: F401 - home is a fixture

WANTED = '{"id":"a","input_id":"i","data":{"concepts":[{"id":"tree","value":1}]}}\n'
NOWHERE = syncer.Clarifai(app_id="app", base_url="http://127.0.0.1:1", token="a-token")


@pytest.mark.anyio
async def test_a_plan_is_made_and_pushed_and_then_nothing_is_left_to_plan(
    home: Path,  # noqa: F811
) -> None:
    path, out = log(home, WANTED), home / "plan.jsonl"
    async with emulator.running(rps=0) as server:
        planned = await syncer.plan(path, out, app(server))
        assert (planned.posts, planned.changes, planned.out) == (1, 1, str(out))
        assert [sample.mark for sample in planned.samples] == ["+"]
        assert (await syncer.push(out, app(server))).applied == 1
        again = await syncer.plan([str(path)], None, app(server))
    assert (again.same, again.changes, again.out) == (1, 0, None)


@pytest.mark.anyio
async def test_too_many_deletions_are_an_error_with_the_counts_that_names_the_argument(
    home: Path,  # noqa: F811
) -> None:
    held, out = log(home, WANTED), home / "plan.jsonl"
    empty = home / "empty.jsonl"
    empty.write_text('{"op":"delete","annotation":{"input_id":"i"}}\n')
    async with emulator.running(rps=0, load=(f"me/app={held}",)) as server:
        with pytest.raises(syncer.SyncerError, match="and max_delete is 0") as caught:
            await syncer.plan(empty, out, app(server), delete=True, any_user=True, max_delete=0)
    assert caught.value.details["deletes"] == 1
    assert not out.exists()


@pytest.mark.anyio
async def test_a_service_that_does_not_tell_whose_token_it_is_is_an_error_that_names_arguments(
    home: Path,  # noqa: F811
) -> None:
    path, out = log(home, WANTED), home / "plan.jsonl"
    async with emulator.running(rps=0, faults="token-user=refused") as server:
        with pytest.raises(syncer.UsageError, match="say whose with user_ids, or any_user"):
            await syncer.plan(path, out, app(server), delete=True)
    assert not out.exists()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"desired": 5}, "argument desired: is 5 (int)"),
        ({"desired": []}, "nothing is wanted"),
        ({"out": ""}, "argument out: is ''"),
        ({"to": "app"}, "argument to: is 'app'"),
        ({"input_ids": "i"}, "argument input_ids: is 'i' (str); it must be a list of texts"),
        ({"user_ids": [5]}, "argument user_ids: is [5] (list)"),
        ({"concept_ids": {"x"}}, "argument concept_ids"),
        ({"dataset_id": None}, "argument dataset_id: is None"),
        ({"exact": 1}, "argument exact: is 1 (int); it must be True or False"),
        ({"delete": "no"}, "argument delete"),
        ({"any_user": "no"}, "argument any_user"),
        ({"max_delete": "half"}, "argument max_delete: is 'half' (str)"),
        ({"max_delete": True}, "argument max_delete: is True (bool)"),
        ({"max_delete": -1}, "argument max_delete: is -1 (int)"),
        ({"requests_per_second": 0}, "argument requests_per_second"),
    ],
)
async def test_what_cannot_be_meant_is_refused_by_name(
    home: Path,  # noqa: F811
    options: dict[str, Any],
    why: str,
) -> None:
    given: dict[str, Any] = {
        "desired": log(home, WANTED),
        "out": home / "plan.jsonl",
        "to": NOWHERE,
    } | options
    with pytest.raises(syncer.UsageError, match=re.escape(why)):
        await syncer.plan(**given)
    assert not (home / "plan.jsonl").exists()
