"""How the destination is to be treated. One small state machine, told how requests fared.

              failures in a row, or no connection
      ┌─────────────────────────────────────────────► paused (outage) ──time──► probing (one request at a time)
    open ◄──────────── success ─────────────────────────────│──────────────────────┤ │
      │                                                     ▲──────── failure ─────┘ │
      └── throttled ──► paused (throttle) ──time──► open                 success ──► open

A throttle pauses for exactly as long as the remote asked; an answer to a request that was sent before does not end it.
"""

from __future__ import annotations

import random
from typing import Literal

from syncer.core.backoff import delay
from syncer.core.facts import Destination

FAILURES_MAX = 5
"""Failed requests in a row, with no success between, that make an outage."""


class DestinationState:
    """Open, paused until, or probing; and how long nothing has succeeded. Seconds are those of the caller's one clock (since 1970)."""

    def __init__(self, base_seconds: float, cap_seconds: float, throttle_seconds: float, give_up_seconds: float) -> None:
        self._base_seconds = base_seconds
        self._cap_seconds = cap_seconds
        self._throttle_seconds = throttle_seconds
        self._give_up_seconds = give_up_seconds
        self._outage_until = 0.0
        self._throttled_until = 0.0
        self._probing = False
        self._failures = 0
        self._probes = 0
        self._failing_since: float | None = None
        self._reason = ""
        self._asked_too_long: str | None = None
        self.last_success_at = 0.0

    def allowed(self, now: float, in_flight: int) -> bool:
        """May one more request go?"""
        if now < max(self._throttled_until, self._outage_until):
            return False
        return not (self._probing and in_flight > 0)

    def wake_at(self, now: float) -> float | None:
        """When time alone changes the answer of `allowed` or `gave_up`; None where only an answer can."""
        until = max(self._throttled_until, self._outage_until)
        if until <= now:
            return None
        if self._give_up_seconds and self._failing_since is not None:
            until = min(until, self._failing_since + self._give_up_seconds)
        return max(until, now)

    def succeeded(self, now: float) -> None:
        """A request was answered to the point."""
        self.last_success_at = now
        self._failures = self._probes = 0
        self._failing_since = None
        self._probing = False
        self._outage_until = 0.0

    def throttled(self, now: float, after_seconds: float | None) -> None:
        """Too many requests: pause for what the remote asked for."""
        pause = self._throttle_seconds if after_seconds is None else after_seconds
        self._throttled_until = max(self._throttled_until, now + pause)
        self._reason = "throttled by the remote"
        self._failing_since = self._failing_since if self._failing_since is not None else now
        self._judge_pause(pause)

    def failed(self, now: float, rng: random.Random, unreachable: bool) -> None:
        """A request failed as a whole. `unreachable`: there was no connection at all."""
        self._failing_since = self._failing_since if self._failing_since is not None else now
        self._failures += 1
        if now < self._outage_until or not (unreachable or self._probing or self._failures >= FAILURES_MAX):
            return
        self._probes += 1
        wait = delay(self._probes + 1, rng, self._base_seconds, self._cap_seconds)
        self._outage_until = now + max(wait, min(self._base_seconds, self._cap_seconds) / 2)
        self._probing = True
        self._reason = "cannot be reached" if unreachable else "requests fail"

    def gave_up(self, now: float) -> str | None:
        """Why it is pointless to go on, None while it is not."""
        if not self._give_up_seconds:
            return None
        if self._asked_too_long is not None:
            return self._asked_too_long
        if self._failing_since is not None and now - self._failing_since >= self._give_up_seconds:
            return f"nothing succeeded for {self._give_up_seconds:g} s ({self._reason})"
        return None

    @property
    def state(self) -> Literal["open", "paused", "probing"]:
        """Its name; a pause that is over counts as a pause until a request is let through."""
        if self._throttled_until > self.last_success_at or self._outage_until:
            return "paused"
        return "probing" if self._probing else "open"

    def fact(self) -> Destination:
        """What a restart has to know: a throttle's pause. An outage is found again by trying."""
        if self._throttled_until > self.last_success_at:
            return Destination("paused", self._throttled_until, self._reason)
        return Destination("open", 0.0, "")

    def restore(self, fact: Destination, now: float) -> None:
        """Take over what an earlier run wrote down. Before anything else."""
        if fact.state == "paused" and fact.until > now:
            self._throttled_until = fact.until
            self._reason = fact.reason
            self._judge_pause(fact.until - now)

    def _judge_pause(self, seconds: float) -> None:
        if self._give_up_seconds and seconds > self._give_up_seconds:
            self._asked_too_long = (
                f"the remote asks to wait for {seconds:.0f} s, longer than [retry] give_up_seconds = {self._give_up_seconds:g}"
            )

    def __repr__(self) -> str:
        untils = f"throttled_until={self._throttled_until}, outage_until={self._outage_until}"
        return f"DestinationState({self.state}, {untils}, failures={self._failures})"
