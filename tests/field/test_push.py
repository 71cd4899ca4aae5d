"""`syncer push` of labels that others drew."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import orjson

from syncer.remotes.clarifai import same_annotation
from tests.support.processes import ENVIRONMENT, emulator, push, push_arguments


def test_real_labels_arrive_whole_though_the_push_is_killed_and_a_third_run_sends_nothing(
    tmp_path: Path, shared: Path
) -> None:
    """4,886 boxes drawn by others."""
    log = shared / "data" / "bccd.changes.jsonl"
    wanted = [orjson.loads(line)["annotation"] for line in log.read_bytes().splitlines()]
    with emulator("--rps", "20") as remote:
        process = subprocess.Popen(
            push_arguments(remote.url, "cells", tmp_path / "state", [str(log)]),
            env=ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while len(remote.held("cells")) < 1000:
            time.sleep(0.02)
        process.kill()
        process.wait()
        code, _, stderr = push(remote.url, "cells", tmp_path / "state", [str(log)])
        assert code == 0, stderr
        held = {annotation["id"]: annotation for annotation in remote.held("cells")}
        code, again, _ = push(remote.url, "cells", tmp_path / "state", [str(log)])
    assert len(held) == len(wanted) == 4886
    assert all(same_annotation(annotation, held[annotation["id"]]) for annotation in wanted)
    assert (code, again["requests"], again["skipped"]) == (0, 0, 4886)
