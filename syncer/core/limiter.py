"""One limit of a remote, and the lanes that share it.

Each lane says how fast it would go. As long as it goes, the slowest wish holds for all,
and the lanes take turns. `now` is an argument, in seconds of any one clock.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from syncer.core.pace import CATCH_UP_SECONDS, RATE_MAX, Pace
from syncer.core.seeking import START_RATE, SeekingPace

Wish = float | Literal["auto"]
"""Requests a second at most, or as many as the remote takes."""


class Limiter:
    """A pace, and the lanes that go by it now."""

    def __init__(self, requests_per_second: float = START_RATE) -> None:
        """The rate is that of before the first lane."""
        self.pace = Pace(requests_per_second)
        self.lanes: list[LanePace] = []
        """Those in use, the one whose turn was longest ago first."""

    def settle(self, now: float) -> None:
        """Go as fast as all lanes in use allow; a limit is sought where one of them
        wishes it, up to what the others allow.
        """
        wishes = [lane.wish for lane in self.lanes]
        if not wishes:
            return
        if ("auto" in wishes) != isinstance(self.pace, SeekingPace):
            before, self.pace = self.pace, SeekingPace() if "auto" in wishes else Pace(START_RATE)
            self.pace.carry_on(before, now)
        given = [wish for wish in wishes if wish != "auto"]
        self.pace.set_rate(min(given, default=RATE_MAX), now)

    def absorb(self, other: Limiter, now: float) -> None:
        """Limit the lanes of the other one, too: it has turned out to be the same
        limit.
        """
        self.pace.carry_on(other.pace, now)
        for lane in other.lanes:
            lane.limiter = self
        self.lanes += other.lanes
        other.lanes = []
        self.settle(now)


class LanePace:
    """The pace of one lane: its turns of the limit. Implements `Paced`.

    The one of two waiting lanes whose turn was longer ago goes first: the other one
    leaves it half the time between two requests to do so. Whether a lane still waits is
    not known: it may have been paused, or have come to its end.
    """

    def __init__(self, find: Callable[[], Limiter], wish: Wish) -> None:
        """`find`: the limiter of the moment when the lane begins to go."""
        self.limiter = Limiter() if wish == "auto" else Limiter(wish)
        self.wish = wish
        self._find = find
        self._waits = False

    def join(self, now: float) -> None:
        """Go from now on."""
        self.limiter = self._find()
        self.limiter.lanes.append(self)
        self.limiter.settle(now)

    def leave(self, now: float) -> None:
        """Go no more."""
        self._waits = False
        self.limiter.lanes.remove(self)
        self.limiter.settle(now)

    def ask_for(self, wish: Wish, now: float) -> None:
        """Wish for another rate from now on."""
        self.wish = wish
        self.limiter.settle(now)

    # --- what the engine asks ---------------------------------------------------------

    @property
    def requests_per_second(self) -> float:
        """The rate of all lanes together; of a lane that does not go yet, its wish."""
        return self.limiter.pace.requests_per_second

    @property
    def turn_seconds(self) -> float:
        """The time between two turns of this lane, where all the others go, too."""
        return self.limiter.pace.turn_seconds * max(1, len(self.limiter.lanes))

    @property
    def taken(self) -> int:
        """Turns that requests took, of all lanes."""
        return self.limiter.pace.taken

    def let(self, now: float) -> float:
        """Return how many requests the limit has let go until now, of all lanes."""
        return self.limiter.pace.let(now)

    def next_at(self, now: float) -> float:
        """The earliest moment for the next request; one that has passed means now."""
        limiter = self.limiter
        at = limiter.pace.next_at(now)
        self._waits = True
        for lane in limiter.lanes:
            if lane is self:
                break
            if lane._waits:
                at += min(CATCH_UP_SECONDS, 0.5 / limiter.pace.requests_per_second)
        return at

    def take(self, now: float) -> None:
        """A request goes now."""
        limiter = self.limiter
        limiter.pace.take(now)
        place = limiter.lanes.index(self)
        for passed_over in limiter.lanes[:place]:
            passed_over._waits = False
        limiter.lanes.append(limiter.lanes.pop(place))
        self._waits = False

    def give_back(self) -> None:
        """The last request that took its turn did not go."""
        self.limiter.pace.give_back()

    def refused(self, sent_at: float, pause_seconds: float) -> None:
        """A request that went at this time was one too many, says the remote, and asks
        for a pause.
        """
        self.limiter.pace.refused(sent_at, pause_seconds)
