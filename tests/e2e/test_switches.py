"""What nobody knows of the service changes nothing for users: the engine under every
value of every switch of the emulator.
"""

from __future__ import annotations

import json
import subprocess
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import anyio.to_thread
import orjson
import pytest

from syncer.config import load
from syncer.emulator import Emulator
from syncer.emulator.settings import SWITCHES
from syncer.jobs.limiters import Limiters
from syncer.jobs.push import PushLane
from syncer.jobs.push_parts import push_parts
from syncer.jobs.report import PushReport
from syncer.jobs.state import resume
from tests.support.annotations import never_taken, rich
from tests.support.cases import first_quick
from tests.support.changes import Annotation, Key, differences, write_log
from tests.support.processes import ENVIRONMENT, command
from tests.support.stand_in import ids_under, running, settings_of

FAULTS = "error=0.04,cut=0.04,reset-after=0.04,partial=0.04,throttle-silent=0.02"
BITES_WITH = {
    "duplicate-code": "duplicate-id=item",
    "no-input-code": "inputs=must-exist",
    "input-lag": "pending-input=refuse",
    "pending-input": "input-lag=2",
    "failed-item": "partial=0.3",
    "mixed-http": "partial=0.3",
    "failed-http": "partial=0.3",
    "read-lag": "reset-after=0.3",
    "delete-lag": "reset-after=0.3",
    "float32": "reset-after=0.3",
    "masks": "reset-after=0.3",
    "throttle-form": "throttle-silent=0.1",
    "throttle-code": "throttle-silent=0.1",
    "retry-after": "throttle=0.03",
    "error-retry-after": "html=0.01",
    "error-code": "error=0.2",
    "gateway-form": "gateway=0.1",
}
"""A switch that says how something happens, and what makes that happen."""
IN_DOUBT_FOR_GOOD = {"masks=url": {"masked"}}
"""What cannot be recognised when it is read back: where its answer was lost, it is
there and a dead letter says that its id is taken.
"""


def write(log: Path) -> tuple[dict[Key, Annotation], int]:
    """A log of every kind of change; what it leaves."""
    wanted, nameless = write_log(log, 130, seed=2)
    with log.open("ab") as out:
        for annotation in rich():
            out.write(orjson.dumps({"op": "post", "annotation": annotation}) + b"\n")
            wanted[annotation["input_id"], annotation["id"]] = annotation
    return wanted, nameless


class Pushed(NamedTuple):
    """How a push ended."""

    exit_code: int
    summary: PushReport
    error: str


async def push(
    url: str, folder: Path, log: Path, token: str = "a-token", **options: object
) -> Pushed:
    """Push in this process, with short pauses and more attempts than any run of bad
    luck needs.
    """
    given: dict[str, object] = {
        "clarifai.base_url": url,
        "clarifai.app_id": "app",
        "push.requests_per_second": 1000,
        "push.batch_size": 16,
        "state.dir": str(folder / "state"),
        "retry.base_seconds": 0.005,
        "retry.cap_seconds": 0.02,
        "retry.throttle_seconds": 0.01,
        "retry.max_attempts": 60,
        **options,
    }
    with push_parts(load(None, {"CLARIFAI_PAT": token}, given), Limiters()) as parts:
        finished = await PushLane(parts, [str(log)]).run()
    return Pushed(finished.exit_code, finished.summary, str(finished.error or ""))


def letters(folder: Path) -> list[dict[str, Any]]:
    """The dead letters, as users see them."""
    listed = subprocess.run(
        command("dead", "list", "--json", "--state", str(folder / "state")),
        env=ENVIRONMENT,
        capture_output=True,
    )
    return [json.loads(line) for line in listed.stdout.splitlines()]


def post_inputs(url: str, ids: list[str]) -> None:
    """Inputs as somebody else posts them."""
    body = {"user_app_id": {"user_id": "me", "app_id": "app"}, "inputs": [{"id": id} for id in ids]}
    request = urllib.request.Request(
        url + "/v2/inputs", orjson.dumps(body), {"Authorization": "Key another"}, method="POST"
    )
    urllib.request.urlopen(request, timeout=10).close()


def left(
    wanted: dict[Key, Annotation], nameless: int, server: Emulator, dead: set[str]
) -> list[str]:
    """How what the emulator holds differs from what the log leaves, the dead aside."""
    held = [row for row in server.annotations("me", "app").values() if not row.get("input_level")]
    return differences(
        {key: annotation for key, annotation in wanted.items() if key[1] not in dead},
        nameless,
        held,
    )


def check_end(
    finished: Pushed,
    folder: Path,
    wanted: dict[Key, Annotation],
    nameless: int,
    server: Emulator,
    faults: str = FAULTS,
) -> None:
    """All of the log is there, but for what the service never takes under these."""
    never, in_doubt = never_taken(faults), ids_under(faults, IN_DOUBT_FOR_GOOD)
    dead = letters(folder) if finished.summary.dead else []
    unrecognised = [letter for letter in dead if letter["id"] in in_doubt]
    refused = [letter for letter in dead if letter not in unrecognised]
    assert {letter["id"] for letter in refused} == never, finished
    assert all(letter["reason"] and letter["code"] for letter in refused)
    assert all("id taken" in letter["reason"] for letter in unrecognised)
    assert finished.exit_code == (3 if dead else 0), finished
    assert left(wanted, nameless, server, never) == []


SWITCHED = [f"{name}={value}" for name, values in SWITCHES.items() for value in values]
REFUSED = {f"refused-code={value}" for value in SWITCHES["refused-code"]}
APART = {"body-limit=100", "throttle-code=11004", "retry-after=huge", "apps=loaded"} | REFUSED
"""Those under which no push comes to its end: each has a test of its own."""


@pytest.mark.anyio
@pytest.mark.parametrize(
    "switch", first_quick([switch for switch in SWITCHED if switch not in APART], 40)
)
async def test_a_log_ends_right_under(switch: str, tmp_path: Path) -> None:
    log = tmp_path / "changes.jsonl"
    wanted, nameless = write(log)
    name = switch.partition("=")[0]
    limit = 30 if name.startswith("rate-") else 0
    faults = ",".join(filter(None, (FAULTS, BITES_WITH.get(name), switch)))
    settings = settings_of(faults=faults)
    async with running(rps=limit, faults=faults, seed=4) as server:
        if settings["inputs"] == "must-exist" or settings["pending-input"] == "refuse":
            ids = sorted({f"input-{number}" for number in range(40)})
            await anyio.to_thread.run_sync(post_inputs, server.url, ids)
        options = {"push.requests_per_second": limit} if limit else {}
        finished = await push(server.url, tmp_path, log, **options)
        check_end(finished, tmp_path, wanted, nameless, server, faults)


@pytest.mark.anyio
async def test_where_no_request_is_small_enough_everything_is_a_dead_letter_that_says_so(
    tmp_path: Path,
) -> None:
    log = tmp_path / "changes.jsonl"
    log.write_bytes(
        b"".join(
            orjson.dumps({"op": "post", "annotation": annotation}) + b"\n" for annotation in rich()
        )
    )
    async with running(rps=0, faults="body-limit=100") as server:
        finished = await push(server.url, tmp_path, log)
        assert server.annotations("me", "app") == {}
    assert (finished.exit_code, finished.summary.applied) == (3, 0)
    assert [
        (letter["code"], "larger than the allowed" in letter["reason"])
        for letter in letters(tmp_path)
    ] == [(40033, True)] * len(rich())


@pytest.mark.anyio
async def test_at_the_monthly_limit_a_push_stops_and_carries_on_when_that_is_settled(
    tmp_path: Path,
) -> None:
    log = tmp_path / "changes.jsonl"
    wanted, nameless = write(log)
    async with running(
        rps=0, faults=f"{FAULTS},throttle-code=11004,throttle-silent=0.1", seed=4
    ) as server:
        stopped = await push(server.url, tmp_path, log)
        assert (stopped.exit_code, stopped.summary.dead) == (1, 0)
        assert "11004" in stopped.error
        server.set_faults(FAULTS)
        finished = await push(server.url, tmp_path, log)
        check_end(finished, tmp_path, wanted, nameless, server)


@pytest.mark.anyio
async def test_asked_to_wait_for_decades_a_push_stops_at_once_and_goes_on_when_the_pause_is_lifted(
    tmp_path: Path,
) -> None:
    log = tmp_path / "changes.jsonl"
    wanted, nameless = write(log)
    async with running(rps=0, faults="retry-after=huge,throttle=1", seed=4) as server:
        stopped = await push(server.url, tmp_path, log)
        assert (stopped.exit_code, stopped.summary.dead, stopped.summary.applied) == (1, 0, 0)
        assert "asks to wait for 999999999 s" in stopped.error
        assert f"`syncer state resume --state {tmp_path / 'state'}`" in stopped.error
        server.set_faults("")
        requests = server.counts["requests"]
        again = await push(server.url, tmp_path, log)
        assert (again.exit_code, server.counts["requests"]) == (1, requests)
        assert resume(tmp_path / "state").state == "paused"
        finished = await push(server.url, tmp_path, log)
        check_end(finished, tmp_path, wanted, nameless, server)


@pytest.mark.anyio
@pytest.mark.parametrize("code", SWITCHES["refused-code"])
async def test_a_token_that_is_refused_stops_a_push_and_another_carries_on(
    code: str, tmp_path: Path
) -> None:
    log = tmp_path / "changes.jsonl"
    wanted, nameless = write(log)
    async with running(rps=0, faults=f"{FAULTS},refused-code={code}", seed=4) as server:
        refused = await push(server.url, tmp_path, log, token="refused-token")
        assert (refused.exit_code, refused.summary.dead, refused.summary.applied) == (2, 0, 0)
        finished = await push(server.url, tmp_path, log)
        check_end(finished, tmp_path, wanted, nameless, server)


@pytest.mark.anyio
@pytest.mark.parametrize("seed", [7, 26, 31, 45, 50])
async def test_a_patch_in_doubt_is_not_settled_by_a_read_that_lags(
    seed: int, tmp_path: Path
) -> None:
    """The state before the merge looks as if the remove were done."""

    def concept(name: str) -> Annotation:
        return {"id": "a", "input_id": "i", "data": {"concepts": [{"id": name, "value": 1}]}}

    log = tmp_path / "changes.jsonl"
    changes: list[dict[str, Any]] = [{"op": "post", "annotation": concept("x")}]
    changes += [
        {"op": "patch", "action": action, "annotation": concept("water")}
        for action in ("merge", "remove")
    ]
    log.write_bytes(b"".join(orjson.dumps(change) + b"\n" for change in changes))
    async with running(rps=0, faults="read-lag=2,reset-before=0.3", seed=seed) as server:
        finished = await push(server.url, tmp_path, log)
        held = server.annotations("me", "app")["i", "a"]
    assert finished.exit_code == 0
    assert [held_concept["id"] for held_concept in held["data"]["concepts"]] == ["x"]


@pytest.mark.anyio
@pytest.mark.parametrize("said", ["", "no-input-code=24155", "post=atomic", "answer=bare"])
async def test_posts_that_are_refused_while_their_input_becomes_ready_are_sent_again(
    said: str, tmp_path: Path
) -> None:
    """Also where the refusal does not say that it is for the input."""
    log = tmp_path / "changes.jsonl"
    log.write_bytes(
        b"".join(
            b'{"op":"post","annotation":{"id":"a-%d","input_id":"i"}}\n' % n for n in range(64)
        )
    )
    async with running(rps=0, faults=f"input-lag=2,pending-input=refuse,{said}") as server:
        await anyio.to_thread.run_sync(post_inputs, server.url, ["i"])
        finished = await push(server.url, tmp_path, log)
    assert (finished.exit_code, finished.summary.applied) == (0, 64)
