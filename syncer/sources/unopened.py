"""A source that is opened when it is first read: one that cannot be opened fails by
itself, and is tried again, while the others are read.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from syncer.core.change import Chunk, Mark
from syncer.core.ports.push import Source
from syncer.finish import finish

AnySource = TypeVar("AnySource", bound=Source)


class Unopened(Generic[AnySource]):
    """Stands for a source until it is open, and passes everything on from then on."""

    def __init__(self, label: str, open_: Callable[[], Awaitable[AnySource]]) -> None:
        """`label`: that of the source. `open_` raises SyncerError, and is called again
        then.
        """
        self.label = label
        self._open = open_
        self.source: AnySource | None = None
        """None until it is open."""

    @property
    def ended(self) -> bool:
        """Whether nothing will ever follow what was read."""
        return self.source is not None and self.source.ended

    async def read(self) -> Chunk | None:
        """Return the next chunk of the source. A reader that is cancelled while it is
        opened leaves it open: it can be closed.

        Raises SyncerError where it cannot be opened, and as the source does.
        """
        if self.source is None:
            await finish(self._open_it)
        assert self.source is not None
        return await self.source.read()

    async def _open_it(self) -> None:
        self.source = await self._open()

    async def wait(self) -> None:
        """Wait as the source does."""
        if self.source is not None:
            await self.source.wait()

    async def ack(self, log: int, mark: Mark) -> None:
        """Pass it on."""
        if self.source is not None:
            await self.source.ack(log, mark)

    async def close(self) -> None:
        """Let go of the source, where it is open."""
        if self.source is not None:
            await self.source.close()
