"""The content of the emulator's Annotell part: projects of batches, inputs and
annotations, and how they are loaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from syncer.emulator.annotell.documents import (
    Json,
    export,
    image,
    iso_turned,
    make_uuid,
    polygons,
    sequence,
    write_document,
)
from syncer.emulator.bodies import Unreadable, read_json
from syncer.errors import UsageError

CREATED = "2022-05-12T12:20:49.123456Z"
FIRST_NUMBER = 183001


@dataclass(slots=True)
class FinishedAnnotation:
    """An annotation: finished, unless `preliminary`."""

    number: int
    """Its id in version 1.0; lists are in this order."""
    id: str
    """Its id since, and the name of its file."""
    annotation_type: str
    created: str
    document: bytes
    iso_document: bytes
    export_content: Json | list[object]
    preliminary: bool


@dataclass(slots=True)
class Scene:
    """An input in the first API's words, with the request input that asks for its
    annotation.
    """

    project: str
    shown: Json
    """As lists of inputs show it."""
    request_input: str
    annotations: list[FinishedAnnotation]

    @property
    def uuid(self) -> str:
        """`internalId`."""
        uuid: str = self.shown["internalId"]
        return uuid


@dataclass(slots=True)
class Project:
    """A project with all that is in it."""

    shown: Json
    batches: list[Json]
    annotation_types: dict[str, list[str]]
    """By batch; of the whole project by the empty text."""
    scenes: list[Scene] = field(default_factory=list)

    @property
    def request_id(self) -> str:
        """The one request that all its inputs are of."""
        return make_uuid(f"{self.shown['project']}/request")

    @property
    def request_uid(self) -> str:
        """The same by another name, as the API has it."""
        return make_uuid(f"{self.shown['project']}/request uid")


class UnloadableDocuments(Exception):
    """A file of projects that cannot be loaded. Says where in it, and why."""


class Projects:
    """All projects, by name."""

    def __init__(self) -> None:
        self.by_name: dict[str, Project] = {}
        self._stored: dict[str, FinishedAnnotation] = {}
        self._numbers = FIRST_NUMBER
        self.add(STARTING)

    def add(self, loaded: object) -> None:
        """Take the projects of a file, each instead of the one of its name.

        Raises Unloadable.
        """
        if not isinstance(loaded, dict) or not isinstance(loaded.get("projects"), list):
            raise UnloadableDocuments('it must be an object with a list "projects"')
        for place, project in enumerate(loaded["projects"]):
            try:
                made = self._project(project)
            except (KeyError, TypeError, AttributeError) as error:
                what = (
                    f"lacks {error}"
                    if isinstance(error, KeyError)
                    else "has a value of another type than it should"
                )
                raise UnloadableDocuments(f"projects[{place}] {what}") from None
            self.by_name[made.shown["project"]] = made
        self._stored = {}
        for _, scene in self.scenes():
            for held in scene.annotations:
                self._stored.setdefault(held.id, held)

    def load(self, file: str) -> None:
        """Take the projects of a JSON file. Raises UsageError that names it."""
        try:
            self.add(read_json(Path(file).read_bytes()))
        except OSError as error:
            raise UsageError(f"--load {file}: {error.strerror}") from None
        except (Unreadable, UnloadableDocuments) as error:
            raise UsageError(f"--load {file}: {error}") from None

    # --- to look things up ------------------------------------------------------------

    def scenes(self) -> Iterator[tuple[Project, Scene]]:
        """All scenes of all projects."""
        for project in self.by_name.values():
            for scene in project.scenes:
                yield project, scene

    def list_finished(
        self, project: str, batch: str | None, annotation_type: str
    ) -> list[tuple[Scene, FinishedAnnotation]]:
        """Return what is finished of a type, in the order of the numbers."""
        found = [
            (scene, held)
            for scene in self.by_name[project].scenes
            if batch is None or scene.shown["batchId"] == batch
            for held in scene.annotations
            if held.annotation_type == annotation_type and not held.preliminary
        ]
        return sorted(found, key=lambda pair: pair[1].number)

    def find_stored(self, id: str) -> FinishedAnnotation | None:
        """The annotation of this id."""
        return self._stored.get(id)

    def dump(self) -> list[Json]:
        """All of it, for tests to look at: in the shape that is loaded."""
        return [
            {
                **project.shown,
                "batches": project.batches,
                "annotationTypes": project.annotation_types[""],
                "inputs": [
                    {
                        **scene.shown,
                        "requestInput": scene.request_input,
                        "annotations": [_show(held) for held in scene.annotations],
                    }
                    for scene in project.scenes
                ],
            }
            for project in self.by_name.values()
        ]

    # --- to make things ---------------------------------------------------------------

    def _project(self, given: Json) -> Project:
        name = given["project"]
        head = {
            "created": CREATED,
            "title": name,
            "description": "",
            "status": "active",
            "project": name,
        }
        shown = {key: given.get(key, default) for key, default in head.items()}
        project = Project(shown, [], {})
        project.scenes = [self._scene(name, input_) for input_ in given.get("inputs", [])]
        named = {
            scene.shown["batchId"]: {"batch": scene.shown["batchId"]} for scene in project.scenes
        }
        named |= {batch["batch"]: batch for batch in given.get("batches", [])}
        for batch in named.values():
            made = {
                "title": batch["batch"],
                "status": "open",
                "created": CREATED,
                "updated": CREATED,
            }
            project.batches.append({"project": name, **made, **batch})
            of_batch = [
                scene for scene in project.scenes if scene.shown["batchId"] == batch["batch"]
            ]
            project.annotation_types[batch["batch"]] = _types(of_batch)
        project.annotation_types[""] = given.get("annotationTypes", _types(project.scenes))
        return project

    def _scene(self, project: str, given: Json) -> Scene:
        uuid = given["internalId"]
        annotations = [
            self._hold(project, uuid, annotation) for annotation in given.get("annotations", [])
        ]
        defaults = {
            "internalId": uuid,
            "externalId": uuid,
            "batchId": "batch-1",
            "inputType": "cameras",
            "status": "created",
            "created": CREATED,
            "annotationTypes": sorted({held.annotation_type for held in annotations}),
        }
        optional = ("calibrationId", "viewLink", "errorMessage")
        shown = {key: given.get(key, default) for key, default in defaults.items()}
        shown |= {key: given[key] for key in optional if key in given}
        return Scene(
            project,
            shown,
            given.get("requestInput", make_uuid(f"{project}/{uuid}/request input")),
            annotations,
        )

    def _hold(self, project: str, uuid: str, given: Json) -> FinishedAnnotation:
        annotation_type, content = given["annotationType"], given["content"]
        own = content.get("openlabel", {}).get("metadata", {}).get("uuid")
        self._numbers += 1
        return FinishedAnnotation(
            number=given.get("number", self._numbers - 1),
            id=given.get("id") or own or make_uuid(f"{project}/{uuid}/{annotation_type}"),
            annotation_type=annotation_type,
            created=given.get("created", CREATED),
            document=write_document(content),
            iso_document=write_document(iso_turned(content)),
            export_content=given.get("exportContent") or export(content),
            preliminary=given.get("preliminary", False),
        )


def _types(scenes: list[Scene]) -> list[str]:
    return list(
        dict.fromkeys(
            annotation_type
            for scene in scenes
            for annotation_type in scene.shown["annotationTypes"]
        )
    )


def _show(held: FinishedAnnotation) -> Json:
    return {
        "annotationType": held.annotation_type,
        "created": held.created,
        "id": held.id,
        "number": held.number,
        "preliminary": held.preliminary,
        "exportContent": held.export_content,
        "content": orjson.Fragment(held.document),
    }


def _start() -> Json:
    """A project of two batches and five inputs, four of them annotated, one of those
    twice.
    """
    kinds = {"object-detection": image, "lane-markings": polygons, "cuboids": sequence}
    made = (
        ("batch-1", "created", ("object-detection", "lane-markings")),
        ("batch-1", "created", ("object-detection",)),
        ("batch-1", "processing", ()),
        ("batch-2", "created", ("object-detection",)),
        ("batch-2", "created", ("cuboids",)),
    )
    inputs = []
    for number, (batch, status, annotation_types) in enumerate(made):
        name = f"drive-17/frame-{number:04}"
        uuid = make_uuid(name)
        annotations = [
            {
                "annotationType": kind,
                "created": f"2022-05-1{number}T12:20:49.123456Z",
                "content": kinds[kind](f"{name}/{kind}"),
            }
            for kind in annotation_types
        ]
        more = {
            "annotationTypes": list(annotation_types) or ["object-detection"],
            "annotations": annotations,
        }
        kind = "lidars" if "cuboids" in annotation_types else "cameras"
        inputs.append(
            {
                "internalId": uuid,
                "externalId": name,
                "batchId": batch,
                "status": status,
                "inputType": kind,
                **more,
            }
        )
    title = {"title": "The emulator's project", "description": "A few documents to start with"}
    return {"projects": [{"project": "emulator-project", **title, "inputs": inputs}]}


STARTING = _start()
