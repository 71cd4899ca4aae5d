"""Plans: what is read, compared and written, and what a push makes of it."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import anyio.to_thread
import orjson
import pytest

import syncer
from syncer.config import load
from syncer.core.deletions import MaxDelete
from syncer.errors import CredentialsRefused, StateError, Stopped, UsageError
from syncer.jobs.dry_run import dry_run
from syncer.jobs.limiters import Limiters
from syncer.jobs.plan.job import Planning
from syncer.jobs.plan.planned import COUNTS, Planned
from syncer.remotes.clarifai.planning import PlanRules
from tests.e2e.test_odd_names import add_dataset
from tests.e2e.test_switches import push
from tests.support.annotations import never_taken, rich
from tests.support.stand_in import TOLD_AT_ONCE, caller, running

Annotation = dict[str, Any]
ALL = MaxDelete.parse("100%")


def write(path: Path, annotations: Iterable[Annotation]) -> Path:
    lines = [orjson.dumps({"op": "post", "annotation": one}) + b"\n" for one in annotations]
    path.write_bytes(b"".join(lines))
    return path


async def plan(
    url: str, out: Path, *wanted: Path, app: str = "app", token: str = "a-token", **what: Any
) -> Planned:
    given: dict[str, object] = {
        "clarifai.base_url": url,
        "clarifai.app_id": app,
        "push.requests_per_second": 1000,
        "retry.base_seconds": 0.005,
        "retry.cap_seconds": 0.02,
        "retry.throttle_seconds": 0.01,
        "state.dir": str(out.parent / "state"),
    }
    rules = PlanRules(**what.pop("rules", {}))
    job = Planning(
        load(None, {"CLARIFAI_PAT": token}, given),
        Limiters(),
        [str(path) for path in wanted],
        out,
        rules,
        **what,
    )
    return await job.run()


def changes(planned: Planned) -> tuple[int, int, int]:
    assert planned.error is None
    return planned.posts, planned.patches, planned.deletes


@pytest.mark.anyio
async def test_what_is_of_others_is_never_touched(tmp_path: Path) -> None:
    held = tmp_path / "held.jsonl"
    box = {"concepts": [{"id": "x", "value": 1}]}
    write(
        held,
        [
            {"id": "mine", "input_id": "i", "data": box},
            {"id": "other", "input_id": "i", "data": box, "user_id": "bob"},
            {"id": "model", "input_id": "i", "data": box, "model_version_id": "m"},
            {"id": "elsewhere", "input_id": "k", "data": box},
        ],
    )
    wanted = write(tmp_path / "wanted.jsonl", [])
    wanted.write_bytes(b'{"op":"delete","annotation":{"input_id":"i"}}\n')
    model = write(tmp_path / "model.jsonl", [{"id": "model", "input_id": "i", "data": {}}])
    out = tmp_path / "plan.jsonl"
    async with running(rps=0, load=(f"me/app={held}",)) as server:
        without = await plan(server.url, out, wanted)
        assert (changes(without), without.extra, out.read_bytes()) == ((0, 0, 0), 2, b"")
        bobs = await plan(
            server.url,
            out,
            wanted,
            rules={"delete": True, "users": frozenset({"bob"})},
        )
        assert (bobs.deletes, orjson.loads(out.read_bytes())["annotation"]["id"]) == (1, "other")
        of_model = await plan(server.url, out, model)
        assert (changes(of_model), of_model.unchangeable) == ((0, 0, 0), 1)


@pytest.mark.anyio
async def test_a_dataset_narrows_the_scope_to_its_inputs(tmp_path: Path) -> None:
    held = [{"id": "a", "input_id": id, "data": {"metadata": {"n": 1}}} for id in ("in", "out")]
    wanted = [{**one, "data": {"metadata": {"n": 2}}} for one in held]
    there = write(tmp_path / "held.jsonl", held)
    out, log = tmp_path / "plan.jsonl", write(tmp_path / "wanted.jsonl", wanted)
    async with running(rps=0, load=(f"me/app={there}",)) as server:
        await anyio.to_thread.run_sync(add_dataset, server.url, "train", "in")
        planned = await plan(server.url, out, log, dataset_id="train")
        unknown = await plan(server.url, tmp_path / "no.jsonl", log, dataset_id="nowhere")
    assert (changes(planned), planned.compared, planned.out_of_scope) == ((0, 1, 0), 1, 1)
    [line] = await anyio.to_thread.run_sync(lambda: out.read_bytes().splitlines())
    assert orjson.loads(line)["annotation"]["input_id"] == "in"
    assert "the remote refused to list the inputs of dataset nowhere" in str(unknown.error)


def hold_of_two(tmp_path: Path) -> tuple[Path, Path]:
    """A label of the token's user and one of another; and a wish that has neither."""
    box = {"metadata": {"n": 1}}
    held = [
        {"id": "mine", "input_id": "i", "data": box},
        {"id": "bobs", "input_id": "i", "data": box, "user_id": "bob"},
    ]
    wanted = write(tmp_path / "wanted.jsonl", [{"id": "new", "input_id": "i", "data": box}])
    return write(tmp_path / "held.jsonl", held), wanted


@pytest.mark.anyio
@pytest.mark.parametrize("faults", ["", "throttle=0.2,error=0.2,reset-after=0.1,html=0.1"])
async def test_where_nobody_says_whose_only_what_the_tokens_user_made_is_deleted(
    faults: str, tmp_path: Path
) -> None:
    held, wanted = hold_of_two(tmp_path)
    out = tmp_path / "plan.jsonl"
    given = {"faults": faults, "seed": 4, "needs": "token-user=shown,retry-after=zero"}
    async with running(rps=0, load=(f"me/app={held}",), **given) as server:
        planned = await plan(server.url, out, wanted, rules={"delete": True})
    assert (changes(planned), planned.extra) == ((1, 0, 1), 1)
    deleted = [orjson.loads(line) for line in out.read_bytes().splitlines()][-1]
    assert (deleted["op"], deleted["annotation"]["id"]) == ("delete", "mine")
    assert f"only what {caller()} made is deleted" in " ".join(planned.notes)
    side = orjson.loads(out.with_name("plan.jsonl.meta.json").read_bytes())
    assert side["options"]["deleted_of"] == caller()


@pytest.mark.anyio
@pytest.mark.parametrize("switch", ["missing", "refused"])
async def test_where_the_service_does_not_tell_whose_token_it_is_it_has_to_be_said(
    switch: str, tmp_path: Path
) -> None:
    held, wanted = hold_of_two(tmp_path)
    out = tmp_path / "plan.jsonl"
    needs = f"token-user={switch}"
    async with running(rps=0, load=(f"me/app={held}",), needs=needs) as server:
        with pytest.raises(UsageError, match="say whose with --by-user, or --any-user"):
            await plan(server.url, out, wanted, rules={"delete": True})
        assert not await anyio.Path(out).exists()
        users = frozenset({caller()})
        said = await plan(server.url, out, wanted, rules={"delete": True, "users": users})
    assert changes(said) == (1, 0, 1)


@pytest.mark.anyio
async def test_a_token_or_app_that_is_wrong_is_named_as_such(tmp_path: Path) -> None:
    held, wanted = hold_of_two(tmp_path)
    out = tmp_path / "plan.jsonl"
    needs = "token-user=missing,apps=loaded"
    async with running(rps=0, load=(f"me/app={held}",), needs=needs) as server:
        wrong = await plan(server.url, out, wanted, app="other", rules={"delete": True})
        refused = await plan(server.url, out, wanted, token="refused-token", rules={"delete": True})
    assert isinstance(wrong.error, Stopped)
    assert isinstance(refused.error, CredentialsRefused)


@pytest.mark.anyio
async def test_deletions_have_to_be_meant(tmp_path: Path) -> None:
    posts = [{"id": f"a{n}", "input_id": "i", "data": {"metadata": {"n": n}}} for n in range(12)]
    held, out = write(tmp_path / "held.jsonl", posts), tmp_path / "plan.jsonl"
    wanted = write(tmp_path / "wanted.jsonl", posts[:1])
    empty = write(tmp_path / "empty.jsonl", [])
    async with running(rps=0, load=(f"me/app={held}",)) as server:
        with pytest.raises(UsageError, match="nothing is wanted"):
            await plan(server.url, out, empty, rules={"delete": True}, any_user=True)
        many = await plan(server.url, out, wanted, rules={"delete": True}, any_user=True)
        assert "--max-delete is 50%" in str(many.error)
    assert not await anyio.to_thread.run_sync(lambda: list(tmp_path.glob("*plan.jsonl*")))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'{"op":"delete","annotation":{"id":"a","input_id":"i"}}', "it is a delete"),
        (b'{"op":"patch","action":"merge","annotation":{"id":"a","input_id":"i"}}', "a patch"),
        (b"no JSON", "not JSON"),
        (b'{"id":"a","input_id":"i","data":{"metadata":{"n":2}}}', "two contents"),
    ],
)
async def test_what_is_not_a_wish_makes_no_plan(line: bytes, why: str, tmp_path: Path) -> None:
    wanted = tmp_path / "wanted.jsonl"
    wanted.write_bytes(b'{"id":"a","input_id":"i","data":{"metadata":{"n":1}}}\n' + line + b"\n")
    with pytest.raises(UsageError, match=why):
        await plan("http://127.0.0.1:1", tmp_path / "plan.jsonl", wanted)
    assert not (tmp_path / "plan.jsonl").exists()


@pytest.mark.anyio
async def test_a_folder_of_wishes_and_a_log_are_read_alike(tmp_path: Path) -> None:
    folder = tmp_path / "wishes"
    folder.mkdir()
    (folder / "i.json").write_bytes(
        orjson.dumps({"input_id": "i", "annotations": [{"data": {"metadata": {"n": 1}}}] * 2})
    )
    (folder / "j.json").write_bytes(b'{"input_id": "j", "annotations": []}')
    out = tmp_path / "plan.jsonl"
    async with running(rps=0) as server:
        planned = await plan(server.url, out, folder)
        assert changes(planned) == (2, 0, 0)
        assert (await push(server.url, tmp_path, out)).exit_code == 0
        again = await plan(server.url, out, folder)
    assert (changes(again), again.same) == ((0, 0, 0), 2)


@pytest.mark.anyio
@pytest.mark.parametrize("named", ["plan.jsonl", "."])
async def test_a_plan_is_pushed_as_it_was_made_and_where_it_was_made_for(
    named: str, tmp_path: Path
) -> None:
    """By whatever name it comes, and whoever pushes it."""
    out = tmp_path / "plans" / "plan.jsonl"
    out.parent.mkdir()
    wanted = write(tmp_path / "wanted.jsonl", rich())
    async with running(rps=0) as server:
        await plan(server.url, out, wanted)

        async def push_to(app: str, state: str, **options: Any) -> int:
            to = syncer.Clarifai(base_url=server.url, user_id="me", app_id=app, token="a-token")
            source = out.parent / named
            return (await syncer.push(source, to, state=tmp_path / state, **options)).applied

        with pytest.raises(StateError, match="was planned for"):
            await push_to("other", "s1")
        assert server.annotations("me", "other") == {}
        out.write_bytes(out.read_bytes() + b"\n")
        with pytest.raises(StateError, match="was edited"):
            await push_to("app", "s2")
        assert server.annotations("me", "app") == {}
        assert await push_to("app", "s2", edited=True) == len(rich()) - len(never_taken())
        assert await push_to("app", "s2") == 0  # all of it is done


@pytest.mark.anyio
async def test_a_dry_run_refuses_the_plans_that_a_push_would(tmp_path: Path) -> None:
    out, wanted = tmp_path / "plan.jsonl", write(tmp_path / "wanted.jsonl", rich())

    async def count(app: str, **how: bool) -> int:
        given = {"clarifai.base_url": server.url, "clarifai.app_id": app}
        loaded = load(None, {"CLARIFAI_PAT": "a-token"}, given)
        counting = functools.partial(dry_run, loaded, [str(out)], None, **how)
        return (await anyio.to_thread.run_sync(counting)).posts

    async with running(rps=0) as server:
        await plan(server.url, out, wanted)
        assert await count("app") == len(rich())
        with pytest.raises(StateError, match="was planned for"):
            await count("other")
        out.write_bytes(out.read_bytes() + b"\n")
        with pytest.raises(StateError, match="was edited"):
            await count("app")
        assert await count("app", edited=True) == len(rich())


@pytest.mark.anyio
async def test_a_plan_without_its_side_file_is_an_ordinary_log_which_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out = tmp_path / "plan.jsonl"
    change = {"op": "delete", "annotation": {"id": "a", "input_id": "i"}}
    out.write_bytes(orjson.dumps({**change, "expect": {"digest": "0" * 32}}) + b"\n")
    async with running(rps=0) as server:
        to = syncer.Clarifai(base_url=server.url, user_id="me", app_id="app", token="a-token")
        for _ in range(2):
            await syncer.push(out, to, state=tmp_path / "state")
    assert [record.message for record in caplog.records] == [
        f"{out} holds planned changes and has no plan.jsonl.meta.json beside it: it is pushed as an"
        " ordinary change log"
    ]


@pytest.mark.anyio
async def test_a_plan_says_how_many_requests_its_push_makes(tmp_path: Path) -> None:
    """Merges and overwrites do not share one, and what is not a post is looked at."""

    def label(id: str, **data: Any) -> Annotation:
        concepts = data.pop("concepts", [{"id": "x", "value": 1}])
        return {"id": id, "input_id": "i", "data": {"concepts": concepts, **data}}

    held = [label("merged"), label("overwritten", metadata={"n": 1}), label("gone")]
    wished = [
        label("posted"),
        label("merged", concepts=[{"id": "x", "value": 0}]),
        label("overwritten", metadata={"n": 2}),
    ]
    out = tmp_path / "plan.jsonl"
    async with running(rps=0, needs=TOLD_AT_ONCE) as server:
        first = write(tmp_path / "held.jsonl", held)
        assert (await push(server.url, tmp_path / "first", first)).exit_code == 0
        wanted = write(tmp_path / "wanted.jsonl", wished)
        planned = await plan(
            server.url, out, wanted, rules={"delete": True}, any_user=True, max_delete=ALL
        )
        assert changes(planned) == (1, 2, 1)
        pushed = await push(server.url, tmp_path / "second", out)
    assert planned.requests == pushed.summary.requests == 7


def test_the_counts_of_a_plan_have_the_names_of_its_json() -> None:
    assert set(COUNTS) <= {field.name for field in dataclasses.fields(Planned)}
