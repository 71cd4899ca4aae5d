"""A source of a lane as the daemon sees it: followed, and watched for what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from syncer.core.ports.push import Source
from syncer.daemon.status import Faults, SourceState, SourceStatus
from syncer.engine.push import Push
from syncer.jobs.push_parts import PushParts
from syncer.sources.inbox import Inbox


@dataclass(frozen=True, slots=True)
class Followed:
    """A source of a lane. Its label is its name in the config."""

    kind: str
    source: Source
    file_faults: Callable[[], Mapping[str, str]] = dict
    """Why single files of it are not read, by their labels."""
    inbox: Callable[[], Inbox | None] = lambda: None
    """The way into it over HTTP, once it is open."""


MakeSources = Callable[[PushParts, Callable[[], Push]], Sequence[Followed]]
"""Makes the sources of one push from its parts; its engine can be asked for once it
runs.
"""


@dataclass(slots=True)
class Watched:
    """A source, and what is wrong with it."""

    followed: Followed
    reason: str = ""
    """Why it cannot be read."""
    faults: Faults = field(default_factory=Faults)

    def status(self, lane: str, read: int, *, following: bool) -> SourceStatus:
        """Return it as it is now. `read`: how much was read of it; `following`: its
        lane reads it.
        """
        files = self.followed.file_faults() if following else {}
        source = {"source": self.reason} if self.reason else {}
        self.faults.set(source | {f"file:{label}": why for label, why in files.items()})
        state: SourceState = "parked" if self.reason else "following"
        return SourceStatus(
            self.followed.source.label,
            self.followed.kind,
            lane,
            state if following else "stopped",
            self.reason,
            read,
            self.faults.checks(),
        )
