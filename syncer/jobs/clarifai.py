"""From the configuration to a Clarifai app that can be spoken to: codec, transport, and
the pace that all lanes share.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from syncer.config import Loaded
from syncer.core.limiter import LanePace
from syncer.core.ports.pull import Ask
from syncer.errors import UsageError
from syncer.jobs.limiters import Limiters, in_use
from syncer.jobs.ways import transport
from syncer.remotes.clarifai import Clarifai
from syncer.remotes.clarifai.answers import refuses_credentials
from syncer.remotes.paths import unfit_for_path
from syncer.transport.tokens import FixedToken, TokenFile, TokenSource, TokenTransport


@dataclass(frozen=True, slots=True)
class App:
    """One app. The transport is an async context manager that is entered once."""

    codec: Clarifai
    transport: TokenTransport
    pace: LanePace
    """Its turns of the limit, while it is in use."""
    address: str = ""
    """Where requests go, for people."""
    credentials: str = ""
    """What says who asks, for people."""
    settings: str = ""
    """What says where requests go, for people."""

    @asynccontextmanager
    async def in_use(self) -> AsyncIterator[None]:
        """Its connections are open, and its lane goes, while the block lasts."""
        async with self.transport:
            with in_use(self.pace):
                yield

    @property
    def probe(self) -> Ask[object]:
        """The question whether the app is there. Changes nothing."""
        return Ask(self.codec.probe(), self.codec.read_probe)


def app(loaded: Loaded, limiters: Limiters) -> App:
    """The configured app.

    Raises UsageError where token or app are not configured, or a setting cannot be
    used.
    """
    place = loaded.app_token()
    clarifai, push = loaded.config.clarifai, loaded.config.push
    for name, id in (("user_id", clarifai.user_id), ("app_id", clarifai.app_id)):
        if (why := unfit_for_path(id)) is not None:
            raise UsageError(
                f"{loaded.section}.{name}: {why} (it comes from"
                f" {loaded.origins[f'clarifai.{name}']})"
            )

    def names(token: str) -> tuple[str, ...]:
        return (f"token {token}", *place.names)

    def share_limit(token: str) -> None:
        limiters.same(clarifai.base_url, names(token))

    tokens: TokenSource = (
        FixedToken(place.read())
        if place.file is None
        else TokenFile(place.file, place.read, share_limit)
    )
    pace = limiters.lane(clarifai.base_url, names(tokens.token()), push.requests_per_second)
    address = f"{clarifai.base_url}, user {clarifai.user_id}, app {clarifai.app_id}"
    http = transport(loaded, "clarifai", clarifai.base_url)
    way = TokenTransport(http, "Key", tokens, refuses_credentials)
    codec = Clarifai(clarifai.user_id, clarifai.app_id)
    return App(codec, way, pace, address, *_name_settings(loaded.section))


def _name_settings(section: str) -> tuple[str, str]:
    """Return what says who asks, and what says where, in this part of the config."""
    if section == "clarifai":
        who = "CLARIFAI_PAT or [clarifai] token_file"
        return f"{who}, user_id and app_id", "[clarifai] base_url, user_id and app_id"
    who = f"{section}.token_file or token_env"
    return f"{who}, user_id and app_id", f"{section}.base_url, user_id and app_id"
