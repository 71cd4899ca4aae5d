"""The emulator as something that runs: loading, limits, faults, its own pages."""

from __future__ import annotations

import gzip
import json
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import pytest

from syncer.emulator import running
from syncer.emulator.limits import Limit
from syncer.errors import UsageError
from tests.emulator.official import Client, emulated, requests
from tests.emulator.seen import MADE_BY_A_MODEL
from tests.support.virtual import VirtualTime


async def _start(**options: object) -> None:
    async with running(**options):  # type: ignore[arg-type]
        pass


def complaint(**options: object) -> str:
    """What is said where it cannot start."""
    with pytest.raises(UsageError) as refused:
        anyio.run(lambda: _start(**options))
    return str(refused.value)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"not json", "not JSON"),
        (b"[]", "a change is an object"),
        (b'{"op":"post"}', "an object is wanted, not null"),
        (b'{"op":"post","annotation":{"id":"a"}}', "an annotation needs an input_id"),
        (
            b'{"op":"post","annotation":{"input_id":7}}',
            "input_id: a string is wanted, not a number",
        ),
        (
            b'{"op":"put","annotation":{"input_id":"i"}}',
            "unknown op 'put': use post, patch or delete",
        ),
        (
            b'{"op":"patch","action":"merge","annotation":{"input_id":"i","id":"x"}}',
            "a patch of i/x, which is not there",
        ),
        (
            b'{"op":"patch","annotation":{"input_id":"i","id":"a"}}',
            "a patch needs an action: merge, remove, overwrite",
        ),
        (
            b'{"input_id":"i","data":{"regions":[{"region_info":{"point":{"row":"x"}}}]}}',
            "data.regions.region_info.point.row: a number",
        ),
    ],
)
def test_a_line_that_cannot_be_loaded_is_named_with_its_file_and_number(
    tmp_path: Path, line: bytes, why: str
) -> None:
    file = tmp_path / "load.jsonl"
    file.write_bytes(b'{"id":"a","input_id":"i"}\r\n\n' + line + b"\n")
    said = complaint(load=(f"me/app={file}",))
    assert said.startswith(f"--load {file}:3: ")
    assert why in said


def test_a_file_that_cannot_be_read_and_a_load_without_an_app_are_named(tmp_path: Path) -> None:
    assert (
        complaint(load=(f"me/app={tmp_path}/none",))
        == f"--load {tmp_path}/none: No such file or directory"
    )
    assert (
        complaint(load=("somewhere",))
        == "--load 'somewhere': give USER/APP=FILE, or FILE.json with projects"
    )
    broken = tmp_path / "broken.gz"
    broken.write_bytes(gzip.compress(b'{"input_id":"i"}\n')[:-9])
    assert complaint(load=(f"me/app={broken}",)).startswith(f"--load {broken}: ")


def test_a_change_log_is_applied_in_order_compressed_or_not(tmp_path: Path) -> None:
    lines = [
        {
            "op": "post",
            "annotation": {
                "id": "a",
                "input_id": "i",
                "data": {"concepts": [{"id": "x"}, {"id": "y"}]},
            },
        },
        {
            "op": "patch",
            "action": "remove",
            "annotation": {"id": "a", "input_id": "i", "data": {"concepts": [{"id": "y"}]}},
        },
        {"op": "post", "annotation": {"id": "b", "input_id": "i"}},
        {"op": "delete", "annotation": {"id": "b", "input_id": "i"}},
        {"op": "post", "annotation": {"id": "c", "input_id": "j"}},
        {"op": "delete", "annotation": {"input_id": "j"}},
    ]
    file = tmp_path / "log.jsonl.gz"
    file.write_bytes(gzip.compress(b"\xef\xbb\xbf" + "\n".join(map(json.dumps, lines)).encode()))

    async def held() -> dict[tuple[str, str], list[str]]:
        async with running(load=(f"me/app={file}",)) as server:
            rows = server.annotations("me", "app")
            return {
                key: [concept["id"] for concept in row["data"]["concepts"]]
                for key, row in rows.items()
            }

    assert anyio.run(held) == {("i", "a"): ["x"]}


def test_what_was_pulled_can_be_loaded_again_as_it_was(tmp_path: Path) -> None:
    """Owners, times, makers and input levels survive."""

    def pulled(lines: list[dict[str, object]]) -> list[dict[str, object]]:
        with emulated(load={"alice/app": lines}, folder=tmp_path) as server:
            client = Client(server.url, app_id="app")
            rows: list[dict[str, object]] = client.send(
                "GET", "/annotations?list_all_annotations=true"
            )["annotations"]
            return rows

    first = pulled(MADE_BY_A_MODEL)
    assert len(first) == len(MADE_BY_A_MODEL)
    assert pulled(first) == first


def test_an_emulator_as_a_text_is_its_url() -> None:
    with emulated() as server:
        assert requests.get(f"{server}/_emulator/report", timeout=10).json()["max_in_1s"] == 0


def test_a_client_that_goes_away_in_the_middle_of_a_request_is_no_news(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Clients are killed all the time in tests: nothing is applied, and nobody is shown
    a traceback.
    """
    with emulated() as server:
        url = urlsplit(server.url)
        with socket.create_connection((url.hostname, url.port)) as gone:
            gone.sendall(
                b"POST /v2/annotations HTTP/1.1\r\nHost: x\r\nAuthorization: Key"
                b" t\r\nContent-Length: 9\r\n\r\n{"
            )
            while not server.counts["requests"]:
                pass
        Client(server.url)("ListAnnotations")
        until = time.monotonic() + 5
        while not server.counts["gone"] and time.monotonic() < until:
            pass
        assert server.counts["gone"] == 1
    assert [record.getMessage() for record in caplog.records] == []


def test_faults_can_be_changed_and_everything_forgotten_while_it_runs() -> None:
    with emulated() as server:
        client = Client(server.url)
        client.send("POST", "/annotations", {"annotations": [{"id": "a", "input_id": "i"}]})
        assert len(server.annotations("alice", "animals")) == 1
        for bad, why in (
            ({"faults": "thrott1e=1"}, "did you mean throttle"),
            ({}, 'send {"faults": SPEC}'),
            ([], "send"),
            ("x", "send"),
        ):
            answer = requests.post(f"{server}/_emulator/faults", data=json.dumps(bad), timeout=10)
            assert (answer.status_code, why in answer.json()["error"]) == (400, True)
        requests.post(
            f"{server}/_emulator/faults",
            data=json.dumps({"faults": "throttle-silent=1"}),
            timeout=10,
        )
        assert client.send("GET", "/annotations")["status"]["code"] == 11005
        requests.post(f"{server}/_emulator/reset", timeout=10)
        assert client.send("GET", "/annotations")["annotations"] == []


def failed(client: Client, ids: list[str], code: int) -> list[str]:
    """Post these; the ids whose items fail with this code."""
    answer = client.send(
        "POST", "/annotations", {"annotations": [{"id": id, "input_id": "i"} for id in ids]}
    )
    return [item["id"] for item in answer["annotations"] if item["status"]["code"] == code]


def test_a_rejected_item_is_rejected_always_and_one_that_failed_partially_only_for_now() -> None:
    ids = [f"a{number}" for number in range(100)]
    with emulated("reject=0.2") as server:
        client = Client(server.url)
        rejected = failed(client, ids, 24155)
        assert 5 < len(rejected) < 40
        assert failed(client, rejected, 24155) == rejected
        server.reset("partial=1")
        unlucky = failed(client, ids, 24152)
        assert 5 < len(unlucky) < 60
        server.set_faults("")
        assert failed(client, unlucky, 24150) == unlucky


@pytest.mark.parametrize(
    ("rule", "taken"),
    [
        # the first two are out of the window at 0.96
        ("sliding", [True, True, False, False, True, True]),
        ("second", [True, True, False, False, True, True]),
        # one came back by 0.5, one by 0.96
        ("bucket", [True, True, False, True, True, False]),
    ],
)
def test_two_a_second_are_counted_by_each_rule(rule: str, taken: list[bool]) -> None:
    limit = Limit(2, rule)

    async def seen() -> list[bool]:
        answers = []
        for gap_seconds in (0.0, 0.01, 0.01, 0.48, 0.47, 0.01):
            await anyio.sleep(gap_seconds)
            answers.append(await limit.take())
        return answers

    assert VirtualTime().run(seen) == taken


@pytest.mark.parametrize(("scope", "codes"), [("all", [10000, 11005]), ("token", [10000, 10000])])
def test_a_limit_counts_all_tokens_or_each(scope: str, codes: list[int]) -> None:
    async def seen() -> list[int]:
        async with running(rps=1, faults=f"rate-scope={scope}") as server:

            def ask(token: str) -> int:
                answer = requests.post(
                    f"{server}/v2/annotations/searches",
                    headers={"Authorization": f"Key {token}"},
                    timeout=10,
                )
                code: int = answer.json()["status"]["code"]
                return code

            return [await anyio.to_thread.run_sync(ask, token) for token in ("one", "two")]

    assert anyio.run(seen) == codes


@pytest.mark.parametrize(
    ("host", "begins"),
    [
        ("127.0.0.1", "http://127.0.0.1:"),
        ("0.0.0.0", "http://127.0.0.1:"),
        ("::1", "http://[::1]:"),
        ("::", "http://[::1]:"),
    ],
)
def test_the_address_that_is_told_can_be_used(host: str, begins: str) -> None:
    """An IPv6 address stands in brackets, and what listens everywhere is found on this
    machine.
    """

    async def asked() -> tuple[str, str]:
        async with running(host=host) as server:
            return server.url, await anyio.to_thread.run_sync(
                lambda: requests.get(f"{server.url}/_emulator/report", timeout=10).text
            )

    url, report = anyio.run(asked)
    assert (
        url.startswith(begins),
        '"requests"' in report or report == "{}" or "max_in_1s" in report,
    ) == (True, True)


def test_an_address_that_cannot_be_listened_on_is_told_as_it_would_be_written() -> None:
    assert (
        complaint(host="::2", port=9)
        == "the emulator cannot listen on [::2]:9: Cannot assign requested address"
    )
