"""An import and the files that it leaves: all of them, or none."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from syncer.errors import UsageError
from syncer.formats.images import PlacedPicture
from syncer.formats.labels import Label
from syncer.jobs.importing.output import (
    STDOUT,
    Discard,
    LineOutput,
    copy_out,
    spool_lines,
    write_whole,
)
from syncer.jobs.importing.report import ImportReport, Remark
from syncer.jobs.importing.run import Import
from syncer.printable import json_text


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOutputs:
    """Where an import writes."""

    out: str = ""
    """The change log, - for standard output, or "" for none."""
    report: Path | None = None
    concepts: Path | None = None

    def check(self, paths: tuple[Path, ...]) -> None:
        """Raise UsageError where a label file would be replaced, or another output."""
        named = [path for path in (self.report, self.concepts, *self._log()) if path is not None]
        inputs = {path.resolve() for path in paths}
        for path in named:
            if path.resolve() in inputs:
                raise UsageError(
                    f"{path} is what is read, and would be replaced: name another file"
                )
        if len({path.resolve() for path in named}) < len(named):
            raise UsageError("two of --out, --report and --concepts-out are one file")

    def _log(self) -> tuple[Path, ...]:
        return () if self.out in ("", STDOUT) else (Path(self.out),)

    def open_log(self, stack: ExitStack) -> LineOutput:
        """Return what takes the lines."""
        if self.out == STDOUT:
            return stack.enter_context(spool_lines())
        return stack.enter_context(write_whole(Path(self.out))) if self.out else Discard()


def run_import(
    job: Import,
    outputs: ImportOutputs,
    stdout: BinaryIO | None,
    step: Callable[[], None] = lambda: None,
) -> ImportReport:
    """Run an import and leave its files, when all of it is converted.

    Raises as `Import.run` does, and OutputError.
    """
    job.report.out = outputs.out
    with ExitStack() as spooled:
        with ExitStack() as stack:
            lines = outputs.open_log(spooled if outputs.out == STDOUT else stack)
            if outputs.report is not None:
                job.observe(_ReportFile(stack.enter_context(write_whole(outputs.report))))
            report = job.run(lines, step)
            if outputs.concepts is not None:
                _write_concepts(job, stack.enter_context(write_whole(outputs.concepts)))
        if outputs.out == STDOUT and stdout is not None:
            copy_out(lines, stdout)  # type: ignore[arg-type]  # the spool
    return report


def _write_concepts(job: Import, out: LineOutput) -> None:
    """Write the concepts that the target app needs, a JSON object in each line."""
    for id, concept in job.concepts:
        needed = {"id": id, "name": concept.name, "lines": concept.count}
        out.write(json_text(needed).encode() + b"\n")


class _ReportFile:
    """Writes a JSON line for each remark. Implements `Observer`."""

    def __init__(self, out: LineOutput) -> None:
        self._out = out

    def remark(self, remark: Remark) -> None:
        self._out.write(json_text(remark.as_json()).encode() + b"\n")

    def label(self, label: Label, placed: PlacedPicture, format_name: str) -> None:
        """Nothing is said of labels that are as they were."""
