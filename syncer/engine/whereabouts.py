"""Telling whether the service answers, and the app is there. What speaks of the
address, the app or the path is not about a change.

Answers that are not the service's end the run where the service itself has not answered
such a request yet; where it has, they are failures like others. Words that the service
would also use of an app that is not there are believed only once it was asked whether
the app is there.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace

import anyio

from syncer.core.outcome import Failed, Halt, Refused, Throttled
from syncer.core.ports.pull import Ask

SEEN_SECONDS = 5.0
"""The app counts as seen for this long, where a refusal is of it only perhaps."""
STRANGE_MAX = 5
"""Answers that are not the service's, to requests of one method, before the address is
taken for a wrong one: a gateway may stumble.
"""


class Whereabouts:
    """The facts known of the place that requests go to."""

    def __init__(self, address: str, check: str) -> None:
        """For messages: where requests go, and which settings say so."""
        self.probe: Ask[object] | None = None
        """A question that every app answers, and that changes nothing; None where an
        app is taken to be there.
        """
        self._address = address
        self._check = check
        # methods that the service itself has answered
        self._answering: set[str] = set()
        # by method, answers of something else, until then
        self._strange: Counter[str] = Counter()
        self._seen_at = -math.inf  # when something of the app was
        self._one_at_a_time = anyio.Lock()
        self._asked_at = -1.0
        self._found: Halt | None = None

    def judge(self, method: str, answer: object, now: float) -> object:
        """Return what the answer to a request of this method means, by all that is
        known.
        """
        match answer:
            case Throttled() | Halt():
                return answer
            case Failed(strange="no"):
                return answer
            case Failed():
                return answer if method in self._answering else self._stranger(method, answer)
            case Refused():
                # else something on the way may have refused it
                if answer.code is not None:
                    self._answering.add(method)
                return answer
            case _:
                self._answering.add(method)
                self._seen_at = now
                return answer

    def _stranger(self, method: str, answer: Failed) -> Failed | Halt:
        self._strange[method] += 1
        if self._strange[method] < STRANGE_MAX:
            return replace(answer, strange="surely")
        reason = (
            f"what answers at {self._address} is not the service: {method}:"
            f" {answer.reason.rstrip('.')}; check {self._check}"
        )
        return Halt(reason, answer.code, "address")

    def doubts(self, answer: object, now: float) -> bool:
        """Whether to ask if the app is there, before this is believed."""
        if self.probe is None or not isinstance(answer, Refused):
            return False
        return answer.of_app == "likely" or (
            answer.of_app == "perhaps" and now > self._seen_at + SEEN_SECONDS
        )

    async def missing(
        self, asked: Callable[[Ask[object]], Awaitable[object]], now: Callable[[], float]
    ) -> Halt | None:
        """Ask whether the app is there: why the run cannot go on, None where it can.
        `asked` puts the question until it is answered.

        All that come in doubt while it is being asked share the next answer: the one
        under way may be older than what they doubt.
        """
        assert self.probe is not None
        came_at = now()
        async with self._one_at_a_time:
            if self._asked_at <= came_at:
                begun = now()
                # Noted only now: an unanswered question says nothing to the next one.
                self._found = self._read(await asked(self.probe))
                self._asked_at = begun
            return self._found

    def _read(self, answer: object) -> Halt | None:
        if isinstance(answer, Halt):
            return answer
        if not isinstance(answer, Refused):
            return None
        reason = (
            f"the remote does not know {self._address} (code {answer.code}):"
            f" {answer.reason.rstrip('.')}; check {self._check}"
        )
        return Halt(reason, answer.code, "address")
