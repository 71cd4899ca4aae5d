"""A part of the phase `read`: masks that an app shows as addresses, as bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import anyio.from_thread
import anyio.to_thread
import orjson

from syncer.formats.store import Store
from syncer.jobs.folders import pull_in
from syncer.jobs.importing.output import write_whole
from syncer.jobs.migrate.folder import PassFiles
from syncer.jobs.migrate.pulling import pull_into
from syncer.jobs.migrate.settings import Sides
from syncer.jobs.origins import clarifai_origin
from syncer.jobs.pull import PullLane
from syncer.jobs.signals import Listen
from syncer.jobs.ways import transport
from syncer.remotes.clarifai.pictures import Pictures, list_addresses
from syncer.remotes.clarifai.selection import Selection

FETCHED_AT_ONCE = 32
STEP = 256
"""Lines between two looks at whether it is to stop."""


async def fetch_pictures(
    sides: Sides, files: PassFiles, watch: Callable[[PullLane], None], signals: Listen
) -> None:
    """Fetch the pictures that labels of the source need; what is fetched already is not
    fetched again. Raises SyncerError, Interruption.
    """
    if not files.addresses.exists():
        await anyio.to_thread.run_sync(_note_addresses, files)
    before = pull_in(files.fetching) if files.fetching.is_dir() else None
    if not files.addresses.stat().st_size or (before is not None and before.done):
        return
    origin = replace(
        clarifai_origin(sides.source, sides.limiters, Selection()),
        listing=Pictures(_list_lines(files.addresses)),
        storage=transport(sides.source, "clarifai", None),
        storage_concurrency=FETCHED_AT_ONCE,
        name="pictures of masks",
    )
    await pull_into(files.pictures, origin, sides, files.fetching, watch, signals)


class FetchedPictures:
    """The pictures that were fetched, by their addresses."""

    def __init__(self, path: Path) -> None:
        """`path`: their file, where there is one."""
        self._places: Store[str, int] = Store()
        self._file = path.open("rb") if path.exists() else None
        place = 0
        for line in self._file or ():
            self._places.put(orjson.loads(line)["address"], place)
            place += len(line)

    def find(self, address: str) -> str | None:
        """Return its bytes in base64; None for what could not be fetched."""
        place = self._places.find(address)
        if place is None or self._file is None:
            return None
        self._file.seek(place)
        return str(orjson.loads(self._file.readline())["base64"])

    def close(self) -> None:
        """Give them up."""
        self._places.close()
        if self._file is not None:
            self._file.close()


def _note_addresses(files: PassFiles) -> None:
    """Write each address once."""
    with (
        closing(Store[str, int]()) as seen,
        files.source.open("rb") as rows,
        write_whole(files.addresses) as out,
    ):
        for count, line in enumerate(rows):
            if not count % STEP:
                anyio.from_thread.check_cancelled()
            if b'"mask"' not in line:
                continue
            row = orjson.loads(line)
            for address in list_addresses(row.get("annotation", row) or {}):
                if seen.find(address) is None:
                    seen.put(address, 1)
                    out.write(address.encode() + b"\n")


def _list_lines(path: Path) -> Iterator[str]:
    with path.open(encoding="ascii") as lines:
        for line in lines:
            yield line.rstrip("\n")
