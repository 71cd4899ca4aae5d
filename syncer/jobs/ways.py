"""The ways to each remote: its transport, made from the configuration; and which proxy
and which authorities it uses, for people.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator, Mapping
from typing import Literal

from yarl import URL

from syncer.config import Loaded
from syncer.config.layers import AUTHORITIES
from syncer.errors import SyncerError, UsageError
from syncer.jobs.observed import Observed
from syncer.transport.http import HttpTransport
from syncer.transport.proxies import route
from syncer.transport.trust import trust

RemoteName = Literal["clarifai", "annotell"]


def transport(loaded: Loaded, remote: RemoteName, base_url: str | None) -> HttpTransport:
    """Requests to this address of a remote, or to whole URLs.

    Raises UsageError for what cannot be used.
    """
    push = loaded.config.push
    return HttpTransport(
        base_url=base_url,
        connect_timeout_seconds=push.connect_timeout_seconds,
        request_timeout_seconds=push.request_timeout_seconds,
        ca_file=_ca_file(loaded, remote),
        ca_named=_name_origin(loaded, remote),
    )


def show_ways(
    loaded: Loaded, environment: Mapping[str, str] = os.environ
) -> Iterator[tuple[str, str, str]]:
    """Yield the proxy and the authorities of each remote: key, value, and who says so.

    No user and no password.
    """
    for key, address in _addresses(loaded):
        way = route(URL(address), environment)
        origin = way.variable or "no variable names one"
        if way.fault:
            yield key, "cannot be used", way.fault
        else:
            yield (
                key,
                way.show() or "none",
                f"{origin}; {way.unused} is not used" if way.unused else origin,
            )
    for part, remote in _remotes(loaded):
        key = f"{_section(part, remote)}.authority"
        if file := _ca_file(part, remote):
            yield key, file, part.origins[f"{remote}.ca_file"]
        else:
            paths = ssl.get_default_verify_paths()
            yield (
                key,
                f"the system's: {paths.cafile or paths.capath or 'none is there'}",
                "default",
            )


def show_way(
    loaded: Loaded, environment: Mapping[str, str] = os.environ
) -> tuple[list[Observed], bool]:
    """Return the proxy and the authorities on the way to the app, for people, and
    whether there is a proxy.
    """
    url = URL(loaded.config.clarifai.base_url)
    way = route(url, environment)
    shown = {key: f"{value} ({origin})" for key, value, origin in show_ways(loaded, environment)}
    names = ("proxy", "authority") if url.scheme == "https" else ("proxy",)
    observed = [Observed(name, True, shown[f"{loaded.section}.{name}"]) for name in names]
    return observed, way.proxy is not None


def faults(loaded: Loaded, environment: Mapping[str, str] = os.environ) -> Iterator[SyncerError]:
    """Yield what is wrong with them, each once."""
    said: set[str] = set()
    for _, address in _addresses(loaded):
        if (fault := route(URL(address), environment).fault) and fault not in said:
            said.add(fault)
            yield UsageError(fault)
    for part, remote in _remotes(loaded):
        try:
            check_way(part, remote)
        except UsageError as error:
            if str(error) not in said:
                said.add(str(error))
                yield error


def check_way(loaded: Loaded, remote: RemoteName) -> None:
    """Raise UsageError where the authorities of a remote cannot be used."""
    trust(_ca_file(loaded, remote), _name_origin(loaded, remote))


def _remotes(loaded: Loaded) -> Iterator[tuple[Loaded, RemoteName]]:
    """Yield each remote with the configuration that it is a part of."""
    yield loaded, "clarifai"
    yield loaded, "annotell"
    for lane in loaded.destinations():
        yield lane, "clarifai"


def _section(loaded: Loaded, remote: RemoteName) -> str:
    """Return the part of the config file that is about this remote."""
    return loaded.section if remote == "clarifai" else remote


def _addresses(loaded: Loaded) -> Iterator[tuple[str, str]]:
    for part, remote in _remotes(loaded):
        key = f"{_section(part, remote)}.proxy"
        if remote == "clarifai":
            yield key, part.config.clarifai.base_url
        else:
            yield key, part.config.annotell.base_url
            yield "annotell.auth_proxy", part.config.annotell.auth_url


def _ca_file(loaded: Loaded, remote: RemoteName) -> str:
    return (
        loaded.config.clarifai.ca_file if remote == "clarifai" else loaded.config.annotell.ca_file
    )


def _name_origin(loaded: Loaded, remote: RemoteName) -> str:
    """Return who named the file with the authorities."""
    origin = loaded.origins[f"{remote}.ca_file"]
    if origin in AUTHORITIES[remote]:
        return f"the environment variable {origin}"
    return f"{_section(loaded, remote)}.ca_file ({origin})"
