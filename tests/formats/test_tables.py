"""Tables of labels: CSV, Parquet and Delta. What others get wrong is named where it is
tested.
"""

from __future__ import annotations

import gzip
import math
import random
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from syncer.formats import rows
from syncer.formats.labels import (
    Box,
    Concept,
    FileFault,
    InFile,
    Item,
    Label,
    Lost,
    Measure,
    Picture,
    ReadOptions,
    Skipped,
)
from syncer.formats.tables import TABLE_NAMES, CsvLabels, ParquetLabels

HEAD = "filename,width,height,id,concept,xmin,ymin,xmax,ymax\n"


def read_csv(
    folder: Path, text: str | bytes, columns: Mapping[str, str] | None = None
) -> list[Item]:
    """What is in one file, but for the file."""
    file = folder / "labels.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(file, columns)


def read(path: Path, columns: Mapping[str, str] | None = None) -> list[Item]:
    reader = CsvLabels if ".csv" in path.suffixes or ".tsv" in path.suffixes else ParquetLabels
    found = list(reader(ReadOptions(columns=columns or {})).read(path))
    assert isinstance(found[0], InFile)
    return [item for item in found if not isinstance(item, InFile)]


def read_row(folder: Path, row: str, head: str = HEAD) -> Item:
    [found] = read_csv(folder, head + row)
    return found


# --- rows -----------------------------------------------------------------------------


def test_a_row_in_pixels_is_a_box_with_the_size_of_its_image(tmp_path: Path) -> None:
    assert read_row(tmp_path, "a/b.jpg,640,480,7,dog,10,20.5,30,40\n") == Label(
        Picture("a/b.jpg", 640, 480),
        (Concept("dog"),),
        (Box(10, 20.5, 30, 40),),
        place="line 2",
        own_id="7",
    )


def test_a_row_in_shares_needs_no_size(tmp_path: Path) -> None:
    label = read_row(
        tmp_path,
        "in-1.x,dog,.1,.2,.3,.4\n",
        "input_id,concept,left_col,top_row,right_col,bottom_row\n",
    )
    assert isinstance(label, Label)
    assert (label.measure, label.shapes) == (Measure.SHARES, (Box(0.1, 0.2, 0.3, 0.4),))
    assert label.picture == Picture("in-1.x", input_id="in-1.x")  # an id: nothing is cut off


def test_a_row_without_a_box_is_a_label_of_the_whole_image(tmp_path: Path) -> None:
    label = read_row(tmp_path, "a.jpg,,,,dog,,,,\n")
    assert isinstance(label, Label)
    assert label.shapes == ()


def test_a_row_with_an_image_alone_is_an_image_without_labels(tmp_path: Path) -> None:
    assert read_row(tmp_path, "a.jpg,640,480,,,,,,\n") == Picture("a.jpg", 640, 480)


@pytest.mark.parametrize("concept", ["NA", "null", "None", "nan", "0", "False", " ", "N/A"])
def test_cells_are_text_and_only_an_empty_one_is_missing(tmp_path: Path, concept: str) -> None:
    """Readers of data frames make a missing value of these."""
    label = read_row(tmp_path, f"a.jpg,,,0,{concept},,,,\n")
    assert isinstance(label, Label)
    assert (label.concepts, label.own_id) == ((Concept(concept),), "0")


def test_an_id_keeps_its_zeros_and_a_number_is_never_made_of_it(tmp_path: Path) -> None:
    label = read_row(tmp_path, "007.jpg,,,0012,1e5,,,,\n")
    assert isinstance(label, Label)
    assert (label.own_id, label.concepts) == ("0012", (Concept("1e5"),))


def test_a_box_that_is_not_a_number_is_read_as_it_is_and_judged_elsewhere(tmp_path: Path) -> None:
    label = read_row(tmp_path, "a.jpg,,,,dog,nan,0,1,1\n")
    assert isinstance(label, Label)
    assert isinstance(label.shapes[0], Box)
    assert math.isnan(label.shapes[0].left)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a.jpg,,,7,dog,x,0,1,1", "a coordinate is not a number"),
        ("a.jpg,,,7,dog,1_0,0,1,1", "a coordinate is not a number"),
        ("a.jpg,,,7,dog,0,0,1,", "a side of its box is missing"),
        ("a.jpg,,,7,,0,0,1,1", "it has no concept"),
        (",,,7,dog,0,0,1,1", "it has no input_id and no filename"),
        ("a.jpg,wide,,7,dog,0,0,1,1", "its width or height is not a number"),
    ],
)
def test_a_row_that_cannot_be_read_is_skipped_and_the_next_one_is_not(
    tmp_path: Path, row: str, reason: str
) -> None:
    bad, good = read_csv(tmp_path, f"{HEAD}{row}\nb.jpg,,,8,dog,0,0,1,1\n")
    assert bad == Skipped("line 2", "7", reason, is_fault=True)
    assert isinstance(good, Label)
    assert good.place == "line 3"


@pytest.mark.parametrize("row", ["a.jpg,,,7,dog,0,0,1", "a.jpg,,,7,dog,0,0,1,1,5"])
def test_a_row_with_more_or_fewer_cells_is_not_read_at_a_guess(tmp_path: Path, row: str) -> None:
    found = read_row(tmp_path, row)
    assert found == Skipped("line 2", "", "more or fewer cells than columns", is_fault=True)


def test_a_box_that_is_given_twice_is_not_chosen_between(tmp_path: Path) -> None:
    head = "filename,concept,xmin,ymin,xmax,ymax,left_col,top_row,right_col,bottom_row\n"
    found = read_row(tmp_path, "a.jpg,dog,0,0,1,1,0,0,1,1\n", head)
    assert isinstance(found, Skipped)
    assert found.reason == "its box is given twice: in pixels and in shares"


def test_other_columns_are_kept_as_attributes(tmp_path: Path) -> None:
    label = read_row(tmp_path, "a.jpg,dog,Ann,\n", "filename,concept,annotator,note\n")
    assert isinstance(label, Label)
    assert label.info == {"attributes": {"annotator": "Ann"}}


# --- CSV ------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_the_one_of_the_first_line(tmp_path: Path, delimiter: str) -> None:
    text = delimiter.join(["filename", "concept"]) + "\r\n" + f'"a;,|\t.jpg"{delimiter}dog\r\n'
    [label] = read_csv(tmp_path, b"\xef\xbb\xbf" + text.encode())
    assert isinstance(label, Label)
    assert (label.picture.path, label.concepts) == ("a;,|\t.jpg", (Concept("dog"),))


def test_a_cell_may_hold_lines_and_places_still_name_the_line_where_a_row_begins(
    tmp_path: Path,
) -> None:
    first, second = read_csv(tmp_path, 'filename,concept\n"a\nb.jpg",dog\n\nc.jpg,cat\n')
    assert isinstance(first, Label)
    assert isinstance(second, Label)
    assert (first.place, first.picture.path) == ("line 2", "a\nb.jpg")
    assert second.place == "line 5"


def test_columns_are_named_by_the_user(tmp_path: Path) -> None:
    [label] = read_csv(
        tmp_path, "file,class,id\na.jpg,dog,5\n", {"filename": "file", "concept": "class"}
    )
    assert isinstance(label, Label)
    assert (label.picture.path, label.concepts, label.own_id) == ("a.jpg", (Concept("dog"),), "5")


@pytest.mark.parametrize(
    ("text", "columns", "said"),
    [
        (b"", {}, "no names of columns"),
        (b"\n\n", {}, "no names of columns"),
        (b"filename,x\na,b\n", {}, "it needs the columns concept, and input_id or filename"),
        (b"concept,x\na,b\n", {}, "it has concept, x"),
        (b"filename,concept\n", {"id": "uid"}, "no column 'uid', which --columns names as id"),
        (b"filename,x\na,b\n", {"concept": "filename"}, "is both filename and concept"),
        (b"filename,concept,x,x\n", {}, "its column 'x' stands twice"),
        (b"filename,concept\na,\xff\n", {}, "line 2 is not UTF-8"),
        (b'filename,concept\na,"b\n', {}, "line 2"),
        ("filename,concept\n".encode("utf-16"), {}, "not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_what_to_do(
    tmp_path: Path, text: bytes, columns: Mapping[str, str], said: str
) -> None:
    *_, fault = read_csv(tmp_path, text, columns)
    assert isinstance(fault, FileFault)
    assert said in fault.reason


def test_a_damaged_archive_is_a_fault_after_the_rows_before_it(tmp_path: Path) -> None:
    data = gzip.compress(b"filename,concept\n" + b"a.jpg,dog\n" * 3)
    (tmp_path / "x.csv.gz").write_bytes(data)
    assert len(read(tmp_path / "x.csv.gz")) == 3
    (tmp_path / "x.csv.gz").write_bytes(data[:-9])
    *_, fault = read(tmp_path / "x.csv.gz")
    assert isinstance(fault, FileFault)


def test_a_line_without_end_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "LINE_BYTES_MAX", 1000)
    [fault] = read_csv(tmp_path, "filename,concept\na.jpg," + "x" * 2000)
    assert isinstance(fault, FileFault)
    assert "longer than" in fault.reason


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv", "sub/c.CSV", "_tmp.csv", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"filename,concept\n{name},dog\n")
    found = CsvLabels(ReadOptions()).read(tmp_path)
    assert [item.picture.path for item in found if isinstance(item, Label)] == [
        "a.csv",
        "b.csv",
        "sub/c.CSV",
    ]


# --- Parquet and Delta ----------------------------------------------------------------


def table(**columns: Any) -> pa.Table:
    return pa.table({"filename": ["a.jpg", "b.jpg"], "concept": ["dog", "cat"], **columns})


def write(path: Path, content: pa.Table) -> Path:
    if path.suffix == ".delta":
        write_deltalake(path, content)
    else:
        pq.write_table(content, path)
    return path


BOTH = pytest.mark.parametrize("name", ["t.parquet", "t.delta"])


@BOTH
def test_numbers_in_columns_are_read_and_nulls_are_missing(tmp_path: Path, name: str) -> None:
    content = table(
        id=[1, None], width=[640, 640], height=[480, 480],
        xmin=[1, None], ymin=[2.5, None], xmax=["3", None], ymax=[4, None],
    )  # fmt: skip
    first, second = read(write(tmp_path / name, content))
    assert isinstance(first, Label)
    assert first.shapes == (Box(1, 2.5, 3, 4),)
    assert (first.own_id, first.place, first.picture) == ("1", "row 1", Picture("a.jpg", 640, 480))
    assert isinstance(second, Label)
    assert (second.shapes, second.own_id) == ((), "")


@BOTH
def test_a_whole_number_that_gaps_made_a_decimal_is_the_id_that_it_was(
    tmp_path: Path, name: str
) -> None:
    first, _ = read(write(tmp_path / name, table(id=[12.0, None])))
    assert isinstance(first, Label)
    assert first.own_id == "12"


@BOTH
def test_other_columns_keep_their_types_and_lists_are_reported_lost(
    tmp_path: Path, name: str
) -> None:
    content = table(
        score=[0.5, None],
        hard=[True, False],
        at=[datetime(2026, 1, 2, tzinfo=UTC), None],
        vector=[[1.0], None],
    )
    first, lost, *_ = read(write(tmp_path / name, content))
    assert isinstance(first, Label)
    assert first.info == {
        "attributes": {"score": 0.5, "hard": True, "at": first.info["attributes"]["at"]}  # type: ignore[index, call-overload]
    }
    assert "2026-01-02T00:00:00" in str(first.info)
    assert lost == Lost("row 1", "", "column vector")


def test_times_of_any_precision_and_zone_and_long_numbers_are_kept(tmp_path: Path) -> None:
    long = Decimal(10**30 + 7)
    moment = pa.array([1_767_312_000_123_456_789, None], pa.timestamp("ns", "Mars/Olympus"))
    first, _ = read(write(tmp_path / "t.parquet", table(id=[long, None], at=moment)))
    assert isinstance(first, Label)
    assert first.own_id == str(long)
    assert first.info == {"attributes": {"at": "2026-01-02T00:00:00.123456+00:00"}}


def test_words_of_a_dictionary_and_columns_of_polars_are_text(tmp_path: Path) -> None:
    pl.DataFrame({"filename": ["a.jpg"], "concept": ["dog"]}).with_columns(
        pl.col("concept").cast(pl.Categorical)
    ).write_parquet(tmp_path / "t.parquet")
    [label] = read(tmp_path / "t.parquet")
    assert isinstance(label, Label)
    assert label.concepts == (Concept("dog"),)


@BOTH
def test_the_columns_of_a_table_are_named_by_the_user_too(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, table(label_id=["x", "y"]))
    found = read(path, {"id": "label_id"})
    assert [item.own_id for item in found if isinstance(item, Label)] == ["x", "y"]


def test_a_folder_of_parts_is_a_table_and_folders_may_be_columns(tmp_path: Path) -> None:
    for folder, part in (("split=train", "p1"), ("split=val%2F1", "p0"), ("_unfinished", "p2")):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder / f"{part}.parquet", table())
    found = [item for item in read(tmp_path) if isinstance(item, Label)]
    assert [item.info["attributes"] for item in found] == [
        {"split": "train"},
        {"split": "train"},
        {"split": "val/1"},
        {"split": "val/1"},
    ]


def test_a_delta_table_is_what_its_log_says_partitions_and_later_columns_included(
    tmp_path: Path,
) -> None:
    path = tmp_path / "t.delta"
    write_deltalake(path, table(split=["train", "val"]), partition_by=["split"])
    DeltaTable(path).delete("split = 'train'")
    more = table(split=["new", None], note=["x", None])
    write_deltalake(path, more, mode="append", schema_mode="merge")
    found = [item for item in read(path) if isinstance(item, Label)]
    assert sorted((item.concepts[0].name, str(item.info)) for item in found) == [
        ("cat", "{'attributes': {'split': 'val'}}"),
        ("cat", "{}"),
        ("dog", "{'attributes': {'split': 'new', 'note': 'x'}}"),
    ]


def test_files_that_are_not_tables_are_faults(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 no more PAR1")
    write(tmp_path / "b.parquet", pa.table({"x": [1]}))
    write(tmp_path / "c.parquet", table())
    bad, other, *labels = read(tmp_path)
    assert isinstance(bad, FileFault)
    assert bad.file == tmp_path / "a.parquet"
    assert isinstance(other, FileFault)
    assert "it has x" in other.reason
    assert len(labels) == 2
    (tmp_path / "_delta_log").mkdir()
    [fault] = read(tmp_path)
    assert isinstance(fault, FileFault)


def test_each_reader_knows_its_own(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("filename,concept\n")
    (tmp_path / "b.csv").write_text("a,b\n")
    (tmp_path / "c.csv").write_text("file,class\n")
    named = {"filename": "file", "concept": "class"}
    assert CsvLabels(ReadOptions()).detect(tmp_path / "a.csv")
    assert not CsvLabels(ReadOptions()).detect(tmp_path / "b.csv")
    assert not CsvLabels(ReadOptions()).detect(tmp_path / "c.csv")
    assert CsvLabels(ReadOptions(columns=named)).detect(tmp_path / "c.csv")
    assert CsvLabels(ReadOptions()).detect(tmp_path)
    assert not CsvLabels(ReadOptions()).detect(tmp_path / "missing.csv")
    assert not ParquetLabels(ReadOptions()).detect(tmp_path)
    assert ParquetLabels(ReadOptions()).detect(write(tmp_path / "t.delta", table()))
    assert ParquetLabels(ReadOptions()).detect(write(tmp_path / "t.parquet", table()))


def test_the_names_that_columns_may_be_given() -> None:
    assert {"input_id", "filename", "id", "concept", "xmin", "left_col", "width"} < set(TABLE_NAMES)


# --- the same for all -----------------------------------------------------------------


@pytest.mark.parametrize("change", ["added", "removed", "moved"])
def test_a_row_that_is_added_removed_or_moved_changes_no_other(tmp_path: Path, change: str) -> None:
    before = [f"a.jpg,,,{number},dog,0,0,{number},1" for number in range(4)]
    after = {
        "added": ["a.jpg,,,9,dog,0,0,1,1", *before],
        "removed": before[1:],
        "moved": ["a.jpg,,,0,dog,5,5,6,6", *before[1:]],
    }[change]
    old, new = (
        {
            item.own_id: (item.shapes, item.picture, item.info)
            for item in read_csv(tmp_path, HEAD + "\n".join(lines))
            if isinstance(item, Label)
        }
        for lines in (before, after)
    )
    changed = {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
    assert changed == {"9" if change == "added" else "0"}


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.parquet"])
def test_no_bytes_make_a_traceback(tmp_path: Path, name: str) -> None:
    rng, path = random.Random(14), tmp_path / name
    if name == "t.parquet":
        whole = write(path, table(xmin=[1, 2], ymin=[1, 2], xmax=[3, 4], ymax=[5, 6])).read_bytes()
    else:
        whole = (HEAD + 'a.jpg,640,480,7,dog,10,20.5,30,40\n"b""\n.jpg",,,,cat,,,,\n').encode()
        whole = gzip.compress(whole) if name.endswith("gz") else whole
    for _ in range(500):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(data))
            if rng.random() < 0.7:
                data[at] = rng.randrange(256)
            else:
                del data[at : at + rng.randint(1, 20)]
        path.write_bytes(bytes(data))
        for item in read(path):
            assert not isinstance(item, Label) or item.concepts[0].name
