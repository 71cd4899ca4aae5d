"""Pulls that are killed where they stand, among faults, and under whatever nobody knows
of lists; then all of it is there, once.
"""

from __future__ import annotations

import random
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import anyio
import orjson
import pytest

import syncer
from syncer.emulator import Emulator
from syncer.emulator.settings import SWITCHES
from tests.support.mixed import write_mixed
from tests.support.processes import EmulatorProcess, emulator
from tests.support.pulls import Key, held, keyed, killed, pull, pull_arguments, wrong
from tests.support.stand_in import running

FAULTS = (
    "throttle-silent=0.01,error=0.02,html=0.01,gateway=0.01,"
    "reset-before=0.02,reset-after=0.01,cut=0.02"
)
"""One request in ten."""
MANY_FAULTS = "throttle-silent=0.03,error=0.05,html=0.03,gateway=0.03,reset-before=0.03,cut=0.05"
SHORT_PAUSES = "[retry]\nbase_seconds = 0.02\ncap_seconds = 0.2\nthrottle_seconds = 0.1\n"


@pytest.fixture(scope="module")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    """8,000 annotations of every kind; one input has 1,500, more than a page holds."""
    log = tmp_path_factory.mktemp("load") / "mixed.jsonl"
    write_mixed(log, 8000, seed=21, each=1, large=1500)
    with emulator(
        "--rps", "0", "--load", f"me/app={log}", "--faults", FAULTS, "--seed", "5"
    ) as running_:
        yield running_


@pytest.mark.proof
@pytest.mark.parametrize(
    ("name", "format_"),
    [("out.jsonl", "jsonl"), ("out.parquet", "parquet"), ("out.delta", "delta")],
)
def test_a_pull_killed_thrice_among_faults_holds_each_annotation_once_in_bytes_and_in_values(
    name: str, format_: str, remote: EmulatorProcess, tmp_path: Path
) -> None:
    config = tmp_path / "syncer.toml"
    config.write_text(SHORT_PAUSES)
    out, options = tmp_path / name, ("--all", "-c", str(config))
    rng = random.Random(name)
    state = tmp_path / f"{name}.state"
    slowly = pull_arguments(remote.url, "app", out, *options, "--rps", "60")
    codes = (
        killed(slowly, state, 1, rng)
        + killed(slowly, state, 1, rng, signal.SIGTERM)
        + killed(slowly, state, 1, rng)
    )
    code, summary, stderr = pull(remote.url, "app", out, *options, "--rps", "300")
    assert codes == [-signal.SIGKILL, 128 + signal.SIGTERM, -signal.SIGKILL]
    assert (code, summary["written"], summary["duplicates"], summary["unreadable"]) == (
        0,
        8000,
        0,
        0,
    ), stderr
    assert wrong(out, format_, held(remote, "app")) == []


# --- what nobody knows of lists -------------------------------------------------------

READS = (
    "enums",
    "float32",
    "masks",
    "added-fields",
    "http-status-code",
    "list-order",
    "input-level",
    "absent-ids",
    "stream-order",
    "gone-cursor",
    "per-page",
    "per-page-over",
    "search-hits",
    "search-window",
    "search-window-size",
    "search-times",
    "throttle-form",
    "throttle-code",
    "retry-after",
    "rate-rule",
    "url-limit",
    "error-code",
    "gateway-form",
)
"""The switches that have a part in reading."""
SWITCHED = [
    f"{name}={value}"
    for name in READS
    for value in SWITCHES[name]
    if (name, value) != ("throttle-code", "11004")
]


async def shown(server: Emulator) -> dict[Key, bytes]:
    """What the service shows of each annotation under its switches: asked for one by
    one, by somebody who reads no lists.
    """

    def ask(key: Key) -> bytes:
        input_id, id = (quote(part, safe="") for part in key)
        path = f"/v2/users/me/apps/app/inputs/{input_id}/annotations/{id}"
        with urllib.request.urlopen(
            urllib.request.Request(server.url + path, headers={"Authorization": "Key t"}),
            timeout=10,
        ) as answer:
            return orjson.dumps(orjson.loads(answer.read())["annotation"])

    keys = list(server.annotations("me", "app"))
    return keyed([await anyio.to_thread.run_sync(ask, key) for key in keys])


def lines_of(path: Path) -> dict[Key, bytes]:
    return keyed(path.read_bytes().splitlines())


@pytest.mark.proof
@pytest.mark.anyio
@pytest.mark.parametrize("switch", SWITCHED)
async def test_a_pull_brings_what_is_shown_under(
    switch: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    log, config = tmp_path / "mixed.jsonl", tmp_path / "syncer.toml"
    write_mixed(log, 260, seed=3, each=4, large=40)
    config.write_text(SHORT_PAUSES.replace("0.1\n", "0.01\n").replace("0.02", "0.005"))
    async with running(rps=0, faults=switch, load=(f"me/app={log}",), seed=2) as server:
        wanted = await shown(server)
        server.set_faults(f"{MANY_FAULTS},{switch}")
        app = syncer.Clarifai(app_id="app", base_url=server.url, token="t")
        given = {"config": config, "requests_per_second": 1000}
        everything = await syncer.pull(app, "all.jsonl", syncer.Selection(all_makers=True), **given)
        searched = await syncer.pull(
            app, "searched.jsonl", syncer.Selection(since="2020-01-01T00:00:00Z"), **given
        )
        pairs = tuple(list(wanted)[::3])
        named = await syncer.pull(app, "pairs.jsonl", syncer.Selection(pairs=pairs), **given)
    assert lines_of(tmp_path / "all.jsonl") == wanted == lines_of(tmp_path / "searched.jsonl")
    assert lines_of(tmp_path / "pairs.jsonl") == {key: wanted[key] for key in pairs}
    assert (everything.duplicates, named.duplicates) == (0, 0)
    assert searched.duplicates == (len(wanted) if switch == "search-hits=repeated" else 0)
