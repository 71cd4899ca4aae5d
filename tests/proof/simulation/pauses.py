"""What a client is told of waiting, and whether it keeps to it: never sooner than it
was told to, and never longer.

Within a process nothing depends on the wall clock. From one process to the next a pause
is kept by it: where it was set in between, a pause may end sooner, as if more time had
passed, and never later than so long after the next start as was asked.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from email.utils import formatdate

from syncer.emulator.waits import asking_to_wait
from tests.proof.simulation.clock import Clock

RETRY_AFTER_SECONDS = (1, 5, 30, 90)
ODD = ("fraction", "old-date", "undated", "several")
UNUSABLE = ("zero", "negative", "past", "words", "infinite")
AGES = 999_999_999.0
PERSISTED_AFTER_SECONDS = 5.0
"""A pause that was told this long before a crash must have been written down by then,
however slow the disk is.
"""
SOON_SECONDS = 0.06
"""So far apart clocks may be that nobody has set."""
LATE_SECONDS = 90.0
"""What else a request may wait for where no pause is on: a retry that is not due, an
outage that is backed off, a slow disk.
"""


@dataclass(slots=True)
class Pause:
    """Told at some time, to last until another; and since when that is the earliest for
    what a later process knows of it.
    """

    told: float
    until: float
    earliest: float


class Pauses:
    """Those of one place that requests go to."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: list[Pause] = []
        self._kept: list[Pause] = []  # of the told ones, those that must be kept to
        # when the process must be ready to send, as far as pauses go
        self._latest = 0.0

    def told(self, seconds: float) -> None:
        """The client knows of a pause from now on."""
        now = self._clock.now
        pause = Pause(now, now + seconds, now + seconds)
        self._told.append(pause)
        self._kept.append(pause)
        self._latest = max(self._latest, pause.until)

    def begins(self) -> None:
        """A process begins: it knows what the one before wrote, by the clock of now."""
        now, ahead = self._clock.now, self._clock.ahead()
        self._latest = now
        for pause in self._told:
            aheads = self._clock.aheads(pause.told)
            pause.earliest = min(pause.earliest, pause.until - max(0.0, ahead - min(aheads)))
            back = max(aheads) > ahead + 1e-6
            self._latest = max(
                self._latest, now + pause.until - pause.told if back else pause.until
            )

    def ended(self, *, kept: bool) -> None:
        """The process is gone. `kept`: it was able to write its pauses down."""
        now = self._clock.now
        self._kept = [
            pause
            for pause in self._kept
            if kept and pause.earliest > now and pause.told < now - PERSISTED_AFTER_SECONDS
        ]

    def resumed(self) -> None:
        """The pause was lifted by hand."""
        self._told.clear()
        self._kept.clear()

    def sent(self, idle_since: float) -> list[str]:
        """A request goes now, the last thing that happened before was then: what is
        wrong with that.
        """
        now = self._clock.now
        wrong = [
            f"pause: a request at {now:.3f}, though the service asked at {pause.told:.3f} to wait"
            f" until {pause.until:.3f}"
            for pause in self._kept
            # one of the same moment crossed the answer on its way
            if pause.told < now < pause.earliest - SOON_SECONDS
        ]
        self._kept = [pause for pause in self._kept if pause.earliest > now]
        if now > max(self._latest, idle_since) + LATE_SECONDS:
            wrong.append(
                f"held: a request at {now:.3f} only, though no pause lasts beyond"
                f" {self._latest:.3f} (idle since {idle_since:.3f})"
            )
        return wrong

    @property
    def must_be_kept(self) -> bool:
        """Whether the next process has to know of one."""
        return bool(self._kept)

    @property
    def left_seconds(self) -> float:
        """Until the last of what was told is over."""
        return max([pause.until for pause in self._told], default=0.0) - self._clock.now


@dataclass(frozen=True, slots=True)
class Wait:
    """What an answer asks: its headers, and the seconds that they mean to the client;
    None where they name none.

    `until`: seconds since 1970, of a date that the client compares with its own wall
    clock, whatever that shows.
    """

    retry_after: str | None
    date: str | None
    seconds: float | None
    until: float | None = None

    def seconds_at(self, wall: float) -> float | None:
        """What it means to a client that has it at this time."""
        if self.until is None:
            return self.seconds
        return self.until - wall if self.until > wall else None


NO_WAIT = Wait(None, None, None)


def drawn_wait(fault: str, rng: random.Random, clock: Clock) -> Wait:
    """The wait that goes with a fault."""
    seconds = rng.choice(RETRY_AFTER_SECONDS)
    now = int(clock.true())
    date = formatdate(now, usegmt=True)
    match fault:
        case "throttle" | "error-wait":
            return Wait(str(seconds), None, seconds)
        case "throttle-date":
            return Wait(formatdate(now + seconds, usegmt=True), date, seconds)
        case "throttle-ages":
            return Wait(asking_to_wait("huge", now)["Retry-After"], None, AGES)
        case "throttle-unusable":
            return Wait(asking_to_wait(rng.choice(UNUSABLE), now)["Retry-After"], date, None)
        case "throttle-odd":
            form = rng.choice(ODD)
            header = asking_to_wait(form, now)["Retry-After"]
            if form == "undated":
                return Wait(header, None, None, now + 1.0)
            return Wait(header, date, {"fraction": 0.5, "old-date": 1.0, "several": 1.0}[form])
    return NO_WAIT
