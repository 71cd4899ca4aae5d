"""Migrations from app to app, against the emulator: all arrives once, the counts add
up, and wherever it was killed, the same command carries on.
"""

from __future__ import annotations

import json
import subprocess
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio.to_thread
import orjson
import pytest

from syncer.config import load
from syncer.emulator import Emulator
from syncer.emulator.answer import Answer, ItemFault, Request
from syncer.errors import UsageError
from syncer.jobs.limiters import Limiters
from syncer.jobs.migrate.job import open_migration
from syncer.jobs.migrate.meter import PhaseMeter
from syncer.jobs.migrate.own import list_letters
from syncer.jobs.migrate.phases import PHASES
from syncer.jobs.migrate.report import Migrated
from syncer.remotes.clarifai import same_annotation
from tests.support.annotations import rich
from tests.support.mixed import write_mixed
from tests.support.processes import ENVIRONMENT, command, emulator, started, until
from tests.support.stand_in import (
    NO_WAITS,
    READ_AT_ONCE,
    RECOGNISED,
    TOLD_AT_ONCE,
    running,
    settings_of,
)

Annotation = dict[str, Any]
FAULTS = "error=0.04,cut=0.04,reset-after=0.04,partial=0.04,throttle=0.02"


def write_config(folder: Path, url: str, **settings: object) -> Path:
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    path = folder / "migrate.toml"
    side = f'base_url = "{url}"\nrequests_per_second = 1000\n'
    path.write_text(
        f'[migrate.from]\nkind = "clarifai"\napp_id = "old"\n{side}'
        f'[migrate.to]\napp_id = "new"\n{side}'
        "[retry]\nbase_seconds = 0.005\nthrottle_seconds = 0.01\n"
        "[migrate]\n" + "\n".join(lines) + "\n"
    )
    return path


async def migrate(
    folder: Path, url: str, *, again: bool = False, dry_run: bool = False, **settings: object
) -> Migrated:
    path = await anyio.to_thread.run_sync(lambda: write_config(folder, url, **settings))
    loaded = load(path, {"CLARIFAI_PAT": "a-token"}, {})
    with open_migration(loaded, Limiters(), folder / "job", again=again) as job:
        return await (job.assess() if dry_run else job.run(lambda *_: None))


@pytest.mark.anyio
async def test_each_phase_that_works_for_long_says_how_far_it_is(tmp_path: Path) -> None:
    held = write(tmp_path / "old.jsonl", rich())
    seen: dict[str, list[float]] = {}
    async with running(rps=0, load=(held,)) as server:
        path = await anyio.to_thread.run_sync(lambda: write_config(tmp_path, server.url))
        loaded = load(path, {"CLARIFAI_PAT": "a-token"}, {})
        with open_migration(loaded, Limiters(), tmp_path / "job") as job:
            await job.run(lambda name, _: seen.setdefault(name, []).append(share_of(job.working)))
    assert {name for name, shares in seen.items() if shares == [1.0]} >= {
        "assess",
        "convert",
        "prepare",
        "verify",
    }


def share_of(working: object) -> float:
    return working.share if isinstance(working, PhaseMeter) else -1.0


def write(path: Path, annotations: Sequence[Annotation]) -> str:
    path.write_bytes(b"".join(orjson.dumps(each) + b"\n" for each in annotations))
    return f"me/old={path}"


def held(server: Emulator, app: str) -> dict[tuple[str, str], Annotation]:
    annotations = server.clarifai.app("me", app).annotations.values()
    return {(one["input_id"], one["id"]): one for one in annotations if not one.get("input_level")}


def counts_of(server: Emulator) -> dict[str, int]:
    counts = dict(server.counts)
    for part in server.parts:
        counts.update(part.counts)
    return counts


def check_sums(report: dict[str, Any]) -> None:
    left_out, skipped = (sum(report[name].values()) for name in ("left_out", "skipped"))
    assert report["read"] == report["converted"] + left_out + skipped
    assert report["written"] == report["applied"] + report["dead"]
    verified = report["verified"]
    compared = verified["same"] + verified["missing"] + verified["differs"]
    assert compared == report["written"] - report["dead"]


@pytest.mark.anyio
async def test_labels_of_every_kind_arrive_once_and_another_run_sends_nothing(
    tmp_path: Path,
) -> None:
    load_old = write(tmp_path / "old.jsonl", rich())
    async with running(rps=0, faults=FAULTS, seed=3, load=(load_old,)) as server:
        done = await migrate(tmp_path, server.url, report="out")
        assert (done.error, done.exit_code) == (None, 0), done
        check_sums(done.report)
        assert done.sentence == "all 10 of 10 labels are at the target and verified"
        old, new = held(server, "old"), held(server, "new")
        assert old.keys() == new.keys()
        assert all(
            same_annotation({"data": one["data"]}, new[one["input_id"], one["id"]], exact=True)
            for one in rich()
        )
        requests = counts_of(server)["requests"]
        assert (await migrate(tmp_path, server.url, report="out")).exit_code == 0
        assert counts_of(server)["requests"] == requests
    out = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"report.json", "report.html", "id-map.csv", "losses.jsonl"} <= out
    losses = map(json.loads, (tmp_path / "out" / "losses.jsonl").read_text().splitlines())
    lost = {
        "none": "owner, times",
        "some": "owner, times, added_by_a_later_version (not known)",
    }[settings_of()["added-fields"]]
    assert {one["reason"] for one in losses} == {lost}


@pytest.mark.anyio
async def test_an_id_on_two_inputs_stays_on_the_first_where_ids_are_unique_per_app(
    tmp_path: Path,
) -> None:
    label = {"data": {"concepts": [{"id": "x", "value": 1}]}}
    load_old = write(
        tmp_path / "old.jsonl", [{"id": "a", "input_id": f"i{n}", **label} for n in (2, 1, 3)]
    )
    async with running(rps=0, faults="id-scope=app", load=(load_old,)) as server:
        done = await migrate(tmp_path, server.url)
        assert done.exit_code == 0, done
        new = held(server, "new")
    assert [id == "a" for _, id in sorted(new)] == [True, False, False]
    assert len({id for _, id in new}) == 3
    rows = (tmp_path / "job" / "pass-1" / "id-map.csv").read_text().splitlines()
    assert rows[0] == "input_id,source_id,target_id"
    assert "i1,a,a" in rows


@pytest.mark.anyio
async def test_new_ids_are_made_of_source_input_and_id(tmp_path: Path) -> None:
    load_old = write(tmp_path / "old.jsonl", rich())
    async with running(rps=0, load=(load_old,)) as server:
        assert (await migrate(tmp_path, server.url, ids="new")).exit_code == 0
        assert {len(id) for _, id in held(server, "new")} == {32}


@pytest.mark.anyio
async def test_inputs_are_made_from_their_addresses_where_the_config_says_so(
    tmp_path: Path,
) -> None:
    await anyio.to_thread.run_sync(lambda: write_mixed(tmp_path / "old.jsonl", 90, 1))
    load_old = f"me/old={tmp_path / 'old.jsonl'}"
    switches = "inputs=must-exist,input-lag=2,pending-input=refuse"
    async with running(rps=0, faults=switches, load=(load_old,), needs=RECOGNISED) as server:
        done = await migrate(tmp_path, server.url, create_inputs=True)
        assert (done.error, done.exit_code) == (None, 0), done.report
        check_sums(done.report)
        assert done.report["inputs"]["made"] == 30
        assert "input-level data" not in done.report["lost"]


@pytest.mark.anyio
async def test_labels_of_inputs_that_the_target_lacks_are_dead_letters(tmp_path: Path) -> None:
    load_old = write(tmp_path / "old.jsonl", rich())
    async with running(rps=0, faults="inputs=must-exist", load=(load_old,)) as server:
        looked = await migrate(tmp_path, server.url, dry_run=True)
        assert looked.report["inputs"]["missing"] == 4
        assert "posted" not in counts_of(server)
        done = await migrate(tmp_path, server.url)
        assert (done.exit_code, done.report["dead"]) == (3, 10)
        check_sums(done.report)
        assert done.sentence == "0 of 10 labels are at the target and verified; 10 dead"


@pytest.mark.anyio
async def test_what_somebody_took_away_is_posted_again_and_what_others_hold_stays(
    tmp_path: Path,
) -> None:
    label = {"input_id": "i", "data": {"metadata": {"n": 1}}}
    other = {"id": "taken", "input_id": "i", "data": {"metadata": {"n": 2}}}
    load_old = write(tmp_path / "old.jsonl", [{"id": id, **label} for id in ("taken", "free")])
    taken = tmp_path / "new.jsonl"
    taken.write_bytes(orjson.dumps(other) + b"\n")
    async with running(rps=0, load=(load_old, f"me/new={taken}")) as server:
        done = await migrate(tmp_path, server.url)
        assert (done.exit_code, done.report["dead"]) == (3, 1)
        check_sums(done.report)
        assert held(server, "new")[("i", "taken")]["data"]["metadata"] == {"n": 2}


@pytest.mark.anyio
async def test_another_pass_posts_what_is_new_and_patches_what_changed(tmp_path: Path) -> None:
    label = {"input_id": "i", "data": {"metadata": {"n": 1}}}
    load_old = write(tmp_path / "old.jsonl", [{"id": id, **label} for id in ("a", "b")])
    changed = [
        {"id": "a", **label},
        {"id": "b", "input_id": "i", "data": {"metadata": {"n": 2}}},
        {"id": "c", **label},
    ]
    async with running(rps=0, load=(load_old,)) as server:
        assert (await migrate(tmp_path, server.url)).exit_code == 0
    load_old = write(tmp_path / "old.jsonl", changed)
    first = held_log(tmp_path / "job" / "pass-1" / "labels.jsonl", tmp_path / "new.jsonl")
    port = int(server.url.rpartition(":")[2])
    async with running(rps=0, port=port, load=(load_old, first), needs=READ_AT_ONCE) as server:
        done = await migrate(tmp_path, server.url, again=True)
        assert (done.error, done.exit_code) == (None, 0), done
        assert (done.report["pass"], done.report["applied"]) == (2, 2)
        counts = counts_of(server)
        assert (counts["posted"], counts["patched"]) == (1, 1)
        new = held(server, "new")
        assert [new[("i", id)]["data"]["metadata"]["n"] for id in "abc"] == [1, 2, 1]
        third = await migrate(tmp_path, server.url, again=True)
        assert (third.error, third.exit_code) == (None, 0), third
        assert (third.report["pass"], third.report["applied"]) == (3, 0)


def held_log(log: Path, path: Path) -> str:
    """What an earlier emulator held of these labels, to be loaded into another."""
    path.write_bytes(log.read_bytes())
    return f"me/new={path}"


def test_from_and_to_are_two_apps(tmp_path: Path) -> None:
    path = write_config(tmp_path, "http://127.0.0.1:1")
    path.write_text(path.read_text().replace('"new"', '"old"'))
    loaded = load(path, {"CLARIFAI_PAT": "a-token"}, {})
    with (
        pytest.raises(UsageError, match=r"toml:7: migrate\.to: it is the app of \[migrate.from"),
        open_migration(loaded, Limiters(), tmp_path / "job"),
    ):
        pass


def test_killed_after_any_phase_the_same_command_carries_on(tmp_path: Path) -> None:
    write_mixed(tmp_path / "old.jsonl", 900, 2)
    load_old = f"me/old={tmp_path / 'old.jsonl'}"
    load = ("--load", load_old)
    needs = f"{RECOGNISED},{NO_WAITS}"
    with emulator("--rps", "0", "--faults", FAULTS, *load, needs=needs) as server:
        config = write_config(tmp_path, server.url)
        arguments = command("migrate", "-c", str(config), "--job", str(tmp_path / "job"), "--json")
        record = tmp_path / "job" / "job.json"
        for phase in PHASES[:-1]:

            def is_done(phase: str = phase) -> bool:
                return record.exists() and phase in json.loads(record.read_bytes())["done"]

            process = started(arguments)
            until(process, is_done)
            process.kill()
            process.communicate()
        done = subprocess.run(arguments, env=ENVIRONMENT, capture_output=True, timeout=120)
        report = json.loads(done.stdout)
        assert (done.returncode, report["complete"]) == (0, True), done.stderr
        check_sums(report)
        requests = server.get("/_emulator/report")["requests"]
        again = subprocess.run(arguments, env=ENVIRONMENT, capture_output=True, timeout=120)
        assert (again.returncode, json.loads(again.stdout)) == (0, report)
        assert server.get("/_emulator/report")["requests"] == requests


@pytest.mark.anyio
@pytest.mark.parametrize("seed", [4, 1])
async def test_masks_that_the_source_shows_as_addresses_arrive_as_bytes(
    seed: int, tmp_path: Path
) -> None:
    """Those whose answer was lost too. They cannot be known again, so each is also a
    dead letter that says its id is taken.
    """
    load_old = await anyio.to_thread.run_sync(write_masks, tmp_path)
    faults = "masks=url,error=0.1,reset-before=0.1"
    async with running(
        rps=0, faults=faults, seed=seed, load=(load_old,), needs=TOLD_AT_ONCE
    ) as server:
        lost = posts_whose_answers_are_lost(server)
        done = await migrate(tmp_path, server.url)
        assert (done.error, done.exit_code) == (None, 3 if lost else 0), done.report
        assert (done.report["written"], done.report["dead"]) == (40, len(lost))
        check_sums(done.report)
        shown = {
            one["id"]: one["data"]["regions"][0]["region_info"]["mask"]["image"]
            for one in held(server, "new").values()
        }
        assert shown == {f"a-{n}": {"base64": picture(n)} for n in range(40)}
    letters = list(list_letters(tmp_path / "job" / "state"))
    assert {(one.input_id, one.id) for one in letters} == lost
    assert all(one.reason.startswith("id taken") for one in letters)


def posts_whose_answers_are_lost(server: Emulator) -> set[tuple[str, str]]:
    """What is there now, and was answered with an error when it was posted: filled as
    it happens.
    """
    answer, fail = server.clarifai.answer, server.clarifai.fail
    lost, made = set[tuple[str, str]](), set[tuple[str, str]]()
    carried_out: list[Request] = []

    def answering(request: Request, item_fault: ItemFault) -> Answer:
        nonlocal made
        before = held(server, "new").keys()
        answered = answer(request, item_fault)
        made = held(server, "new").keys() - before
        carried_out[:] = [request]
        return answered

    def failing(request: Request) -> tuple[Answer, bool]:
        if any(request is one for one in carried_out):
            lost.update(made)
        return fail(request)

    server.clarifai.answer = answering  # type: ignore[method-assign]
    server.clarifai.fail = failing  # type: ignore[method-assign]
    return lost


@pytest.mark.anyio
async def test_a_mask_whose_address_gives_nothing_is_told_and_the_others_arrive(
    tmp_path: Path,
) -> None:
    load_old = await anyio.to_thread.run_sync(write_masks, tmp_path)
    async with running(rps=0, faults="masks=url", load=(load_old,)) as server:
        gone = server.clarifai.hosted.put(picture(7)).removeprefix(server.url)
        find = server.clarifai.hosted.find
        server.clarifai.hosted.find = lambda path: None if path == gone else find(path)  # type: ignore[method-assign]
        done = await migrate(tmp_path, server.url)
        check_sums(done.report)
        (reason,) = done.report["skipped"]
        assert "only as an address" in reason
        assert (done.exit_code, done.report["written"], done.report["faults"]) == (3, 39, 1)


def picture(number: int) -> str:
    return b64encode(b"png" * (number + 1)).decode()


def write_masks(folder: Path) -> str:
    info = [{"mask": {"image": {"base64": picture(n)}}} for n in range(40)]
    masks = [
        {"id": f"a-{n}", "input_id": f"i-{n // 3}", "data": {"regions": [{"region_info": one}]}}
        for n, one in enumerate(info)
    ]
    return write(folder / "old.jsonl", masks)
