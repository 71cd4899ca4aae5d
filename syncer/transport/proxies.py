"""The way to a host, as the environment says: which proxy, or none. As curl reads these
variables (its manual, ENVIRONMENT and --noproxy).

More than curl's, entries of NO_PROXY may be `host:port`, `*.domain` and IPv6 addresses
in brackets, which others read as here. docs/decisions.md says what was tried instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from yarl import URL

DEFAULT_PORT = 1080
"""The port of a proxy that names none, as for curl; of an https:// one it is 443."""
_SEPARATORS = re.compile(r"[,\s]+")
_PORT = re.compile(r"^(?:\[(?P<v6>[^\]]*)\]|(?P<host>[^:]*))(?::(?P<port>\d+))?$")


@dataclass(frozen=True, slots=True)
class Route:
    """The way to a host.

    `variable`: the one that says so, empty if none does.
    """

    proxy: URL | None = None
    variable: str = ""
    fault: str = ""
    """Why the proxy that is named cannot be used."""
    unused: str = ""
    """Another variable with a proxy, which this one comes before."""

    def show(self) -> str:
        """The proxy without user and password, empty without a proxy."""
        return (
            ""
            if self.proxy is None
            else f"{self.proxy.scheme}://{self.proxy.host_subcomponent}:{self.proxy.port}"
        )


def route(url: URL, environment: Mapping[str, str]) -> Route:
    """The way to this address."""
    name, text = _first(environment, f"{url.scheme}_proxy")
    unused, all_text = _first(environment, "all_proxy")
    if not text:
        name, text, unused = unused, all_text, ""
    if not text:
        return Route()
    exempt, hosts = _first(environment, "no_proxy")
    if bypassed(url.host or "", url.port, hosts):
        return Route(variable=exempt)
    try:
        proxy = URL(text if "://" in text else f"http://{text}")
        usable = proxy.scheme in ("http", "https") and bool(proxy.host)
        if usable and proxy.explicit_port is None and proxy.scheme == "http":
            proxy = proxy.with_port(DEFAULT_PORT)
    except ValueError:
        usable = False
    if usable:
        return Route(proxy, name, unused=unused)
    scheme = text.partition("://")[0].lower() if "://" in text else ""
    what = (
        "names a SOCKS proxy, which syncer cannot use"
        if scheme.startswith("socks")
        else "does not name a proxy that can be used"
    )
    way_out = (
        f"set {url.scheme}_proxy to http://HOST:PORT or https://HOST:PORT, or name {url.host} in"
        " NO_PROXY"
    )
    return Route(variable=name, fault=f"the environment variable {name} {what}: {way_out}")


def _first(environment: Mapping[str, str], name: str) -> tuple[str, str]:
    """The variable by this name, in lower case or else in upper case, and what it
    holds; an empty one counts as not set.
    """
    return next(
        (
            (form, text)
            for form in (name, name.upper())
            if (text := environment.get(form, "").strip())
        ),
        ("", ""),
    )


def bypassed(host: str, port: int | None, hosts: str) -> bool:
    """Whether this list of hosts says that this one is reached directly."""
    name = host.lower().removesuffix(".")
    return any(_matches(entry.lower(), name, port) for entry in _SEPARATORS.split(hosts) if entry)


def _matches(entry: str, name: str, port: int | None) -> bool:
    if entry == "*":
        return True
    try:
        return _address_matches(entry, name)
    except ValueError:  # not an address or a network: a name, perhaps with a port
        pass
    parts = _PORT.match(entry)
    if parts is None or (parts["port"] and int(parts["port"]) != port):
        return False
    if parts["v6"] is not None or parts["port"]:
        return _matches(parts["v6"] if parts["v6"] is not None else parts["host"], name, None)
    if entry.startswith("*."):
        return name.endswith(entry[1:].removesuffix("."))
    domain = entry.strip(".")
    return bool(domain) and (name == domain or name.endswith(f".{domain}"))


def _address_matches(entry: str, name: str) -> bool:
    """Raises ValueError where the entry is neither an address nor a network."""
    network = ip_network(entry, strict=False) if "/" in entry else ip_network(ip_address(entry))
    try:
        return ip_address(name) in network
    except ValueError:
        return False
