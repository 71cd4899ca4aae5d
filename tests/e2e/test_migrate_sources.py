"""Migrations of label files, and of projects of Annotell and Kognic, into an app."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest

from syncer.config import load
from syncer.emulator import Emulator
from syncer.emulator.annotell.documents import image, make_uuid
from syncer.errors import UsageError
from syncer.jobs.limiters import Limiters
from syncer.jobs.migrate.job import open_migration
from syncer.jobs.migrate.report import Migrated
from tests.e2e.test_migrate import check_sums, counts_of, held
from tests.support.stand_in import running

EXAMPLES = Path(__file__).parents[2] / "examples"
CREDENTIALS = {
    f"{flavour}_CLIENT_{part}": "x"
    for flavour in ("ANNOTELL", "KOGNIC")
    for part in ("ID", "SECRET")
}


async def migrate(
    folder: Path, server: Emulator, source: str, more: str = "", *, look: bool = False
) -> Migrated:
    path = folder / "migrate.toml"
    text = (
        f"[migrate.from]\n{source}\n"
        f'[migrate.to]\napp_id = "new"\nbase_url = "{server.url}"\nrequests_per_second = 1000\n'
        f"[migrate]\n{more}\n[retry]\nbase_seconds = 0.005\nthrottle_seconds = 0.01\n"
    )
    await anyio.to_thread.run_sync(path.write_text, text)
    loaded = load(path, {"CLARIFAI_PAT": "a-token", **CREDENTIALS}, {})
    with open_migration(loaded, Limiters(), folder / "job") as job:
        return await (job.assess() if look else job.run(lambda *_: None))


def a_project(kind: str, server: Emulator, more: str = "") -> str:
    return (
        f'kind = "{kind}"\nproject = "many"\nbase_url = "{server.url}"\n'
        f'auth_url = "{server.url}"\nrequests_per_second = 1000\nimage_size = "1920x1080"\n{more}'
    )


def projects(count: int) -> dict[str, Any]:
    inputs = [
        {
            "internalId": make_uuid(f"many/{number}"),
            "externalId": "twin" if number < 2 else f"scene-{number}",
            "status": "created",
            "annotations": [{"annotationType": "signs", "content": image(f"many/{number}")}],
        }
        for number in range(count)
    ]
    return {"projects": [{"project": "many", "annotationTypes": ["signs"], "inputs": inputs}]}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("format_", "exit_code"), [("coco", 3), ("voc", 0), ("yolo", 3), ("openlabel", 0), ("cvat", 0)]
)
async def test_label_files_arrive_and_the_counts_are_those_of_an_import(
    format_: str, exit_code: int, tmp_path: Path
) -> None:
    source = (
        f'kind = "files"\nformat = "{format_}"\npaths = ["{EXAMPLES / format_}"]\n'
        'image_size = "640x480"'
    )
    async with running(rps=0) as server:
        done = await migrate(tmp_path, server, source)
        assert (done.error, done.exit_code) == (None, exit_code), done.report
        check_sums(done.report)
        assert len(held(server, "new")) == done.report["written"] > 0
        requests = counts_of(server)["requests"]
        again = await migrate(tmp_path, server, source)
        assert (again.exit_code, counts_of(server)["requests"]) == (exit_code, requests)
    rows = (tmp_path / "job" / "pass-1" / "id-map.csv").read_text().splitlines()
    assert len(rows) == 1 + done.report["written"]


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["annotell", "kognic"])
async def test_a_project_arrives_on_inputs_of_its_external_ids(kind: str, tmp_path: Path) -> None:
    async with running(rps=0, faults="error=0.05,reset-after=0.05", seed=2) as server:
        server.annotell.projects.add(projects(9))
        done = await migrate(tmp_path, server, a_project(kind, server))
        assert (done.error, done.exit_code) == (None, 0), done
        check_sums(done.report)
        inputs = {input_id for input_id, _ in held(server, "new")}
    twins = {make_uuid("many/0"), make_uuid("many/1")}
    assert inputs == twins | {f"scene-{number}" for number in range(2, 9)}


@pytest.mark.anyio
async def test_a_map_says_which_input_an_input_of_a_project_is(tmp_path: Path) -> None:
    named = tmp_path / "map.json"
    named.write_text(json.dumps({"scene-2": "img-2", make_uuid("many/3"): "img-3"}))
    async with running(rps=0) as server:
        server.annotell.projects.add(projects(5))
        more = f'input_map = "{named}"'
        done = await migrate(tmp_path, server, a_project("annotell", server), more)
        assert done.exit_code == 0, done
        assert {"img-2", "img-3", "scene-4"} <= {input_id for input_id, _ in held(server, "new")}


@pytest.mark.anyio
async def test_a_label_that_cannot_be_placed_is_told_and_the_others_arrive(tmp_path: Path) -> None:
    path = tmp_path / "boxes.csv"
    path.write_text(
        "input_id,id,concept,left_col,top_row,right_col,bottom_row\n"
        "i,1,cat,0,0,0.5,0.5\ni,2,cat,nan,0,0.5,0.5\n"
    )
    async with running(rps=0) as server:
        done = await migrate(tmp_path, server, f'kind = "files"\npaths = ["{path}"]')
        assert (done.exit_code, done.report["converted"], done.report["faults"]) == (3, 1, 1)
        check_sums(done.report)
        assert done.sentence == "1 of 2 labels are at the target and verified; 1 cannot go"


@pytest.mark.anyio
async def test_files_that_are_not_there_end_it_before_anything_is_sent(tmp_path: Path) -> None:
    async with running(rps=0) as server:
        done = await migrate(tmp_path, server, 'kind = "files"\npaths = ["nowhere"]')
        assert isinstance(done.error, UsageError)
        assert (done.exit_code, counts_of(server).get("requests", 0)) == (2, 0)
        looked = await migrate(tmp_path, server, 'kind = "files"\npaths = ["nowhere"]', look=True)
        assert isinstance(looked.error, UsageError)


@pytest.mark.anyio
async def test_settings_of_a_job_of_which_nothing_is_done_may_be_put_right(tmp_path: Path) -> None:
    async with running(rps=0) as server:
        wrong = await migrate(tmp_path, server, 'kind = "files"\npaths = ["nowhere"]')
        assert isinstance(wrong.error, UsageError)
        source = f'kind = "files"\npaths = ["{EXAMPLES / "voc"}"]'
        assert (await migrate(tmp_path, server, source)).exit_code == 0
