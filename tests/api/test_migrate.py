"""`syncer.migrate`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

import syncer
from syncer import emulator
from syncer.emulator import Emulator
from syncer.emulator.annotell.documents import make_uuid
from tests.api.test_push import app, home  # noqa: F401 - home is a fixture
from tests.e2e.test_migrate import counts_of, held
from tests.e2e.test_migrate_sources import EXAMPLES, projects
from tests.support.annotations import rich

NOWHERE = syncer.Clarifai(app_id="app", base_url="http://127.0.0.1:1", token="a-token")


def old_app(server: Emulator) -> syncer.Clarifai:
    return syncer.Clarifai(app_id="old", base_url=server.url, token="another-token")


@pytest.fixture
def load_old(home: Path) -> str:  # noqa: F811
    path = home / "old.jsonl"
    path.write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in rich()))
    return f"me/old={path}"


@pytest.mark.anyio
async def test_an_app_is_moved_after_a_look_and_a_sample_and_again_sends_nothing(
    load_old: str,
    home: Path,  # noqa: F811
) -> None:
    async with emulator.running(rps=0, load=(load_old,)) as server:
        old, new = old_app(server), app(server)
        looked = await syncer.migrate(old, new, dry_run=True)
        assert (looked.exit_code, looked.report["converted"]) == (0, 10)
        assert not (home / ".syncer" / "migrate").exists()
        tried = await syncer.migrate(old, new, sample=1, requests_per_second=500)
        assert tried.report["sample"]["inputs"] == 1
        moved = await syncer.migrate(old, new, report="out")
        assert moved.sentence == "all 10 of 10 labels are at the target and verified"
        assert (home / "out" / "report.html").exists()
        asked = counts_of(server)["requests"]
        assert (await syncer.migrate(old, new)).report["complete"]
        assert counts_of(server)["requests"] == asked
        assert held(server, "old").keys() == held(server, "app").keys()


@pytest.mark.anyio
async def test_files_are_moved_with_the_options_of_an_import(home: Path) -> None:  # noqa: F811
    async with emulator.running(rps=0) as server:
        moved = await syncer.migrate(
            EXAMPLES / "yolo",
            app(server),
            job=home / "job",
            format="yolo",
            image_size=(640, 480),
            concept_id="name",
        )
        assert moved.exit_code == 3
        assert len(held(server, "app")) == moved.report["written"] > 0


@pytest.mark.anyio
async def test_a_project_is_moved(home: Path) -> None:  # noqa: F811
    async with emulator.running(rps=0) as server:
        server.annotell.projects.add(projects(4))
        source = syncer.Annotell(
            base_url=server.url, auth_url=server.url, client_id="me", client_secret="hush"
        )
        moved = await syncer.migrate(
            source,
            app(server),
            project="many",
            annotation_type="signs",
            input_ids=[make_uuid("many/3")],
            image_size=(1920, 1080),
        )
        assert moved.exit_code == 0
        assert {input_id for input_id, _ in held(server, "app")} == {"scene-3"}


@pytest.mark.anyio
async def test_what_stops_it_is_raised_with_the_report(home: Path) -> None:  # noqa: F811
    async with emulator.running(rps=0) as server:
        with pytest.raises(syncer.UsageError, match="nowhere") as caught:
            await syncer.migrate(home / "nowhere", app(server))
        assert caught.value.details["complete"] is False
        refused = syncer.Clarifai(app_id="old", base_url=server.url, token="refused-token")
        with pytest.raises(syncer.CredentialsRefused):
            await syncer.migrate(refused, app(server), job="other")
        other = syncer.Clarifai(app_id="third", base_url=server.url, token="a-token")
        await syncer.migrate(EXAMPLES / "voc", app(server), job="third")
        with pytest.raises(syncer.StateError, match="or give another job folder"):
            await syncer.migrate(EXAMPLES / "voc", other, job="third")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"source": 5}, "argument source: is [5] (list); it must be syncer.Clarifai(app_id=...),"),
        ({"source": ""}, "argument source: is ''; name a path"),
        ({"source": []}, "argument source: migrate.from.paths: "),
        ({"source": syncer.Clarifai()}, "argument source: give its app"),
        ({"to": syncer.Clarifai()}, "argument to: give its app"),
        ({"to": "app"}, "argument to: is 'app'"),
        ({"source": NOWHERE}, "argument to: migrate.to: it is the app of [migrate.from]"),
        (
            {"ids": "some"},
            'argument ids: migrate.ids: is a string that does not fit; it must be "keep"',
        ),
        ({"create_inputs": "no"}, "argument create_inputs: "),
        ({"input_ids": "i"}, "argument input_ids: is 'i' (str); it must be a list of texts"),
        ({"dataset_id": "d"}, "argument dataset_id: migrate.from.dataset: no such key of this"),
        ({"project": "p"}, "argument project: migrate.from.project: no such key of this kind"),
        ({"input_map": 5}, "argument input_map: is 5 (int); it must be a path"),
        ({"report": ""}, "argument report: is ''; name a path"),
        ({"job": 5}, "argument job: is 5 (int); it must be a path"),
        ({"again": 1}, "argument again: is 1 (int); it must be True or False"),
        ({"dry_run": "no"}, "argument dry_run"),
        ({"sample": 0}, "argument sample: is 0 (int); it must be a whole number of 1 or more"),
        ({"sample": 5, "again": True}, "argument sample: is for a first pass"),
        ({"requests_per_second": 0}, "argument requests_per_second"),
        ({"image_size": "big"}, "argument image_size: is 'big' (str); it must be width"),
        ({"voc_origin": 2}, "argument voc_origin: migrate.from.voc_origin: is 2; it must be 0"),
        ({"colums": {}}, "there is no argument colums"),
        ({"columns": {"x": "y"}}, "columns x="),
        (
            {"source": syncer.Annotell(client_id="me"), "project": "p"},
            "argument source: client_id and client_secret go together",
        ),
    ],
)
async def test_what_cannot_be_meant_is_refused_by_name(
    home: Path,  # noqa: F811
    options: dict[str, Any],
    why: str,
) -> None:
    given: dict[str, Any] = {"source": EXAMPLES / "voc", "to": NOWHERE} | options
    with pytest.raises(syncer.UsageError, match=re.escape(why)):
        await syncer.migrate(**given)
