"""Rows to a stream that cannot be taken up again: standard output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from syncer.core.ports.pull import Row
from syncer.errors import OutputError
from syncer.sinks.file import Form
from syncer.sinks.position import FROM_THE_START


class StreamSink:
    """Pages of a form, written and flushed.

    Implements `syncer.core.ports.pull.Sink`.
    """

    def __init__(self, stream: BinaryIO, form: Form) -> None:
        self.notes: list[str] = []
        self._stream = stream
        self._form = form

    def open(self, position: str) -> None:
        """Write the head.

        Raises OutputError where an earlier run wrote to a stream that is gone.
        """
        if position:
            raise OutputError(
                "a pull to standard output cannot be carried on: what an earlier run wrote is"
                f" gone. {FROM_THE_START}"
            )
        self._write(self._form.head)

    def write(self, page: int, rows: Sequence[Row]) -> str:
        """Write a page; its position only says that something was written.

        Raises OutputError.
        """
        self._write(self._form.page(rows))
        return str(page + 1)

    def close(self) -> None:
        """All is written."""

    def abandon(self) -> None:
        """Nothing is held."""

    def _write(self, data: bytes) -> None:
        try:
            self._stream.write(data)
            self._stream.flush()
        except OSError as error:
            raise OutputError(
                f"standard output cannot be written: {error.strerror or error}"
            ) from error
