"""Values arrive as they are, seen by programs that are not ours."""

from __future__ import annotations

import csv
import io
import math
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake
from hypothesis import given, settings
from hypothesis import strategies as st

from syncer.core.ports.pull import Column, ColumnType, Row
from syncer.errors import OutputError
from syncer.remotes.annotell.layout import DocumentLayout
from syncer.sinks import arrow
from syncer.sinks.choose import output_sink
from tests.sinks.made import KINDS, LAYOUT, Kind, annotation, pages, pull, row, write
from tests.sinks.odd import ROWS

of_every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
TIME = datetime(2025, 1, 1, 12, 0, 1, 82, tzinfo=UTC)
"""Of label 1, whose nanoseconds begin with zeros."""


def comparable(value: object) -> object:
    """NaN is not equal to itself; an infinite number is no JSON."""
    if isinstance(value, list):
        return [comparable(item) for item in value]
    if isinstance(value, dict):
        return {key: comparable(item) for key, item in value.items()}
    return "not finite" if isinstance(value, float) and not math.isfinite(value) else value


@of_every_kind
@settings(max_examples=25, deadline=None)
@given(some=st.lists(st.lists(ROWS, max_size=4), max_size=3))
def test_odd_rows_come_back_value_for_value(kind: Kind, some: list[list[Row]]) -> None:
    """Unicode, zero bytes, breaks between tokens, nulls, missing fields, numbers of any
    size, times of nine digits.
    """
    rows = [row for page in some for row in page]
    with tempfile.TemporaryDirectory() as folder:
        pull(kind.sink(Path(folder)), some)
        expected, found = kind.expected(rows), kind.records(Path(folder))
    if "csv" in kind.name:  # JSON in a cell has no word for what is not finite
        expected = [{name: as_json(value) for name, value in record.items()} for record in expected]
    if not kind.ordered:
        expected, found = sorted(expected, key=repr), sorted(found, key=repr)
    assert comparable(expected) == comparable(found)


def as_json(value: object) -> object:
    """What a list of numbers in a CSV cell holds of a value."""
    if isinstance(value, list):
        return [
            None if isinstance(item, float) and not math.isfinite(item) else item for item in value
        ]
    return value


def test_json_lines_are_the_lines_that_came_but_for_breaks_between_tokens(tmp_path: Path) -> None:
    """Spaces, escapes and digits as the service wrote them."""
    line = (
        b'{ "id":"a",\r\n"input_id" : "i", "n":1.10, "big":123456789012345678901234567890,'
        b' "t":"caf\\u00e9\\n" }'
    )
    sink = output_sink(f"{tmp_path}/out.jsonl", LAYOUT, stdout=io.BytesIO())
    pull(sink, [[Row(("i", "a"), line)]])
    assert line.replace(b"\r\n", b"  ") + b"\n" == (tmp_path / "out.jsonl").read_bytes()


def test_a_parquet_file_is_read_by_duckdb_and_polars(tmp_path: Path) -> None:
    """Types included: lists are lists, times have their zone."""
    pull(output_sink(f"{tmp_path}/out.parquet", LAYOUT, stdout=io.BytesIO()), pages(3))
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        query = (
            "SELECT annotation_id, epoch_us(annotation_created_at), concept_ids,"
            f" concept_values[1], left_col FROM '{tmp_path}/out.parquet'"
        )
        assert (
            "label-1",
            int(TIME.timestamp()) * 1_000_000 + 82,
            ["bike-1"],
            0.25,
            1e-6,
        ) == database.execute(query).fetchall()[1]
    frame = pl.read_parquet(tmp_path / "out.parquet")
    assert TIME == frame["annotation_created_at"][1]
    assert pl.List(pl.String) == frame.schema["concept_ids"]
    assert 9 == frame.height


def test_a_folder_of_parquet_files_is_one_table_for_others_even_while_it_is_written(
    tmp_path: Path,
) -> None:
    """What is not whole yet is passed over."""
    sink = output_sink(f"{tmp_path}/out/", LAYOUT, stdout=io.BytesIO())
    pull(sink, pages(3))
    sink.open("")
    sink.write(0, pages(1)[0])
    assert 9 == pq.read_table(tmp_path / "out").num_rows
    assert [(9,)] == duckdb.sql(f"SELECT count(*) FROM '{tmp_path}/out/*.parquet'").fetchall()


def test_csv_and_json_lines_are_read_by_duckdb_and_polars(tmp_path: Path) -> None:
    """Compressed member by member as well."""
    some = [*pages(2), [row(annotation(50, task_id='a "quoted",\nbroken one'))]]
    for name in ("out.csv", "out.csv.gz", "out.jsonl", "out.jsonl.gz"):
        pull(output_sink(f"{tmp_path}/{name}", LAYOUT, stdout=io.BytesIO()), some)
        column = "annotation_id" if "csv" in name else "id"
        query = f"SELECT {column}, task_id FROM '{tmp_path}/{name}'"
        found = duckdb.sql(query).fetchall()
        assert [(f"label-{number}", None) for number in range(6)] + [
            ("label-50", 'a "quoted",\nbroken one')
        ] == found
    frame = pl.read_csv(tmp_path / "out.csv", try_parse_dates=True)
    assert 7 == frame.height
    assert [column.name for column in LAYOUT.columns] == frame.columns


def test_a_delta_table_is_read_by_polars_with_the_columns_of_the_layout(tmp_path: Path) -> None:
    """Through delta-rs, and as the types that it says itself."""
    pull(output_sink(f"{tmp_path}/out.delta", LAYOUT, stdout=io.BytesIO()), pages(3))
    table = DeltaTable(tmp_path / "out.delta")
    assert [column.name for column in LAYOUT.columns] == [
        field.name for field in table.schema().fields
    ]
    assert {f"label-{number}" for number in range(9)} == set(
        pl.read_delta(str(tmp_path / "out.delta"))["annotation_id"]
    )


def test_a_pull_is_one_commit_of_a_delta_table(tmp_path: Path) -> None:
    """A reader sees the whole of it or nothing, and an older table in its history."""
    for count in (2, 3):
        pull(output_sink(f"{tmp_path}/out.delta", LAYOUT, stdout=io.BytesIO()), pages(count))
    table = DeltaTable(tmp_path / "out.delta")
    assert (1, 9) == (table.version(), table.to_pyarrow_table().num_rows)
    table.load_as_version(0)
    assert 6 == table.to_pyarrow_table().num_rows


def test_the_commit_of_a_delta_table_is_not_made_again_even_where_others_changed_the_table_since(
    tmp_path: Path,
) -> None:
    """A crash came between the commit and the note that it was done."""
    out = tmp_path / "out.delta"
    position = write(KINDS[-1].sink(tmp_path), pages(2))
    part = (out / "_unfinished.part").read_bytes()
    for crashed in (True, False):
        sink = KINDS[-1].sink(tmp_path)
        sink.open(position)
        sink.close()
        if crashed:
            write_deltalake(out, arrow.batch(LAYOUT, [row(annotation(77))]), mode="append")
            (out / "_unfinished.part").write_bytes(part)
    assert (1, 7) == (DeltaTable(out).version(), DeltaTable(out).to_pyarrow_table().num_rows)


def test_a_pull_of_the_same_rows_is_a_commit_of_its_own(tmp_path: Path) -> None:
    """It is told from the pull before by the part that it was made of."""
    out = tmp_path / "out.delta"
    for version in range(2):
        pull(KINDS[-1].sink(tmp_path), pages(1))
        assert (2 * version, 3) == (
            DeltaTable(out).version(),
            DeltaTable(out).to_pyarrow_table().num_rows,
        )
        write_deltalake(out, arrow.batch(LAYOUT, [row(annotation(77))]), mode="append")


def test_a_new_pull_keeps_the_id_and_the_properties_of_a_delta_table(tmp_path: Path) -> None:
    """They are its owner's; the commit says where the table is."""
    out = tmp_path / "out.delta"
    pull(KINDS[-1].sink(tmp_path), pages(1))
    assert f'"location":"{out.as_uri()}/"' in (out / "_delta_log" / f"{0:020d}.json").read_text()
    DeltaTable(out).alter.set_table_properties({"delta.logRetentionDuration": "interval 90 days"})
    before = DeltaTable(out).metadata()
    pull(KINDS[-1].sink(tmp_path), pages(2))
    after = DeltaTable(out).metadata()
    assert (before.id, before.configuration) == (after.id, after.configuration)


def test_a_commit_of_others_at_the_same_moment_is_told_and_then_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stays in the history: a pull replaces what the table holds when it ends."""
    out = tmp_path / "out.delta"
    pull(KINDS[-1].sink(tmp_path), pages(1))
    position = write(KINDS[-1].sink(tmp_path), pages(2))
    real = os.link

    def beaten(source: Path, target: Path) -> None:
        write_deltalake(out, arrow.batch(LAYOUT, [row(annotation(77))]), mode="append")
        real(source, target)

    sink = KINDS[-1].sink(tmp_path)
    sink.open(position)
    with monkeypatch.context() as patched:
        patched.setattr(os, "link", beaten)
        with pytest.raises(
            OutputError, match=r"out\.delta was changed by others just now; run the same"
        ):
            sink.close()
    sink.abandon()
    sink = KINDS[-1].sink(tmp_path)
    sink.open(position)
    sink.close()
    table = DeltaTable(out)
    assert (2, 6) == (table.version(), table.to_pyarrow_table().num_rows)
    table.load_as_version(1)
    assert 4 == table.to_pyarrow_table().num_rows


@pytest.mark.parametrize(
    ("odd", "told"),
    [("partitioned", r"has partitions \(by kind\)"), ("damaged", r"the table .*out\.delta: ")],
)
def test_a_delta_table_that_cannot_be_written_is_told_before_anything_is_asked(
    odd: str, told: str, tmp_path: Path
) -> None:
    """At the end it would be too late."""
    write_deltalake(
        tmp_path / "out.delta", pa.table({"kind": ["a"], "n": [1]}), partition_by=["kind"]
    )
    if odd == "damaged":
        (tmp_path / "out.delta" / "_delta_log" / f"{0:020d}.json").write_bytes(b'{"torn')
    with pytest.raises(OutputError, match=told):
        KINDS[-1].sink(tmp_path).open("")


def test_a_new_pull_replaces_a_delta_table_of_other_columns(tmp_path: Path) -> None:
    """The columns are those of the layout, whatever was there."""
    pull(output_sink(f"{tmp_path}/out.delta", LAYOUT, stdout=io.BytesIO()), pages(1))
    document = Row(
        ("u", "t"),
        b'{"input_uuid":"u","annotation_type":"t","created":null,"annotation_id":null,"content":{"openlabel":{}}}',
    )
    pull(output_sink(f"{tmp_path}/out.delta", DocumentLayout(), stdout=io.BytesIO()), [[document]])
    (record,) = DeltaTable(tmp_path / "out.delta").to_pyarrow_table().to_pylist()
    assert [column.name for column in DocumentLayout.columns] == list(record)
    assert ("u", "t", '{"openlabel":{}}') == (
        record["input_uuid"],
        record["annotation_type"],
        record["content"],
    )


@pytest.mark.parametrize("name", ["out.parquet", "out/", "out.delta"])
def test_an_empty_table_has_the_columns_of_the_layout(name: str, tmp_path: Path) -> None:
    """So that what reads it needs no case for a pull that found nothing."""
    pull(output_sink(f"{tmp_path}/{name}", LAYOUT, stdout=io.BytesIO()), [])
    path = tmp_path / name
    table = DeltaTable(path).to_pyarrow_table() if name.endswith(".delta") else pq.read_table(path)
    assert arrow.schema(LAYOUT).names == table.schema.names
    assert [pa.timestamp("us", tz="UTC")] * 2 == [
        table.schema.field(name).type
        for name in ("annotation_created_at", "annotation_modified_at")
    ]


def test_an_empty_csv_has_its_header(tmp_path: Path) -> None:
    """One record of names."""
    pull(output_sink(f"{tmp_path}/out.csv", LAYOUT, stdout=io.BytesIO()), [])
    with (tmp_path / "out.csv").open(newline="") as file:
        assert [[column.name for column in LAYOUT.columns]] == list(csv.reader(file))


class EveryType:
    """A column of every type, and rows that are values already."""

    columns = tuple(Column(type_, type_, "") for type_ in get_args(ColumnType))

    def values(self, row: Row) -> tuple[object, ...]:
        """Something in each column, or null."""
        if not row.line:
            return (None,) * len(self.columns)
        return (
            'a "b", c\nd',
            b"\xff\x00",
            False,
            -(2**63),
            1e300,
            TIME,
            ["x", None, '"'],
            [0.5, None],
        )


def test_a_csv_cell_of_every_type_can_be_read_back(tmp_path: Path) -> None:
    """Bytes are base64; what is null is empty."""
    pull(
        output_sink(f"{tmp_path}/out.csv", EveryType(), stdout=io.BytesIO()),
        [[Row((), b"{}"), Row((), b"")]],
    )
    with (tmp_path / "out.csv").open(newline="") as file:
        _, full, empty = csv.reader(file, strict=True)
    assert [
        'a "b", c\nd',
        "/wA=",
        "false",
        str(-(2**63)),
        "1e+300",
        "2025-01-01T12:00:01.000082Z",
        '["x",null,"\\""]',
        "[0.5,null]",
    ] == full
    assert [""] * len(full) == empty


def test_many_small_pages_become_few_row_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readers are slow on small ones."""
    monkeypatch.setattr("syncer.sinks.parquet.ROW_GROUP_ROWS", 10)
    pull(output_sink(f"{tmp_path}/out.parquet", LAYOUT, stdout=io.BytesIO()), pages(20, size=4))
    groups = pq.ParquetFile(tmp_path / "out.parquet").metadata
    assert [12] * 6 + [8] == [
        groups.row_group(number).num_rows for number in range(groups.num_row_groups)
    ]
    assert groups.row_group(0).column(0).compression == "ZSTD"


def test_large_rows_end_a_row_group_by_their_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Documents of some megabytes do not pile up in memory."""
    monkeypatch.setattr("syncer.sinks.parquet.ROW_GROUP_BYTES", 100_000)
    some = [[row(annotation(number, noise="x" * 60_000))] for number in range(6)]
    pull(output_sink(f"{tmp_path}/out.parquet", LAYOUT, stdout=io.BytesIO()), some)
    groups = pq.ParquetFile(tmp_path / "out.parquet").metadata
    assert [2, 2, 2] == [
        groups.row_group(number).num_rows for number in range(groups.num_row_groups)
    ]
