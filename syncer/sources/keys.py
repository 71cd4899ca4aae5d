"""The bodies that were posted with a key to an inbox, so that one that comes again is
not stored again, but answered as before: for 24 hours, over restarts. The last ones are
known for longer, since a clock may be set forward while a client asks again.

    note of the append ──► its segment is about to be cut ──► keys/<place>.log ──► gone

The note is as durable as the lines, at no cost. Keys of bodies without a line to store
go to the log of keys at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from functools import partial
from hashlib import blake2b
from itertools import islice, takewhile
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

from syncer.core.change import Mark
from syncer.errors import StateError
from syncer.sources.appends import Appended
from syncer.sources.body_index import BodyIndex, KnownBody
from syncer.sources.disk import SpoolDisk
from syncer.sources.segments import Segments

KNOWN_SECONDS = 24 * 3600.0
KNOWN_MIN = 1000
"""So many of the last bodies are known, however old they seem."""
SAVED_AT_ONCE = 1000
"""Bodies: those of a whole file are many, and what they take is never given back."""
KEYS = "keys"
INDEX = "index"
_UNBOUNDED_BYTES = 1 << 60

T = TypeVar("T")


class _Saved(NamedTuple):
    """An append to the log of keys."""

    at: float
    """When the last of its bodies was taken."""
    bodies: int
    mark: Mark
    """The place after it."""


class KnownBodies:
    """The spool of an inbox, and the keys of what was put there. The methods that block
    say so; all are for one task at a time.
    """

    def __init__(
        self,
        folder: Path,
        disk: SpoolDisk,
        resume: Mark,
        now: Callable[[], float],
        **bounds: int,
    ) -> None:
        """Open the spool and read the keys. It blocks.

        `resume`: where the spool is read on. `bounds`: those of Segments; room is
        bounded in the spool alone. Raises StateError.
        """
        self._folder, self._now = folder, now
        self._in_log: deque[_Saved] = deque()
        self._in_log_count = 0
        with ExitStack() as opened:
            self.segments = opened.enter_context(closing(Segments(folder, disk, None, **bounds)))
            unbounded = {**bounds, "waiting_bytes_max": _UNBOUNDED_BYTES}
            log = Segments(folder / KEYS, disk, None, **unbounded)
            self._log = opened.enter_context(closing(log))
            index = BodyIndex(disk.scratch(folder / KEYS / INDEX))
            self._known = opened.enter_context(closing(index))
            self.segments.check_holds(resume)
            self._read_log()
            self._read_notes()
            self.cut(resume)
            self._opened = opened.pop_all()

    def find(self, key: str, body: str) -> KnownBody | None:
        """Return the body that was taken under the key with this digest: another one
        than this only until its time is over. Raises StateError.
        """
        known = self._known.find(key)
        if known is not None and known.body != body and self._is_over(known.at):
            return None
        return known

    def save(self, bodies: Sequence[KnownBody]) -> None:
        """Write bodies to the log of keys, and drop what is too old there. It blocks.

        Raises StateError.
        """
        appended = self._log.append([msgspec.json.encode(body) for body in bodies])
        self._note_saved(bodies, appended)
        self._cut_log()

    def cut(self, mark: Mark) -> None:
        """Remove the files of the spool of which nothing is needed any more: all before
        this mark is settled. It blocks. Raises StateError.
        """
        kept_from = self.segments.find_cut(mark)
        if kept_from > self.segments.segments[0].start.offset:
            lost = takewhile(lambda noted: noted[0] < kept_from, self._list_noted())
            due = (body for _, body in lost if self._known.find(body.key) == body)
            while some := list(islice(due, SAVED_AT_ONCE)):
                self.save(some)
        self.segments.cut(mark)

    def close(self) -> None:
        """Let go of the files. It may come twice."""
        self._opened.close()

    def _is_over(self, at: float) -> bool:
        return at <= self._now() - KNOWN_SECONDS

    def add(self, body: KnownBody) -> None:
        """Know this body, which the note of an append holds, or the log of keys; and
        forget what is too old. Raises StateError.
        """
        self._known.put(body)
        while self._known.count > KNOWN_MIN and (oldest := self._known.oldest()) is not None:
            if not self._is_over(oldest.at):
                break
            self._known.remove(oldest.key)

    def _note_saved(self, bodies: Sequence[KnownBody], appended: Appended) -> None:
        saved = _Saved(max(body.at for body in bodies), len(bodies), appended.end)
        self._in_log.append(saved)
        self._in_log_count += saved.bodies
        for body in bodies:
            if self._known.find(body.key) != body:
                self.add(body)

    def _cut_log(self) -> None:
        mark = None
        while self._in_log and self._is_over(self._in_log[0].at):
            if self._in_log_count - self._in_log[0].bodies < KNOWN_MIN:
                break
            saved = self._in_log.popleft()
            self._in_log_count -= saved.bodies
            mark = saved.mark
        if mark is not None:
            self._log.cut(mark)

    def _read_log(self) -> None:
        for appended, file in self._log.appends():
            lines = file.read(appended.length).splitlines()
            bodies = [
                self._read(raw, partial(msgspec.json.decode, type=KnownBody)) for raw in lines
            ]
            self._note_saved(bodies, appended)

    def _read_notes(self) -> None:
        for _, body in self._list_noted():
            self.add(body)

    def _list_noted(self) -> Iterator[tuple[int, KnownBody]]:
        """Yield each body that has a note, with the place of its lines."""
        for appended, _ in self.segments.appends():
            if appended.note:  # else it came without a key
                body = self._read(appended.note, partial(msgspec.convert, type=KnownBody))
                yield appended.before.offset, body

    def _read(self, found: T, read: Callable[[T], KnownBody]) -> KnownBody:
        try:
            return read(found)
        except msgspec.DecodeError:
            raise self._explain_strangers() from None

    def _explain_strangers(self) -> StateError:
        return StateError(
            f"{self._folder} is not the inbox of what comes by HTTP: what waits there came from"
            " elsewhere. Put back the folder that the state was used with"
        )


def digest(data: bytes) -> str:
    """Return 32 hex digits that only this data gives."""
    return blake2b(data, digest_size=16).hexdigest()
