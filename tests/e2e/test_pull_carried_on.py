"""Pulls that are killed, and carried on after others have deleted inputs: what is there
all along is not missing, and comes once.
"""

from __future__ import annotations

import json
import random
import signal
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest

from tests.support.processes import EmulatorProcess, emulator
from tests.support.pulls import held, keyed, killed, pull, pull_arguments

INPUTS = [f"{letter}{number:03}-{'x' * 120}" for letter in "aB" for number in range(200)]
"""In another order where case counts."""


def delete(remote: EmulatorProcess, ids: Sequence[str]) -> None:
    """Inputs, as somebody else deletes them."""
    body = orjson.dumps({"ids": list(ids)})
    url = f"{remote.url}/v2/users/me/apps/app/inputs"
    urllib.request.urlopen(
        urllib.request.Request(url, body, {"Authorization": "Key another"}, method="DELETE"),
        timeout=10,
    ).close()


def cursor(state: Path) -> str:
    """After which input a pull goes on."""
    return str(json.loads((state / "pull.json").read_bytes())["cursor"])


@pytest.mark.parametrize(
    "switches",
    ["stream-order=folded,gone-cursor=refused", "stream-order=arbitrary,gone-cursor=empty"],
)
def test_a_killed_pull_is_carried_on_though_the_input_it_came_to_is_gone(
    switches: str, tmp_path: Path
) -> None:
    """The simulation kills pulls at any point under every value of these switches
    (tests/proof/simulation).
    """
    log, out, state, rng = (
        tmp_path / "labels.jsonl",
        tmp_path / "out.jsonl",
        tmp_path / "out.jsonl.state",
        random.Random(switches),
    )
    log.write_bytes(
        b"".join(
            orjson.dumps({"id": f"l-{id}", "input_id": id, "data": {}}) + b"\n" for id in INPUTS
        )
    )
    with emulator("--rps", "0", "--load", f"me/app={log}", "--faults", switches) as remote:
        everything = held(remote, "app")
        slowly = pull_arguments(remote.url, "app", out, "--rps", "10")
        assert killed(slowly, state, 1, rng) == [-signal.SIGKILL]
        delete(remote, [cursor(state), *rng.sample(INPUTS, 10)])
        code, summary, stderr = pull(remote.url, "app", out, "--rps", "1000")
        assert (code, summary["duplicates"], summary["unreadable"]) == (0, 0, 0), stderr
        came = keyed(out.read_bytes().splitlines())
        assert held(remote, "app").items() <= came.items() <= everything.items()
        assert len(came) == summary["written"]
