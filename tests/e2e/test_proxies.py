"""Commands behind the proxies and authorities that companies have: real processes, a
real proxy, real TLS.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from syncer.config import load
from syncer.core.ports.wire import NoReply, Reply, Request
from syncer.emulator import Emulator
from syncer.jobs.limiters import Limiters
from syncer.jobs.origins import annotell_origin
from syncer.remotes.annotell import DocumentSelection
from tests.support.authority import Authority, authority
from tests.support.cases import first_quick
from tests.support.forward_proxy import Running, forward_proxy
from tests.support.processes import ENVIRONMENT, command
from tests.support.servers import behind_tls
from tests.support.stand_in import running
from tests.support.turns import UNPACED

USER = "someone:pass-2b"
TOKEN = ENVIRONMENT["CLARIFAI_PAT"]
WAYS = (
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "ssl_cert_file",
    "requests_ca_bundle",
    "clarifai_root_certificates_path",
)
CLEAN = {name: value for name, value in ENVIRONMENT.items() if name.lower() not in WAYS}

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with running(rps=0) as server:
        yield server


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Running]:
    with forward_proxy(tmp_path, user=USER) as started:
        yield started


def tls(server: Emulator, own: Authority) -> AbstractAsyncContextManager[str]:
    return behind_tls(server.url, own.issued("IP:127.0.0.1"))


async def syncer(*arguments: str, **environment: str) -> tuple[int, str, str]:
    """A command to its end: exit code, stdout, stderr."""
    done = await anyio.to_thread.run_sync(
        lambda: subprocess.run(
            command(*arguments),
            env={**CLEAN, **environment},
            capture_output=True,
            text=True,
            timeout=60,
        )
    )
    assert "Traceback" not in done.stderr
    assert "pass-2b" not in done.stderr + done.stdout
    assert TOKEN not in done.stderr + done.stdout
    return done.returncode, done.stdout, done.stderr


async def push(url: str, folder: Path, **environment: str) -> tuple[int, str, str]:
    log = folder / "labels.jsonl"
    log.write_text(
        "".join(
            f'{{"op":"post","annotation":{{"id":"a-{n}","input_id":"i"}}}}\n' for n in range(300)
        )
    )
    at = ("--base-url", url, "--app-id", "app", "--state", str(folder / "state"))
    return await syncer(
        "push", str(log), *at, "--rps", "1000", "--json", "--no-progress", **environment
    )


def bundle(own: Authority, folder: Path, kind: str) -> Path:
    """The authority's file, or a folder as `openssl rehash` makes them."""
    if kind == "file":
        return own.file
    hashed = folder / "authorities"
    hashed.mkdir()
    subject = subprocess.run(
        ["openssl", "x509", "-hash", "-noout", "-in", str(own.file)],
        check=True,
        capture_output=True,
        text=True,
    )
    (hashed / f"{subject.stdout.strip()}.0").write_bytes(own.file.read_bytes())
    return hashed


# --- proxies --------------------------------------------------------------------------


async def test_a_push_through_a_proxy_shows_it_only_the_way_where_the_remote_has_tls(
    emulator: Emulator, own: Authority, proxy: Running, tmp_path: Path
) -> None:
    async with tls(emulator, own) as url:
        code, _, err = await push(
            url,
            tmp_path,
            HTTPS_PROXY=f"http://{USER}@127.0.0.1:{proxy.port}",
            SSL_CERT_FILE=str(own.file),
        )
    assert (code, len(emulator.annotations("me", "app"))) == (0, 300), err
    assert {head.split(" ")[0] for head in proxy.heads()} == {"CONNECT"}
    assert not any(TOKEN in head for head in proxy.heads())


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
async def test_a_plain_remote_is_asked_through_the_proxy_too(
    variable: str, emulator: Emulator, proxy: Running, tmp_path: Path
) -> None:
    code, _, err = await push(
        emulator.url, tmp_path, **{variable: f"{USER}@127.0.0.1:{proxy.port}"}
    )
    assert (code, len(emulator.annotations("me", "app"))) == (0, 300), err
    assert any(head.startswith(f"POST {emulator.url}/v2/") for head in proxy.heads())


@pytest.mark.parametrize(
    "entry", ["127.0.0.0/8", "127.0.0.1", "127.0.0.1:{port}", "*", "remote.test, 127.0.0.1"]
)
async def test_who_is_named_in_no_proxy_is_reached_directly(
    entry: str, emulator: Emulator, proxy: Running, tmp_path: Path
) -> None:
    port = emulator.url.rpartition(":")[2]
    ways = {
        "ALL_PROXY": f"http://{USER}@127.0.0.1:{proxy.port}",
        "NO_PROXY": entry.format(port=port),
    }
    code, _, err = await push(emulator.url, tmp_path, **ways)
    assert (code, len(emulator.annotations("me", "app"))) == (0, 300), err
    assert proxy.heads() == []


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_wants_other_credentials_stops_a_push_at_once_and_names_its_variable(
    scheme: str, proxy: Running, tmp_path: Path
) -> None:
    code, out, err = await push(
        f"{scheme}://remote.invalid",
        tmp_path,
        ALL_PROXY=f"http://someone:wrong-pass-2b@127.0.0.1:{proxy.port}",
    )
    assert (code, json.loads(out)["dead"], json.loads(out)["pending"]) == (1, 0, 300)
    assert f"127.0.0.1:{proxy.port} does not take its credentials (HTTP 407)" in err
    assert "ALL_PROXY" in err
    assert len(proxy.heads()) < 20


async def test_a_proxy_that_refuses_the_way_stops_a_push_at_once(tmp_path: Path) -> None:
    with forward_proxy(tmp_path, refuse=403) as proxy:
        code, out, err = await push(
            "https://remote.invalid", tmp_path, https_proxy=f"http://127.0.0.1:{proxy.port}"
        )
    assert (code, json.loads(out)["pending"]) == (1, 300)
    assert "HTTP 403" in err
    assert "https_proxy" in err


@pytest.mark.parametrize("variable", ["https_proxy", "ALL_PROXY"])
async def test_a_socks_proxy_is_told_before_anything_is_sent(variable: str, tmp_path: Path) -> None:
    code, _, err = await push(
        "https://remote.invalid", tmp_path, **{variable: f"socks5://{USER}@127.0.0.1:1"}
    )
    assert code == 2
    assert f"{variable} names a SOCKS proxy" in err


async def test_a_pull_of_documents_asks_everything_through_the_proxy_and_shows_storage_no_token(
    emulator: Emulator, proxy: Running, tmp_path: Path
) -> None:
    at = {
        "SYNCER_ANNOTELL_BASE_URL": emulator.url,
        "SYNCER_ANNOTELL_AUTH_URL": emulator.url,
        "SYNCER_ANNOTELL_REQUESTS_PER_SECOND": "1000",
    }
    client = {"ANNOTELL_CLIENT_ID": "a-client", "ANNOTELL_CLIENT_SECRET": "a-secret"}
    out = tmp_path / "documents.jsonl"
    arguments = [
        "--project",
        "emulator-project",
        "--out",
        str(out),
        "--state",
        str(tmp_path / "state"),
        "--no-progress",
    ]
    code, _, err = await syncer(
        "pull",
        "annotell",
        *arguments,
        http_proxy=f"http://{USER}@127.0.0.1:{proxy.port}",
        **at,
        **client,
    )
    assert code == 0, err
    assert len(out.read_text().splitlines()) == 5
    heads = proxy.heads()
    stored = [head for head in heads if "/_storage/" in head]
    assert len(stored) == 5
    assert not any("\r\nauthorization:" in head.lower() for head in stored)
    assert any("/v1/auth/oauth/token" in head for head in heads)
    assert len(heads) == 5 + sum("authorization: bearer" in head.lower() for head in heads) + 1


# --- authorities ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", first_quick(["file", "folder"]))
@pytest.mark.parametrize(
    "variable",
    [
        "SYNCER_CLARIFAI_CA_FILE",
        "SSL_CERT_FILE",
        "REQUESTS_CA_BUNDLE",
        "CLARIFAI_ROOT_CERTIFICATES_PATH",
    ],
)
async def test_an_authority_is_taken_from_a_key_or_a_variable(
    variable: str, kind: str, emulator: Emulator, own: Authority, tmp_path: Path
) -> None:
    async with tls(emulator, own) as url:
        code, _, err = await push(url, tmp_path, **{variable: str(bundle(own, tmp_path, kind))})
    assert (code, len(emulator.annotations("me", "app"))) == (0, 300), err


async def test_a_key_comes_before_the_variables(
    emulator: Emulator, own: Authority, tmp_path: Path
) -> None:
    others = {"SSL_CERT_FILE": "/nowhere.pem", "REQUESTS_CA_BUNDLE": "/nowhere.pem"}
    async with tls(emulator, own) as url:
        code, _, err = await push(url, tmp_path, SYNCER_CLARIFAI_CA_FILE=str(own.file), **others)
    assert code == 0, err


async def test_annotell_has_an_authority_of_its_own(
    emulator: Emulator, own: Authority, tmp_path: Path
) -> None:
    """For its auth server and its API alike; the emulator's storage is at the same
    port, but its addresses begin with http://.
    """
    client = {"ANNOTELL_CLIENT_ID": "a-client", "ANNOTELL_CLIENT_SECRET": "a-secret"}
    arguments = [
        "--project",
        "emulator-project",
        "--out",
        str(tmp_path / "out.jsonl"),
        "--state",
        str(tmp_path / "state"),
        "--no-progress",
    ]
    async with tls(emulator, own) as url:
        at = {"SYNCER_ANNOTELL_BASE_URL": url, "SYNCER_ANNOTELL_AUTH_URL": url}
        code, _, err = await syncer(
            "pull", "annotell", *arguments, **at, **client, SYNCER_CLARIFAI_CA_FILE=str(own.file)
        )
        assert code == 1
        assert "no access token: the certificate of 127.0.0.1 is not accepted" in err
        code, _, err = await syncer(
            "pull", "annotell", *arguments, **at, **client, SYNCER_ANNOTELL_CA_FILE=str(own.file)
        )
        assert code == 1
        assert "speaks TLS: its address begins with https://" in err


@pytest.mark.parametrize("named", [True, False])
async def test_signed_addresses_are_fetched_with_annotells_authority(
    named: bool, emulator: Emulator, own: Authority
) -> None:
    environment = {"ANNOTELL_CLIENT_ID": "a-client", "ANNOTELL_CLIENT_SECRET": "a-secret"}
    loaded = load(None, environment, {"annotell.ca_file": str(own.file)} if named else {})
    origin = annotell_origin(loaded, Limiters(), DocumentSelection(project="emulator-project"))
    assert origin.storage is not None
    async with tls(emulator, own) as url, origin.storage as storage:
        reply = await storage.send(Request("GET", f"{url}/_storage/nothing"), UNPACED)
    assert (
        isinstance(reply, Reply) if named else isinstance(reply, NoReply) and reply.cause == "never"
    )


@pytest.mark.parametrize(
    "text", first_quick([None, "", "no certificate\n"]), ids=["missing", "empty", "no PEM"]
)
@pytest.mark.parametrize(
    "variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CLARIFAI_ROOT_CERTIFICATES_PATH"]
)
async def test_a_variable_whose_file_holds_no_authority_is_named(
    variable: str, text: str | None, tmp_path: Path
) -> None:
    file = tmp_path / "authority.pem"
    if text is not None:
        file.write_text(text)
    for code, _, err in [
        await push("https://127.0.0.1:9", tmp_path, **{variable: str(file)}),
        await syncer("config", "check", **{variable: str(file)}),
    ]:
        assert code == 2
        assert f"the environment variable {variable} names it" in err
        assert str(file) in err


# --- what is told ---------------------------------------------------------------------


async def shown(**environment: str) -> dict[str, Any]:
    code, out, _ = await syncer("config", "show", "--json", **environment)
    assert code == 0
    return {key: (entry["value"], entry["origin"]) for key, entry in json.loads(out).items()}


async def test_config_show_tells_the_proxy_and_the_authority_of_each_remote_without_passwords(
    own: Authority,
) -> None:
    ways = {
        "HTTPS_PROXY": f"http://{USER}@proxy.test:3128",
        "ALL_PROXY": "socks5://elsewhere.test:1080",
        "NO_PROXY": "user.annotell.com",
        "REQUESTS_CA_BUNDLE": str(own.file),
        "SYNCER_ANNOTELL_CA_FILE": "/mine.pem",
    }
    told = await shown(**ways)
    assert (
        told["clarifai.proxy"]
        == told["annotell.proxy"]
        == ("http://proxy.test:3128", "HTTPS_PROXY; ALL_PROXY is not used")
    )
    assert told["annotell.auth_proxy"] == ("none", "NO_PROXY")
    assert told["clarifai.authority"] == (str(own.file), "REQUESTS_CA_BUNDLE")
    assert told["annotell.authority"] == ("/mine.pem", "SYNCER_ANNOTELL_CA_FILE")


async def test_config_show_tells_that_there_is_none_and_that_one_cannot_be_used() -> None:
    plain = await shown()
    assert plain["clarifai.proxy"] == ("none", "no variable names one")
    assert plain["clarifai.authority"][0].startswith("the system's: ")
    socks = await shown(ALL_PROXY="socks5://elsewhere.test:1080")
    assert socks["clarifai.proxy"][0] == "cannot be used"
    assert "ALL_PROXY names a SOCKS proxy" in socks["clarifai.proxy"][1]


async def test_config_check_tells_a_proxy_that_cannot_be_used_once() -> None:
    code, _, err = await syncer(
        "config", "check", ALL_PROXY="socks5://elsewhere.test:1080", NO_PROXY=".annotell.com"
    )
    assert (code, err.count("names a SOCKS proxy")) == (2, 1)


async def test_config_check_online_goes_through_the_proxy_with_the_authority(
    emulator: Emulator, own: Authority, proxy: Running
) -> None:
    async with tls(emulator, own) as url:
        ways = {
            "https_proxy": f"http://{USER}@127.0.0.1:{proxy.port}",
            "SSL_CERT_FILE": str(own.file),
        }
        code, _, err = await syncer(
            "config", "check", "--online", CLARIFAI_API_BASE=url, CLARIFAI_APP_ID="app", **ways
        )
    assert code == 0, err
    assert [head.split(" ")[0] for head in proxy.heads()] == ["CONNECT"]
