"""The real transport against servers on this machine that answer, break, hang and lie
as they are told.
"""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from pathlib import Path

import pytest

from syncer.core.ports.wire import NoReply, Reply, Request
from syncer.errors import UsageError
from syncer.transport import http
from syncer.transport.http import HttpTransport
from tests.support.servers import (
    OK,
    Answer,
    free_port,
    hangs_up,
    resets,
    says,
    says_and_hangs_up,
    serving,
)
from tests.support.turns import UNPACED, CountedTurn

TOKEN = "made-up-token-5c1e"
KEY = {"Authorization": f"Key {TOKEN}"}
POST = Request("POST", "/v2/annotations?secret=in-query", b'{"annotations":[]}')
GET = Request("GET", "/v2/annotations?page=1&ids=a%2Fb")

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def transport_to(
    base_url: str, *, connect: float = 5.0, request: float = 5.0, ca_file: str = ""
) -> HttpTransport:
    return HttpTransport(
        base_url=base_url,
        connect_timeout_seconds=connect,
        request_timeout_seconds=request,
        ca_file=ca_file,
    )


async def result_of(
    request: Request, base_url: str, *, connect: float = 5.0, request_seconds: float = 5.0
) -> Reply | NoReply:
    async with transport_to(base_url, connect=connect, request=request_seconds) as transport:
        return await transport.send_with(KEY, request)


# --- what is sent, what comes back ----------------------------------------------------


async def test_a_post_carries_its_bytes_its_type_the_key_and_who_asks() -> None:
    async with serving(OK) as server:
        assert await result_of(POST, server.url) == Reply(200, b"{}")
    head = server.heads[0]
    assert head.startswith("POST /v2/annotations?secret=in-query HTTP/1.1\r\n")
    assert f"Authorization: Key {TOKEN}\r\n" in head
    assert "Content-Type: application/json\r\n" in head
    assert "User-Agent: syncer/" in head
    assert server.bodies == [POST.body]


async def test_a_get_has_no_content_type_and_its_path_goes_out_as_it_was_quoted() -> None:
    async with serving(OK) as server:
        await result_of(GET, server.url + "/base/")
    assert server.heads[0].startswith("GET /base/v2/annotations?page=1&ids=a%2Fb HTTP/1.1\r\n")
    assert "content-type" not in server.heads[0].lower()


async def test_retry_after_and_date_are_handed_back_as_they_came() -> None:
    answer = (
        "HTTP/1.1 429 Slow\nRetry-After: 7\nDate: Tue, 24 Nov 2026 02:00:00 GMT\nContent-Length:"
        " 0\n\n"
    )
    async with serving(says(answer)) as server:
        assert await result_of(POST, server.url) == Reply(
            429, b"", "7", "Tue, 24 Nov 2026 02:00:00 GMT"
        )


async def test_an_error_page_in_html_is_a_reply_like_any_other() -> None:
    async with serving(
        says("HTTP/1.1 502 Bad\nContent-Type: text/html\nContent-Length: 8\n\n<html/>\n")
    ) as server:
        assert await result_of(POST, server.url) == Reply(502, b"<html/>\r\n"[:8])


async def test_one_connection_serves_many_requests() -> None:
    async with serving(OK) as server, transport_to(server.url) as transport:
        for _ in range(5):
            assert isinstance(await transport.send(POST, UNPACED), Reply)
        assert (server.connections, transport.requests, transport.hidden_retries) == (1, 5, 0)


async def test_a_body_of_several_mebibytes_arrives_whole() -> None:
    body = bytes(range(256)) * (3 << 12)
    async with serving(OK) as server:
        assert await result_of(Request("POST", "/", body), server.url) == Reply(200, b"{}")
    assert server.bodies == [body]
    assert f"Content-Length: {len(body)}\r\n" in server.heads[0]
    assert "Content-Disposition" not in server.heads[0]


async def test_a_redirect_is_not_followed_and_the_key_goes_to_nobody_else() -> None:
    async with serving(OK) as other:
        answer = f"HTTP/1.1 307 Elsewhere\nLocation: {other.url}/\nContent-Length: 0\n\n"
        async with serving(says(answer)) as server:
            assert await result_of(GET, server.url) == Reply(307, b"")
        assert other.heads == []


# --- no connection: certainly not sent ------------------------------------------------


async def test_a_refused_connection_is_certainly_not_sent() -> None:
    port = free_port()
    reply = await result_of(POST, f"http://127.0.0.1:{port}")
    assert isinstance(reply, NoReply)
    assert not reply.sent
    assert f"127.0.0.1:{port}" in reply.reason


async def test_a_connection_that_does_not_come_about_in_time_is_certainly_not_sent() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    listening = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    async with listening:
        # TLS begins and never ends.
        reply = await result_of(POST, f"https://127.0.0.1:{port}", connect=0.05)
    assert reply == NoReply("no connection within 0.05 s", sent=False)


# --- sent, and no complete answer: in doubt -------------------------------------------


@pytest.mark.parametrize("request_", [POST, GET], ids=["post", "get"])
async def test_a_reset_instead_of_an_answer_leaves_it_in_doubt_and_is_not_sent_again(
    request_: Request,
) -> None:
    async with serving(resets) as server, transport_to(server.url) as transport:
        reply = await transport.send(request_, UNPACED)
        assert isinstance(reply, NoReply)
        assert reply.sent
        assert len(server.heads) == transport.requests == 1
        assert transport.hidden_retries == 0


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST", "PATCH"])
async def test_what_changes_something_is_not_sent_again_where_a_kept_connection_turns_out_closed(
    method: str,
) -> None:
    turn = CountedTurn()
    async with serving(OK, resets, OK) as server, transport_to(server.url) as transport:
        assert isinstance(await transport.send(Request(method, "/"), turn), Reply)
        reply = await transport.send(Request(method, "/"), turn)
        assert isinstance(reply, NoReply)
        assert reply.sent
        assert (len(server.heads), transport.requests, transport.hidden_retries) == (2, 2, 0)
        assert turn.gone == []


@pytest.mark.parametrize("closes", [resets, hangs_up])
async def test_a_get_goes_once_more_in_another_turn_where_a_kept_connection_turns_out_closed(
    closes: Answer,
) -> None:
    """Through a proxy that closed each connection after its answer, look-ups met closed
    ones until the attempts of 127 of 200 posts were used up.
    """
    turn = CountedTurn()
    async with serving(OK, closes, OK) as server, transport_to(server.url) as transport:
        assert isinstance(await transport.send(GET, turn), Reply)
        assert isinstance(await transport.send(GET, turn), Reply)
        assert (len(server.heads), transport.requests, transport.hidden_retries) == (3, 3, 1)
        assert turn.gone == [True]


async def test_a_get_goes_no_third_time() -> None:
    async with serving(OK, resets) as server, transport_to(server.url) as transport:
        assert isinstance(await transport.send(GET, UNPACED), Reply)
        reply = await transport.send(GET, UNPACED)
        assert isinstance(reply, NoReply)
        assert reply.sent
        assert (len(server.heads), transport.requests, transport.hidden_retries) == (3, 3, 1)


async def test_a_get_that_is_not_answered_in_time_on_a_kept_connection_does_not_go_again() -> None:
    async with (
        serving(OK, says("")) as server,
        transport_to(server.url, request=0.2) as transport,
    ):
        assert isinstance(await transport.send(GET, UNPACED), Reply)
        assert isinstance(await transport.send(GET, UNPACED), NoReply)
        assert (len(server.heads), transport.requests) == (2, 2)


@pytest.mark.parametrize(
    "cut",
    [
        "HTTP/1.1 200 OK\nContent-Length: 100\n\n{",
        "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\n{",
        "HTTP/1.1 200 OK\nContent-Encoding: gzip\nContent-Length: 4\n\nabcd",
        "HTTP/1.1 200",
        "not even HTTP\n\n",
        "",
    ],
)
async def test_an_answer_that_is_cut_off_or_broken_leaves_it_in_doubt(cut: str) -> None:
    async with serving(says_and_hangs_up(cut)) as server:
        reply = await result_of(POST, server.url)
    assert isinstance(reply, NoReply)
    assert reply.sent


@pytest.mark.parametrize("begun", ["", "HTTP/1.1 200 OK\nContent-Length: 100\n\n{"])
async def test_an_answer_that_is_not_complete_in_time_leaves_it_in_doubt(begun: str) -> None:
    async with serving(says(begun)) as server:
        reply = await result_of(POST, server.url, request_seconds=0.05)
    assert isinstance(reply, NoReply)
    assert (reply.reason, reply.sent) == ("no complete answer within 0.05 s", True)


async def test_an_answer_that_trickles_in_does_not_outlast_the_deadline() -> None:
    async def trickle(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.005)

    async with serving(trickle) as server:
        assert await result_of(POST, server.url, request_seconds=0.1) == NoReply(
            "no complete answer within 0.1 s", sent=True
        )


async def test_an_answer_beyond_all_bounds_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "ANSWER_BYTES_MAX", 1 << 20)
    async with serving(  # noqa: SIM117 - the order of leaving is the point
        says(f"HTTP/1.1 200 OK\nContent-Length: {2 << 20}\n\n" + "x" * (2 << 20)), OK
    ) as server:
        async with transport_to(server.url) as transport:
            assert await transport.send(POST, UNPACED) == NoReply(
                "the answer is larger than the 1 MiB allowed", sent=True
            )
            assert await transport.send(POST, UNPACED) == Reply(200, b"{}")


# --- TLS ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=test",
    ]
    command += [
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-keyout",
        str(key),
        "-out",
        str(certificate),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


def tls_of(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    return context


async def test_a_certificate_of_an_unknown_authority_is_refused_naming_host_and_way_out(
    certificate: tuple[Path, Path],
) -> None:
    async with serving(OK, tls=tls_of(certificate)) as server:
        reply = await result_of(POST, f"https://127.0.0.1:{server.port}")
    assert isinstance(reply, NoReply)
    assert not reply.sent
    assert "127.0.0.1" in reply.reason
    assert "self-signed" in reply.reason
    assert "ca_file" in reply.reason
    assert server.heads == []


async def test_with_the_authority_in_ca_file_the_same_certificate_is_accepted(
    certificate: tuple[Path, Path],
) -> None:
    async with serving(OK, tls=tls_of(certificate)) as server:  # noqa: SIM117 - the order of leaving is the point
        async with transport_to(
            f"https://127.0.0.1:{server.port}", ca_file=str(certificate[0])
        ) as transport:
            assert await transport.send(POST, UNPACED) == Reply(200, b"{}")


async def test_trouble_with_tls_is_told_in_its_own_words_and_trouble_below_in_the_systems() -> None:
    async def answer_at_once(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    # which speaks no TLS
    listening = await asyncio.start_server(answer_at_once, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        async with transport_to(f"https://127.0.0.1:{port}") as transport:
            spoken = await transport.send(Request("GET", "/"), UNPACED)
    async with transport_to(f"http://127.0.0.1:{port}") as transport:
        refused = await transport.send(Request("GET", "/"), UNPACED)
    assert isinstance(spoken, NoReply)
    assert "does not speak TLS" in spoken.reason
    assert refused == NoReply(f"no connection to 127.0.0.1:{port}: Connection refused", sent=False)


async def test_a_certificate_for_another_name_is_refused_even_from_a_known_authority(
    certificate: tuple[Path, Path],
) -> None:
    async with serving(OK, tls=tls_of(certificate)) as server:  # noqa: SIM117 - the order of leaving is the point
        async with transport_to(
            f"https://localhost:{server.port}", ca_file=str(certificate[0])
        ) as transport:
            reply = await transport.send(POST, UNPACED)
    assert isinstance(reply, NoReply)
    assert not reply.sent
    assert "localhost" in reply.reason


@pytest.mark.parametrize("text", [None, "", "no certificate"])
def test_a_ca_file_that_holds_no_certificates_is_refused_at_once(
    tmp_path: Path, text: str | None
) -> None:
    path = tmp_path / "ca.pem"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageError, match="ca_file names it"):
        transport_to("https://127.0.0.1:1", ca_file=str(path))


# --- proxies --------------------------------------------------------------------------


async def test_the_proxy_of_the_environment_is_asked_with_its_own_credentials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serving(OK) as proxy:
        monkeypatch.setenv("http_proxy", f"http://someone:pass-2b@127.0.0.1:{proxy.port}")
        assert await result_of(POST, "http://remote.invalid") == Reply(200, b"{}")
    assert proxy.heads[0].startswith(
        "POST http://remote.invalid/v2/annotations?secret=in-query HTTP/1.1\r\n"
    )
    assert "Proxy-Authorization: Basic c29tZW9uZTpwYXNzLTJi\r\n" in proxy.heads[0]
    assert f"Authorization: Key {TOKEN}\r\n" in proxy.heads[0]


async def test_no_proxy_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(OK) as server:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert await result_of(POST, server.url) == Reply(200, b"{}")


@pytest.mark.parametrize(
    "answer",
    [says("HTTP/1.1 407 No\nContent-Length: 0\n\n"), says_and_hangs_up(""), resets],
    ids=["refuses", "hangs up", "resets"],
)
async def test_a_proxy_that_does_not_connect_leaves_the_request_certainly_unsent(
    answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(answer) as proxy:
        monkeypatch.setenv("https_proxy", f"http://someone:pass-2b@127.0.0.1:{proxy.port}")
        reply = await result_of(POST, "https://remote.invalid")
    assert isinstance(reply, NoReply)
    assert not reply.sent
    assert "proxy" in reply.reason
    assert "pass-2b" not in reply.reason
    assert proxy.heads[0].startswith("CONNECT remote.invalid:443 ")
    assert TOKEN not in proxy.heads[0]


async def test_a_proxy_that_cannot_be_reached_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("https_proxy", f"someone:pass-2b@127.0.0.1:{port}")
    reply = await result_of(POST, "https://remote.invalid")
    assert isinstance(reply, NoReply)
    assert not reply.sent
    assert reply.reason.startswith(f"no connection to the proxy 127.0.0.1:{port}")
    assert "pass-2b" not in reply.reason


async def test_a_proxy_of_another_kind_is_refused_without_showing_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("https_proxy", "socks5://someone:pass-2b@127.0.0.1:1")
    with pytest.raises(UsageError, match="https_proxy") as refused:
        transport_to("https://remote.invalid")
    assert "pass-2b" not in str(refused.value)


# --- secrets --------------------------------------------------------------------------


async def test_neither_token_nor_query_is_in_any_reason_or_repr() -> None:
    answers = [
        resets,
        says_and_hangs_up(""),
        says_and_hangs_up("HTTP/1.1 200 OK\nContent-Length: 9\n\n{"),
        says_and_hangs_up("what?\n\n"),
    ]
    async with serving(*answers) as server, transport_to(server.url) as transport:
        replies = [await transport.send_with(KEY, POST) for _ in answers]
        shown = " ".join(
            [
                repr(transport),
                *map(repr, replies),
                repr(await result_of(POST, f"http://127.0.0.1:{free_port()}")),
            ]
        )
    assert all(isinstance(reply, NoReply) for reply in replies)
    assert TOKEN not in shown
    assert "secret" not in shown
    assert POST.path not in shown


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "127.0.0.1:80",
        "ftp://host",
        "https://",
        "https://me:pass-2b@host",
        "http://host:port",
        "http://host?a=b",
    ],
)
def test_a_base_url_that_cannot_be_used_is_refused_without_being_shown(base_url: str) -> None:
    with pytest.raises(UsageError, match="base_url") as refused:
        transport_to(base_url)
    assert "pass-2b" not in str(refused.value)
