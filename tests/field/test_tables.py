"""The boxes of blood cells that others drew, as tables that other libraries write."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pandas as pd
import polars as pl
import pytest
from deltalake import write_deltalake

from syncer.formats.labels import Box, Label, ReadOptions
from syncer.formats.registry import make_reader

PIXELS = ("xmin", "ymin", "xmax", "ymax")


def list_boxes(folder: Path) -> Iterator[dict[str, object]]:
    for file in sorted(folder.glob("*.xml")):
        root = ET.parse(file).getroot()
        for number, thing in enumerate(root.iter("object")):
            box = thing.find("bndbox")
            assert box is not None
            yield {
                "filename": root.findtext("filename"),
                "width": int(root.findtext("size/width") or 0),
                "height": int(root.findtext("size/height") or 0),
                "id": f"{file.stem}-{number}",
                "concept": thing.findtext("name"),
                **{side: int(box.findtext(side) or 0) for side in PIXELS},
            }


def write_delta(frame: pd.DataFrame, path: Path) -> None:
    write_deltalake(path, frame)


WRITERS: dict[str, tuple[str, Callable[[pd.DataFrame, Path], None]]] = {
    "pandas.csv": ("csv", lambda frame, path: frame.to_csv(path, index=False)),
    "pandas.tsv": ("csv", lambda frame, path: frame.to_csv(path, index=False, sep="\t")),
    "pandas.csv.gz": ("csv", lambda frame, path: frame.to_csv(path, index=False)),
    "polars.csv": ("csv", lambda frame, path: pl.from_pandas(frame).write_csv(path)),
    "pandas.parquet": ("parquet", lambda frame, path: frame.to_parquet(path)),
    "polars.parquet": ("parquet", lambda frame, path: pl.from_pandas(frame).write_parquet(path)),
    "pandas.delta": ("parquet", write_delta),
}


@pytest.mark.parametrize("name", WRITERS)
def test_all_boxes_come_back_from_what_other_libraries_wrote(
    tmp_path: Path, shared: Path, name: str
) -> None:
    wanted = list(list_boxes(shared / "data" / "bccd-voc"))
    format_name, write = WRITERS[name]
    write(pd.DataFrame(wanted), tmp_path / name)
    labels = [
        item
        for item in make_reader(format_name, ReadOptions()).read(tmp_path / name)
        if isinstance(item, Label)
    ]
    assert len(labels) == len(wanted) == 4888
    for label, row in zip(labels, wanted, strict=True):
        [box] = label.shapes
        assert isinstance(box, Box)
        assert (label.own_id, label.concepts[0].name) == (row["id"], row["concept"])
        assert (label.picture.path, label.picture.width) == (row["filename"], row["width"])
        sides = (box.left, box.top, box.right, box.bottom)
        assert all(
            math.isclose(side, float(str(row[key])), abs_tol=1e-6)
            for side, key in zip(sides, PIXELS, strict=True)
        )
