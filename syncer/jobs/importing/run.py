"""An import, from label files to the lines of a change log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import Protocol, TypeAlias, assert_never

from syncer.errors import BadLabelFound, UsageError
from syncer.formats.annotations import UNKNOWN_SIZE, Annotations, Converted
from syncer.formats.coco import Coco
from syncer.formats.coco_lines import CocoLines
from syncer.formats.coco_plain import PlainImages, PlainRun
from syncer.formats.concepts import Concepts
from syncer.formats.faults import ImportRefused
from syncer.formats.folders import list_unreadable
from syncer.formats.images import Images, PlacedPicture
from syncer.formats.labels import (
    FileFault,
    InFile,
    Item,
    Label,
    Lost,
    Noticed,
    Omitted,
    Picture,
    Reader,
    Skipped,
)
from syncer.formats.regions import OUTSIDE
from syncer.formats.registry import AUTO, detect_format, make_reader
from syncer.formats.store import Store
from syncer.jobs.importing.meter import ByteMeter
from syncer.jobs.importing.options import ImportOptions
from syncer.jobs.importing.output import LineOutput
from syncer.jobs.importing.report import BEYOND, ImportReport, Remark, RemarkKind
from syncer.printable import counted

NO_PLACE = "no place"
NOTES_MAX = 20
FOLDERS_MAX = 1000
Refuse: TypeAlias = Callable[[ImportRefused], None]
STEP = 256
"""Things that are read between two looks at how far it is."""


class Observer(Protocol):
    """Hears what an import meets. All of it does nothing, where nobody asks."""

    def remark(self, remark: Remark) -> None:
        """Something is not as it was in the source."""
        ...

    def label(self, label: Label, placed: PlacedPicture, format_name: str) -> None:
        """A label was converted."""
        ...


@dataclass(slots=True)
class Import:
    """One import. Made by `open_import`; `run` it once."""

    report: ImportReport
    concepts: Concepts
    meter: ByteMeter
    _reader: Reader = field(kw_only=True)
    _paths: tuple[Path, ...] = field(kw_only=True)
    _images: Images = field(kw_only=True)
    _annotations: Annotations = field(kw_only=True)
    _coco_lines: CocoLines = field(kw_only=True)
    _strict: bool = field(kw_only=True)
    _file: str = field(default="", kw_only=True)
    _first_fault: str = field(default="", kw_only=True)
    _seen: set[str] = field(default_factory=set, kw_only=True)
    _unsaid: int = field(default=0, kw_only=True)
    _files: Store[bytes, int] = field(default_factory=Store, kw_only=True)
    """Those that were read, by digests of their paths."""
    _folders: dict[Path, Path] = field(default_factory=dict, kw_only=True)
    """Where some of their folders are, without links."""
    _double: Path | None = field(default=None, kw_only=True)
    """The file that is read again, while it is."""
    _observers: list[Observer] = field(default_factory=list, kw_only=True)

    def fault_sentence(self) -> str:
        """Return how much could not be read or placed, and the first of it."""
        faults = counted(self.report.faults, "label or file", "labels or files")
        return f"{faults} could not be read or placed; the first: {self._first_fault}"

    def observe(self, observer: Observer) -> None:
        """Tell this one, too."""
        self._observers.append(observer)

    def run(self, out: LineOutput, step: Callable[[], None] = lambda: None) -> ImportReport:
        """Read everything, write the lines, and return the counts.

        `step` is called now and then. Raises UsageError where nothing could be read;
        ImportRefused where two images come to one input, or a frame has no time;
        BadLabelFound with `strict`.
        """
        report = self.read(out, step)
        if report.unreadable and not (report.read or report.images):
            raise UsageError(f"nothing could be read: {self._first_fault}")
        return report

    def read(
        self,
        out: LineOutput,
        step: Callable[[], None],
        refuse: Refuse | None = None,
    ) -> ImportReport:
        """Do the same, where files that cannot be read may be all there is, and what
        would end the run is given to `refuse` instead.
        """
        try:
            for count, item in enumerate(self._items()):
                if not count % STEP or isinstance(item, PlainImages | PlainRun):
                    step()
                if isinstance(item, PlainRun):
                    self._take_run(item, out, refuse)
                elif isinstance(item, PlainImages):
                    self._take_images(item, out, refuse)
                else:
                    self._take_one(item, out, refuse)
        finally:
            self._annotations.close()
            self._files.close()
        self._end()
        return self.report

    def _items(self) -> Iterator[Item | PlainImages | PlainRun]:
        reader = self._reader
        read = reader.read_runs if isinstance(reader, Coco) else reader.read
        for path in self._paths:
            for error in list_unreadable(path) if path.is_dir() else ():
                yield FileFault(Path(error.filename), error.strerror or "it cannot be read")
            yield from read(path)

    def _is_double(self, item: Item) -> bool:
        """Whether it is from a file that was read before, by another way to it. A link
        of another name is another file: names may be what tells images apart.
        """
        if isinstance(item, InFile):
            folder = self._folders.get(item.path.parent)
            if folder is None:
                if len(self._folders) >= FOLDERS_MAX:
                    self._folders.clear()
                folder = self._folders[item.path.parent] = item.path.parent.resolve()
            key = blake2b(bytes(folder / item.path.name), digest_size=16).digest()
            self._double = item.path if self._files.find(key) is not None else None
            if self._double is not None:
                self._note(f"{item.path}: it was read before, and counts once")
            self._files.put(key, 1)
        if self._double is None:
            return False
        return not isinstance(item, FileFault) or item.file == self._double

    def _take_images(self, images: PlainImages, out: LineOutput, refuse: Refuse | None) -> None:
        """Place images of COCO: one by one where there is more to say."""
        at, end = 0, len(images.numbers)
        while at < end and self._double is None:
            left = images.cut(at, end)
            at += self._images.place_all(left.numbers, left.paths, left.sizes)
            if at < end:
                self._take_one(images.make_picture(at), out, refuse)
                at += 1

    def _take_run(self, run: PlainRun, out: LineOutput, refuse: Refuse | None) -> None:
        """Write annotations of COCO: one by one where there is more to say."""
        if self._double is not None:
            return
        report = self.report
        for made in self._coco_lines.make_lines(run):
            out.write(made.text)
            report.read += made.end - made.begin
            report.converted += made.end - made.begin
            report.written += made.count
            if self._observers:
                for item in chain.from_iterable(map(run.read, range(made.begin, made.end))):
                    if isinstance(item, Label):
                        self._show(item)
            if made.end < len(run.annotations):
                for item in run.read(made.end):
                    self._take_one(item, out, refuse)

    def _take_one(self, item: Item, out: LineOutput, refuse: Refuse | None) -> None:
        if type(item) is Label and self._double is None:
            line = self._annotations.write_plain(item)
            if line is not None:
                self._write_plain(item, line, out)
                return
        if self._is_double(item):
            return
        try:
            self._take(item, out)
        except ImportRefused as refusal:
            if refuse is None:
                raise
            refuse(refusal)

    def _take(self, item: Item, out: LineOutput) -> None:
        report = self.report
        match item:
            case Label():
                report.read += 1
                came = self._annotations.convert(item)
                if isinstance(came, Skipped):
                    self._skip(came)
                else:
                    self._write(item, came, out)
            case Picture():
                placed = self._images.place_listed(item)
                if placed is not None and placed.contradiction:
                    self._contradict("", item.own_id, placed)
            case InFile():
                self._file = str(item.path)
                report.files += 1
                self._images.begin_file()
                self._coco_lines.begin_file()
            case Omitted():
                report.read += 1
                report.count(report.left_out, item.rule)
                self._remark("left_out", item.place, item.own_id, item.rule)
            case Skipped():
                report.read += 1
                self._skip(item)
            case Lost():
                report.count(report.lost, item.kind)
                self._remark("lost", item.place, item.own_id, item.kind)
            case Noticed():
                file = "" if item.file is None else str(item.file)
                self._remark("noticed", item.place, "", item.text, item.code, file)
            case FileFault():
                report.unreadable += 1
                self._remark("unreadable", "", "", item.reason, file=str(item.file))
                self._fault(f"{item.file}: {item.reason}")
            case _:
                assert_never(item)

    def _write_plain(self, label: Label, line: bytes, out: LineOutput) -> None:
        """Write the only line of a label of which nothing is to be said."""
        report = self.report
        report.read += 1
        report.converted += 1
        report.written += 1
        out.write(line)
        if self._observers:
            self._show(label)

    def _show(self, label: Label) -> None:
        """Let observers see a label of which nothing is to be said."""
        placed = self._images.place(label.picture)
        assert placed is not None, "it was placed before"
        for observer in self._observers:
            observer.label(label, placed, self.report.format)

    def _write(self, label: Label, came: Converted, out: LineOutput) -> None:
        report = self.report
        report.converted += 1
        report.written += len(came.lines)
        for line in came.lines:
            out.write(line)
        if came.clamped:
            report.count(report.clamped, BEYOND, came.clamped)
            for _ in range(came.clamped):
                self._remark("clamped", label.place, label.own_id, BEYOND)
        for kind in came.lost:
            report.count(report.lost, kind)
            self._remark("lost", label.place, label.own_id, kind)
        if came.is_repeated:
            report.repeated += 1
            self._remark("repeated", label.place, label.own_id, "its id is another label's, too")
        if came.picture.contradiction:
            self._contradict(label.place, label.own_id, came.picture)
        for observer in self._observers:
            observer.label(label, came.picture, report.format)

    def _contradict(self, place: str, own_id: str, picture: PlacedPicture) -> None:
        self._remark("noticed", place, own_id, picture.contradiction, "size-contradiction")

    def _skip(self, skipped: Skipped) -> None:
        self.report.count(self.report.skipped, skipped.reason)
        if skipped.reason == NO_PLACE:
            self.report.count(self.report.lost, skipped.kind)
        self._remark("skipped", skipped.place, skipped.own_id, skipped.reason, skipped.kind)
        if skipped.is_fault:
            place = f", {skipped.place}" if skipped.place else ""
            self._fault(f"{self._file}{place}: {skipped.reason}")

    def _fault(self, what: str) -> None:
        self.report.faults += 1
        self._first_fault = self._first_fault or what
        if self._strict:
            raise BadLabelFound(f"{what}. --strict: nothing was written")

    def _remark(
        self, event: RemarkKind, place: str, id: str, reason: str, kind: str = "", file: str = ""
    ) -> None:
        remark = Remark(event, file or self._file, place, id, reason, kind)
        for observer in self._observers:
            observer.remark(remark)
        if event == "noticed":
            self._note(f"{remark.file}: {reason}" if remark.file else reason)
        elif event == "unreadable":
            self._note(f"{remark.file}: {reason}")

    def _note(self, text: str) -> None:
        """Keep a note for people, once, and no more than they read."""
        if text in self._seen:
            return
        if len(self._seen) < NOTES_MAX:
            self._seen.add(text)
            self.report.notes.append(text)
        else:
            self._unsaid += 1

    def _end(self) -> None:
        report = self.report
        report.images, report.concepts = len(self._images), len(self.concepts)
        self._images.close()
        if self._unsaid:
            report.notes.append(f"and {self._unsaid:,} more: --report FILE has them all")
        beyond = report.skipped[OUTSIDE] + report.clamped[BEYOND]
        if 2 * beyond > report.converted + report.skipped[OUTSIDE]:
            report.notes.append(
                f"of {counted(report.read, 'label')} {counted(beyond, 'shape')} beyond the image:"
                " look at the unit of the numbers (pixels or shares) and the sizes of the images"
            )
        report.notes += self.concepts.collisions[:NOTES_MAX]
        if UNKNOWN_SIZE in report.skipped:
            report.notes.append(f"{UNKNOWN_SIZE}: give --images DIR, or --image-size WxH")
        if self._images.unmapped:
            report.notes.append(
                f"not in --input-map, and named by --input-id:"
                f" {counted(self._images.unmapped, 'image')}"
            )
        if self._images.odd or self.concepts.odd:
            report.notes.append(
                f"{counted(self._images.odd, 'input')} and {counted(self.concepts.odd, 'concept')}"
                " have ids with other characters than letters, digits, - and _, or with more than"
                " 32: should the service refuse these, give --id-charset word or --id-length 32"
            )
        if report.repeated:
            report.notes.append(
                "with an id that another label of the same input has, too, and so with one of"
                f" their own: {counted(report.repeated, 'label')}"
            )
        if not report.files:
            raise UsageError(
                f"nothing could be read: {self._first_fault or 'no label files are there'}"
            )


def open_import(
    format_name: str | Reader, paths: tuple[Path, ...], options: ImportOptions
) -> Import:
    """Return an import that is ready to run.

    Raises UsageError for wrong options, paths that are not there, and a format that is
    not known or, with auto, not recognised.
    """
    if not paths:
        raise UsageError("name the label files, or folders with them")
    for path in paths:
        if not path.exists():
            raise UsageError(f"{path} is not there")
        if not (path.is_file() or path.is_dir()):  # COCO is read twice, and a pipe is not
            raise UsageError(f"{path} is neither a file nor a folder: keep it in a file first")
    meter = ByteMeter(paths)
    reading = options.for_reader(meter.open)
    if isinstance(format_name, str):
        plainly = options.for_reader()
        name = detect_format(paths, plainly) if format_name == AUTO else format_name
        reader = make_reader(name, reading)
    else:
        name, reader = type(format_name).__name__.lower(), format_name
    images = Images(options.for_images())
    concepts = options.make_concepts()
    annotations = Annotations(name, images, concepts, video=options.video)
    return Import(
        ImportReport(format=name),
        concepts,
        meter,
        _reader=reader,
        _paths=paths,
        _images=images,
        _annotations=annotations,
        _coco_lines=CocoLines(name, images, annotations),
        _strict=options.strict,
    )
