"""A thread writes the lines of a daemon, so that it waits for nobody who reads them."""

from __future__ import annotations

import queue
import threading
from contextlib import suppress

from syncer.files import append
from syncer.printable import counted

TEXTS_KEPT_MAX = 1000
LAST_WORDS_SECONDS = 1.0
"""How long the end waits for a reader."""


class BackgroundWriter:
    """Writes text in a thread of its own. Where nobody reads it, so much is kept; what
    comes after that is lost, and counted.
    """

    def __init__(self, descriptor: int, kept_max: int = TEXTS_KEPT_MAX) -> None:
        """Begin. Only `descriptor` is used, not the buffers of a stream: a thread that
        never ends holds the locks of these.
        """
        self._descriptor = descriptor
        self._texts = queue.Queue[bytes | None](kept_max)
        self._lost = 0
        self._thread = threading.Thread(target=self._write, name="aside", daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        """Return how many texts wait."""
        return self._texts.qsize()

    def add(self, text: bytes) -> None:
        """Let this be written. It does not block."""
        try:
            if self._lost:
                lost = counted(self._lost, "message")
                self._texts.put_nowait(f"syncer: {lost} lost: nobody read this stream\n".encode())
                self._lost = 0
            self._texts.put_nowait(text)
        except queue.Full:
            self._lost += 1

    def _write(self) -> None:
        for text in iter(self._texts.get, None):
            with suppress(OSError):
                append(self._descriptor, text)

    def end(self) -> bool:
        """Return whether all of it was written, after some time at most."""
        with suppress(queue.Full):
            self._texts.put(None, timeout=LAST_WORDS_SECONDS)
            self._thread.join(LAST_WORDS_SECONDS)
        return not self._thread.is_alive()
