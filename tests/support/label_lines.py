"""The lines that a label file becomes, without a command around it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from syncer.formats.annotations import Annotations, Converted
from syncer.formats.concepts import Concepts
from syncer.formats.images import ImageOptions, Images
from syncer.formats.labels import Label, ReadOptions
from syncer.formats.registry import make_reader


def list_lines(format_name: str, path: Path) -> list[bytes]:
    """Return the lines of a file or folder, in their order."""
    images = Images(ImageOptions())
    annotations = Annotations(format_name, images, Concepts())
    lines: list[bytes] = []
    try:
        for item in make_reader(format_name, ReadOptions()).read(path):
            if isinstance(item, Label):
                converted = annotations.convert(item)
                assert isinstance(converted, Converted), converted
                lines += converted.lines
    finally:
        annotations.close()
        images.close()
    return lines


def count_changed(before: list[bytes], after: list[bytes]) -> tuple[int, int]:
    """Return how many lines are gone, and how many are new; lines are a set."""
    was, now = Counter(before), Counter(after)
    return (was - now).total(), (now - was).total()
