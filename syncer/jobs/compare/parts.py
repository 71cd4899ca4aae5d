"""The changes of logs by input, on disk: memory holds a part of them at a time."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

from syncer.core.change import Change, Verb

PART_BYTES = 4 << 20
"""The bytes of logs in a part; in memory it takes some four times as much."""
WAITING_BYTES_MAX = 4 << 20
"""Of changes that wait to be written to their parts."""

_VERBS: tuple[Verb, ...] = ("post", "merge", "overwrite", "remove", "delete", "delete_input")
_RECORD = struct.Struct("<BIII")
Recorded = tuple[Verb, str, bytes]
"""A change: verb, annotation id, body."""


class PartFiles:
    """Changes by input, on disk. Those of one input are in one part, in their order."""

    def __init__(self, folder: Path, count: int) -> None:
        """`count`: the number of parts; reading takes as much memory as one of them."""
        self._paths = [folder / f"{number}.part" for number in range(count)]
        self._waiting = [bytearray() for _ in self._paths]

    @classmethod
    def for_bytes(cls, folder: Path, size: int) -> PartFiles:
        """As many as logs of this size need."""
        return cls(folder, 1 + size // PART_BYTES)

    def add(self, change: Change) -> None:
        """Keep a change."""
        verb = change.verb
        body = b"" if verb in ("delete", "delete_input") else change.body
        self.put(change.input_id, (verb, change.id, body))

    def put(self, input_id: str, recorded: Recorded) -> None:
        """Keep one more of an input."""
        verb, id, body = recorded
        names = input_id.encode() + id.encode()
        input_length = len(input_id.encode())
        record = (
            _RECORD.pack(_VERBS.index(verb), input_length, len(names) - input_length, len(body))
            + names
            + body
        )
        part = crc32(names[:input_length]) % len(self._paths)
        self._waiting[part] += record
        if len(self._waiting[part]) * len(self._paths) > WAITING_BYTES_MAX:
            self._write(part)

    def write(self) -> None:
        """All that waits goes to disk."""
        for part in range(len(self._paths)):
            self._write(part)

    def _write(self, part: int) -> None:
        """The file is open only for that time, so that there may be any number."""
        if self._waiting[part]:
            with self._paths[part].open("ab") as file:
                file.write(self._waiting[part])
            self._waiting[part].clear()

    def __iter__(self) -> Iterator[dict[str, list[Recorded]]]:
        """Each part, once: the changes of its inputs."""
        for path in self._paths:
            if path.exists():
                yield _parse_recorded(path.read_bytes())
                path.unlink()


def _parse_recorded(data: bytes) -> dict[str, list[Recorded]]:
    inputs: dict[str, list[Recorded]] = {}
    at = 0
    while at < len(data):
        verb, *sizes = _RECORD.unpack_from(data, at)
        at += _RECORD.size
        texts = []
        for size in sizes:
            texts.append(data[at : at + size])
            at += size
        inputs.setdefault(texts[0].decode(), []).append((_VERBS[verb], texts[1].decode(), texts[2]))
    return inputs
