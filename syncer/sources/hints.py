"""The time of the next look at what is followed: at intervals, and sooner where a hint
says that something may have changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

import anyio

READING_PER_LOOK = 10
"""How many times as long as a look takes there is reading before the next one."""
REST_PER_LOOK = 3
"""How many times as long as a look takes there is rest before a hastened one."""
REST_SECONDS = 0.01
"""At least so long there is rest: at most 100 looks a second in a storm of hints."""

Inode = tuple[int, int]
"""The device and the number of a file or folder."""


class Hint(Protocol):
    """A wake-up that hastens the next look."""

    async def wait(self) -> None:
        """Return once something may have changed; it may be waited for again."""
        ...

    def watch(self, folders: Mapping[str, Inode], begins: str = "") -> None:
        """Look out for changes in these folders from now on, and in no others: not in
        those below them. `begins`: only of files whose names begin so.
        """
        ...

    def close(self) -> None:
        """Look out no more."""
        ...


class NextLook:
    """The time of the next look."""

    def __init__(self, poll_seconds: float, hint: Hint | None = None) -> None:
        """`poll_seconds`: the interval, where no hint comes."""
        self._poll_seconds = poll_seconds
        self.hint = hint
        self._at: float | None = None
        """None: at once."""
        self._hastened_at = 0.0
        """A hint hastens the next look to this at the most."""

    @property
    def is_due(self) -> bool:
        """Whether to look now."""
        return self._at is None or self._at <= anyio.current_time()

    def hasten(self) -> None:
        """Let it be due now."""
        self._at = None

    @contextmanager
    def looking(self) -> Iterator[None]:
        """While the block lasts, a look is under way; one that fails stays due."""
        begun = anyio.current_time()
        self._at = None
        yield
        now = anyio.current_time()
        self._at = now + max(self._poll_seconds, (now - begun) * READING_PER_LOOK)
        self._hastened_at = now + max(REST_SECONDS, (now - begun) * REST_PER_LOOK)

    def watch(self, folders: Mapping[str, Inode], begins: str = "") -> None:
        """Let the hint look out, where there is one."""
        if self.hint is not None:
            self.hint.watch(folders, begins)

    async def wait(self) -> None:
        """Return when it is time."""
        with anyio.move_on_after(self._poll_seconds):
            if self.hint is None:
                await anyio.sleep_forever()
            else:
                await self.hint.wait()
                await anyio.sleep_until(self._hastened_at)
        self._at = None

    def close(self) -> None:
        """Let the hint look out no more."""
        if self.hint is not None:
            self.hint.close()
