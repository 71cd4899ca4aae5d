"""Where no request can ever be answered, every command ends at once and says why,
instead of trying for ten minutes.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio.to_thread
import pytest

from tests.support.authority import Authority, authority
from tests.support.cases import first_quick
from tests.support.processes import ENVIRONMENT, command
from tests.support.servers import OK, says_and_hangs_up, serving, tls_or_400
from tests.support.stand_in import running

NOWHERE = {
    "no TLS there": (1, "does not speak TLS"),
    "TLS there": (1, "speaks TLS: its address begins with https://"),
    "unknown authority": (
        1,
        "certificate of 127.0.0.1 is not accepted (unable to get local issuer certificate)",
    ),
    "expired": (1, "certificate of 127.0.0.1 is not accepted (certificate has expired)"),
    "another name": (1, "certificate of 127.0.0.1 is not accepted"),
    "not HTTP": (1, "is not HTTP"),
    "no IPv4 address": (2, "127.1, which is not an IPv4 address in full"),
    "no port": (2, "has a port that is not a number from 1 to 65535"),
    "no name": (2, "has a host with a part that is empty"),
}
SECONDS_MAX = 40
"""Generous: what was tried before took 600."""

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("authority"))


@asynccontextmanager
async def nowhere(which: str, own: Authority) -> AsyncIterator[tuple[str, str]]:
    """An address of this kind, and the authority to trust."""
    match which:
        case "no TLS there":
            async with running(rps=0) as server:
                yield server.url.replace("http:", "https:"), ""
        case "TLS there":
            with tls_or_400(own.issued("IP:127.0.0.1")) as port:
                yield f"http://127.0.0.1:{port}", ""
        case "unknown authority":
            async with serving(OK, tls=own.issued("IP:127.0.0.1")) as server:
                yield f"https://127.0.0.1:{server.port}", ""
        case "expired" | "another name":
            names, expired = (
                ("IP:127.0.0.1", True) if which == "expired" else ("DNS:other.example", False)
            )
            async with serving(OK, tls=own.issued(names, expired=expired)) as server:
                yield f"https://127.0.0.1:{server.port}", str(own.file)
        case "not HTTP":
            async with serving(OK, at_once=says_and_hangs_up("SSH-2.0-OpenSSH_9.2\n")) as server:
                yield server.url, ""
        case "no IPv4 address":
            yield "http://127.1:9", ""
        case "no port":
            yield "http://127.0.0.1:70000", ""
        case "no name":
            yield "https://api..clarifai.com", ""


@pytest.mark.parametrize("which", first_quick(NOWHERE, 2))
async def test_every_command_ends_at_once_and_nothing_is_dead(
    which: str, own: Authority, tmp_path: Path
) -> None:
    log, state = tmp_path / "labels.jsonl", str(tmp_path / "state")
    log.write_text(
        "".join(
            f'{{"op":"post","annotation":{{"id":"a-{n}","input_id":"i"}}}}\n' for n in range(300)
        )
    )
    code, said = NOWHERE[which]
    quiet = ("--no-progress",)
    commands = [
        ["push", str(log), "--state", state, "--json", *quiet],
        ["verify", str(log), "--state", state],
        [
            "pull",
            "clarifai",
            "--out",
            str(tmp_path / "out.jsonl"),
            "--state",
            str(tmp_path / "pull"),
            *quiet,
        ],
        ["config", "check", "--online"],
    ]
    async with nowhere(which, own) as (url, ca_file):
        environment = {
            **ENVIRONMENT,
            "CLARIFAI_API_BASE": url,
            "CLARIFAI_APP_ID": "app",
            "SYNCER_CLARIFAI_CA_FILE": ca_file,
        }
        for arguments in commands:
            started = time.monotonic()
            done = await anyio.to_thread.run_sync(
                lambda: subprocess.run(
                    command(*arguments),  # noqa: B023
                    env=environment,
                    capture_output=True,
                    text=True,
                    timeout=300,
                )
            )
            assert time.monotonic() - started < SECONDS_MAX, arguments
            assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (
                code,
                True,
                False,
            ), (arguments, done.stderr)
            if arguments[0] == "push" and code == 1:
                summary = json.loads(done.stdout)
                assert (summary["dead"], summary["pending"]) == (0, 300)
                assert summary["requests"] <= 10
