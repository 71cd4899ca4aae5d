"""A push through a proxy that takes no large bodies, and says so, or hangs up, resets,
falls silent.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import anyio
import pytest

from syncer.config import load
from syncer.jobs.limiters import Limiters
from syncer.jobs.push import Finished, PushLane
from syncer.jobs.push_parts import push_parts
from tests.support.processes import ENVIRONMENT, command
from tests.support.proxy import LIMITS, proxied
from tests.support.stand_in import running
from tests.support.ways import least

COUNT, BYTES = 700, 20_000
LIMIT = 256 << 10
ANY_SIZE = "body-limit=none"
"""The proxy's limit is the only one."""

pytestmark = pytest.mark.anyio


def written(folder: Path, sizes: list[int]) -> Path:
    """A log of posts of these sizes."""
    log = folder / "labels.jsonl"
    with log.open("w") as file:
        for number, size in enumerate(sizes):
            annotation = {
                "id": f"a-{number}",
                "input_id": f"i-{number % 50}",
                "data": {"metadata": {"text": ""}},
            }
            padding = size - len(json.dumps(annotation, separators=(",", ":")))
            annotation["data"]["metadata"]["text"] = "x" * padding  # type: ignore[index]
            file.write(
                json.dumps({"op": "post", "annotation": annotation}, separators=(",", ":")) + "\n"
            )
    return log


async def push(url: str, folder: Path, log: Path, **options: object) -> Finished:
    given: dict[str, object] = {
        "clarifai.base_url": url,
        "clarifai.app_id": "app",
        "push.requests_per_second": 1000,
        "retry.base_seconds": 0.02,
        "retry.cap_seconds": 0.1,
        "state.dir": str(folder / "state"),
        **options,
    }
    with push_parts(load(None, {"CLARIFAI_PAT": "a-token"}, given), Limiters()) as parts:
        return await PushLane(parts, [str(log)]).run()


def letters(folder: Path) -> list[dict[str, Any]]:
    listed = subprocess.run(
        command("dead", "list", "--json", "--state", str(folder / "state")),
        env=ENVIRONMENT,
        capture_output=True,
    )
    return [json.loads(line) for line in listed.stdout.splitlines()]


@pytest.mark.proof
@pytest.mark.parametrize("how", LIMITS)
async def test_the_size_that_goes_through_is_learnt(how: str, tmp_path: Path) -> None:
    """With a 413 it took ten times as many requests as there had to be; where it was
    only cut off, none came through.
    """
    log = written(tmp_path, [BYTES] * COUNT)
    async with (
        running(rps=0, needs=ANY_SIZE) as server,
        proxied(server.url, 0, seed=1, late_seconds=0) as proxy,
    ):
        proxy.body_limit = (LIMIT, how)
        with anyio.fail_after(120):
            finished = await push(
                proxy.url,
                tmp_path,
                log,
                **{"push.request_timeout_seconds": 2 if how == "silence" else 60},
            )
        assert (finished.exit_code, finished.summary.applied, finished.summary.dead) == (
            0,
            COUNT,
            0,
        )
        assert len(server.annotations("me", "app")) == COUNT
        assert proxy.counts[how] > 0
        assert proxy.requests < 1.5 * least([BYTES] * COUNT, LIMIT)


@pytest.mark.parametrize("how", ["413", "reset"])
async def test_a_label_that_is_too_large_by_itself_is_a_dead_letter_that_says_so_and_spoils_nothing(
    how: str, tmp_path: Path
) -> None:
    log = written(tmp_path, [BYTES] * 40 + [2 * LIMIT] + [BYTES] * 40)
    async with (
        running(rps=0, needs=ANY_SIZE) as server,
        proxied(server.url, 0, seed=1, late_seconds=0) as proxy,
    ):
        proxy.body_limit = (LIMIT, how)
        with anyio.fail_after(60):
            finished = await push(proxy.url, tmp_path, log, **{"retry.max_attempts": 3})
        assert (finished.exit_code, finished.summary.applied, finished.summary.dead) == (3, 80, 1)
        assert len(server.annotations("me", "app")) == 80
    (letter,) = letters(tmp_path)
    assert (letter["line"], letter["attempts"]) == (41, 1 if how == "413" else 3)
    assert re.search(
        rf"a request of about 524,\d+ bytes, which {'is' if how == '413' else 'may be'} too large",
        letter["reason"],
    )


async def test_where_everything_is_reset_the_remote_is_out_and_the_run_gives_up_in_time(
    tmp_path: Path,
) -> None:
    log = written(tmp_path, [BYTES] * 200)
    async with (
        running(rps=0, needs=ANY_SIZE) as server,
        proxied(server.url, 1.0, seed=1, late_seconds=0) as proxy,
    ):
        proxy._drawn = lambda: "reset before"  # type: ignore[method-assign]
        with anyio.fail_after(60):
            finished = await push(proxy.url, tmp_path, log, **{"retry.give_up_seconds": 2})
        assert (finished.exit_code, finished.summary.applied, finished.summary.dead) == (1, 0, 0)
        assert "nothing succeeded for 2 s" in str(finished.error)
        proxy._drawn = lambda: "stale"  # type: ignore[method-assign]
        again = await push(proxy.url, tmp_path, log)
        assert (again.exit_code, again.summary.applied) == (0, 200)
