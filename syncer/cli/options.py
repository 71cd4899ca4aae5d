"""Options that several commands understand. Their values are text where the config knows what they must be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Group, Parameter

_destination = Group("Destination", sort_key=1)
_printing = Group("Printing", sort_key=2)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Printing:
    """Options that every command understands."""

    json: Annotated[bool, Parameter(negative="", group=_printing)] = False
    """Print exactly one JSON object (JSON Lines for lists) on stdout."""
    verbose: Annotated[bool, Parameter(name=["--verbose", "-v"], negative="", group=_printing)] = False
    """Say more; a traceback where something failed that nobody foresaw."""
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"], negative="", group=_printing)] = False
    """Say nothing but errors."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Common(Printing):
    """Options that every command which reads the config understands."""

    config: Annotated[Path | None, Parameter(name=["--config", "-c"])] = None
    """Config file (else $SYNCER_CONFIG, ./syncer.toml, $XDG_CONFIG_HOME/syncer/config.toml)."""
    state: Path | None = None
    """State folder of this destination."""

    def options(self) -> dict[str, object]:
        """What was given, as dotted config keys."""
        return {} if self.state is None else {"state.dir": str(self.state)}


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Remote:
    """Options that say where the remote is, and how hard to ask it."""

    base_url: Annotated[str | None, Parameter(group=_destination)] = None
    """The service's address."""
    user_id: Annotated[str | None, Parameter(group=_destination)] = None
    """The app's owner; `me` is the token's."""
    app_id: Annotated[str | None, Parameter(group=_destination)] = None
    """The app."""
    rps: Annotated[str | None, Parameter(group=_destination)] = None
    """Requests a second, or `auto`."""
    concurrency: Annotated[str | None, Parameter(group=_destination)] = None
    """Requests in flight at most, or `auto`."""

    def options(self) -> dict[str, object]:
        """What was given, as dotted config keys."""
        given = {
            "clarifai.base_url": self.base_url,
            "clarifai.user_id": self.user_id,
            "clarifai.app_id": self.app_id,
            "push.requests_per_second": self.rps,
            "push.concurrency": self.concurrency,
        }
        return {key: value for key, value in given.items() if value is not None}


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Pushing(Remote):
    """Options of what pushes."""

    batch_size: Annotated[str | None, Parameter(group=_destination)] = None
    """Changes a request, 1 to 128."""

    def options(self) -> dict[str, object]:
        """What was given, as dotted config keys."""
        given = super().options()
        return given if self.batch_size is None else {**given, "push.batch_size": self.batch_size}
