"""A CVAT file as a stream of its images, tracks and shapes.

Nothing of the document is held but the shape that is being read and, of the head, what
places shapes: so a file of any length takes the same memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, XMLParser

from syncer.formats.numbers import parse_size
from syncer.formats.pieces import FileInPieces, PieceTooLarge

__all__ = [
    "WHOLE",
    "CvatFault",
    "Holder",
    "ShapeElement",
    "SourceTask",
    "stream_elements",
]

ZIP = b"PK\x03\x04"
DEPTH_MAX = 32
PARTS_MAX = 10_000
STEP = re.compile(r"\s*step\s*=\s*([0-9]{1,9})\s*", re.ASCII)
WHOLE = re.compile(r"\s*([0-9]{1,9})\s*", re.ASCII)
HEAD = {"id", "name", "source", "start_frame", "stop_frame", "frame_filter", "width", "height"}
"""What is kept of the head of a file, of its labels, segments and owners nothing."""


class CvatFault(Exception):
    """A file that is not a CVAT file, or breaks off."""


@dataclass(slots=True)
class SourceTask:
    """A task in the head of a file: its video, and which frames are used."""

    id: str = ""
    name: str = ""
    source: str = ""
    width: int | None = None
    height: int | None = None
    start: int = 0
    stop: int | None = None
    step: int = 1


@dataclass(frozen=True, slots=True)
class Holder:
    """An image or a track, which holds shapes."""

    is_track: bool
    values: Mapping[str, str]


@dataclass(slots=True)
class ShapeElement:
    """A shape of an image or a track."""

    tag: str
    values: Mapping[str, str]
    holder: Holder
    attributes: dict[str, str] = field(default_factory=dict)
    parts: list[ShapeElement] = field(default_factory=list)  # the points of a skeleton


def stream_elements(file: BinaryIO) -> Iterator[Holder | ShapeElement | SourceTask]:
    """Yield the tasks of the head, then images and tracks, each before its shapes.

    Raises: CvatFault, OSError.
    """
    document = _CvatTarget()
    parser = XMLParser(target=document)
    pieces = FileInPieces(file)
    try:
        while data := pieces.read():
            if not document.has_begun and data.startswith(ZIP):
                raise CvatFault("it is a ZIP archive: unpack it first")
            parser.feed(data)
            if document.found:
                pieces.begin_piece()
                yield from document.found
                document.found.clear()
        parser.close()
    except ParseError as error:
        raise CvatFault(f"it is not XML: {error}") from None
    except DefusedXmlException:
        raise CvatFault("it declares entities, which are not read") from None
    except (PieceTooLarge, LookupError, ValueError) as error:
        raise CvatFault(str(error)) from None
    yield from document.found


class _CvatTarget:
    """The methods that the parser calls, with the names that it wants."""

    def __init__(self) -> None:
        self.found: list[Holder | ShapeElement | SourceTask] = []
        self.has_begun = False
        self._open: list[str] = []
        self._text: list[str] | None = None
        self._task: SourceTask | None = None
        self._holder: Holder | None = None
        self._shapes: list[ShapeElement] = []
        self._attribute = ""

    def start(self, name: str, values: Mapping[str, str]) -> None:
        if not self._open and name != "annotations":
            raise CvatFault(f"its root is <{name}>, that of a CVAT file is <annotations>")
        self.has_begun = True
        self._open.append(name)
        if len(self._open) > DEPTH_MAX:
            raise CvatFault(f"its tags are nested more than {DEPTH_MAX} deep")
        self._text = None
        if len(self._open) > 2 and self._open[1] == "meta":
            self._begin_in_head(name)
        elif len(self._open) == 2 and name in ("image", "track"):
            self._holder = Holder(name == "track", values)
            self.found.append(self._holder)
        elif self._holder and name == "attribute":
            self._attribute = values.get("name", "")
            self._text = []
        elif self._holder:
            self._shapes.append(ShapeElement(name, values, self._holder))

    def data(self, content: str) -> None:
        if self._text is not None:
            self._text.append(content)

    def end(self, name: str) -> None:
        text, self._text = "".join(self._text or ()).strip(), None
        if len(self._open) > 2 and self._open[1] == "meta":
            self._end_in_head(name, text)
        elif len(self._open) == 2:
            self._holder = None
        elif self._holder and name == "attribute":
            if self._shapes:
                self._shapes[-1].attributes[self._attribute] = text
        elif self._shapes:
            shape = self._shapes.pop()
            if self._shapes:
                self._shapes[-1].parts.append(shape)
                if len(self._shapes[-1].parts) > PARTS_MAX:
                    raise CvatFault(f"a shape of it has more than {PARTS_MAX:,} parts")
            else:
                self.found.append(shape)
        self._open.pop()

    def _begin_in_head(self, name: str) -> None:
        if name in ("task", "job"):
            self._task = SourceTask()
        elif name in HEAD:
            self._text = []

    def _end_in_head(self, name: str, text: str) -> None:
        if name in ("task", "job") and self._task:
            self.found.append(self._task)
        elif name == "source" and self._task:  # in the task, or after it
            self._task.source = text
        elif self._task and text:
            self._note(self._task, name, text)

    def _note(self, task: SourceTask, name: str, text: str) -> None:
        number = WHOLE.fullmatch(text)
        within = self._open[-2]
        if within in ("task", "job"):
            if name in ("id", "name"):
                setattr(task, name, text)
            elif name == "start_frame" and number:
                task.start = int(number[1])
            elif name == "stop_frame" and number:
                task.stop = int(number[1])
            elif name == "frame_filter" and (step := STEP.fullmatch(text)):
                task.step = max(int(step[1]), 1)
        elif within == "original_size" and name in ("width", "height"):
            setattr(task, name, parse_size(text))
