"""A list of any length in the one JSON object of a command: it is kept in a file until
the rest of the object is known.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import chain
from types import TracebackType

from syncer.cli.output import print_json_parts
from syncer.printable import json_text

_PART_CHARACTERS = 1 << 16


class KeptList:
    """JSON values in a temporary file, which goes with the `with` block."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile("w+", encoding="utf-8", newline="")  # noqa: SIM115 - closed at the end of the block

    def __enter__(self) -> KeptList:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def add(self, value: object) -> None:
        """Keep one more."""
        self._file.write(("," if self._file.tell() else "") + json_text(value))

    def print_within(self, value: Mapping[str, object], name: str) -> None:
        """Print the object with the list as its last member, of this name.

        Raises as `print_json` does.
        """
        print_json_parts(chain((json_text(value)[:-1], f',"{name}":['), self._parts(), ("]}",)))

    def _parts(self) -> Iterator[str]:
        self._file.seek(0)
        return iter(partial(self._file.read, _PART_CHARACTERS), "")
