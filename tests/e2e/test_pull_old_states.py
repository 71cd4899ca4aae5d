"""Pulls that an older syncer began are carried on: tests/fixtures/states/make_pulls.py
made their states.
"""

from __future__ import annotations

import gzip
import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from syncer.journal import checkpoint
from tests.fixtures.states.make_pulls import (
    DATASET,
    KEPT,
    NAMED,
    PAIRS,
    PLACE,
    PULLS,
    add_dataset,
    labels,
)
from tests.support.processes import ENVIRONMENT, EmulatorProcess, command, emulator

CREDENTIALS = {"CLARIFAI_PAT": "t", "ANNOTELL_CLIENT_ID": "any", "ANNOTELL_CLIENT_SECRET": "any"}


@pytest.fixture(scope="module")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    log = tmp_path_factory.mktemp("load") / "labels.jsonl"
    log.write_bytes(labels())
    with emulator("--rps", "0", "--load", f"me/app={log}", "--faults", "list-page=1") as running:
        add_dataset(running.url)
        yield running


def put_to_use(name: str, folder: Path, url: str) -> None:
    """A copy of what was kept of a pull; the address and the place are the only things
    in it that change.
    """
    state = folder / "state"
    state.mkdir()
    for kept in (KEPT / name).iterdir():
        content, to = gzip.decompress(kept.read_bytes()), folder if ".part" in kept.name else state
        if kept.name == "pull.json.gz":
            old = checkpoint.decode(content)
            job = old.job.replace((KEPT / "url").read_text().strip(), url).replace(
                str(PLACE), str(folder)
            )
            content = checkpoint.encode(msgspec.structs.replace(old, job=job))
        (to / kept.name.removesuffix(".gz")).write_bytes(content)


def wanted(name: str) -> Counter[tuple[str, str]]:
    """All that the pull is to bring, each once."""
    inputs = {"named": NAMED, "dataset": DATASET}.get(name)
    keys = [(line["input_id"], line["id"]) for line in map(json.loads, labels().splitlines())]
    return Counter(
        key
        for key in keys
        if (name != "pairs" or key in PAIRS) and (inputs is None or key[0] in inputs)
    )


@pytest.mark.parametrize("name", PULLS)
def test_a_pull_of_an_older_version_is_carried_on_and_everything_comes_once(
    name: str, remote: EmulatorProcess, tmp_path: Path
) -> None:
    put_to_use(name, tmp_path, remote.url)
    out = tmp_path / f"{name}.jsonl"
    arguments = [
        "pull",
        *PULLS[name],
        "--base-url",
        remote.url,
        "--out",
        str(out),
        "--state",
        str(tmp_path / "state"),
        "--json",
    ]
    arguments += ["--auth-url", remote.url] if name == "project" else []
    done = subprocess.run(
        command(*arguments),
        env={**ENVIRONMENT, **CREDENTIALS},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    lines = list(map(json.loads, out.read_bytes().splitlines()))
    if name == "project":
        came = Counter((line["input_uuid"], line["annotation_type"]) for line in lines)
        assert (len(came), max(came.values())) == (5, 1)
    else:
        assert Counter((line["input_id"], line["id"]) for line in lines) == wanted(name)
