"""Why no answer came: what may pass by itself, what was cut off on the way, and what
can never be answered there.
"""

from __future__ import annotations

import pytest

from syncer.core.ports.wire import NoReply, Reply, Request
from syncer.errors import UsageError
from syncer.transport.http import HttpTransport
from tests.support.authority import Authority, authority
from tests.support.servers import (
    OK,
    Answer,
    free_port,
    hangs_up,
    resets,
    says,
    says_and_hangs_up,
    serving,
    tls_or_400,
)
from tests.support.turns import UNPACED

POST = Request("POST", "/v2/annotations", b'{"annotations":[]}')

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("authority"))


def transport(base_url: str, ca_file: str = "", *, seconds: float = 5.0) -> HttpTransport:
    return HttpTransport(
        base_url=base_url,
        connect_timeout_seconds=seconds,
        request_timeout_seconds=seconds,
        ca_file=ca_file,
    )


async def no_reply(base_url: str, ca_file: str = "", *, seconds: float = 5.0) -> NoReply:
    async with transport(base_url, ca_file, seconds=seconds) as opened:
        reply = await opened.send(POST, UNPACED)
    assert isinstance(reply, NoReply)
    return reply


# --- never ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("127.1", "IPv4"),
        ("2130706433", "IPv4"),
        ("127.0.0.256", "IPv4"),
        ("1.2.3.4.5", "IPv4"),
        ("a..b", "part that is empty"),
        (".local", "part that is empty"),
        ("x" * 64 + ".org", "part that is empty"),
        ("ü" * 60 + ".org", "part that is empty"),
        ("ex%41mple.org", "characters"),
        ("host\\name", "characters"),
        ("exa mple.org", "white space"),
        ("::1", "brackets"),
        ("127.0.0.1:65536", "port"),
        ("127.0.0.1:0", "port"),
        ("127.0.0.1:-1", "port"),
        ("127.0.0.1:http", "port"),
        ("", "no host"),
        (":80", "no host"),
    ],
)
def test_an_address_that_is_wrong_in_form_is_refused_before_anything_is_asked(
    host: str, said: str
) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        transport(f"https://{host}")
    assert "base_url" in str(refused.value)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "example.org.",
        "münchen.example",
        "my_host",
        "xn--bcher-kva.example",
        "[::1]:65535",
        "a",
    ],
)
def test_an_address_that_is_unusual_but_right_is_taken(host: str) -> None:
    transport(f"https://{host}/base/")


async def test_a_server_without_tls_is_never_going_to_answer_https() -> None:
    async with serving(OK, at_once=says("HTTP/1.1 400 Bad Request\n\n")) as server:
        reply = await no_reply(f"https://127.0.0.1:{server.port}")
    assert (reply.cause, reply.sent) == ("never", False)
    assert "http://" in reply.reason


async def test_a_server_that_wants_tls_is_never_going_to_answer_http(own: Authority) -> None:
    async with serving(OK, tls=own.issued("IP:127.0.0.1")) as server:
        reply = await no_reply(server.url)
    assert reply.cause == "never"
    assert "https://" in reply.reason


async def test_a_server_that_says_400_because_it_wants_tls_is_told_apart_from_one_that_says_400(
    own: Authority,
) -> None:
    with tls_or_400(own.issued("IP:127.0.0.1")) as port:
        reply = await no_reply(f"http://127.0.0.1:{port}")
    assert (reply.cause, reply.sent) == ("never", True)
    assert "https://" in reply.reason


@pytest.mark.parametrize(
    "answer",
    ["HTTP/1.1 400 Bad Request\nConnection: close\nContent-Length: 4\n\n<p/>", ""],
    ids=["400", "hangs up"],
)
async def test_a_server_that_refuses_or_hangs_up_and_speaks_no_tls_is_asked_about_it_once(
    answer: str,
) -> None:
    async with serving(says_and_hangs_up(answer)) as server, transport(server.url) as opened:
        replies = [await opened.send(POST, UNPACED) for _ in range(3)]
    assert {reply.cause if isinstance(reply, NoReply) else reply.status for reply in replies} == {
        "cut" if not answer else 400
    }
    assert server.connections == 4


@pytest.mark.parametrize(
    ("names", "expired"),
    [(["IP:127.0.0.1"], True), (["DNS:other.example"], False)],
    ids=["expired", "another name"],
)
async def test_a_certificate_that_is_not_accepted_is_never_going_to_be(
    own: Authority, names: list[str], expired: bool
) -> None:
    async with serving(OK, tls=own.issued(*names, expired=expired)) as server:
        reply = await no_reply(f"https://127.0.0.1:{server.port}", str(own.file))
    assert (reply.cause, reply.sent) == ("never", False)
    assert "certificate of 127.0.0.1" in reply.reason
    assert "expired" in reply.reason or "not valid for" in reply.reason
    assert server.heads == []


async def test_an_authority_that_nobody_named_is_never_going_to_be_trusted(own: Authority) -> None:
    async with serving(OK, tls=own.issued("IP:127.0.0.1")) as server:
        reply = await no_reply(f"https://127.0.0.1:{server.port}")
        assert (reply.cause, reply.sent) == ("never", False)
        assert "ca_file" in reply.reason
        async with transport(f"https://127.0.0.1:{server.port}", str(own.file)) as opened:
            assert await opened.send(POST, UNPACED) == Reply(200, b"{}")


@pytest.mark.parametrize(
    "banner",
    ["SSH-2.0-OpenSSH_9.2\n", "-ERR unknown command\n", "220 mail ESMTP\n", "\0\0\0\7", "<html>\n"],
)
@pytest.mark.parametrize("at_once", [False, True])
async def test_a_server_that_speaks_something_else_is_never_going_to_answer_in_http(
    banner: str, at_once: bool
) -> None:
    answer = says_and_hangs_up(banner)
    async with serving(answer, at_once=answer if at_once else None) as server:
        reply = await no_reply(server.url)
    assert (reply.cause, reply.sent, reply.reason) == (
        "never",
        True,
        f"what 127.0.0.1:{server.port} answers is not HTTP",
    )


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        *((status, "never") for status in (307, 403, 405, 407, 501)),
        *((status, "outage") for status in (408, 429, 500, 502, 503, 504)),
    ],
)
async def test_a_proxy_refusing_the_way_is_for_good_and_one_that_does_not_reach_the_remote_is_not(
    status: int, cause: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(says(f"HTTP/1.1 {status} No\nContent-Length: 0\n\n")) as proxy:
        monkeypatch.setenv("https_proxy", f"http://me:pass-2b@127.0.0.1:{proxy.port}")
        reply = await no_reply("https://remote.invalid")
    assert (reply.cause, reply.sent) == (cause, False)
    assert f"HTTP {status}" in reply.reason
    assert "pass-2b" not in reply.reason


async def test_what_has_answered_once_can_answer_again() -> None:
    """Garbage from there may be a restarting proxy's: nothing is wrong for good."""
    async with (
        serving(OK, says_and_hangs_up("what?\n\n")) as server,
        transport(server.url) as opened,
    ):
        assert isinstance(await opened.send(POST, UNPACED), Reply)
        assert await opened.send(POST, UNPACED) == NoReply(
            f"what 127.0.0.1:{server.port} answers is not HTTP", sent=True
        )


# --- what may pass by itself ----------------------------------------------------------


async def test_a_refused_connection_and_a_name_that_is_not_found_may_pass_by_themselves() -> None:
    assert (await no_reply(f"http://127.0.0.1:{free_port()}")).cause == "outage"
    assert (await no_reply("http://nowhere.invalid")).cause == "outage"


async def test_a_server_that_hangs_up_in_the_middle_of_tls_may_be_one_that_restarts() -> None:
    async with serving(OK, at_once=hangs_up) as server:
        reply = await no_reply(f"https://127.0.0.1:{server.port}")
    assert (reply.cause, reply.sent) == ("outage", False)


async def test_tls_that_never_ends_may_be_a_network_that_is_slow() -> None:
    async with serving(OK) as server:
        assert (await no_reply(f"https://127.0.0.1:{server.port}", seconds=0.05)).cause == "outage"


# --- cut off on the way ---------------------------------------------------------------


@pytest.mark.parametrize(
    "cut", [hangs_up, resets, says("")], ids=["hangs up", "resets", "is silent"]
)
async def test_where_nothing_at_all_comes_back_the_request_may_have_been_cut_off(
    cut: Answer,
) -> None:
    async with serving(cut) as server:
        reply = await no_reply(server.url, seconds=0.2)
    assert (reply.cause, reply.sent) == ("cut", True)


@pytest.mark.parametrize("size", [200_000, 3_000_000])
@pytest.mark.parametrize("cut", [hangs_up, resets], ids=["hangs up", "resets"])
async def test_a_body_that_is_cut_off_in_its_middle_is_told_so(cut: Answer, size: int) -> None:
    async with serving(OK, at_head=cut) as server, transport(server.url) as opened:
        reply = await opened.send(Request("POST", "/", b" " * size), UNPACED)
    assert isinstance(reply, NoReply)
    assert (reply.cause, reply.sent) == ("cut", True)


@pytest.mark.parametrize(
    "begun",
    [
        "HTTP/1.1 200 OK\nContent-Length: 100\n\n{",
        "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\n{",
    ],
)
async def test_where_the_answer_has_begun_the_request_was_not_cut_off(begun: str) -> None:
    async with (
        serving(says_and_hangs_up(begun), says(begun)) as server,
        transport(server.url, seconds=0.2) as opened,
    ):
        for _ in range(2):
            reply = await opened.send(POST, UNPACED)
            assert isinstance(reply, NoReply)
            assert (reply.cause, reply.sent) == ("outage", True)
