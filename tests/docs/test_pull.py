"""The Python blocks of docs/pull.md, one after another in one program, against the app
that the page makes up.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import urllib.request
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest

from syncer import emulator
from tests.docs.test_console import ROOT, steps

PAGE = (ROOT / "docs" / "pull.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
HELD = re.search(r"<!-- file: held.jsonl -->\n```json\n(.*?)```", PAGE, re.DOTALL)


def add_to_dataset(url: str) -> None:
    body = json.dumps({"dataset_inputs": [{"input": {"id": "img-8"}}]}).encode()
    request = urllib.request.Request(
        f"{url}/v2/users/me/apps/labels/datasets/train/inputs", body, {"Authorization": "Key any"}
    )
    urllib.request.urlopen(request, timeout=10).close()


@pytest.mark.anyio
async def test_every_python_block_runs_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert HELD is not None
    (tmp_path / "held.jsonl").write_text(HELD[1])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("CLARIFAI_USER_ID", "CLARIFAI_APP_ID", "SYNCER_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    async with emulator.running(rps=0, load=("me/labels=held.jsonl",)) as server:
        monkeypatch.setenv("CLARIFAI_API_BASE", server.url)
        monkeypatch.setenv("CLARIFAI_PAT", "any-token")
        await anyio.to_thread.run_sync(add_to_dataset, server.url)
        names: dict[str, Any] = {"server": server.url}
        for number, block in enumerate(BLOCKS):
            code = compile(
                block, f"docs/pull.md, block {number}", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
            )
            ended = eval(code, names)
            if inspect.isawaitable(ended):
                await ended


def test_every_example_of_the_guides_has_a_block() -> None:
    assert len(BLOCKS) >= 6 + 3 + 1
    commands = [
        step.command for step in steps(PAGE) if step.command.startswith(("syncer pull", "annotell"))
    ]
    assert len(commands) >= 6 + 2 + 5
    assert all(step.shown for step in steps(PAGE) if step.command in commands)
