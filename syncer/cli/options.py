"""Options that several commands understand.

Their values are text where the config knows what they must be.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Group, Parameter
from cyclopts.token import Token

from syncer.cli.stdin import as_typed
from syncer.errors import UsageError
from syncer.printable import as_argument

if TYPE_CHECKING:
    from syncer.config import Loaded

_destination = Group("Destination", sort_key=1)
_printing = Group("Printing", sort_key=2)


def _whole(_: object, tokens: Sequence[Token]) -> int:
    text = tokens[0].value
    if not (text.isascii() and text.removeprefix("-").isdigit() and len(text) <= _DIGITS_MAX):
        raise ValueError("it must be a whole number")
    return int(text)


def _in_bounds(lowest: float, highest: float, words: str) -> Callable[[object, float], None]:
    def check(_: object, number: float) -> None:
        if not lowest <= number <= highest:
            raise ValueError(f"it must be {words}")

    return check


_DIGITS_MAX = 18
Whole = Annotated[int, Parameter(converter=_whole, metavar="N")]
Port = Annotated[
    Whole, Parameter(metavar="PORT", validator=_in_bounds(0, 65535, "from 0 to 65535"))
]
NotNegative = Parameter(validator=_in_bounds(0, math.inf, "0 or more"))
IdOption = Annotated[str, Parameter(metavar="ID")]
Log = Annotated[str, Parameter(converter=lambda _, tokens: as_typed(tokens[0].value))]
"""A change log as it was named: a path, or - for standard input."""
Code = Annotated[int | None, Parameter(converter=_whole, metavar="CODE")]
"""A status code of the remote."""
Length = Annotated[int | None, Parameter(converter=_whole, metavar="N")]
MovedOption = Annotated[
    Literal["same", "new"] | None, Parameter(metavar="same|new", show_choices=False)
]
"""The decision about logs that may have moved."""


def parse_sample(sample: str | None) -> int | None:
    """Return how many inputs --sample says; None where it is not given. Raises
    UsageError.
    """
    if sample is None:
        return None
    if not (sample.isascii() and sample.isdigit() and len(sample) <= _DIGITS_MAX and int(sample)):
        raise UsageError(
            f'--sample is "{sample[:_DIGITS_MAX]}"; it must be a whole number of 1 or more'
        )
    return int(sample)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class PrintingOptions:
    """Options that every command understands.

    The parser only has to know them. What they say is read before it, and asked of
    `output.printing`: a line that it refuses is answered in that way, too.
    """

    json: Annotated[bool, Parameter(group=_printing)] = False
    """Print exactly one JSON object (JSON Lines for lists) on standard output."""
    verbose: Annotated[bool, Parameter(name=["--verbose", "-v"], group=_printing)] = False
    """Print more, with a traceback for an unexpected failure."""
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"], group=_printing)] = False
    """Print only errors."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Common(PrintingOptions):
    """Options that every command which reads the config understands."""

    config: Annotated[Path | None, Parameter(name=["--config", "-c"], metavar="FILE")] = None
    """Config file.
    Default: $SYNCER_CONFIG, else ./syncer.toml, else
    $XDG_CONFIG_HOME/syncer/config.toml.
    """
    state: Annotated[Path | None, Parameter(metavar="DIR")] = None
    """State folder of this destination."""

    def options(self) -> dict[str, object]:
        """Return what was given, as dotted config keys."""
        return {} if self.state is None else {"state.dir": str(self.state)}

    def load(self, others: Mapping[str, object] = MappingProxyType({})) -> Loaded:
        """The config with these options and others, as dotted config keys, on top."""
        from syncer.config import load_from_environment

        return load_from_environment(self.config, {**self.options(), **others})


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class CommonOfLane(Common):
    """The same of a command that is about one lane."""

    lane: Annotated[str | None, Parameter(metavar="NAME")] = None
    """A lane of the config: the destination of this name, with its state in the folder
    of this name in [state] dir. Not needed where there is one.
    """

    def load(self, others: Mapping[str, object] = MappingProxyType({})) -> Loaded:
        """The config of this lane, with these options and others on top; of the only
        one where none is named.

        Raises UsageError.
        """
        loaded = super().load(others)
        return loaded.lane_meant() if self.lane is None else loaded.lane(self.lane)

    def name_state(self, folder: Path) -> str:
        """Return the option that makes another command go on with this state."""
        if self.lane is not None:
            return f"--lane {as_argument(self.lane)}"
        return f"--state {as_argument(folder)}"


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class RemoteOptions:
    """Options that say where the remote is, and how hard to ask it."""

    base_url: Annotated[str | None, Parameter(group=_destination, metavar="URL")] = None
    """Address of the service."""
    user_id: Annotated[str | None, Parameter(group=_destination, metavar="ID")] = None
    """Owner of the app; "me" stands for the owner of the token."""
    app_id: Annotated[str | None, Parameter(group=_destination, metavar="ID")] = None
    """The app."""
    rps: Annotated[str | None, Parameter(group=_destination, metavar="N|auto")] = None
    """Requests per second; auto finds the limit."""
    concurrency: Annotated[str | None, Parameter(group=_destination, metavar="N|auto")] = None
    """Most requests in flight at a time."""

    def options(self) -> dict[str, object]:
        """Return what was given, as dotted config keys."""
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
class Pushing(RemoteOptions):
    """Options of what pushes."""

    batch_size: Annotated[str | None, Parameter(group=_destination, metavar="N")] = None
    """Most changes per request, 1 to 128."""

    def options(self) -> dict[str, object]:
        """Return what was given, as dotted config keys."""
        given = super().options()
        return given if self.batch_size is None else {**given, "push.batch_size": self.batch_size}
