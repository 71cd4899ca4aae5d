"""The Python API where standard streams carry text only, as in notebooks, or are not
there, as in services.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

import syncer
from syncer import emulator
from tests.api.test_push import app, home  # noqa: F401 - a fixture

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["text only", "none"])
def streams(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdin", "stdout"):
        monkeypatch.setattr(sys, name, io.StringIO() if request.param == "text only" else None)


@pytest.mark.usefixtures("streams")
async def test_files_are_pushed_and_pulled_without_standard_streams(
    home: Path,  # noqa: F811
) -> None:
    post = {"op": "post", "annotation": {"id": "a", "input_id": "i", "data": {}}}
    (home / "log.jsonl").write_text(json.dumps(post) + "\n")
    async with emulator.running() as server:
        pushed = await syncer.push("log.jsonl", app(server))
        pulled = await syncer.pull(app(server), "out.jsonl")
    assert (pushed.applied, pulled.written) == (1, 1)


@pytest.mark.usefixtures("streams")
async def test_a_push_of_standard_input_that_is_not_there_is_refused(home: Path) -> None:  # noqa: F811
    async with emulator.running() as server:
        with pytest.raises(syncer.SyncerError, match=r"no standard input.*: name a file"):
            await syncer.push("-", app(server))
