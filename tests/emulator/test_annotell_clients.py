"""The official clients of Annotell and Kognic, unchanged, against the emulator: what
they give is what it holds.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from syncer.emulator import Emulator
from syncer.emulator.annotell.documents import make_uuid
from syncer.emulator.annotell.projects import FinishedAnnotation, Scene
from tests.clients.environments import NAMES, python_of
from tests.emulator.official import emulated

pytestmark = pytest.mark.proof

DRIVER = Path(__file__).parents[1] / "clients" / "drive.py"
PROJECT = "emulator-project"
Call = tuple[str, dict[str, Any]]
Results = list[dict[str, Any]]
Driven = Callable[..., Results]
KOGNIC = "kognic-2.19"
PAGED = ["annotell-1.3", KOGNIC]


@pytest.fixture(scope="module")
def server() -> Iterator[Emulator]:
    with emulated() as server:
        yield server


@pytest.fixture
def driven(server: Emulator) -> Driven:
    """Runs a client's calls against an emulator that starts anew with these faults and
    switches.
    """

    def drive(client: str, *calls: Call, faults: str = "list-page=2") -> Results:
        server.reset(faults)
        command = [str(python_of(client)), str(DRIVER), client.split("-")[0], server.url]
        done = subprocess.run(
            command,
            input=json.dumps(calls),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        results: Results = json.loads(done.stdout)
        return results

    return drive


def values(results: Results) -> list[Any]:
    return [result.get("value", result) for result in results]


def scenes(server: Emulator) -> list[Scene]:
    return server.annotell.projects.by_name[PROJECT].scenes


def finished(
    server: Emulator, annotation_type: str, batch: str | None = None
) -> list[tuple[Scene, FinishedAnnotation]]:
    return server.annotell.projects.list_finished(PROJECT, batch, annotation_type)


def content(held: FinishedAnnotation) -> Any:
    return json.loads(held.document)


def same_time(shown: str, held: str) -> bool:
    return datetime.fromisoformat(shown).astimezone(UTC) == datetime.fromisoformat(held)


def named(annotation: dict[str, Any]) -> tuple[str, str]:
    return annotation.get("input_uuid") or annotation["scene_uuid"], annotation["annotation_type"]


# --- Annotell's and Kognic's first API ------------------------------------------------


@pytest.mark.parametrize("client", ["annotell-1.0", "annotell-1.1", "annotell-1.3"])
def test_annotations_by_input_uuids_are_those_that_are_held(
    client: str, server: Emulator, driven: Driven
) -> None:
    uuids = [scene.uuid for scene in scenes(server)]
    (found,) = values(driven(client, ("annotation.get_annotations", {"input_uuids": uuids})))
    shown = {
        uuid: [(one["annotation_id"], one.get("export_content") or one["content"]) for one in rows]
        for uuid, rows in found.items()
    }
    held = {scene.uuid: scene.annotations for scene in scenes(server) if scene.annotations}
    assert shown == {
        uuid: [(one.number, one.export_content) for one in rows] for uuid, rows in held.items()
    }


@pytest.mark.parametrize("client", ["annotell-1.1", *PAGED])
@pytest.mark.parametrize("batch", [None, "batch-2"])
def test_annotations_of_a_project_or_batch_are_those_that_are_held(
    client: str, batch: str | None, server: Emulator, driven: Driven
) -> None:
    arguments = {"project": PROJECT, "annotation_type": "object-detection", "batch": batch}
    (found,) = values(driven(client, ("annotation.get_project_annotations", arguments)))
    held = finished(server, "object-detection", batch)
    assert [named(annotation) for annotation in found] == [
        (scene.uuid, held.annotation_type) for scene, held in held
    ]
    assert [annotation["content"] for annotation in found] == [content(held) for _, held in held]
    assert all(
        same_time(annotation["created"], one.created)
        for annotation, (_, one) in zip(found, held, strict=True)
    )
    assert len(found) == (3 if batch is None else 1)
    assert server.annotell.counts["annotell finished"] == (
        2 if batch is None and client in PAGED else 1
    )


@pytest.mark.parametrize("client", ["annotell-1.1", *PAGED])
def test_one_annotation_comes_with_its_document_and_a_missing_one_is_not_found(
    client: str, server: Emulator, driven: Driven
) -> None:
    scene = scenes(server)[0]
    first = "scene_uuid" if client == KOGNIC else "input_uuid"
    found, missing = driven(
        client,
        ("annotation.get_annotation", {first: scene.uuid, "annotation_type": "lane-markings"}),
        ("annotation.get_annotation", {first: scene.uuid, "annotation_type": "cuboids"}),
    )
    assert named(found["value"]) == (scene.uuid, "lane-markings")
    assert found["value"]["content"] == content(scene.annotations[1])
    assert missing["error"][0] == "HTTPError"
    assert "404" in missing["error"][1]


@pytest.mark.parametrize("client", NAMES)
def test_inputs_come_with_their_status(client: str, server: Emulator, driven: Driven) -> None:
    everything, batch, by_uuid = values(
        driven(
            client,
            ("input.get_inputs", {"project": PROJECT}),
            ("input.get_inputs", {"project": PROJECT, "batch": "batch-2"}),
            (
                "input.get_inputs_by_uuids",
                {"scene_uuids" if client == KOGNIC else "input_uuids": [scenes(server)[2].uuid]},
            ),
        )
    )
    key = "scene_uuid" if client == KOGNIC else "uuid"
    held = [
        (scene.uuid, scene.shown["externalId"], scene.shown["status"]) for scene in scenes(server)
    ]
    assert [(found[key], found["external_id"], found["status"]) for found in everything] == held
    assert [found[key] for found in batch] == [
        scene.uuid for scene in scenes(server) if scene.shown["batchId"] == "batch-2"
    ]
    assert [found["status"] for found in by_uuid] == ["processing"]


@pytest.mark.parametrize("client", NAMES)
def test_projects_batches_and_annotation_types_are_listed(client: str, driven: Driven) -> None:
    projects, batches, of_project, of_batch = values(
        driven(
            client,
            ("project.get_projects", {}),
            ("project.get_project_batches", {"project": PROJECT}),
            ("project.get_annotation_types", {"project": PROJECT}),
            ("project.get_annotation_types", {"project": PROJECT, "batch": "batch-2"}),
        )
    )
    assert [project["project"] for project in projects] == [PROJECT]
    assert [(batch["batch"], batch["status"]) for batch in batches] == [
        ("batch-1", "open"),
        ("batch-2", "open"),
    ]
    assert of_project == ["object-detection", "lane-markings", "cuboids"]
    assert of_batch == ["object-detection", "cuboids"]


@pytest.mark.parametrize("client", ["annotell-1.1", *PAGED])
def test_a_wrong_annotation_type_is_told_in_the_services_own_words(
    client: str, driven: Driven
) -> None:
    (result,) = driven(
        client,
        ("annotation.get_project_annotations", {"project": PROJECT, "annotation_type": "object"}),
    )
    sentence = (
        "Validation failed: Invalid annotation type sent: object. Allowed values in project:"
        " [object-detection, lane-markings, cuboids]"
    )
    assert result == {"error": ["RuntimeError", sentence]}


# --- Kognic's second API --------------------------------------------------------------


def test_kognic_gives_the_annotation_of_an_input_of_a_scene_and_by_its_id(
    server: Emulator, driven: Driven
) -> None:
    scene = scenes(server)[4]
    (held,) = scene.annotations
    of_input, of_scene, by_id, none = driven(
        KOGNIC,
        ("annotation.get_annotation_for_input", {"input_uuid": scene.request_input}),
        ("annotation.get_annotations_for_scene", {"scene_uuid": scene.uuid}),
        ("annotation.get_annotation_by_id", {"annotation_id": held.id}),
        ("annotation.get_annotation_for_input", {"input_uuid": scenes(server)[2].request_input}),
    )
    for found in (of_input["value"], *of_scene["value"], by_id["value"]):
        assert (found["input_uuid"], found["scene_uuid"]) == (scene.request_input, scene.uuid)
        assert found["content"] == content(held)
        assert same_time(found["created"], held.created)
        assert found["is_preliminary"] is False
    assert "404" in none["error"][1]


def test_kognic_gives_cuboids_turned_as_iso_8855_has_them_on_every_page(
    server: Emulator, driven: Driven
) -> None:
    scene = scenes(server)[4]
    iso = {"iso_rotated_cuboids": True}
    results = driven(
        KOGNIC,
        ("annotation.get_annotation_for_input", {"input_uuid": scene.request_input, **iso}),
        ("annotation.get_annotations_for_scene", {"scene_uuid": scene.uuid, **iso}),
        ("annotation.get_annotation_by_id", {"annotation_id": scene.annotations[0].id, **iso}),
        (
            "annotation.get_annotation",
            {"scene_uuid": scene.uuid, "annotation_type": "cuboids", **iso},
        ),
        (
            "annotation.get_project_annotations",
            {"project": PROJECT, "annotation_type": "cuboids", **iso},
        ),
        faults="list-page=1",
    )
    turned = json.loads(scene.annotations[0].iso_document)
    assert turned != content(scene.annotations[0])
    for found in values(results):
        assert [one["content"] for one in (found if isinstance(found, list) else [found])] == [
            turned
        ]


def test_kognic_queries_inputs_request_inputs_scenes_and_requests(
    server: Emulator, driven: Driven
) -> None:
    project = server.annotell.projects.by_name[PROJECT]
    of_batch, request_inputs, of_scenes, missing, requests = driven(
        KOGNIC,
        ("input.query_inputs", {"project": PROJECT, "batch": "batch-1"}),
        ("input.get_request_inputs", {"request_id": project.request_id}),
        ("scene.get_scenes_by_uuids", {"scene_uuids": [scene.uuid for scene in project.scenes]}),
        ("scene.get_scenes_by_uuids", {"scene_uuids": ["another"]}),
        (
            "request.get_requests",
            {"project_id": make_uuid(f"{PROJECT}/project"), "include_input_progress_counts": True},
        ),
        faults="list-page=2,cursor=text",
    )
    in_batch = project.scenes[:3]
    assert [(found["uuid"], found["scene_uuid"]) for found in of_batch["value"]] == [
        (s.request_input, s.uuid) for s in in_batch
    ]
    last = [
        (scene.request_input, scene.annotations[-1].id if scene.annotations else None)
        for scene in project.scenes
    ]
    assert [
        (found["id"], found["last_completed_annotation_id"]) for found in request_inputs["value"]
    ] == last
    assert [found["status"] for found in of_scenes["value"]] == [
        scene.shown["status"] for scene in project.scenes
    ]
    assert "404" in missing["error"][1]
    assert requests["value"][0]["input_progress_counts"] == {
        "not_started": 1,
        "in_progress": 0,
        "completed": 4,
        "total": 5,
    }


# --- signing in, and the unknowns -----------------------------------------------------


@pytest.mark.parametrize("client", NAMES)
def test_a_client_renews_its_token_when_it_has_run_out(
    client: str, server: Emulator, driven: Driven
) -> None:
    calls: list[Call] = [("project.get_projects", {})] * 3
    assert all("value" in result for result in driven(client, *calls, faults="token-seconds=-1"))
    granted = server.annotell.tokens.granted
    assert granted["client_credentials"] == 1
    assert granted["refresh_token"] >= 2


@pytest.mark.parametrize(
    "switches", ["compression=gzip", "metadata=empty,list-page=2", "list-page=1"]
)
@pytest.mark.parametrize("client", PAGED)
def test_what_nobody_knows_of_the_service_makes_no_difference_to_a_client(
    client: str, switches: str, server: Emulator, driven: Driven
) -> None:
    arguments = {"project": PROJECT, "annotation_type": "object-detection"}
    (found,) = values(
        driven(client, ("annotation.get_project_annotations", arguments), faults=switches)
    )
    assert [annotation["content"] for annotation in found] == [
        content(held) for _, held in finished(server, "object-detection")
    ]


@pytest.mark.parametrize("client", PAGED)
def test_a_list_without_metadata_is_what_breaks_the_clients_and_nothing_else(
    client: str, driven: Driven
) -> None:
    arguments = {"project": PROJECT, "annotation_type": "object-detection"}
    (result,) = driven(
        client, ("annotation.get_project_annotations", arguments), faults="metadata=missing"
    )
    assert result == {"error": ["AttributeError", "'list' object has no attribute 'data'"]}


@pytest.mark.parametrize(
    ("client", "library"), [("annotell-1.3", "annotell.openlabel"), (KOGNIC, "kognic.openlabel")]
)
def test_the_documents_it_starts_with_are_valid_openlabel(
    client: str, library: str, server: Emulator
) -> None:
    documents = [held.document.decode() for scene in scenes(server) for held in scene.annotations]
    parse = "model_validate_json" if client == KOGNIC else "parse_raw"
    code = (
        f"import json, sys\nfrom {library}.models import OpenLabelAnnotation as A\nfor text in"
        f" json.load(sys.stdin): A.{parse}(text)"
    )
    done = subprocess.run(
        [str(python_of(client)), "-c", code],
        input=json.dumps(documents),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(documents) == 5
