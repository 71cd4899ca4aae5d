"""The form of a web address: a fault that shows in it need not be tried for ten
minutes.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, ip_address
from urllib.parse import urlsplit

from yarl import URL

_LABEL_BYTES_MAX = 63
_NOT_IPV6 = "has a host that is not valid: write an IPv6 address in brackets, as in http://[::1]"


def address_fault(address: str, *, base: bool = True) -> str | None:
    """Return the reason why this address cannot be used, None if its form is good. The
    reason never repeats a user or a password.

    `base`: paths are appended to it, so that it can have neither query nor fragment.
    """
    if any(letter.isspace() or not letter.isprintable() for letter in address):
        return "holds white space or characters that cannot be printed"
    if not address.lower().startswith(("http://", "https://")):
        return "begins with neither http:// nor https://"
    try:
        parts = urlsplit(address)
    except ValueError:  # of what stands in brackets
        return _NOT_IPV6
    if "@" in parts.netloc:
        return "holds a user, or a password: credentials are set elsewhere"
    if parts.netloc.count(":") > 1 and "[" not in parts.netloc:
        return _NOT_IPV6
    if base and ("?" in address or "#" in address):
        return "holds a query or a fragment, to which no path can be appended"
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        return "has a port that is not a number from 1 to 65535"
    return _host_fault(parts.hostname or "")


def normal_address(address: str) -> str:
    """Return one spelling of an address whose form is good: host and scheme in small
    letters, no port that is the scheme's own, no last slash.
    """
    return str(URL(address)).rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens on this host, a name or an IP
    address (IPv6 without brackets).
    """
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:  # the name of a host, which may lead anywhere
        return False


def _host_fault(host: str) -> str | None:
    if not host:
        return "names no host"
    if ":" in host:  # `urlsplit` has looked at what stands in brackets
        return None
    if host.isascii() and not re.fullmatch(r"[a-z0-9._-]+", host):
        return "has a host with characters that no host name has"
    if re.fullmatch(r"[0-9.]+", host) and not _is_ipv4(host):
        return f"has the host {host}, which is not an IPv4 address in full, as 127.0.0.1 is"
    try:
        names = host.encode("idna").decode().removesuffix(".").split(".")
        # which reads names that are written in ASCII (`xn--`)
        _ = URL(f"http://{host}").host
    except ValueError:  # a UnicodeError is one
        names = [""]
    if not all(0 < len(name) <= _LABEL_BYTES_MAX for name in names):
        return "has a host with a part that is empty, too long, or cannot be written as a name"
    return None


def _is_ipv4(text: str) -> bool:
    try:
        IPv4Address(text)
    except AddressValueError:
        return False
    return True
