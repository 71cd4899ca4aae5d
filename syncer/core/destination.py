"""The state of the destination: one small state machine, fed with how requests fared.

          no connection, or
        requests fail in a row                     time
      ┌────────────────────────► paused (outage) ───────► probing: one request at a time
      │                               ▲                     │  │
      │                               └────── failure ──────┘  │
    open ◄────────────────────── success ──────────────────────┘
      │ ▲
      │ └────────── time ──────────┐
      └── throttled ──► paused (throttle)

    any ── nothing succeeded for too long, or asked to wait for too long ──► stopped

Nothing is sent in a pause, so what comes in then answers an earlier request: it does
not end the pause. Where the remote asks to wait, with a throttle or with a failure, the
pause is exactly as long as it asked. A throttle that names no usable time pauses for
`throttle_seconds`, and for twice as long each time that it comes again after such a
pause, up to `cap_seconds`.
"""

from __future__ import annotations

import random
from typing import Literal

from syncer.core.backoff import Backoff, double
from syncer.core.facts import OPEN, Destination

FAILURES_MAX = 5
"""Failed requests in a row, with no success between, that make an outage."""
THROTTLED = "throttled by the remote"
TRUSTED_SECONDS = 3600.0
"""How much of a stored pause is believed where neither it nor `give_up_seconds` says
how long it can be.
"""


def trusted_seconds(give_up_seconds: float) -> float:
    """Return the longest pause to believe where a state does not say how long was
    asked.

    A push gives up where it is asked to wait for longer than `give_up_seconds`, so a
    longer one is more likely a clock's mistake. If it is not, one request too early
    brings the remote's own time again, which is then kept with how long was asked.
    """
    return give_up_seconds or TRUSTED_SECONDS


class DestinationState:
    """Open, paused, probing or stopped.

    Seconds are those of the caller's one clock, which never goes back and never jumps.
    """

    def __init__(
        self,
        base_seconds: float,
        cap_seconds: float,
        throttle_seconds: float,
        give_up_seconds: float,
    ) -> None:
        """The settings of `[retry]`; `give_up_seconds` 0: never."""
        self._base_seconds = base_seconds
        self._cap_seconds = cap_seconds
        self._throttle_seconds = throttle_seconds
        self._give_up_seconds = give_up_seconds
        self._asked_until = 0.0
        self._asked_seconds = 0.0  # how long that pause was to last when it was asked for
        self._asked_reason = ""
        self._throttles = 0  # without a usable time, each after the pause of the last
        self._outage_until = 0.0
        # pauses since the last success: after one, probing comes before all else
        self._outages = 0
        self._failures = 0
        self._failing_since: float | None = None
        self._asked_too_long: str | None = None
        self._reason = ""
        self.last_success_at = 0.0
        self.held = ""
        """Why nothing may go until somebody says so; empty where it may."""

    def state(self, now: float) -> Literal["open", "paused", "probing", "stopped"]:
        """Its name, as `/api/status` shows it."""
        if self.gave_up(now) is not None:
            return "stopped"
        if self.held or now < self._pause_end():
            return "paused"
        return "probing" if self._outages else "open"

    def allowed(self, now: float, in_flight: int) -> bool:
        """Whether one more request may go, with this many under way."""
        return not self.held and now >= self._pause_end() and not (self._outages and in_flight)

    def wake_at(self, now: float) -> float | None:
        """Return when time alone next changes what `allowed` or `gave_up` say; None if
        only an answer can.
        """
        times = [self._pause_end()]
        if self._give_up_seconds and self._failing_since is not None:
            times.append(self._failing_since + self._give_up_seconds)
        return min((time for time in times if time > now), default=None)

    def succeeded(self, now: float) -> None:
        """A request was answered to the point."""
        self.last_success_at = now
        self._failures = 0
        self._failing_since = None
        if now >= self._outage_until:
            self._outages = 0
        if now >= self._asked_until:
            self._throttles = 0

    def throttled(self, now: float, asked_seconds: float | None) -> None:
        """Too many requests: pause for what the remote asked for (None: no usable
        time). A running pause is never shortened.
        """
        self._reason = THROTTLED
        self._note_failing(now)
        if asked_seconds is not None:
            self.asked_to_wait(now, asked_seconds, THROTTLED)
            return
        if now >= self._asked_until:
            self._throttles += 1
        longest_seconds = max(self._throttle_seconds, self._cap_seconds)
        self._pause(now, double(self._throttles, self._throttle_seconds, longest_seconds))

    def asked_to_wait(self, now: float, seconds: float, why: str) -> None:
        """An answer asks to wait, and `why`, for people: pause for that long.

        A running pause is never shortened.
        """
        self._reason = why
        self._pause(now, seconds)
        self._judge_pause(seconds)

    def failed(self, now: float, rng: random.Random, unreachable: bool, why: str = "") -> None:
        """A request failed as a whole.

        `unreachable`: there was no connection at all; `why`: for people.
        """
        self._note_failing(now)
        self._failures += 1
        what = "the remote cannot be reached" if unreachable else "requests fail"
        self._reason = f"{what}: {why}" if why else what
        outage = unreachable or self._outages or self._failures >= FAILURES_MAX
        if now < self._outage_until or not outage:
            return
        self._outages += 1
        # Jitter alone could make the pause nothing.
        least_seconds = min(self._base_seconds / 2, self._cap_seconds)
        seconds = Backoff(self._base_seconds, self._cap_seconds, rng).delay(self._outages)
        self._outage_until = now + max(least_seconds, seconds)

    def gave_up(self, now: float) -> str | None:
        """Return why it is pointless to go on, None while it is not."""
        if not self._give_up_seconds:
            return None
        if self._asked_too_long is not None:
            return self._asked_too_long
        if self._failing_since is not None and now >= self._failing_since + self._give_up_seconds:
            return f"nothing succeeded for {self._give_up_seconds:g} s ({self._reason})"
        return None

    def fact(self, ahead_seconds: float = 0.0) -> Destination:
        """Return what a restart has to know: a pause, until a success shows that it is
        over; that an outage is on.

        `ahead_seconds`: how far the wall clock, by which facts are timed, is ahead of
        the caller's.
        """
        if self._asked_until > self.last_success_at:
            return Destination(
                "paused", self._asked_until + ahead_seconds, self._asked_reason, self._asked_seconds
            )
        if self._outages:
            return Destination("probing", 0.0, self._reason)
        return OPEN

    def restore(self, fact: Destination, now: float) -> None:
        """Take over what an earlier run wrote down, before anything else; the wall
        clock and the caller's are the same then.

        An outage is probed at once: somebody may have fixed it.
        """
        self._reason = fact.reason
        left_seconds = fact.left_seconds(now, trusted_seconds(self._give_up_seconds))
        if left_seconds > 0:
            self._asked_until = min(fact.until, now + left_seconds)
            self._asked_seconds = left_seconds if fact.asked_seconds is None else fact.asked_seconds
            self._asked_reason = fact.reason
            self._judge_pause(left_seconds)
        elif fact.state == "probing":
            self._outages = 1

    def pause_seconds(self, now: float) -> float:
        """Until the pause is over; 0 without a pause."""
        return max(0.0, self._pause_end() - now)

    @property
    def reason(self) -> str:
        """The reason of the pause that is on, or else of the last one, for people."""
        return self.held or self._reason

    def _pause_end(self) -> float:
        return max(self._asked_until, self._outage_until)

    def _pause(self, now: float, seconds: float) -> None:
        if now + seconds > self._asked_until:
            self._asked_until = now + seconds
            self._asked_seconds = seconds
            self._asked_reason = self._reason

    def _note_failing(self, now: float) -> None:
        if self._failing_since is None:
            self._failing_since = now

    def _judge_pause(self, seconds: float) -> None:
        if self._give_up_seconds and seconds > self._give_up_seconds:
            self._asked_too_long = (
                f"the remote asks to wait for {seconds:.0f} s, longer than [retry] give_up_seconds"
                f" = {self._give_up_seconds:g}"
            )

    def __repr__(self) -> str:
        untils = f"asked_until={self._asked_until}, outage_until={self._outage_until}"
        return f"DestinationState({untils}, outages={self._outages}, failures={self._failures})"
