"""The wire fixtures of Annotell and Kognic, and the project that they tell of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).parents[1] / "fixtures" / "annotell"
INDEX: list[dict[str, Any]] = json.loads((FIXTURES / "index.json").read_text())
STORED = {"63698712-b18e-426b-9ad5-1b178cc29838": "openlabel_image_bboxes.json"}
STORED |= {"9c08f7a3-3216-4bd6-a41a-1dda6f66f53e": "openlabel_sequence_cuboids.json"}
STORED |= {"ddf548e3-9806-433c-afb5-fb951a721462": "openlabel_polygons_lanes.json"}
SEARCH_PAGES = [f"v1_project_annotations_search_page{page}.json" for page in ("1", "2", "3_last")]


def read(name: str) -> Any:
    """A fixture's JSON."""
    return json.loads((FIXTURES / name).read_text())


def document_of(uri: str) -> str:
    """The file that a signed URL of the fixtures leads to."""
    return STORED[uri.partition("?")[0].rpartition("/")[2].removesuffix(".json")]


def projects() -> dict[str, Any]:
    """Projects as the emulator loads them, which hold what the fixtures show.

    The n-th annotation has the number 183000 + n.
    """
    inputs = {
        shown["internalId"]: {**shown, "annotations": []}
        for shown in read("v1_inputs.json")["data"]
    }
    partials = [partial for page in SEARCH_PAGES for partial in read(page)["data"]]
    for number, partial in enumerate(partials, 183001):
        uuid = partial["inputUuid"]
        one = {
            "annotationType": partial["annotationType"],
            "created": partial["created"],
            "number": number,
        }
        one |= {"content": read(document_of(partial["uri"])), "id": f"{uuid}-{number}"}
        inputs.setdefault(uuid, {"internalId": uuid, "batchId": "batch-9", "annotations": []})[
            "annotations"
        ].append(one)
    first = inputs["decf6479-d540-459f-b924-a12c2cecf3b5"]
    first["annotations"][0]["id"] = "63698712-b18e-426b-9ad5-1b178cc29838"
    first["requestInput"] = "5da4f44b-16cb-414a-8dbd-ff5e5afc309a"
    project = read("v1_projects.json")["data"][0]
    types = ["signs", "object-detection", "QA"]
    batches = [*read("v1_project_batches.json")["data"], {"batch": "batch-of-nothing"}]
    return {
        "projects": [
            {
                **project,
                "batches": batches,
                "annotationTypes": types,
                "inputs": list(inputs.values()),
            }
        ]
    }
