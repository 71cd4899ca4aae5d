"""The folder of a migration: which phases are done, and the files that they left.

Nothing is noted before it is on the disk, so that a process may end at any moment.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec
import orjson

from syncer import files
from syncer.errors import StateError, of_another_version
from syncer.jobs.migrate.phases import PHASES, PhaseDone, PhaseName
from syncer.journal.lock import LOCK, Lock

FORMAT, VERSION = "syncer-migrate", 1
RECORD = "job.json"


class SampleRecord(msgspec.Struct, frozen=True):
    """A sample that is moved before the whole."""

    inputs: int
    """As many as were asked for."""
    done: dict[str, PhaseDone] = {}


class JobRecord(msgspec.Struct, frozen=True):
    """A job as far as it is done."""

    settings: dict[str, Any]
    """What makes this job the one it is."""
    format: str = FORMAT
    version: int = VERSION
    number: int = 1
    """Of the pass."""
    done: dict[str, PhaseDone] = {}
    spent: dict[str, float] = {}
    """Seconds of phases that were interrupted."""
    sizes: dict[str, int] = {}
    """Bytes of the files that the phases to come read, by their paths in the folder."""
    sample: SampleRecord | None = None


class PassFiles:
    """The files of one pass over the source."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.source = folder / "source.jsonl"
        self.reading = folder / "reading"
        """The state of the pull."""
        self.addresses = folder / "addresses.txt"
        """Where masks are that the source shows only so."""
        self.pictures = folder / "pictures.jsonl"
        self.fetching = folder / "fetching"
        """The state of the pull of these."""
        self.names = folder / "names.json"
        """The names that a project has for its inputs, by their uuids."""
        self.labels = folder / "labels.jsonl"
        """All labels as posts: what the target is to hold."""
        self.rest = folder / "rest.jsonl"
        """Of them those that are not of the sample, where there is one."""
        self.inputs = folder / "inputs.jsonl"
        self.concepts = folder / "concepts.jsonl"
        self.id_map = folder / "id-map.csv"
        self.losses = folder / "losses.jsonl"
        self.differences = folder / "differences.jsonl"
        self.plan = folder / "plan.jsonl"
        self.repair_plan = folder / "repair-plan.jsonl"
        self.repair = folder / "repair.jsonl"

    @property
    def sample(self) -> PassFiles:
        """Return the files of a sample of it."""
        return PassFiles(self.folder / "sample")

    @property
    def logs(self) -> list[Path]:
        """Return the logs that hold all labels, in the order of their push."""
        sample = self.sample.labels
        return [sample, self.rest] if sample.exists() else [self.labels]

    def make(self) -> PassFiles:
        """Make the folder. Raises StateError."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(self.folder, error) from None
        return self


class JobFolder:
    """One job, of one process at a time. Raises StateError."""

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        """`settings`: what makes this job the one it is; another job is refused."""
        self.path = path
        self.state = path / "state"
        """The state of the push."""
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock = Lock(path / LOCK)
        except OSError as error:
            raise cannot_write(path, error) from None
        try:
            self.record = self._read(settings)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the folder back."""
        self._lock.release()

    @property
    def files(self) -> PassFiles:
        """Return the files of the pass that is under way."""
        return self.files_of(self.record.number)

    def files_of(self, number: int) -> PassFiles:
        """Return the files of a pass."""
        return PassFiles(self.path / f"pass-{number}")

    @property
    def is_done(self) -> bool:
        """Whether all phases of the pass are."""
        return all(name in self.record.done for name in PHASES)

    def check_left(self, *, is_read: bool) -> None:
        """Raise StateError where a file is gone that a phase to come reads.

        `is_read`: what is converted was read into the folder of the pass.
        """
        for path in self._list_left(is_read=is_read):
            size = self.record.sizes.get(str(path.relative_to(self.path)))
            found = path.stat().st_size if path.exists() else None
            if found is None or size not in (None, found):
                what = "is gone, which" if found is None else "has another size than"
                raise StateError(
                    f"{path} {what} an earlier run left. Nothing more was sent: put it back, or"
                    " give another --job folder"
                )

    def note_left(self, *, is_read: bool) -> None:
        """Note how large these files are. Raises StateError."""
        paths = [path for path in self._list_left(is_read=is_read) if path.exists()]
        sizes = {str(path.relative_to(self.path)): path.stat().st_size for path in paths}
        self._write(msgspec.structs.replace(self.record, sizes={**self.record.sizes, **sizes}))

    def _list_left(self, *, is_read: bool) -> list[Path]:
        """Return what the phases that are done have left for those that are not."""
        files, number, done = self.files, self.record.number, self.record.done
        if "convert" in done:
            return [*files.logs, files.inputs, files.concepts, files.id_map, files.losses]
        read = [files.source] if is_read and "read" in done else []
        return read if number == 1 else [*read, self.files_of(number - 1).id_map]

    def note(self, name: PhaseName, done: PhaseDone) -> None:
        """A phase is done, or is done otherwise. Raises StateError."""
        record = self.record
        seconds = round(record.spent.get(name, 0.0) + done.seconds, 3)
        done = msgspec.structs.replace(done, seconds=seconds)
        self._write(
            msgspec.structs.replace(
                record, done={**record.done, name: done}, spent={**record.spent, name: 0.0}
            )
        )

    def note_spent(self, name: PhaseName, seconds: float) -> None:
        """A phase was interrupted after so many seconds. Raises StateError."""
        spent = self.record.spent
        total = spent.get(name, 0.0) + seconds
        self._write(msgspec.structs.replace(self.record, spent={**spent, name: total}))

    def note_sample(self, sample: SampleRecord) -> None:
        """A sample was chosen, or is done so far. Raises StateError."""
        self._write(msgspec.structs.replace(self.record, sample=sample))

    def begin_again(self) -> None:
        """Begin another pass. Raises StateError."""
        number = self.record.number + 1
        self._write(
            msgspec.structs.replace(self.record, number=number, done={}, spent={}, sample=None)
        )

    def _read(self, settings: dict[str, Any]) -> JobRecord:
        path = self.path / RECORD
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            record = JobRecord(settings)
            self._write(record)
            return record
        except OSError as error:
            raise StateError(f"{path} cannot be read: {error.strerror}") from None
        try:
            record = msgspec.json.decode(content, type=JobRecord)
        except (msgspec.DecodeError, ValueError):
            raise StateError(
                f"{path} is damaged: give another --job folder; what was pushed is known in"
                f" {self.state}"
            ) from None
        if (record.format, record.version) != (FORMAT, VERSION):
            found = f"{record.format} version {record.version}"
            raise of_another_version(path, found, f"{FORMAT} version {VERSION}", "--job")
        if record.settings != settings and not record.done and record.number == 1:
            # Nothing came of it: what was read, for other settings, is not needed.
            shutil.rmtree(self.files_of(1).folder, ignore_errors=True)
            record = JobRecord(settings)
            self._write(record)
        elif record.settings != settings:
            raise StateError(
                f"{self.path} is the folder of another migration:"
                f" {', '.join(_list_differing(record.settings, settings))} was otherwise. Nothing"
                " was sent: set it as it was, or give another --job folder"
            )
        return record

    def _write(self, record: JobRecord) -> None:
        write_file(self.path / RECORD, msgspec.json.encode(record))
        self.record = record


def write_file(path: Path, content: bytes) -> None:
    """Write a whole file in the place of another, durably. Raises StateError."""
    try:
        files.write(path, content)
    except OSError as error:
        raise cannot_write(path, error) from None


def cannot_write(path: Path, error: OSError) -> StateError:
    """Return the error about a place of the job that cannot be written."""
    return StateError(
        f"{path} cannot be written: {files.why(error)}. Fix that, then run the same command again"
    )


def _list_differing(old: dict[str, Any], new: dict[str, Any], prefix: str = "migrate") -> list[str]:
    """Return the keys of what differs."""
    found: list[str] = []
    for name in {**old, **new}:
        before, after = old.get(name), new.get(name)
        if isinstance(before, dict) and isinstance(after, dict):
            found += _list_differing(before, after, f"{prefix}.{name}")
        elif orjson.dumps(before) != orjson.dumps(after):
            found.append(f"{prefix}.{name}")
    return found
