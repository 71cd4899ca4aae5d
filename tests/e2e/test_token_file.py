"""A token that was replaced before its first request went, over HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncer.config import load
from syncer.jobs.limiters import Limiters
from syncer.jobs.push import PushLane
from syncer.jobs.push_parts import push_parts
from tests.support.lines import post
from tests.support.stand_in import running

pytestmark = pytest.mark.anyio


async def test_a_push_with_a_refused_token_reads_its_file_again_and_applies_all(
    tmp_path: Path,
) -> None:
    log, token = tmp_path / "log.jsonl", tmp_path / "token"
    log.write_bytes(b"".join(post(f"a{number}") + b"\n" for number in range(300)))
    token.write_text("refused-token")
    async with running(rps=0) as server:
        options: dict[str, object] = {
            "clarifai.base_url": server.url,
            "clarifai.app_id": "app",
            "clarifai.token_file": str(token),
            "push.requests_per_second": 100,
            "state.dir": str(tmp_path / "state"),
        }
        with push_parts(load(None, {}, options), Limiters()) as parts:
            token.write_text("good-token")
            finished = await PushLane(parts, [str(log)]).run()
        assert finished.error is None
        assert (finished.exit_code, finished.summary.applied) == (0, 300)
        assert (
            finished.summary.requests == server.counts["accepted"] + server.counts["unauthorized"]
        )
