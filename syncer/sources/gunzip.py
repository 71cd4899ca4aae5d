"""Gzip unpacked: any number of members, perhaps with zeros after them. An error comes
again at each further read, never an end.

Python's own GzipFile says "end of file" when it is asked once more after an error, so
that a log which was cut off would look whole.
"""

from __future__ import annotations

import io
import zlib
from typing import BinaryIO

GZIP = b"\x1f\x8b"
# zlib's own word for: a gzip header, and its checksum and length are checked
_GZIP_WINDOW = 31
_BLOCK_BYTES = 1 << 16


class DamagedLog(Exception):
    """An error of a log whose rest cannot be unpacked."""


class Gunzip(io.RawIOBase):
    """The bytes that are packed in a file.

    Reading raises EOFError where the packed data is cut off, DamagedLog, OSError.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        """The packed bytes."""
        self._rewind()

    def _rewind(self) -> None:
        self.file.seek(0)
        self._member: zlib._Decompress | None = None
        self._members = 0
        self._packed = b""
        self._offset = 0
        self._error: tuple[type[Exception], str] | None = None

    def readable(self) -> bool:
        """Return that it is."""
        return True

    def seekable(self) -> bool:
        """Return that it is: what comes before the place is unpacked."""
        return True

    def fileno(self) -> int:
        """Return the descriptor of the packed file."""
        return self.file.fileno()

    def tell(self) -> int:
        """Return how many unpacked bytes come before the next one."""
        return self._offset

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to this many unpacked bytes from the start; not beyond the end."""
        assert whence == io.SEEK_SET, whence
        if offset < self._offset:
            self._rewind()
        while self._offset < offset and self._next(offset - self._offset):
            pass
        return self._offset

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # the one buffer that BufferedReader gives
        """Fill some of the buffer."""
        data = self._next(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Let go of the file, too."""
        self.file.close()
        super().close()

    def _next(self, most: int) -> bytes:
        """Return some bytes, none at the end."""
        if self._error is None:
            try:
                data = self._unpack(most)
                self._offset += len(data)
                return data
            except zlib.error as error:
                self._error = (
                    DamagedLog,
                    f"the compressed data is damaged ({str(error).rpartition(': ')[2]})",
                )
            except (EOFError, DamagedLog) as error:
                self._error = type(error), str(error)
        kind, message = self._error
        raise kind(message)

    def _unpack(self, most: int) -> bytes:
        while self._member is not None or self._begin():
            assert self._member is not None
            if not self._packed and not self._fill():
                raise EOFError("the compressed data is cut off")
            data = self._member.decompress(self._packed, most)
            if self._member.eof:
                self._packed, self._member = self._member.unused_data, None
            else:
                self._packed = self._member.unconsumed_tail
            if data:
                return data
        return b""

    def _begin(self) -> bool:
        """Begin the next member; False at the end."""
        self._packed = self._packed.lstrip(b"\0") if self._members else self._packed
        while len(self._packed) < len(GZIP) and self._fill():
            self._packed = self._packed.lstrip(b"\0") if self._members else self._packed
        if not self._packed:
            return False
        if self._packed == GZIP[:1]:
            raise EOFError("the compressed data is cut off")
        if not self._packed.startswith(GZIP):
            what = "what follows the compressed data" if self._members else "the data"
            raise DamagedLog(f"{what} is not gzip")
        self._member = zlib.decompressobj(_GZIP_WINDOW)
        self._members += 1
        return True

    def _fill(self) -> bool:
        block = self.file.read(_BLOCK_BYTES)
        self._packed += block
        return bool(block)
