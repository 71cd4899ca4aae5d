"""What checks of the official client share: they post, patch and look."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

from clarifai_grpc.grpc.api.resources_pb2 import (
    Annotation,
    BoundingBox,
    Concept,
    Data,
    Region,
    RegionInfo,
)

from tests.emulator.official import Client

Check = Callable[[Client], None]
"""Takes the client of an empty app, called `client`, or of an app that holds
`MADE_BY_A_MODEL`, called `loaded`.
"""
NINE_DIGITS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")
MADE_BY_A_MODEL: list[dict[str, Any]] = [
    {"id": "by-alice", "input_id": "i1", "data": {"concepts": [{"id": "tree", "value": 1}]}},
    {"id": "by-bob", "input_id": "i1", "user_id": "bob"},
    {"id": "by-model-1", "input_id": "i1", "model_version_id": "mv-1"},
    {"id": "by-model-2", "input_id": "i2", "worker": {"model": {"model_version": {"id": "mv-2"}}}},
    {"id": "by-workflow", "input_id": "i2", "worker": {"workflow": {"version": {"id": "wf-1"}}}},
    {"id": "level", "input_id": "i2", "input_level": True, "data": {"text": {"raw": "hello"}}},
]


def concepts(*values: tuple[str, float]) -> Data:
    return Data(concepts=[Concept(id=id, value=value) for id, value in values])


def boxed(
    id: str = "",
    *values: tuple[str, float],
    box: tuple[float, float, float, float] = (0, 0, 0.5, 0.5),
) -> Data:
    top, left, bottom, right = box
    where = RegionInfo(
        bounding_box=BoundingBox(top_row=top, left_col=left, bottom_row=bottom, right_col=right)
    )
    return Data(regions=[Region(id=id, region_info=where, data=concepts(*values))])


def post(client: Client, *annotations: Annotation) -> Any:
    answer = client("PostAnnotations", annotations=annotations)
    assert answer.status.code == 10000, answer.status
    return answer


def ids(answer: Any) -> list[str]:
    assert answer.status.code == 10000, answer.status
    return [annotation.id for annotation in answer.annotations]


def held(client: Client, id: str, input_id: str = "i1") -> Any:
    answer = client("GetAnnotation", input_id=input_id, annotation_id=id)
    assert answer.status.code == 10000, answer.status
    return answer.annotation


def values(data: Any) -> list[tuple[str, float]]:
    return [(concept.id, concept.value) for concept in data.concepts]


def patch(client: Client, action: str, *annotations: Annotation, **fields: Any) -> Any:
    answer = client("PatchAnnotations", annotations=annotations, action=action, **fields)
    assert answer.status.code == 10000, answer.status
    return answer.annotations[0]


def delete(client: Client, **fields: Any) -> None:
    answer = client("DeleteAnnotations", **fields)
    assert answer.status.code == 10000, answer.status


def checks(*modules: ModuleType) -> list[Check]:
    """All checks of these modules."""
    return [
        check
        for module in modules
        for name, check in vars(module).items()
        if name.startswith("check_")
    ]


def needs_loaded(check: Check) -> bool:
    """Is it a check of what was loaded?"""
    return "loaded" in check.__annotations__
