"""`syncer import`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Group, Parameter

from syncer.cli.options import Length, Log, PrintingOptions
from syncer.cli.output import (
    complain,
    print_json,
    print_lines,
    printing,
    say,
    stdout_is_closed,
)
from syncer.cli.stdin import as_typed
from syncer.errors import UsageError

if TYPE_CHECKING:
    from syncer.jobs.importing.options import ImportOptions
    from syncer.jobs.importing.run import Import

app = App(name="import", usage="Usage: syncer import FORMAT PATH... --out FILE [OPTIONS]")

_output = Group("Output", sort_key=0)
_naming = Group("Names and sizes", sort_key=1)
_reading = Group("Reading", sort_key=2)
FileOption = Annotated[Path | None, Parameter(metavar="FILE")]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ImportOutput:
    """The files that an import writes."""

    out: Annotated[Log, Parameter(group=_output, metavar="FILE")] = ""
    """Change log to write; - for standard output. A name that ends in .gz is packed."""
    report: Annotated[Path | None, Parameter(group=_output, metavar="FILE")] = None
    """Write a JSON line here for each label that is not as it was in the source."""
    concepts_out: Annotated[Path | None, Parameter(group=_output, metavar="FILE")] = None
    """Write the concepts here that the target app needs, as JSON Lines."""
    dry_run: Annotated[bool, Parameter(name=["--dry-run", "-n"], group=_output)] = False
    """Only count."""
    health: Annotated[bool, Parameter(group=_output)] = False
    """Only look for what may be wrong with the labels, and print it with codes."""
    no_progress: Annotated[bool, Parameter(group=_output)] = False
    """Show no progress."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ImportReading:
    """The way labels are read, and what they become."""

    input_id: Annotated[
        Literal["stem", "name", "path"],
        Parameter(group=_naming, metavar="stem|name|path", show_choices=False),
    ] = "stem"
    """The input of an image: its file name without folder and ending (the default), its
    file name, or its path.
    """
    input_map: Annotated[Path | None, Parameter(group=_naming, metavar="FILE")] = None
    """Input ids by path, name or stem of the image: CSV with a head, or a JSON
    object.
    """
    concept_id: Annotated[
        Literal["slug", "name"], Parameter(group=_naming, metavar="slug|name", show_choices=False)
    ] = "slug"
    """The concept of a class: its name in lower case with - for spaces (the default),
    or its name.
    """
    concept_map: Annotated[Path | None, Parameter(group=_naming, metavar="FILE")] = None
    """Concept ids by name, in the forms of --input-map."""
    id_charset: Annotated[
        Literal["any", "word"], Parameter(group=_naming, metavar="any|word", show_choices=False)
    ] = "any"
    """word: ids that are made of names get - for all but letters, digits, - and _, and
    digits of their own.
    """
    id_length: Annotated[Length, Parameter(group=_naming)] = None
    """Longer ids that are made of names are cut, and get digits of their own."""
    image_size: Annotated[str, Parameter(group=_naming, metavar="WxH")] = ""
    """Pixels of images whose size the labels do not say."""
    images: Annotated[Path | None, Parameter(group=_naming, metavar="DIR")] = None
    """The images: their heads say the sizes that the labels do not."""
    voc_origin: Annotated[
        Literal["0", "1"], Parameter(group=_reading, metavar="0|1", show_choices=False)
    ] = "0"
    """1: the corners of VOC count from 1."""
    video: Annotated[bool, Parameter(group=_reading)] = False
    """Frames of a video are frames of one input, not an input each."""
    predictions: Annotated[bool, Parameter(group=_reading)] = False
    """What a model predicted, too."""
    columns: Annotated[
        tuple[str, ...],
        Parameter(group=_reading, consume_multiple=False, metavar="NAME=COLUMN"),
    ] = ()
    """The column of a table that holds NAME; may be repeated."""
    strict: Annotated[bool, Parameter(group=_reading)] = False
    """Stop at the first label or file that cannot be read, and write nothing."""

    def options(self) -> ImportOptions:
        """Return them as the job takes them. Raises UsageError."""
        from syncer.jobs.importing.options import ImportOptions, parse_columns

        return ImportOptions(
            input_id=self.input_id,
            input_map=self.input_map,
            concept_id=self.concept_id,
            concept_map=self.concept_map,
            id_charset=self.id_charset,
            id_length=self.id_length,
            image_size=self.image_size,
            images=self.images,
            voc_origin=int(self.voc_origin),
            video=self.video,
            predictions=self.predictions,
            columns=parse_columns(self.columns),
            strict=self.strict,
        )


@app.default
def import_(
    format: str,  # noqa: A002 - as the command line calls it
    *paths: Path,
    output: ImportOutput = ImportOutput(),
    reading: ImportReading = ImportReading(),
    printing_options: PrintingOptions = PrintingOptions(),
) -> int:
    """Turn label files into a change log, which `syncer push` applies.

    The log is written as a whole, or not at all; read = converted + left out + skipped.
    Labels that changed since they were pushed go through `syncer plan`: a push of the
    whole log again would find their ids taken.

    Exit codes: 0 done, 1 stopped by an error or --strict, 2 bad usage or nothing could
    be read, 3 done, but a file or a label could not be read, or the image or category
    of a label is not defined.

    Parameters
    ----------
    format
        coco, yolo, voc, cvat, labelstudio, openlabel, csv, parquet (also Delta), or
        auto.
    paths
        Label files, or folders with them.
    """
    from syncer.jobs.importing.run import open_import

    _check(output)
    job = open_import(format, paths, reading.options())
    if format != job.report.format:
        say(f"the format is {job.report.format}")
    return _look(job, output) if output.health else _run(job, paths, output)


def _check(output: ImportOutput) -> None:
    """Raise UsageError for options that do not go together."""
    from syncer.jobs.importing.output import STDOUT

    if output.health and (output.out or output.report or output.concepts_out):
        raise UsageError("--health writes nothing: leave out --out, --report and --concepts-out")
    for name, path in (("report", output.report), ("concepts-out", output.concepts_out)):
        if path is not None and as_typed(str(path)) == STDOUT:
            raise UsageError(
                f"--{name} is -, and only the log can go to standard output: name a file"
            )
    if not (output.out or output.dry_run or output.health):
        raise UsageError("--out is missing: name the change log to write, or - for standard output")
    if output.out == STDOUT and printing.json:
        raise UsageError("--json and --out - both want standard output: name a file")
    if output.out == STDOUT and stdout_is_closed():
        raise UsageError(
            "--out - writes to standard output, which is closed: name a file, or leave it open"
        )


def _run(job: Import, paths: tuple[Path, ...], output: ImportOutput) -> int:
    """Import, and say what it came to; the exit code."""
    from syncer.cli.progress import StepLine, of_import
    from syncer.jobs.importing.job import ImportOutputs, run_import
    from syncer.jobs.streams import standard_output

    outputs = ImportOutputs(
        out="" if output.dry_run else output.out,
        report=output.report,
        concepts=output.concepts_out,
    )
    outputs.check(paths)
    with StepLine(lambda: of_import(job), show=not output.no_progress) as line:
        report = run_import(job, outputs, standard_output(), line.step)
    for note in report.notes:
        say(f"syncer: {note}")
    if report.faults:
        complain(f"syncer: {job.fault_sentence()}")
    say(*report.lines())
    if printing.json:
        print_json(report.as_json())
    return report.exit_code


def _look(job: Import, output: ImportOutput) -> int:
    """Print what may be wrong; the exit code."""
    from syncer.cli.progress import StepLine, of_import
    from syncer.jobs.importing.health import look_for_faults

    with StepLine(lambda: of_import(job), show=not output.no_progress) as line:
        health = look_for_faults(job, line.step)
    if printing.json:
        print_json(health.as_json())
    else:
        print_lines(*health.lines())
    return health.exit_code
