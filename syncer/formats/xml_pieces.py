"""XML as its pieces: the elements right under the root, one at a time.

Files come from others: no entity is expanded, and neither a long file nor a deep one
fills the memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from syncer.formats.pieces import FileInPieces, PieceTooLarge

__all__ = ["BadXml", "stream_pieces"]

PIECE_BYTES_MAX = 4 << 20
PIECE_ELEMENTS_MAX = 100_000
DEPTH_MAX = 64


class BadXml(Exception):
    """A file that is not XML, or not as it should be; the message says in what."""


def stream_pieces(
    path: Path, root: str, open_file: Callable[[Path], BinaryIO]
) -> Iterator[Element]:
    """Yield each element under the root, whole; it is forgotten with the next one.

    Raises BadXml, also where the root has another name, and OSError.
    """
    with open_file(path) as file:
        in_pieces = FileInPieces(file, bytes_max=PIECE_BYTES_MAX)
        try:
            yield from _pieces(in_pieces, root)
        except ParseError as error:
            raise BadXml(f"it is not XML: {error}") from None
        except DefusedXmlException:
            raise BadXml("it declares entities, which are not read") from None
        except (LookupError, ValueError, RecursionError) as error:
            raise BadXml(f"it is not XML: {error}") from None
        except PieceTooLarge as error:
            raise BadXml(str(error)) from None


def _pieces(file: FileInPieces, root: str) -> Iterator[Element]:
    top: Element | None = None
    depth = elements = 0
    for event, element in iterparse(file, ("start", "end")):
        if event == "start":
            depth += 1
            elements += 1
            if top is None:
                top = element
                if element.tag != root:
                    raise BadXml(f"its root is <{element.tag:.40}>, not <{root}>")
            if depth > DEPTH_MAX or elements > PIECE_ELEMENTS_MAX:
                raise BadXml("one piece of it has too many elements, or is too deep")
            continue
        depth -= 1
        if depth == 1 and top is not None:
            yield element
            top.clear()
            elements = 0
            file.begin_piece()
