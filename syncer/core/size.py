"""The size that a request's body may have: learnt from what goes through on the way to
the remote, and from what does not.

          fits ───────── tried next ───────── fails
    the largest that    one request at     the smallest that is
    went through        a time             believed not to go through

Nothing says how much a proxy takes. So a request that is much larger than any before it
goes first, and the others wait for what comes of it. A size that is refused (413) is
believed at once. One that is cut off may have met an outage: it counts only once the
remote has answered something since, and must be seen more than once where nothing else
speaks of a limit. What is believed is put to the test again after many requests, for
ways change; each time that it proves true, later.
"""

from __future__ import annotations

CLOSE = 1.1
"""Fails at no more than this many times what fits: no better bound is sought."""
SMALL = 64 << 10
"""A body up to this size is not held back before anything is known."""
PATIENCE = 64
"""Requests that go through before a larger one is tried again; twice as many each time
that one fails.
"""


class SizeLimit:
    """The bounds known of one way.

    Sizes are in bytes, times in seconds of any one clock.
    """

    def __init__(self, most: int) -> None:
        """`most`: nothing larger is ever sent, but a change by itself."""
        self._most = most
        self._fits = 0
        self._fails: int | None = None
        self._passes = 0
        self._patience = PATIENCE
        self._trial = 0  # the size under way that may not go through
        # the size that was cut off last, with no word from the remote since
        self._suspect = 0
        self._suspect_at = 0.0
        # the size that was cut off this often while the remote was well
        self._struck = 0
        self._strikes = 0

    @property
    def bound(self) -> int:
        """Bytes of the next request at most. 0: none is to go until more is known of
        those before it.
        """
        known = self._fails is not None and self._fails <= self._fits * CLOSE
        if self._trial or self._suspect > self._fits:
            return self._fits if known else 0
        if self._fails is None:
            return self._most
        if self._passes >= self._patience:
            return min(self._most, 2 * self._fails)
        return self._fits if known else (self._fits + self._fails) // 2

    def goes(self, size: int) -> None:
        """A request of this size, which could have been smaller, is sent."""
        unusual = size > max(SMALL, 2 * self._fits)
        if unusual or (size > self._fits and (self._fails is not None or self._strikes)):
            self._trial = size

    def over(self, size: int) -> None:
        """It has been answered, or has failed, in any way."""
        if size == self._trial:
            self._trial = 0

    def passed(self, size: int) -> None:
        """It went through: the remote itself has answered."""
        self._fits = max(self._fits, size)
        self._passes += 1
        if self._fails is not None and size >= self._fails:
            self._fails, self._patience = None, PATIENCE
        if size >= self._suspect:
            self._suspect = 0
        if size >= self._struck:
            self._struck = self._strikes = 0

    def refused(self, size: int) -> None:
        """It is too large, says the one that refused it."""
        self._believe(size)

    def cut(self, size: int, now: float) -> bool:
        """Nothing came back of it.

        Is its size in question? No, where as much went through before.
        """
        self._suspect, self._suspect_at = max(self._suspect, size), now
        return size > self._fits

    def heard(self, at: float) -> None:
        """The remote answered something at this time."""
        if not self._suspect or at <= self._suspect_at:
            return
        self._struck = max(self._struck, self._suspect)
        self._strikes += 1
        self._suspect = 0
        needed = 3 if self._struck <= self._fits else 2 if self._fails is None else 1
        if self._strikes >= needed:
            self._believe(self._struck)

    def _believe(self, size: int) -> None:
        if self._passes >= self._patience:
            self._patience *= 2
        self._fails = size if self._fails is None else min(self._fails, size)
        if self._fits >= self._fails:  # the way is another one now
            self._fits = self._fails // 2
        self._passes = self._suspect = self._struck = self._strikes = 0

    def __repr__(self) -> str:
        return (
            f"SizeLimit(fits={self._fits}, fails={self._fails}, suspect={self._suspect},"
            f" trial={self._trial}, strikes={self._strikes})"
        )
