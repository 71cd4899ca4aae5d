"""The rows of an outbox that are in its spool: which line is which row, which of them
the table was not told about yet, and how far it was told, durably.

    appended ──► read … settled ──► told to the table ──► told.json ──► cut

A note of each append names its rows, so that a restart knows them again. The spool is
cut after the table was told, not when a change is settled: a change that waits in the
retry queue is settled, but its row is not.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import msgspec

from syncer.core.change import Mark
from syncer.errors import StateError
from syncer.sources.appends import Appended
from syncer.sources.cutter import RawLine
from syncer.sources.disk import SpoolDisk
from syncer.sources.segment_reader import SegmentReader
from syncer.sources.segments import Segments

FILE, _PART = "told.json", "told.part"


class RowName(msgspec.Struct, frozen=True, array_like=True):
    """A row as it is known: by its id, and by a digest of its id, its time and its
    change.
    """

    id: int
    key: str
    """32 hex digits."""
    at: float = 0.0
    """Its time, in seconds since 1970; 0: not known."""


class Told(msgspec.Struct, frozen=True):
    """The extent to which a table was told what became of its rows."""

    mark: Mark = Mark()
    """All rows in the spool before this place were told."""
    highest: int = 0
    """The highest id that got `applied_at`; 0: none."""
    last: int = 0
    """The id that got it last."""
    sequence: int = 0
    """The highest id that the table had given to a row."""


@dataclass(frozen=True, slots=True)
class _Group:
    """The rows of one append, by index."""

    indexes: range
    end: Mark


class TakenRows:
    """The rows in a spool. The methods that block say so; the others are for one task
    at a time.
    """

    def __init__(
        self,
        folder: Path,
        disk: SpoolDisk,
        resume: Mark = Mark(),
        dead: Container[int] = (),
        **bounds: int,
    ) -> None:
        """Open the spool and read the names of its rows. It blocks.

        `resume`: where the log is read on. `dead`: indexes of changes that died in
        earlier runs. `bounds`: those of Segments. Raises StateError.
        """
        self.told = _read_told(folder, disk)
        self._folder, self._disk = folder, disk
        self._file, self._part = folder / FILE, folder / _PART
        self._names: dict[int, RowName] = {}
        self._untold: dict[int, RowName] = {}
        self._latest: dict[str, int] = {}
        self._groups: deque[_Group] = deque()
        start = min(self.told.mark, resume, key=lambda mark: mark.offset)
        self.segments = Segments(folder, disk, start, **bounds)
        try:
            self.segments.check_holds(resume)
            self._read_names(start, dead)
        except BaseException:
            self.segments.close()
            raise

    def _read_names(self, start: Mark, dead: Container[int]) -> None:
        with closing(SegmentReader(self.segments, start)) as reader:
            for appended in reader.appends():
                try:
                    names = msgspec.convert(appended.note, list[RowName])
                except msgspec.ValidationError:
                    names = []
                if len(names) != appended.end.index - appended.before.index:
                    raise StateError(
                        f"{self._folder} is not the spool of an outbox: what waits there came"
                        " from elsewhere. Give the source another name"
                    )
                self.add(appended, names)
        # Whether the table was told about a death cannot be known: somebody may have
        # cleared `error` since. A row that is to do then is asked for once more.
        told = [i for i in self._untold if i < self.told.mark.index or i in dead]
        self.tell(told)

    # --- what is known ----------------------------------------------------------------

    @property
    def count(self) -> int:
        """Rows that the table was not told about."""
        return len(self._untold)

    @property
    def highest(self) -> int:
        """The highest id of these; 0 without any."""
        return max((name.id for name in self._untold.values()), default=0)

    def knows(self, key: str) -> bool:
        """Whether this row is in the spool, and the table was not told about it."""
        return key in self._latest

    def name_lines(self, lines: Sequence[RawLine], index: int) -> list[RawLine]:
        """Return lines of the spool from this index on, each with the id of its row as
        its number, and a place that is the row's own.
        """
        named = []
        for at, (raw, _, _) in enumerate(lines, index):
            name = self._names[at]
            named.append((raw, name.id, int(name.key, 16)))
        return named

    def date(self, indexes: Iterable[int]) -> float:
        """Return when the first row of these lines was written; 0: not known."""
        names = (self._names.get(index) for index in indexes)
        return min((name.at for name in names if name is not None and name.at), default=0.0)

    def untold(self, before: int, is_waiting: Callable[[int], bool]) -> Iterator[int]:
        """Yield the indexes before this one of rows that are not told, and whose change
        does not wait in the retry queue.
        """
        for index in self._untold:
            if index < before and not is_waiting(index):
                yield index

    def name(self, index: int) -> RowName | None:
        """Return the row of this line; None if the table was told about it."""
        return self._untold.get(index)

    # --- what changes -----------------------------------------------------------------

    def add(self, appended: Appended, names: Sequence[RowName]) -> None:
        """These rows were appended."""
        indexes = range(appended.before.index, appended.end.index)
        for index, name in zip(indexes, names, strict=True):
            self._names[index] = self._untold[index] = name
            self._latest[name.key] = index
        self._groups.append(_Group(indexes, appended.end))

    def take_back(self, index: int, name: RowName) -> None:
        """The table has to be told about this row once more: its change came back."""
        self._untold[index] = name
        self._latest[name.key] = index

    def tell(self, indexes: Iterable[int]) -> None:
        """The table was told about these."""
        for index in indexes:
            key = self._untold.pop(index).key
            if self._latest.get(key) == index:  # else it was asked again
                del self._latest[key]

    def cut(self, settled: Mark, told: Told) -> None:
        """Write down how far the table was told, and let go of what is before that. It
        blocks. Raises StateError.

        `settled`: all before it is. `told`: its mark is of no account.
        """
        mark, gone = self.told.mark, list[_Group]()
        for group in self._groups:
            if group.end.offset > settled.offset or any(i in self._untold for i in group.indexes):
                break
            gone.append(group)
            mark = max(mark, group.end, key=lambda mark: mark.offset)
        told = msgspec.structs.replace(told, mark=mark)
        if told != self.told:
            self._write(told)
            self.told = told
        for group in gone:
            self._groups.popleft()
            for index in group.indexes:
                del self._names[index]
        self.segments.cut(mark)

    def _write(self, told: Told) -> None:
        disk, part = self._disk, self._part
        try:
            disk.unlink(part)
            file = disk.open(part)
            try:
                disk.write(file, msgspec.json.encode(told) + b"\n")
                disk.sync(file)
            finally:
                disk.close(file)
            disk.replace(part, self._file)
        except OSError as error:
            raise StateError(f"{self._file} cannot be written: {error.strerror or error}") from None


def _read_told(folder: Path, disk: SpoolDisk) -> Told:
    path = folder / FILE
    try:
        with disk.reader(path) as file:
            return msgspec.json.decode(file.read(), type=Told)
    except FileNotFoundError:
        return Told()
    except (OSError, msgspec.DecodeError) as error:
        raise StateError(
            f"{path} cannot be read: {error}. Put it back as it was; or move {folder} away and"
            " forget its log (`syncer state forget`): rows that are to do are asked for again then"
        ) from None
