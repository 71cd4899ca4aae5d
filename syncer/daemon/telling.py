"""Lines for people and for the logs of the system: what a lane or a source fails with,
and that it works again. What goes on for hours is said once.
"""

from __future__ import annotations

from collections.abc import Callable

from syncer.core.events import ChangeDied, DestinationChanged, Event, SourceFailed, SourceRecovered
from syncer.daemon.lane import Lane
from syncer.daemon.reload import Reloaded
from syncer.daemon.status import LaneStatus
from syncer.printable import counted


class Teller:
    """Remembers what was said last of each lane and source."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._last: dict[str, str] = {}
        self._dead: set[tuple[str, int | None]] = set()
        """Lane and code of the letters of which one was told."""

    def tell_pause(self, lane: Lane) -> None:
        """Say why no push is on, or that one works again; its sources begin again."""
        subject = f"lane {lane.name}"
        self._tell(subject, "" if lane.pause is None else lane.pause.reason)
        if lane.pause is None:
            for of_source in [one for one in self._last if one.startswith(f"{subject}, source ")]:
                del self._last[of_source]

    def tell_control(self, lane: Lane, reason: str) -> None:
        """Say why a lane has no control socket, or "" that it has one."""
        ways = "; what would go through it goes through HTTP only" if reason else ""
        self._tell(f"lane {lane.name}, control socket", f"{reason}{ways}")

    def tell_look(self, reason: str) -> None:
        """Say why the status that watchers get stays an old one, or "" that it is new
        again.
        """
        self._tell("status for those who watch", reason)

    def tell_event(self, lane: str, event: Event) -> None:
        """Say what an event of a lane means for people, if it means anything."""
        match event:
            case SourceFailed():
                self._tell(f"lane {lane}, source {event.source}", event.reason)
            case SourceRecovered():
                self._tell(f"lane {lane}, source {event.source}", "")
            case DestinationChanged():
                reason = "" if event.state == "open" else event.reason
                self._tell(f"lane {lane}, remote", reason)
            case ChangeDied(letter=letter) if (lane, letter.code) not in self._dead:
                self._dead.add((lane, letter.code))
                self._say(
                    f"syncer: lane {lane}: {letter.source}:{letter.line} is dead: {letter.reason};"
                    " `syncer dead list` shows it, and more of its code, which are not told here"
                )
            case _:
                pass

    def tell_reload(self, reloaded: Reloaded) -> None:
        """Say what a reload changes, or why it changes nothing."""
        first, *rest = describe_reload(reloaded).split("\n")
        self._say(f"syncer: {first}")
        for line in rest:
            self._say(line)

    def tell_end(self, lane: Lane, status: LaneStatus) -> None:
        """Say what is left in the state of a lane that has come to its end."""
        totals = status.totals
        self._say(
            f"syncer: lane {lane.name}: removed; its state stays in {lane.state}, with"
            f" {counted(totals.pending, 'change')} to be tried again and"
            f" {counted(totals.dead, 'dead letter')}; what was not read yet stays in its sources"
        )

    def tell_source_end(self, lane: str, source: str, pending: int) -> None:
        """Say that a source is not followed any more by a lane that goes on."""
        self._say(
            f"syncer: lane {lane}, source {source}: removed;"
            f" {counted(pending, 'change')} of it to be tried again"
        )

    def _tell(self, subject: str, reason: str) -> None:
        """`reason`: why it does not work; empty: it works."""
        if self._last.get(subject, "") != reason:
            self._last[subject] = reason
            self._say(f"syncer: {subject}: {reason or 'works again'}")


def describe_reload(reloaded: Reloaded) -> str:
    """Return what a reload changes, or why it changes nothing; a bad config may take
    several lines.
    """
    if reloaded.error is not None:
        return f"the config was not taken, and nothing was changed: {reloaded.error}"
    parts = {
        "restarted": reloaded.restarted,
        "added": reloaded.added,
        "removed": reloaded.removed,
        "needs a restart of the daemon": reloaded.needs_restart,
    }
    changes = [f"{what}: {', '.join(names)}" for what, names in parts.items() if names]
    return f"the config was read again; {'; '.join(changes) or 'nothing changed'}"
