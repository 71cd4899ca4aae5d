"""Which web addresses are usable in form, and what is said of those that are not."""

from __future__ import annotations

import pytest

from syncer.core.address import address_fault, is_loopback, normal_address

LONGEST = "a" * 63


@pytest.mark.parametrize(
    "address",
    [
        "http://h",
        "HTTPS://Api.Example.com/v2/",
        "http://127.0.0.1:1",
        "http://127.0.0.1:65535/x",
        "http://[::1]",
        "http://[::1]:8080/x",
        "http://[fe80::1]:80",
        "http://ü.example",
        "http://例え.テスト",
        "http://xn--strae-oqa.de",
        "http://a_b.c-d.e",
        "http://a.b.",
        f"http://{LONGEST}.{LONGEST}",
    ],
)
def test_a_good_address_has_no_fault(address: str) -> None:
    assert address_fault(address) is None
    assert address_fault(address, base=False) is None


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://a b", "white space"),
        ("http://a\n", "white space"),
        ("http://a\x00", "cannot be printed"),
        ("api.example.com", "begins with neither"),
        ("ftp://a", "begins with neither"),
        ("http:/a", "begins with neither"),
        ("", "begins with neither"),
        ("http://[::1", "write an IPv6 address in brackets"),
        ("http://[x]", "write an IPv6 address in brackets"),
        ("http://::1", "write an IPv6 address in brackets"),
        ("http://fe80::1:8080", "write an IPv6 address in brackets"),
        ("http://user@h", "holds a user"),
        ("http://user:secret@h", "holds a user"),
        ("http://h:0", "port"),
        ("http://h:65536", "port"),
        ("http://h:x", "port"),
        ("http://h:-1", "port"),
        ("http://", "names no host"),
        ("http:///x", "names no host"),
        ("http://:80", "names no host"),
        ("http://a!b", "no host name"),
        ("http://127.1", "not an IPv4 address in full"),
        ("http://1.2.3.4.5", "not an IPv4 address in full"),
        ("http://256.1.1.1", "not an IPv4 address in full"),
        ("http://xn--", "cannot be written as a name"),
        ("http://api.xn--a/v2", "cannot be written as a name"),
        ("http://017", "not an IPv4 address in full"),
        ("http://a..b", "empty, too long"),
        ("http://.a", "empty, too long"),
        (f"http://{LONGEST}a", "empty, too long"),
        (f"http://{'ü' * 63}", "empty, too long"),
    ],
)
def test_an_address_that_is_wrong_in_form_has_its_fault_told(address: str, said: str) -> None:
    for base in (True, False):
        fault = address_fault(address, base=base)
        assert fault is not None
        assert said in fault
        assert "secret" not in fault


@pytest.mark.parametrize("address", ["http://h/x?y=1", "http://h/#a", "http://h?", "http://h#"])
def test_only_an_address_to_which_paths_are_appended_is_without_query_and_fragment(
    address: str,
) -> None:
    assert "a query or a fragment" in (address_fault(address) or "")
    assert address_fault(address, base=False) is None


@pytest.mark.parametrize("address", ["HTTP://API.example:80/", "http://api.example"])
def test_one_address_in_two_spellings_is_one(address: str) -> None:
    assert normal_address(address) == "http://api.example"


@pytest.mark.parametrize("host", ["localhost", "LocalHost", "127.0.0.1", "127.8.8.8", "::1"])
def test_what_only_this_machine_reaches_is_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.1", "::", "syncer", "localhost.example", ""])
def test_what_others_may_reach_is_not(host: str) -> None:
    assert not is_loopback(host)
