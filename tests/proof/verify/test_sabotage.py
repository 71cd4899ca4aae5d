"""`syncer verify` finds every annotation that was dropped, edited or doubled at the
remote, each with its mark, and nothing else.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.proof.verify.sabotage import Key, Stranger, edited, write_posts
from tests.support.processes import ENVIRONMENT, command, emulator, push

SIZE = int(os.environ.get("SYNCER_PROOF_VERIFY", "100000"))
SEED = int(os.environ.get("SYNCER_PROOF_SEED", "1"))
EACH = max(1, SIZE // 1000)


def verified(url: str, state: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """A verification as a process: (exit code, JSON)."""
    place = ("--base-url", url, "--app-id", "app", "--state", str(state), "--rps", "1000", "--json")
    ran = subprocess.run(
        command("verify", *arguments, *place), env=ENVIRONMENT, capture_output=True, timeout=600
    )
    assert ran.returncode in (0, 4), ran.stderr.decode()
    return ran.returncode, json.loads(ran.stdout)


@pytest.mark.parametrize("seed", [SEED])
def test_all_that_is_dropped_edited_and_doubled_is_found_and_nothing_else(
    tmp_path: Path, seed: int
) -> None:
    """0.1% of each, and as many annotations of strangers, which are no differences."""
    log, state = tmp_path / "log.jsonl", tmp_path / "state"
    left = write_posts(log, SIZE, seed)
    rng = random.Random(seed)
    chosen = rng.sample(sorted(left), 4 * EACH)
    dropped, changed, repeated, near = (chosen[EACH * at :][:EACH] for at in range(4))
    with emulator("--rps", "0") as remote:
        code, summary, _ = push(remote.url, "app", state, [str(log)], "--rps", "1000")
        assert (code, summary["dead"]) == (0, 0)
        stranger = Stranger(remote, "app")
        stranger.drop(dropped)
        stranger.overwrite(edited(left[key], rng) for key in changed)
        doubles = stranger.add(
            {name: value for name, value in left[key].items() if name != "id"} for key in repeated
        )
        stranger.add(
            {"input_id": key[0], "data": {"concepts": [{"id": f"stranger-{n}", "value": 1}]}}
            for n, key in enumerate(near)
        )
        found_code, found = verified(remote.url, state)

    assert found_code == 4
    assert marked(found) == {"+": set(dropped), "*": set(changed), "-": set(doubles)}
    numbers = [
        found[name]
        for name in ("compared", "same", "missing", "differs", "doubled", "extra", "unreadable")
    ]
    assert numbers == [SIZE, SIZE - 2 * EACH, EACH, EACH, EACH, EACH, 0]


def marked(found: dict[str, Any]) -> dict[str, set[Key]]:
    """What was found, by its mark."""
    marks: dict[str, set[Key]] = {}
    for difference in found["differences"]:
        marks.setdefault(difference["mark"], set()).add((difference["input_id"], difference["id"]))
    assert sum(map(len, marks.values())) == len(found["differences"])
    return marks
