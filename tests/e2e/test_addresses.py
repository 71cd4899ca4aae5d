"""A wrong address, path, user or app stops every command after a handful of requests,
exit 1, and turns no label into a dead letter.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest

from syncer.emulator import Emulator
from syncer.emulator.answer import Answer, ItemFault, Request
from syncer.emulator.clarifai.part import Clarifai
from tests.cli.answering import answering
from tests.support.processes import ENVIRONMENT, command
from tests.support.stand_in import running

pytestmark = [pytest.mark.anyio, pytest.mark.proof]

HANDFUL = 16
"""Requests: those that were on their way when the first answer came, and a few to make
sure.
"""
CONFIG = "[retry]\nbase_seconds = 0.01\n[annotell]\n"
STRANGERS: dict[str, tuple[int, bytes]] = {
    "no such page": (404, b"<html>404</html>"),
    "no such method": (405, b""),
    "gone": (410, b""),
    "not implemented": (501, b"<html>unsupported method</html>"),
    "a gateway": (404, b'{"code":5,"message":"Not Found","details":[]}'),
    "a web page for everything": (200, b"<html>welcome</html>"),
    "another service": (200, b'{"status":"ok","results":[]}'),
    "another service's codes": (200, b'{"status":{"code":200}}'),
    "nothing": (200, b""),
    "a bad request": (400, b"<html>400</html>"),
}


class Ran:
    """A command that was run, with its one JSON object."""

    def __init__(self, code: int, out: bytes, err: bytes) -> None:
        assert b"Traceback" not in err
        self.code = code
        self.told: dict[str, Any] = json.loads(out)
        self.error = str(self.told.get("error", ""))


async def ran(folder: Path, *arguments: str, **environment: str) -> Ran:
    (folder / "syncer.toml").write_text(CONFIG)
    given = {
        **ENVIRONMENT,
        "CLARIFAI_APP_ID": "app",
        "ANNOTELL_CLIENT_ID": "id",
        "ANNOTELL_CLIENT_SECRET": "secret",
        **environment,
    }
    done = await anyio.run_process(
        [*command(*arguments), "--json", "-c", "syncer.toml"], check=False, cwd=folder, env=given
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def post(number: int) -> dict[str, Any]:
    return {
        "op": "post",
        "annotation": {
            "id": f"a-{number}",
            "input_id": f"i-{number % 50}",
            "data": {"concepts": [{"id": "x", "value": 1}]},
        },
    }


def delete(number: int) -> dict[str, Any]:
    return {"op": "delete", "annotation": {"id": f"a-{number}", "input_id": f"i-{number % 50}"}}


def patch(number: int) -> dict[str, Any]:
    return {**post(number), "op": "patch", "action": "overwrite"}


def write(folder: Path, changes: Sequence[dict[str, Any]]) -> None:
    with (folder / "log.jsonl").open("a") as file:
        file.writelines(json.dumps(change) + "\n" for change in changes)


PUSH = ("push", "log.jsonl", "--no-progress")
COMMANDS: dict[str, tuple[str, ...]] = {
    "push": PUSH,
    "pull": ("pull", "clarifai", "--out", "out.jsonl", "--no-progress"),
    "pull of inputs": (
        "pull",
        "clarifai",
        "--out",
        "out.jsonl",
        "--no-progress",
        *(f"--input-id=i-{n}" for n in range(300)),
    ),
    "pull by a search": (
        "pull",
        "clarifai",
        "--out",
        "out.jsonl",
        "--no-progress",
        "--status",
        "ANNOTATION_SUCCESS",
    ),
    "pull of a dataset": (
        "pull",
        "clarifai",
        "--out",
        "out.jsonl",
        "--no-progress",
        "--dataset",
        "d",
    ),
    "pull of pairs": (
        "pull",
        "clarifai",
        "--out",
        "out.jsonl",
        "--no-progress",
        "--input-id",
        "i-1",
        "--annotation-id",
        "a-1",
    ),
    "verify": ("verify", "log.jsonl"),
}


def stopped(done: Ran, requests: int, *named: str) -> None:
    """It is as it should be."""
    assert (done.code, done.told.get("dead", 0), done.told.get("applied", 0)) == (1, 0, 0), (
        done.told
    )
    assert requests <= HANDFUL
    assert [
        name for name in (*named, "base_url", "Nothing is lost") if name not in done.error
    ] == []


@pytest.mark.parametrize("stranger", STRANGERS)
async def test_what_is_not_the_service_stops_a_push(stranger: str, tmp_path: Path) -> None:
    write(tmp_path, [post(number) for number in range(2000)])
    with answering(*STRANGERS[stranger]) as remote:
        done = await ran(tmp_path, *PUSH, "--base-url", remote.url)
        stopped(done, len(remote.requests), remote.url, "is not the service")
    assert done.told["pending"] == 2000


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "push"])
async def test_what_is_not_the_service_stops_every_command(name: str, tmp_path: Path) -> None:
    write(tmp_path, [post(number) for number in range(2000)])
    with answering(*STRANGERS["no such page"]) as remote:
        done = await ran(tmp_path, *COMMANDS[name], "--base-url", remote.url)
        stopped(done, len(remote.requests), remote.url, "is not the service")


@pytest.mark.parametrize("name", COMMANDS)
async def test_a_wrong_path_stops_every_command(name: str, tmp_path: Path) -> None:
    """The host is the right one, and says so itself."""
    write(tmp_path, [post(number) for number in range(2000)])
    async with running(rps=0) as server:
        done = await ran(tmp_path, *COMMANDS[name], "--base-url", f"{server.url}/api")
        stopped(done, server.counts["requests"], f"{server.url}/api", "11101")


@pytest.mark.parametrize(
    "make", [post, patch, delete, lambda n: {"op": "delete", "annotation": {"input_id": f"i-{n}"}}]
)
async def test_an_app_that_is_not_there_takes_no_change_of_any_kind_for_done_or_dead(
    make: Any, tmp_path: Path
) -> None:
    write(tmp_path, [make(number) for number in range(2000)])
    async with running(rps=0, faults="apps=loaded") as server:
        done = await ran(tmp_path, *PUSH, "--base-url", server.url)
        stopped(done, server.counts["requests"], "app app", "user me", "11101")


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("wrong", [("--user-id", "somebody"), ("--app-id", "another")])
async def test_a_wrong_user_or_app_stops_every_command(
    name: str, wrong: tuple[str, str], tmp_path: Path
) -> None:
    write(tmp_path, [post(number) for number in range(300)])
    (tmp_path / "loaded.jsonl").write_text("")
    async with running(
        rps=0, faults="apps=loaded", load=(f"me/app={tmp_path / 'loaded.jsonl'}",)
    ) as server:
        done = await ran(tmp_path, *COMMANDS[name], "--base-url", server.url, *wrong)
        stopped(done, server.counts["requests"], wrong[1], "user_id and app_id")


class Departing(Clarifai):
    """An app that is deleted once so many requests were answered."""

    def __init__(self, of: Clarifai, requests: int) -> None:
        self.__dict__.update(of.__dict__)
        self._left = requests

    def answer(self, request: Request, item_fault: ItemFault) -> Answer:
        self._left -= 1
        if self._left == 0:
            self.forget("me", "app")
        return super().answer(request, item_fault)


class WithoutDeletes(Clarifai):
    """Behind something that lets no DELETE through."""

    def __init__(self, of: Clarifai) -> None:
        self.__dict__.update(of.__dict__)

    def answer(self, request: Request, item_fault: ItemFault) -> Answer:
        if request.method == "DELETE":
            return Answer(None, 405, text="<html>405</html>", content_type="text/html")
        return super().answer(request, item_fault)


def standing_in(server: Emulator, clarifai: Clarifai) -> None:
    """This part answers from now on."""
    server.clarifai = clarifai
    server.parts = (server.annotell, clarifai)


@pytest.mark.parametrize("make", [post, patch, delete])
async def test_an_app_that_is_deleted_in_the_middle_of_a_push_stops_it(
    make: Any, tmp_path: Path
) -> None:
    write(tmp_path, [post(number) for number in range(1000)])
    write(tmp_path, [make(number + 1000 * (make is post)) for number in range(1000)])
    (tmp_path / "loaded.jsonl").write_text("")
    async with running(
        rps=0, faults="apps=loaded", load=(f"me/app={tmp_path / 'loaded.jsonl'}",)
    ) as server:
        standing_in(server, Departing(server.clarifai, 11))
        done = await ran(
            tmp_path, *PUSH, "--base-url", server.url, "--rps", "100", "--concurrency", "2"
        )
        assert server.counts["requests"] <= 11 + HANDFUL
    assert (done.code, done.told["dead"]) == (1, 0)
    assert "11101" in done.error
    assert 0 < done.told["pending"] < 2000


async def test_letters_that_are_tried_again_in_an_app_that_is_gone_stay_waiting(
    tmp_path: Path,
) -> None:
    write(tmp_path, [post(1), patch(2), patch(3)])
    (tmp_path / "loaded.jsonl").write_text("")
    async with running(
        rps=0, faults="apps=loaded", load=(f"me/app={tmp_path / 'loaded.jsonl'}",)
    ) as server:
        to = ("--base-url", server.url)
        assert (await ran(tmp_path, *PUSH, *to)).code == 3
        server.clarifai.forget("me", "app")
        assert (await ran(tmp_path, "dead", "retry", "--all")).code == 0
        before = server.counts["requests"]
        done = await ran(tmp_path, "push", "--no-progress", *to)
        stopped(done, server.counts["requests"] - before, "app app")
        assert done.told["pending"] == 2


async def test_a_proxy_that_does_not_let_deletes_through_stops_a_push_that_goes_well_otherwise(
    tmp_path: Path,
) -> None:
    """Even where a change has one attempt only."""
    write(tmp_path, [post(number) for number in range(300)])
    write(tmp_path, [delete(number) for number in range(40)])
    async with running(rps=0) as server:
        standing_in(server, WithoutDeletes(server.clarifai))
        done = await ran(
            tmp_path, *PUSH, "--base-url", server.url, "--max-attempts", "1", "--batch-size", "20"
        )
    assert (done.code, done.told["dead"]) == (1, 0)
    assert done.told["applied"] >= 260
    assert "DELETE: HTTP 405" in done.error


async def test_a_gateway_that_stumbles_now_and_then_stops_nothing(tmp_path: Path) -> None:
    write(tmp_path, [post(number) for number in range(500)])
    async with running(rps=0, faults="gateway=0.2,gateway-form=404", seed=3) as server:
        done = await ran(tmp_path, *PUSH, "--base-url", server.url, "--batch-size", "16")
    assert (done.code, done.told["applied"]) == (0, 500)


# --- Annotell -------------------------------------------------------------------------

PROJECT = (
    "pull",
    "annotell",
    "--out",
    "out.jsonl",
    "--no-progress",
    "--project",
    "emulator-project",
)
UUIDS = (
    "pull",
    "annotell",
    "--out",
    "out.jsonl",
    "--no-progress",
    *(f"--input-uuid=uuid-{n}" for n in range(300)),
)


@pytest.mark.parametrize(
    "arguments",
    [PROJECT, UUIDS, (*UUIDS, "--annotation-type", "signs")],
    ids=["project", "inputs", "types"],
)
async def test_a_wrong_base_url_stops_a_pull_of_documents(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    async with running(rps=0) as server:
        toml = CONFIG + f'base_url = "{server.url}/api"\nauth_url = "{server.url}"\n'
        done = await ran_with(tmp_path, toml, *arguments)
        stopped(done, server.counts["requests"] - 1, f"{server.url}/api")


@pytest.mark.parametrize("stranger", ["no such page", "a web page for everything"])
async def test_a_host_that_is_not_the_service_stops_a_pull_of_documents(
    stranger: str, tmp_path: Path
) -> None:
    async with running(rps=0) as server:
        with answering(*STRANGERS[stranger]) as remote:
            done = await ran_with(
                tmp_path, CONFIG + f'base_url = "{remote.url}"\nauth_url = "{server.url}"\n', *UUIDS
            )
            stopped(done, len(remote.requests), remote.url)


@pytest.mark.parametrize(
    "stranger", ["no such page", "no such method", "a web page for everything"]
)
async def test_a_wrong_auth_url_stops_a_pull_of_documents_and_is_no_refused_client(
    stranger: str, tmp_path: Path
) -> None:
    async with running(rps=0) as server:
        with answering(*STRANGERS[stranger]) as remote:
            done = await ran_with(
                tmp_path,
                CONFIG + f'base_url = "{server.url}"\nauth_url = "{remote.url}"\n',
                *PROJECT,
            )
            assert (done.code, len(remote.requests) <= HANDFUL) == (1, True)
    assert "auth_url" in done.error


async def ran_with(folder: Path, toml: str, *arguments: str) -> Ran:
    (folder / "with.toml").write_text(toml)
    given = {**ENVIRONMENT, "ANNOTELL_CLIENT_ID": "id", "ANNOTELL_CLIENT_SECRET": "secret"}
    done = await anyio.run_process(
        [*command(*arguments), "--json", "-c", "with.toml"], check=False, cwd=folder, env=given
    )
    return Ran(done.returncode, done.stdout, done.stderr)
