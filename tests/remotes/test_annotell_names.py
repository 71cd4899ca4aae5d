"""The names that a project has for its inputs."""

from __future__ import annotations

import orjson
import pytest

from syncer.core.ports.wire import Reply, Request
from syncer.errors import Stopped
from syncer.remotes.annotell import InputNames
from tests.remotes.test_annotell_listing import BASE, ok
from tests.support.driving import Driver, rows_of

INPUTS = [
    {"internalId": "u-1", "status": "created", "externalId": "frame-1"},
    {"internalId": "u-2", "status": "created"},
]


@pytest.mark.parametrize(
    ("paged", "asked"),
    [
        (False, "GET /v1/inputs?project=project-a&batch=b&invalidated=False"),
        (True, "POST /v1/inputs/fetch"),
    ],
)
def test_an_input_has_the_name_that_its_project_gave_it(paged: bool, asked: str) -> None:
    def answer(request: Request) -> Reply:
        return ok({"data": INPUTS, "metadata": {"nextCursorId": None}})

    driver = Driver(answer)
    rows = rows_of(driver.pulled(InputNames(BASE, "project-a", "b", paged=paged)))
    assert [(row.key, orjson.loads(row.line)) for row in rows] == [(("u-1", "frame-1"), "frame-1")]
    assert driver.asked == [asked]


def test_a_project_that_is_not_there_is_named() -> None:
    driver = Driver(lambda _: Reply(404, b'{"message":"Not found"}'))
    with pytest.raises(Stopped, match="the inputs of project project-a"):
        driver.pulled(InputNames(BASE, "project-a", "", paged=False))
