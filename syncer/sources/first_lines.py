"""The check that a file is a change log at all: by its first lines, before anything of
it is sent or dead-lettered.
"""

from __future__ import annotations

from syncer.core.change import BadLine, Mark
from syncer.errors import UsageError
from syncer.sources.cutter import Cutter, RawLine
from syncer.sources.gunzip import DamagedLog
from syncer.sources.lines import LineOptions, LinePlace, parse
from syncer.sources.opening import open_log

FIRST_LINES = 10_000
"""A log whose first lines are all bad, this many of them, is a file of another kind, or
was written by a program gone wrong.
"""

BINARY_BYTES_MIN = 4096
BINARY_SHARE = 0.05
"""Of bytes that no text has: from there on, a file without a good line is not text."""

_BLOCK_BYTES = 1 << 14  # the first line settles it for most logs
_NOT_IN_TEXT = bytes(code for code in range(0x20) if code not in b"\t\n\r\f\b\x1b") + b"\x7f"
_DOCUMENT_BEGINS = (b"[", b"{", b"[{")


def refuse_what_is_not_a_log(path: str, label: str, options: LineOptions) -> None:
    """Raise UsageError for a file of which the first lines say that it is not a change
    log, or that cannot be read.

    It is read up to its first good line. A file with fewer than FIRST_LINES lines, all
    bad, is a log: each line is a dead letter.
    """
    look = _Look(label, options)
    cutter = Cutter(Mark())
    file = open_log(path, label)
    try:
        while block := file.read1(_BLOCK_BYTES):
            if look.is_settled(block, cutter.feed(block)):
                return
    except (EOFError, DamagedLog):
        pass  # of what cannot be unpacked nothing is known: reading says so
    except OSError as error:
        raise UsageError(
            f"the change log {label} cannot be read: {error.strerror or error}"
        ) from None
    finally:
        file.close()
    look.end()


class _Look:
    """The findings of the lines so far."""

    def __init__(self, label: str, options: LineOptions) -> None:
        self._label = label
        self._options = options
        self._bad = 0
        self._first: BadLine | None = None
        self._bytes = 0
        self._not_text = 0

    def is_settled(self, block: bytes, lines: list[RawLine]) -> bool:
        """Return whether there is a good line among these.

        Raises UsageError where there can be no doubt that it is not a log.
        """
        self._bytes += len(block)
        self._not_text += len(block) - len(block.translate(None, _NOT_IN_TEXT))
        for raw, number, offset in lines:
            found = parse(raw, LinePlace(0, self._bad, number, offset, b""), self._options)
            if not isinstance(found, BadLine):
                return True
            self._bad += 1
            first = self._first = self._first or found
            if self._bad == 2 and first.raw.strip() in _DOCUMENT_BEGINS:
                raise self._refuse(
                    "it looks like JSON over several lines, but a change log has one object"
                    " per line (jq -c '.[]' FILE)"
                )
            if self._bad == FIRST_LINES:
                raise self._refuse(
                    f"its first {FIRST_LINES:,} lines are all bad (line {first.line}:"
                    f" {first.reason})"
                )
        return False

    def end(self) -> None:
        """The file has ended. Raises UsageError where what was read is not text."""
        if self._bytes >= BINARY_BYTES_MIN and self._not_text > self._bytes * BINARY_SHARE:
            raise self._refuse("it is not text, but binary data")

    def _refuse(self, why: str) -> UsageError:
        return UsageError(
            f"{self._label} is not a change log: {why}. None of it was sent, and no dead letters"
            " were written"
        )
