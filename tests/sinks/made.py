"""Outputs of every kind, rows for them, and readers that are not ours."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from deltalake import DeltaTable

from syncer.core.ports.pull import Column, Layout, Row, Sink
from syncer.remotes.clarifai.layout import AnnotationLayout
from syncer.sinks.choose import output_sink

LAYOUT = AnnotationLayout()
Record = dict[str, Any]


def annotation(number: int, **more: Any) -> Record:
    """A label of a box, as the service lists it."""
    region = {
        "id": f"region-{number}",
        "region_info": {
            "bounding_box": {
                "top_row": 0.1,
                "left_col": number / 1e6,
                "bottom_row": 0.4,
                "right_col": 0.5,
            }
        },
        "data": {"concepts": [{"id": f"bike-{number % 7}", "value": 0.25}]},
    }
    time = f"2025-01-01T12:00:{number % 60:02d}.000082659Z"
    return {
        "id": f"label-{number}",
        "input_id": f"img-{number // 4}",
        "data": {"regions": [region]},
        "status": {"code": 24150, "description": "Annotation success"},
        "created_at": time,
        "modified_at": time,
        "user_id": "demo-owner",
        **more,
    }


def row(value: Record) -> Row:
    """The row of an annotation."""
    return Row((value["input_id"], value["id"]), json.dumps(value, ensure_ascii=False).encode())


def pages(count: int, size: int = 3) -> list[list[Row]]:
    """Pages of rows that are all different."""
    return [
        [row(annotation(page * size + number)) for number in range(size)] for page in range(count)
    ]


@dataclass(frozen=True)
class Kind:
    """A kind of output."""

    name: str
    """What the path is called, with its ending."""
    read: Callable[[Path], list[Record]]
    """The records in it, by a reader of others: of JSON Lines the objects, else the
    columns.
    """
    in_progress: str
    """Where the pull writes before the end, from the path's parent."""
    ordered: bool = True
    """A table's rows have no order."""

    def sink(self, folder: Path, layout: Layout = LAYOUT) -> Sink:
        """A sink for it in this folder."""
        return output_sink(f"{folder}/{self.name}", layout, stdout=io.BytesIO())

    def records(self, folder: Path) -> list[Record]:
        """What is in the output."""
        return self.read(folder / self.name)

    def expected(self, rows: Sequence[Row], layout: Layout = LAYOUT) -> list[Record]:
        """What these rows come to in an output of this kind."""
        if "jsonl" in self.name:
            return [json.loads(row.line) for row in rows]
        names = [column.name for column in layout.columns]
        records = [dict(zip(names, layout.values(row), strict=True)) for row in rows]
        if "csv" in self.name:  # it cannot tell null from empty text
            return [
                {name: None if value == "" else value for name, value in record.items()}
                for record in records
            ]
        return records

    def same(self, rows: Sequence[Row], folder: Path) -> bool:
        """Does the output hold just these rows, each once, and in their order where it
        has one?
        """
        expected, found = self.expected(rows), self.records(folder)
        if not self.ordered:
            expected, found = sorted(expected, key=repr), sorted(found, key=repr)
        assert expected == found
        return True


def write(sink: Sink, some: Sequence[Sequence[Row]], position: str = "", first: int = 0) -> str:
    """Open, write pages and let go, as an interrupted run does; the last position."""
    sink.open(position)
    for number, page in enumerate(some, first):
        position = sink.write(number, page)
    sink.abandon()
    return position


def pull(sink: Sink, some: Sequence[Sequence[Row]]) -> None:
    """A whole pull."""
    sink.open("")
    for number, page in enumerate(some):
        sink.write(number, page)
    sink.close()


# --- readers --------------------------------------------------------------------------


def _text(path: Path) -> str:
    """The text, line ends as they are."""
    with (
        gzip.open(path, "rt", encoding="utf-8", newline="")
        if path.suffix == ".gz"
        else path.open(encoding="utf-8", newline="") as file
    ):
        return file.read()


def _jsonl(path: Path) -> list[Record]:
    text = _text(path)
    assert text.endswith("\n") or not text
    return [json.loads(line) for line in text.split("\n")[:-1]]


def _csv(path: Path) -> list[Record]:
    records = list(csv.DictReader(io.StringIO(_text(path), newline=""), strict=True))
    return [
        {column.name: parsed(column, record[column.name]) for column in LAYOUT.columns}
        for record in records
    ]


def parsed(column: Column, text: str) -> object:
    """The value of a CSV cell."""
    parse: dict[str, Callable[[str], object]] = {
        "bool": lambda text: {"true": True, "false": False}[text],
        "int64": int,
        "double": float,
        "timestamp": datetime.fromisoformat,
        "list<string>": json.loads,
        "list<double>": json.loads,
        "string": str,
    }
    return parse[column.type](text) if text else None


def _parquet(path: Path) -> list[Record]:
    return pq.read_table(path).to_pylist()


def _parquet_folder(path: Path) -> list[Record]:
    return [record for part in sorted(path.glob("*.parquet")) for record in _parquet(part)]


def _delta(path: Path) -> list[Record]:
    return DeltaTable(path).to_pyarrow_table().to_pylist()


KINDS = (
    Kind("out.jsonl", _jsonl, "out.jsonl.part"),
    Kind("out.jsonl.gz", _jsonl, "out.jsonl.gz.part"),
    Kind("out.csv", _csv, "out.csv.part"),
    Kind("out.csv.gz", _csv, "out.csv.gz.part"),
    Kind("out.parquet", _parquet, "out.parquet.part"),
    Kind("out/", _parquet_folder, "out/_unfinished"),
    Kind("out.delta", _delta, "out.delta/_unfinished.part", ordered=False),
)
