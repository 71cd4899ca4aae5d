"""`syncer config check --online`: what it sees of service and machine, a line each."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import pytest

from tests.cli.answering import answering
from tests.cli.conftest import Cli, Ran
from tests.support.authority import Authority, authority
from tests.support.processes import ENVIRONMENT, command
from tests.support.servers import free_port
from tests.support.small_disk import SmallDisk, small_disk

OK = b'{"status":{"code":10000,"description":"Ok"}}'
REFUSED = b'{"status":{"code":11007,"description":"Insufficient scopes"}}'
HOUR = 3600


@pytest.fixture(autouse=True)
def token(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a token, and no authorities of this machine's environment."""
    monkeypatch.setenv("CLARIFAI_PAT", "a-secret-token")
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("authority"))


def check(cli: Cli, url: str, *options: str) -> Ran:
    """One check."""
    return cli(
        "config", "check", "--online", "--json", "--base-url", url, "--app-id", "cells", *options
    )


class Found(NamedTuple):
    """What was seen of one thing."""

    ok: bool
    message: str


def seen(done: Ran) -> dict[str, Found]:
    """What was seen, by what it is about; the last one of a name."""
    return {
        each["about"]: Found(each["ok"], each["message"])
        for each in done.json()["online"]["observed"]
    }


# --- the service ----------------------------------------------------------------------


def test_what_is_well_is_a_line_each_and_nothing_is_written(cli: Cli) -> None:
    with answering(200, OK) as remote:
        done = check(cli, remote.url)
    assert done.code == 0
    assert {about: found.ok for about, found in seen(done).items()} == dict.fromkeys(
        ["proxy", "clock", "limits", "token", "state"], True
    )
    assert [line.partition(":")[0] for line in done.err.splitlines()] == [
        *seen(done),
        "online",
        "config OK",
    ]
    assert {asked.split()[0] for asked in remote.requests} == {"GET"}


@pytest.mark.parametrize(
    ("seconds", "says", "where"),
    [(2 * HOUR + 30, "is 2:00:", "behind the service's"), (-3 * HOUR, "is 3:00:", "ahead of the")],
)
def test_a_clock_that_is_wrong_is_told_and_does_not_fail_the_check(
    cli: Cli, seconds: int, says: str, where: str
) -> None:
    date = formatdate(time.time() + seconds, usegmt=True)
    with answering(200, OK, {"Date": date}) as remote:
        done = check(cli, remote.url, "-q")
    clock = seen(done)["clock"]
    assert (done.code, clock.ok) == (0, False)
    assert says in clock.message
    assert where in clock.message
    assert "set it" in clock.message
    assert f"syncer: clock: {clock.message}" in done.err


@pytest.mark.parametrize("date", ["", "soon"])
def test_a_service_that_tells_no_time_is_not_held_against_the_clock(cli: Cli, date: str) -> None:
    with answering(200, OK, {"Date": date}) as remote:
        assert seen(check(cli, remote.url))["clock"] == (
            True,
            "the answer has no Date, so clocks cannot be compared",
        )


def test_the_clock_is_looked_at_though_the_token_is_refused(cli: Cli) -> None:
    date = formatdate(time.time() + HOUR, usegmt=True)
    with answering(403, REFUSED, {"Date": date}) as remote:
        done = check(cli, remote.url)
    assert (done.code, seen(done)["clock"].ok) == (2, False)
    assert "token" not in seen(done)


def test_rate_limits_that_the_service_names_are_shown_beside_the_rate_that_is_set(cli: Cli) -> None:
    with answering(200, OK, {"X-RateLimit-Limit": "10", "X-Other": "1"}) as remote:
        done = check(cli, remote.url, "--rps", "12")
    assert seen(done)["limits"].message == (
        "X-RateLimit-Limit: 10; requests_per_second is 12 (option --rps)"
    )


@pytest.mark.parametrize("what", ["inputs", "concepts"])
def test_a_token_that_may_not_read_all_is_told_with_who_needs_that(cli: Cli, what: str) -> None:
    with answering(200, OK, elsewhere={what: (403, REFUSED)}) as remote:
        done = check(cli, remote.url)
    found = seen(done)["token"]
    assert (done.code, found.ok) == (0, False)
    assert f"could not read {what} (code 11007)" in found.message
    assert "`migrate`" in found.message
    assert "a-secret-token" not in done.out + done.err


# --- the way --------------------------------------------------------------------------


def test_a_name_that_is_not_known_is_told_with_where_it_stands(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def look_up(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(anyio, "getaddrinfo", look_up)
    done = check(cli, "https://api.clarfai.test")
    assert done.code == 1
    error = done.json()["error"]
    assert "api.clarfai.test cannot be looked up: Name or service not known" in error
    assert "check clarifai.base_url (option --base-url) and the name servers" in error


def test_a_name_that_nobody_answers_for_is_given_up(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def look_up(*_: object, **__: object) -> None:
        await anyio.sleep_forever()

    monkeypatch.setattr(anyio, "getaddrinfo", look_up)
    monkeypatch.setenv("SYNCER_PUSH_CONNECT_TIMEOUT_SECONDS", "0.01")
    error = check(cli, "https://api.clarfai.test").json()["error"]
    assert "cannot be looked up: no answer within 0.01 s" in error


def test_a_name_is_shown_with_its_addresses(cli: Cli) -> None:
    with answering(200, OK) as remote:
        done = check(cli, remote.url.replace("127.0.0.1", "localhost"))
    assert seen(done)["name"].message.startswith("localhost is at ")
    assert "127.0.0.1" in seen(done)["name"].message


def test_a_proxy_is_named_with_its_variable_and_looks_names_up_itself(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(200, OK) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.replace("//", "//me:my-secret@"))
        done = check(cli, "http://far.test")
    assert (done.code, "name" in seen(done)) == (0, False)
    assert seen(done)["proxy"].message == f"{proxy.url} (http_proxy)"
    assert "my-secret" not in done.out + done.err


def test_a_proxy_that_cannot_be_reached_is_told(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    done = check(cli, "http://far.test")
    assert done.code == 1
    assert "no connection to the proxy 127.0.0.1" in done.json()["error"]


@pytest.mark.parametrize(
    ("expired", "knows", "says"),
    [
        (False, False, "if your own authority issued it, name that one in ca_file"),
        (True, True, "look at the clock of this machine, or have it renewed"),
    ],
)
def test_a_certificate_that_is_not_accepted_is_told_with_the_way_out(
    cli: Cli,
    own: Authority,
    monkeypatch: pytest.MonkeyPatch,
    expired: bool,
    knows: bool,
    says: str,
) -> None:
    if knows:
        monkeypatch.setenv("SYNCER_CLARIFAI_CA_FILE", str(own.file))
    with answering(200, OK, tls=own.issued("IP:127.0.0.1", expired=expired)) as remote:
        done = check(cli, remote.url)
    assert done.code == 1
    assert says in done.json()["error"]
    assert done.json()["online"]["observed"][1]["about"] == "authority"


# --- the state folder -----------------------------------------------------------------


@pytest.fixture
def good() -> Iterator[str]:
    """The address of a service where all is well."""
    with answering(200, OK) as remote:
        yield remote.url


def test_a_check_leaves_nothing_in_a_state_folder_and_makes_none(cli: Cli, good: str) -> None:
    Path("there").mkdir()
    for state in ("there", "not-there"):
        assert check(cli, good, "--state", state).code == 0
    assert list(Path().rglob("*")) == [Path("there")]


def test_a_file_in_the_place_of_a_state_folder_is_told(cli: Cli, good: str) -> None:
    Path("file").touch()
    for state in ("file", "file/below"):
        done = check(cli, good, "--state", state)
        assert (done.code, done.json()["online"]["ok"]) == (1, False)
        assert f"the state folder {state} cannot be used: Not a directory" in done.json()["error"]


def test_a_file_system_without_locks_is_told_with_the_way_out(
    cli: Cli, good: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    done = check(cli, good)
    assert done.code == 1
    assert "its file system cannot lock a file" in done.json()["error"]
    assert "Put --state on a local disk" in done.json()["error"]


def test_a_file_system_without_maps_is_told_with_the_way_out(
    cli: Cli, good: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))

    monkeypatch.setattr("mmap.mmap", refuse)
    assert "its file system cannot map a file" in check(cli, good).json()["error"]


def test_links_are_not_needed_by_a_state(
    cli: Cli, good: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)
    done = check(cli, good)
    assert (done.code, seen(done)["state"].ok) == (0, True)
    assert "but does not link" in seen(done)["state"].message


def test_a_disk_that_is_nearly_full_is_told_and_does_not_fail_the_check(
    cli: Cli, good: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(".")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=12 << 20))
    done = check(cli, good)
    assert (done.code, seen(done)["state"].ok) == (0, False)
    assert "12.0 MiB are free; make room there" in seen(done)["state"].message


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", 4 << 20) as mounted:
        yield mounted


def on_disk(disk: SmallDisk, url: str, *before: str) -> tuple[int, Any]:
    """A check by a process that sees this disk."""
    arguments = ["config", "check", "--online", "--json", "--base-url", url, "--app-id", "cells"]
    done = subprocess.run(
        [*disk.launcher, *before, *command(*arguments, "--state", str(disk.path / "state"))],
        env=ENVIRONMENT,
        capture_output=True,
        timeout=60,
    )
    return done.returncode, json.loads(done.stdout)


@pytest.mark.proof
def test_a_full_disk_is_told(disk: SmallDisk, good: str) -> None:
    disk.leave(0)
    code, result = on_disk(disk, good)
    assert (code, "No space left on device" in result["error"]) == (1, True)


@pytest.mark.proof
def test_a_disk_that_is_read_only_is_told(disk: SmallDisk, good: str) -> None:
    remount = ("sh", "-c", f'mount -o remount,ro {disk.path} && exec "$@"', "sh")
    code, result = on_disk(disk, good, *remount)
    assert (code, "Read-only file system" in result["error"]) == (1, True)


# --- several apps ---------------------------------------------------------------------


def test_each_destination_is_looked_at_with_its_own_folder(cli: Cli, good: str) -> None:
    tables = "".join(
        f'[[destinations]]\nname = "{name}"\nbase_url = "{good}"\nuser_id = "me"\n'
        f'app_id = "{name}"\ntoken_env = "CLARIFAI_PAT"\n'
        for name in ("one", "two")
    )
    Path("syncer.toml").write_text(tables)
    done = cli("config", "check", "--online", "--json")
    lanes = done.json()["lanes"]
    assert (done.code, [lane["name"] for lane in lanes]) == (0, ["one", "two"])
    states = [each["message"] for lane in lanes for each in lane["observed"][-1:]]
    assert [name in state for name, state in zip(("one", "two"), states, strict=True)] == [
        True,
        True,
    ]
