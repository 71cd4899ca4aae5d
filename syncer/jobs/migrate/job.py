"""A migration from its first phase to its report."""

from __future__ import annotations

import shutil
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import anyio.to_thread
import msgspec
import orjson

from syncer import files as file_system
from syncer.config import Loaded
from syncer.config.migration import FromFiles
from syncer.errors import StateError, SyncerError
from syncer.jobs.importing.run import Import
from syncer.jobs.limiters import Limiters
from syncer.jobs.migrate.assess import assess
from syncer.jobs.migrate.convert import convert_source
from syncer.jobs.migrate.folder import JobFolder, JobRecord, PassFiles, cannot_write, write_file
from syncer.jobs.migrate.html import render_html
from syncer.jobs.migrate.meter import PhaseMeter
from syncer.jobs.migrate.own import list_letters
from syncer.jobs.migrate.phases import PHASES, Interruption, PhaseDone, PhaseName
from syncer.jobs.migrate.prepare import prepare_target
from syncer.jobs.migrate.push import push_labels
from syncer.jobs.migrate.read import read_source
from syncer.jobs.migrate.repair import repair_target
from syncer.jobs.migrate.report import Migrated, MigrationStage, make_report
from syncer.jobs.migrate.sample import describe_sample, move_sample
from syncer.jobs.migrate.settings import Sides, read_sides
from syncer.jobs.migrate.verify import verify_labels
from syncer.jobs.pull import PullLane
from syncer.jobs.push import PushLane
from syncer.jobs.signals import Listen, ignore

Working = PushLane | PullLane | Import | PhaseMeter
REPORT, PAGE = "report.json", "report.html"
LETTERS_MAX = 100
"""Dead letters that the page shows."""
SCRATCH = "assessed"
BEFORE_SAMPLE: tuple[PhaseName, ...] = ("assess", "read", "convert")


class Migration:
    """One run of a job: what earlier runs have done is not done again."""

    def __init__(self, sides: Sides, job: JobFolder) -> None:
        self._sides = sides
        self._job = job
        self.phase: PhaseName | Literal["sample"] = "assess"
        """The phase that is under way."""
        self.working: Working | None = None
        """What works in it, for those who show it."""

    async def run(
        self, tell: Callable[[PhaseName, PhaseDone], None], *, signals: Listen = ignore
    ) -> Migrated:
        """Carry on to the end, and leave the report. `tell` is called after each phase.

        Errors that stop a run are in what it returns; what is done is kept.
        """
        return await self._end(self._carry_on(PHASES, tell, signals))

    async def sample(
        self,
        inputs: int,
        tell: Callable[[PhaseName, PhaseDone], None],
        *,
        signals: Listen = ignore,
    ) -> Migrated:
        """Move the labels of so many inputs, and predict the whole: what `run` carries
        on with later. `tell` and errors are as of `run`.
        """

        async def work() -> None:
            await self._carry_on(BEFORE_SAMPLE, tell, signals)
            self.phase = "sample"
            await move_sample(self._sides, self._job, inputs, self._watch, signals)

        return await self._end(work(), is_sampled=True)

    async def _carry_on(
        self,
        phases: Sequence[PhaseName],
        tell: Callable[[PhaseName, PhaseDone], None],
        signals: Listen,
    ) -> None:
        is_read = not isinstance(self._sides.section.source, FromFiles)
        for name in phases:
            if name not in self._job.record.done:
                self._job.check_left(is_read=is_read)
                self._job.note(name, await self._work(name, signals))
                if name in ("read", "convert"):
                    self._job.note_left(is_read=is_read)
                tell(name, self._job.record.done[name])

    async def _end(self, work: Awaitable[None], *, is_sampled: bool = False) -> Migrated:
        """Work, and leave the report, also where an error ends it."""
        error: SyncerError | None = None
        interrupted: int | None = None
        try:
            await work
        except SyncerError as stopped:
            error = stopped
        except Interruption as signal:
            interrupted = signal.number
        sampled = describe_sample(self._job, self._sides)
        stage: MigrationStage = "sample" if is_sampled and sampled else "whole"
        report = make_report(self._job.record, sampled, stage=stage)
        try:
            await anyio.to_thread.run_sync(self._leave_report, report)
        except SyncerError as stopped:
            error = error or stopped
        return Migrated(report, error, interrupted)

    async def assess(self, *, signals: Listen = ignore) -> Migrated:
        """Only look; nothing is kept."""
        files = PassFiles(self._job.path / SCRATCH).make()
        record = JobRecord(self._job.record.settings, number=self._job.record.number)
        error: SyncerError | None = None
        interrupted: int | None = None
        try:
            done = await self._time(
                "assess", assess(self._sides, files, None, self._watch, signals)
            )
            record = msgspec.structs.replace(record, done={"assess": done})
        except SyncerError as stopped:
            error = stopped
        except Interruption as signal:
            interrupted = signal.number
        await anyio.to_thread.run_sync(shutil.rmtree, files.folder)
        return Migrated(make_report(record, {}, stage="assess"), error, interrupted)

    async def _work(self, name: PhaseName, signals: Listen) -> PhaseDone:
        sides, job, files = self._sides, self._job, self._job.files.make()
        number = job.record.number
        earlier = job.files_of(number - 1) if number > 1 else None
        match name:
            case "assess":
                doing = assess(sides, files, earlier, self._watch, signals)
            case "read":
                doing = read_source(sides, files, self._watch, signals)
            case "convert":
                doing = convert_source(sides, files, earlier, self._watch)
            case "prepare":
                doing = prepare_target(sides, files, self._watch, signals)
            case "push":
                doing = push_labels(sides, job, self._watch, signals)
            case "verify":
                total = job.record.done["convert"].items
                doing = verify_labels(sides, files, job.state, total, self._watch, signals)
            case "repair":
                doing = repair_target(sides, job, self._watch, signals)
        return await self._time(name, doing)

    async def _time(self, name: PhaseName, doing: Awaitable[PhaseDone]) -> PhaseDone:
        self.phase, self.working = name, None
        started = time.monotonic()
        try:
            done = await doing
        except (SyncerError, Interruption):
            # On a full disk this fails, too, and would hide what failed first.
            with suppress(StateError):
                self._job.note_spent(name, time.monotonic() - started)
            raise
        return msgspec.structs.replace(done, seconds=round(time.monotonic() - started, 3))

    def _watch(self, working: Working) -> None:
        self.working = working

    def _leave_report(self, report: dict[str, Any]) -> None:
        """Write the report into the job's folder, and copies to where users want them.
        Raises StateError.
        """
        content = orjson.dumps(report, option=orjson.OPT_INDENT_2) + b"\n"
        write_file(self._job.path / REPORT, content)
        page = self._render(report).encode("utf-8", "backslashreplace")
        write_file(self._job.path / PAGE, page)
        folder, files = self._sides.report, self._job.files
        if folder is None or not report["complete"]:
            return
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_file(folder / REPORT, content)
            write_file(folder / PAGE, page)
            for path in (files.id_map, files.losses):
                part = folder / f".{path.name}.part"
                file_system.copy(path, part)
                file_system.place(part, folder / path.name)
        except OSError as error:
            raise cannot_write(folder, error) from None

    def _render(self, report: dict[str, Any]) -> str:
        letters = [
            {"input_id": one.input_id or "", "id": one.id or "", "reason": one.reason}
            for one in islice(list_letters(self._job.state), LETTERS_MAX)
        ]
        push = self._job.record.done.get("push")
        return render_html(report, letters, [] if push is None else push.facts.get("samples", []))


@contextmanager
def open_migration(
    loaded: Loaded, limiters: Limiters, folder: Path, *, again: bool = False
) -> Iterator[Migration]:
    """A migration with its folder, which is its own while the block lasts.

    `again`: one that is done begins another pass. Raises UsageError, StateError.
    """
    sides = read_sides(loaded, limiters, folder)
    is_new = not folder.exists()
    job = JobFolder(folder, sides.describe())
    try:
        if again and job.is_done:
            job.begin_again()
        yield Migration(sides, job)
    finally:
        job.close()
        if is_new and not job.record.done and not job.state.exists():
            with suppress(OSError):
                _remove_unused(folder)


def _remove_unused(folder: Path) -> None:
    """Remove the folder of a job that has come to nothing."""
    if {path.name for path in folder.iterdir()} <= {"job.json", "lock", REPORT, PAGE}:
        shutil.rmtree(folder)
