"""Remotes as values, and from arguments to a checked configuration."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from syncer.api.arguments import path
from syncer.config import Loaded, Secrets, load_from_environment
from syncer.errors import UsageError
from syncer.jobs.limiters import Limiters
from syncer.sources.misuse import show

LIMITERS = Limiters()
"""The limit of all that this process asks by the Python API: pushes and pulls at the
same time, with the same credential, share a limit.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clarifai:
    """A Clarifai app as a remote.

    None: as configured (`CLARIFAI_APP_ID`, `CLARIFAI_PAT` and so on).
    """

    app_id: str | None = None
    user_id: str | None = None
    """The app's owner; "me" is the token's."""
    base_url: str | None = None
    """The service's address, https://api.clarifai.com, or that of an emulator."""
    token: str | None = field(default=None, repr=False)
    """A personal access token."""

    def options(self) -> dict[str, object]:
        """Return what was given, as dotted config keys; the token is not among them."""
        return {
            "clarifai.app_id": self.app_id,
            "clarifai.user_id": self.user_id,
            "clarifai.base_url": self.base_url,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotell:
    """Annotell, or Kognic, as a remote to pull from.

    None: as configured (`ANNOTELL_CLIENT_ID`, `KOGNIC_CREDENTIALS` and so on).
    """

    flavour: Literal["annotell", "kognic"] | None = None
    base_url: str | None = None
    auth_url: str | None = None
    """Where credentials are exchanged for a token."""
    credentials: str | os.PathLike[str] | None = None
    """The JSON file with the client's id and secret."""
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)

    def options(self) -> dict[str, object]:
        """Return what was given, as dotted config keys; the secret is not among
        them.
        """
        return {
            "annotell.flavour": self.flavour,
            "annotell.base_url": self.base_url,
            "annotell.auth_url": self.auth_url,
            "annotell.credentials": None
            if self.credentials is None
            else path("credentials", self.credentials),
        }


def rate_section(remote: Clarifai | Annotell) -> Literal["push", "annotell"]:
    """The section of the configuration that says how hard a remote is asked."""
    return "push" if isinstance(remote, Clarifai) else "annotell"


def limits(
    remote: Clarifai | Annotell, requests_per_second: object, concurrency: object
) -> dict[str, object]:
    """Limits of a remote, as dotted config keys; None is not given."""
    section = rate_section(remote)
    return {
        f"{section}.requests_per_second": requests_per_second,
        f"{section}.concurrency": concurrency,
    }


def app_of(to: object) -> Clarifai:
    """The app to push to. Raises UsageError."""
    if not isinstance(to, Clarifai):
        raise UsageError(f"argument to: is {show(to)}; it must be syncer.Clarifai(app_id=...)")
    return to


def load_with(
    remote: Clarifai | Annotell,
    config: str | os.PathLike[str] | None,
    options: Mapping[str, object],
    environment: Mapping[str, str] = os.environ,
) -> Loaded:
    """The configuration with these arguments on top; None is not given.

    Raises UsageError that names the argument.
    """
    given = {**remote.options(), **options}
    for name in ("token", "client_id", "client_secret"):
        # the value is nobody's to see
        if not isinstance(getattr(remote, name, None), str | None):
            raise UsageError(f"{type(remote).__name__}: {name} must be text")
    if isinstance(remote, Clarifai):
        secrets = Secrets(token=remote.token)
    else:
        given_both = remote.client_id is not None and remote.client_secret is not None
        if not given_both and (remote.client_id is not None or remote.client_secret is not None):
            raise UsageError(
                "Annotell: client_id and client_secret go together: give both, or neither"
            )
        secrets = Secrets(
            client=(remote.client_id or "", remote.client_secret or "") if given_both else None
        )
    return load_from_environment(
        None if config is None else Path(path("config", config)),
        {key: value for key, value in given.items() if value is not None},
        named=lambda location: f"argument {location[-1]}",
        secrets=secrets,
        environment=environment,
    )
