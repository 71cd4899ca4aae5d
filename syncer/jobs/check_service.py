"""The check of a service from here: name, clock, limits, and what the token may read.

All of it is read only, and costs two requests more than the one that tries the app.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_address

import anyio
from yarl import URL

from syncer.config import Loaded
from syncer.core.ports.push import LookUpFailure
from syncer.core.ports.wire import Reply, Request
from syncer.core.retry_after import read_date
from syncer.errors import Stopped
from syncer.jobs.observed import Observed
from syncer.remotes.clarifai.codes import CODES_FROM
from syncer.remotes.clarifai.queries import AppUrls, page_of

SKEW_SECONDS_MAX = 30.0
"""Clocks that differ by less agree: a Date has whole seconds, and an answer takes
time.
"""
VALUE_CHARACTERS_MAX = 80
HEADERS_MAX = 8
"""Headers that are shown, and how much of each."""
NEEDED_FOR = {
    "inputs": "`pull`, `plan`, `verify --exclusive` and `migrate` list them",
    "concepts": "`migrate` lists them",
}
"""What else may be read, and who reads it."""


async def check_name(loaded: Loaded, *, proxied: bool, connect_seconds: float) -> Observed | None:
    """Look the service's name up; None where it is an address, or left to a proxy.

    Raises Stopped where it is not known.
    """
    url = URL(loaded.config.clarifai.base_url)
    host = url.host or ""
    if proxied or _is_address(host):
        return None
    where = f"{loaded.section}.base_url ({loaded.origins['clarifai.base_url']})"
    try:
        with anyio.fail_after(connect_seconds):
            found = await anyio.getaddrinfo(host, url.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:  # a timeout is an OSError
        why = (
            f"no answer within {connect_seconds:g} s"
            if isinstance(error, TimeoutError)
            else getattr(error, "strerror", None) or "it is not a name"
        )
        raise Stopped(
            f"the name {host} cannot be looked up: {why}; check {where} and the name servers of"
            " this machine, or name a proxy in HTTPS_PROXY"
        ) from None
    addresses = sorted({str(place[0]) for *_, place in found})
    return Observed("name", True, f"{host} is at {', '.join(addresses)}")


def compare_clocks(reply: Reply, sent_at: float, came_at: float) -> Observed:
    """Compare this machine's clock with the Date of an answer. Times are in seconds
    since 1970, by this machine.
    """
    told = read_date(reply.date or "")
    if told is None:
        return Observed("clock", True, "the answer has no Date, so clocks cannot be compared")
    ahead = sent_at - told if sent_at > told else min(0.0, came_at - told)
    if abs(ahead) <= SKEW_SECONDS_MAX:
        return Observed("clock", True, "this machine's clock and the service's agree")
    return Observed(
        "clock",
        False,
        f"this machine's clock is {timedelta(seconds=int(abs(ahead)))}"
        f" {'ahead of' if ahead > 0 else 'behind'} the service's: set it (by NTP), because"
        " certificates, tokens and times that you write are judged by it",
    )


def show_limits(headers: Mapping[str, str], loaded: Loaded) -> Observed:
    """Return what an answer says of rate limits, beside the rate that is set."""
    named = [
        f"{name}: {value[:VALUE_CHARACTERS_MAX]}"
        for name, value in headers.items()
        if "ratelimit" in name.lower().replace("-", "")
    ]
    set_to = loaded.config.push.requests_per_second
    rate = (
        f"requests_per_second is {set_to if set_to == 'auto' else f'{set_to:g}'}"
        f" ({loaded.origins['push.requests_per_second']})"
    )
    says = ", ".join(named[:HEADERS_MAX]) or "no answer names a rate limit"
    return Observed("limits", True, f"{says}; {rate}")


def ask_for(user_id: str, app_id: str, what: str) -> Request:
    """Return the request for the first of these."""
    return Request("GET", AppUrls(user_id, app_id).list(f"/{what}", page_of(1, 1)))


def judge_reads(failures: Mapping[str, LookUpFailure | None]) -> list[Observed]:
    """Return what the token may read, by what came of each question."""
    good = ["annotations", *(what for what, failure in failures.items() if failure is None)]
    says = f"it may read {', '.join(good)}; only a push shows whether it may write"
    observed = [Observed("token", True, says)]
    for what, failure in failures.items():
        if failure is not None:
            code = getattr(failure, "code", None)
            named = "" if code is None or code < CODES_FROM else f" (code {code})"
            observed.append(
                Observed(
                    "token",
                    False,
                    f"it could not read {what}{named}: {failure.reason}; {NEEDED_FOR[what]}: if you"
                    " need that, use a token that may",
                )
            )
    return observed


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
