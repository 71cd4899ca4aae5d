"""Which proxy the environment names for an address: what curl's manual says, row by
row, beside the real curl; and what goes beyond it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from yarl import URL

from syncer.transport.proxies import bypassed, route

PROXY = "http://proxy.test:3128"

CURL: list[tuple[str, str, bool]] = [
    # a name, and every name below it; ports of the address do not matter
    ("example.com", "http://example.com/", True),
    ("example.com", "http://www.example.com/", True),
    ("example.com", "http://example.com:8080/", True),
    ("example.com", "http://notexample.com/", False),
    ("example.com", "http://example.com.org/", False),
    ("ample.com", "http://www.example.com/", False),
    (".example.com", "http://www.example.com/", True),
    (".example.com", "http://example.com/", True),
    (".example.com", "http://badexample.com/", False),
    ("EXAMPLE.com", "http://example.COM/", True),
    ("example.com.", "http://example.com/", True),
    ("example.com", "http://example.com./", True),
    ("localhost", "http://localhost:99/", True),
    # several: commas, spaces, or both
    ("a.org,example.com", "http://example.com/", True),
    ("a.org, example.com", "http://example.com/", True),
    ("a.org example.com", "http://example.com/", True),
    ("a.org,b.org", "http://example.com/", False),
    (",", "http://example.com/", False),
    # all
    ("*", "http://anything.org/", True),
    ("*", "http://127.0.0.1/", True),
    # addresses and networks
    ("127.0.0.1", "http://127.0.0.1:8080/", True),
    ("127.0.0.2", "http://127.0.0.1:8080/", False),
    ("10.0.0.0/8", "http://10.1.2.3/", True),
    ("10.0.0.0/8", "http://11.1.2.3/", False),
    ("10.0.0.0/8", "http://10.example.com/", False),
    ("10.0.0.0/33", "http://10.1.2.3/", False),
    ("10.1.2.99/24", "http://10.1.2.3/", True),
    ("10.1.2.3/32", "http://10.1.2.3/", True),
    ("192.168.0.0/16", "http://192.168.7.7:88/", True),
    ("0.0.0.1", "http://10.0.0.1/", False),
    ("::1", "http://[::1]/", True),
    ("::1", "http://[::1]:88/", True),
    ("::2", "http://[::1]/", False),
]
"""NO_PROXY, an address, and whether it is reached directly."""

BEYOND: list[tuple[str, str, bool]] = [
    # what curl's manual says, and curl 7.88 does not do
    ("2001:db8::/32", "http://[2001:db8:1::1]/", True),
    ("fd00::/8", "http://[fe80::1]/", False),
    ("0.0.0.0/0", "http://10.1.2.3/", True),
    # what it does not say, and others read so
    ("example.com:8080", "http://example.com:8080/", True),
    ("example.com:8080", "http://example.com:9/", False),
    ("example.com:80", "http://example.com/", True),
    ("example.com:443", "https://example.com/", True),
    ("example.com:8080", "http://www.example.com:8080/", True),
    ("127.0.0.1:8080", "http://127.0.0.1:8080/", True),
    ("127.0.0.1:8080", "http://127.0.0.1:9090/", False),
    ("*.example.com", "http://www.example.com/", True),
    ("*.example.com", "http://a.b.example.com/", True),
    ("*.example.com", "http://example.com/", False),
    ("*.example.com:8080", "http://www.example.com:8080/", True),
    ("a.org,*", "http://b.org/", True),
    ("[::1]", "http://[::1]/", True),
    ("[::1]:88", "http://[::1]:88/", True),
    ("[::1]:88", "http://[::1]:89/", False),
    ("0:0:0:0:0:0:0:1", "http://[::1]/", True),
    ("http://example.com", "http://example.com/", False),
    ("exa mple..com,:80,.", "http://example.com/", False),
]


@pytest.mark.parametrize(("no_proxy", "address", "direct"), [*CURL, *BEYOND])
def test_who_is_reached_directly(no_proxy: str, address: str, direct: bool) -> None:
    environment = {"http_proxy": PROXY, "https_proxy": PROXY, "no_proxy": no_proxy}
    found = route(URL(address), environment)
    assert (found.proxy is None) == direct
    assert found.variable == ("no_proxy" if direct else f"{URL(address).scheme}_proxy")


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_the_real_curl_reads_the_same_rows_the_same_way() -> None:
    asked: set[str] = set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.add(self.headers["X-Row"])
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()

        def ask(row: int) -> None:
            environment = {
                "PATH": os.environ["PATH"],
                "http_proxy": f"http://127.0.0.1:{server.server_port}",
                "NO_PROXY": CURL[row][0],
            }
            limits = ["--connect-timeout", "1", "-m", "5", "--globoff"]
            subprocess.run(
                ["curl", "-s", *limits, "-H", f"X-Row: {row}", CURL[row][1]],
                env=environment,
                capture_output=True,
            )

        with ThreadPoolExecutor(16) as pool:
            list(pool.map(ask, range(len(CURL))))
        server.shutdown()
        thread.join()
    assert [str(row) not in asked for row in range(len(CURL))] == [direct for _, _, direct in CURL]


@pytest.mark.parametrize(
    ("environment", "address", "proxy", "variable"),
    [
        ({"https_proxy": "http://a:1"}, "https://x.org", "http://a:1", "https_proxy"),
        ({"HTTPS_PROXY": "http://a:1"}, "https://x.org", "http://a:1", "HTTPS_PROXY"),
        (
            {"https_proxy": "http://a:1", "HTTPS_PROXY": "http://b:2"},
            "https://x.org",
            "http://a:1",
            "https_proxy",
        ),
        (
            {"https_proxy": "", "HTTPS_PROXY": "http://b:2"},
            "https://x.org",
            "http://b:2",
            "HTTPS_PROXY",
        ),
        ({"https_proxy": "http://a:1"}, "http://x.org", "", ""),
        ({"HTTP_PROXY": "http://a:1"}, "http://x.org", "http://a:1", "HTTP_PROXY"),
        ({"all_proxy": "http://a:1"}, "https://x.org", "http://a:1", "all_proxy"),
        ({"ALL_PROXY": "http://a:1"}, "http://x.org", "http://a:1", "ALL_PROXY"),
        (
            {"ALL_PROXY": "http://a:1", "HTTPS_PROXY": "http://b:2"},
            "https://x.org",
            "http://b:2",
            "HTTPS_PROXY",
        ),
        ({"https_proxy": "http://a:1", "no_proxy": "x.org"}, "https://x.org", "", "no_proxy"),
        ({"https_proxy": "http://a:1", "NO_PROXY": "x.org"}, "https://x.org", "", "NO_PROXY"),
        (
            {"https_proxy": "http://a:1", "no_proxy": "y.org", "NO_PROXY": "x.org"},
            "https://x.org",
            "http://a:1",
            "https_proxy",
        ),
        (
            {"https_proxy": "http://a:1", "no_proxy": "", "NO_PROXY": "x.org"},
            "https://x.org",
            "",
            "NO_PROXY",
        ),
        ({"https_proxy": "http://a:1"}, "https://localhost:9", "http://a:1", "https_proxy"),
        ({"http_proxy": "http://a:1"}, "http://127.0.0.1:9", "http://a:1", "http_proxy"),
        ({"https_proxy": "a"}, "https://x.org", "http://a:1080", "https_proxy"),
        ({"https_proxy": "me:pw@a:8080"}, "https://x.org", "http://a:8080", "https_proxy"),
        ({"https_proxy": "https://a"}, "https://x.org", "https://a:443", "https_proxy"),
        (
            {"https_proxy": "http://me:p%40w@[::1]:3128/"},
            "https://x.org",
            "http://[::1]:3128",
            "https_proxy",
        ),
        ({"no_proxy": "*"}, "https://x.org", "", ""),
        ({}, "https://x.org", "", ""),
    ],
)
def test_which_proxy_and_which_variable_names_it(
    environment: dict[str, str], address: str, proxy: str, variable: str
) -> None:
    found = route(URL(address), environment)
    assert (found.show(), found.variable, found.fault) == (proxy, variable, "")


def test_a_variable_that_another_one_comes_before_is_told() -> None:
    assert (
        route(
            URL("https://x.org"), {"ALL_PROXY": "socks5://a:1", "HTTPS_PROXY": "http://b:2"}
        ).unused
        == "ALL_PROXY"
    )


@pytest.mark.parametrize(
    "text",
    [
        "socks5://me:pw-2b@a:1",
        "SOCKS4://a:1",
        "socks5h://a:1",
        "ftp://a:1",
        "http://",
        "http://a:99999",
        "http://me:pw-2b@:1",
    ],
)
@pytest.mark.parametrize("name", ["ALL_PROXY", "https_proxy"])
def test_a_proxy_that_cannot_be_used_is_told_with_its_variable_and_without_its_password(
    name: str, text: str
) -> None:
    found = route(URL("https://x.org"), {name: text})
    assert found.proxy is None
    assert name in found.fault
    assert "x.org in NO_PROXY" in found.fault
    assert "pw-2b" not in found.fault
    assert ("SOCKS" in found.fault) == text.lower().startswith("socks")


def test_a_proxy_that_cannot_be_used_does_not_matter_to_who_is_reached_directly() -> None:
    assert (
        route(URL("https://x.org"), {"ALL_PROXY": "socks5://a:1", "NO_PROXY": "x.org"}).fault == ""
    )


def test_a_name_that_looks_like_an_address_is_a_name() -> None:
    assert not bypassed("10.1.2.3.example.org", 80, "10.0.0.0/8")
    assert not bypassed("", None, "example.com")
