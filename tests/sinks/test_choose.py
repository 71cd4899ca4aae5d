"""From a path and a format to a sink, or a message that says what to write instead."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from syncer.errors import OutputError, SyncerError, UsageError
from syncer.sinks.choose import frame_sink, output_format, output_sink
from syncer.sinks.formats import FORMATS
from tests.sinks.made import LAYOUT, annotation, pages, pull, row


@pytest.mark.parametrize(
    ("out", "expected"),
    [
        ("a.jsonl", "jsonl"),
        ("a.jsonl.gz", "jsonl"),
        ("a.ndjson", "jsonl"),
        ("a.csv", "csv"),
        ("a.csv.gz", "csv"),
        ("a.parquet", "parquet"),
        ("a/b/", "parquet"),
        ("a.delta", "delta"),
        ("a.delta/", "delta"),
        ("-", "jsonl"),
    ],
)
def test_the_format_follows_the_ending(out: str, expected: str) -> None:
    """Of a path, a folder or standard output."""
    assert expected == output_format(out)


def test_a_folder_that_is_there_says_what_it_is(tmp_path: Path) -> None:
    """A Delta table has a log; in another one there are Parquet files."""
    (tmp_path / "table" / "_delta_log").mkdir(parents=True)
    assert ["delta", "parquet"] == [
        output_format(f"{tmp_path}/table"),
        output_format(f"{tmp_path}"),
    ]


def test_a_format_that_is_asked_for_beats_the_ending(tmp_path: Path) -> None:
    """And the ending .gz still compresses."""
    pull(output_sink(f"{tmp_path}/labels.gz", LAYOUT, "csv", stdout=io.BytesIO()), pages(1))
    assert b"\x1f\x8b" == (tmp_path / "labels.gz").read_bytes()[:2]
    assert FORMATS == tuple(output_format("a.txt", name) for name in FORMATS)


@pytest.mark.parametrize(
    ("out", "wanted", "told"),
    [
        ("labels.txt", None, "labels.txt: its ending does not name a format"),
        ("labels", None, "labels: its ending does not name a format"),
        ("labels.jsonl", "xml", "xml: not a format; one of jsonl, csv, parquet, delta"),
        ("-", "parquet", "parquet needs a file"),
        ("-", "delta", "delta needs a file"),
        ("labels/", "csv", "labels/: csv goes into a file"),
        ("labels.parquet.gz", None, "labels.parquet.gz: its ending does not name a format"),
        ("gone/labels.jsonl", None, "gone/labels.jsonl: there is no folder gone"),
        ("gone/labels.delta", None, "gone/labels.delta: there is no folder gone"),
    ],
)
def test_what_cannot_be_is_a_usage_error(out: str, wanted: str | None, told: str) -> None:
    """It names the option and what to give instead."""
    with pytest.raises(UsageError, match=told):
        output_sink(out, LAYOUT, wanted, stdout=io.BytesIO())


def test_a_standard_output_that_is_not_there_is_a_usage_error() -> None:
    """Services have none, and that of a notebook takes text only."""
    with pytest.raises(UsageError, match="no standard output to write to: name a path"):
        output_sink("-", LAYOUT, "csv", stdout=None)


@pytest.mark.parametrize(
    ("there", "out", "wanted", "told"),
    [
        (
            "labels/_delta_log/",
            "labels",
            "parquet",
            "this is a Delta table: write that, or name another path",
        ),
        (
            "labels/part-00000000.parquet",
            "labels",
            "delta",
            "there are Parquet files in it: write that, or name another path",
        ),
        ("labels", "labels", "delta", "delta goes into a folder here, and this is a file"),
        ("labels", "labels/", None, "parquet goes into a folder here, and this is a file"),
        ("labels", "labels/a.csv", None, "there is no folder .*labels"),
    ],
)
def test_an_output_does_not_mix_with_one_of_another_form(
    tmp_path: Path, there: str, out: str, wanted: str | None, told: str
) -> None:
    """Whoever reads a folder reads all that is in it."""
    held = tmp_path / there
    (held if there.endswith("/") else held.parent).mkdir(parents=True, exist_ok=True)
    if not there.endswith("/"):
        held.write_bytes(b"")
    with pytest.raises(UsageError, match=told):
        output_sink(f"{tmp_path}/{out}", LAYOUT, wanted, stdout=io.BytesIO())


def test_a_delta_table_that_was_left_before_its_first_commit_is_carried_on(tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "part-d24dab64-50264.parquet").write_bytes(b"")
    output_sink(f"{tmp_path}/labels", LAYOUT, "delta", stdout=io.BytesIO())


@pytest.mark.parametrize(
    ("call", "hidden", "told"),
    [
        (
            "output_sink('a.parquet', L, stdout=None)",
            "pyarrow",
            "pyarrow is not installed: pip install 'label-syncer[parquet]', or in a clone"
            " pip install '.[parquet]'",
        ),
        (
            "output_sink('a.delta', L, stdout=None)",
            "deltalake",
            "deltalake is not installed: pip install 'label-syncer[delta]', or in a clone"
            " pip install '.[delta]'",
        ),
        (
            "frame_sink(L)",
            "pyarrow",
            "pyarrow is not installed: pip install 'label-syncer[parquet]', or in a clone"
            " pip install '.[parquet]'",
        ),
        (
            "frame_sink(L).pandas()",
            "pandas",
            "pandas is not installed: pip install 'label-syncer[pandas]', or in a clone"
            " pip install '.[pandas]'",
        ),
        (
            "frame_sink(L).polars()",
            "polars",
            "polars is not installed: pip install 'label-syncer[polars]', or in a clone"
            " pip install '.[polars]'",
        ),
    ],
)
def test_a_missing_extra_is_named_with_the_way_to_get_it(call: str, hidden: str, told: str) -> None:
    """In a process where the library cannot be imported."""
    code = f"""
import sys
sys.modules[{hidden!r}] = None
from syncer.remotes.clarifai.layout import AnnotationLayout
from syncer.sinks.choose import frame_sink, output_sink
from syncer.errors import UsageError
L = AnnotationLayout()
try:
    {call}
except UsageError as error:
    print(error)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert told == found.stdout.strip()


def test_what_is_no_file_is_not_replaced_by_one(tmp_path: Path) -> None:
    """A rename onto a device would take it away from the whole system."""
    import os

    os.mkfifo(tmp_path / "pipe.jsonl")
    with pytest.raises(OutputError, match=r"pipe\.jsonl is a device or a pipe"):
        output_sink(f"{tmp_path}/pipe.jsonl", LAYOUT, stdout=io.BytesIO()).open("")
    with pytest.raises(OutputError, match="null is a device or a pipe"):
        output_sink("/dev/null", LAYOUT, "jsonl", stdout=io.BytesIO()).open("")


def test_two_pulls_do_not_write_one_file(tmp_path: Path) -> None:
    """The second is told, and the first goes on."""
    first, second = (
        output_sink(f"{tmp_path}/out.jsonl", LAYOUT, stdout=io.BytesIO()) for _ in range(2)
    )
    first.open("")
    with pytest.raises(OutputError, match="is being written by another pull"):
        second.open("")
    first.write(0, pages(1)[0])
    first.close()
    assert 3 == len((tmp_path / "out.jsonl").read_bytes().splitlines())


# --- standard output and memory -------------------------------------------------------


def test_standard_output_gets_the_lines_page_by_page() -> None:
    """As the file would, and flushed."""
    stream = io.BytesIO()
    sink = output_sink("-", LAYOUT, stdout=stream)
    pull(sink, pages(2))
    assert b"".join(row.line + b"\n" for page in pages(2) for row in page) == stream.getvalue()


def test_standard_output_takes_csv() -> None:
    """A header, and a record a row."""
    stream = io.BytesIO()
    pull(output_sink("-", LAYOUT, "csv", stdout=stream), pages(1))
    assert [b"annotation_id", b"label-0", b"label-1", b"label-2"] == [
        line.split(b",")[0] for line in stream.getvalue().splitlines()
    ]


def test_standard_output_cannot_be_carried_on() -> None:
    """What went before is not there any more."""
    with pytest.raises(OutputError, match="standard output cannot be carried on"):
        output_sink("-", LAYOUT, stdout=io.BytesIO()).open("3")


def test_a_reader_of_standard_output_that_goes_away_is_told_as_such() -> None:
    """`| head` is no traceback."""
    import os

    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "wb", buffering=0) as stream:  # noqa: PTH123 - a descriptor
        sink = output_sink("-", LAYOUT, stdout=stream)
        sink.open("")
        with pytest.raises(SyncerError, match="standard output cannot be written: Broken pipe"):
            sink.write(0, pages(1)[0])


def test_frames_hold_all_rows_with_the_columns_of_the_layout() -> None:
    """As Arrow, pandas and polars, a page that is written twice once."""
    sink = frame_sink(LAYOUT)
    sink.open("")
    sink.write(0, pages(1)[0])
    for _ in range(2):
        sink.write(1, [row(annotation(3))])
    sink.close()
    expected = [f"label-{number}" for number in range(4)]
    assert expected == sink.table()["annotation_id"].to_pylist()
    assert expected == list(sink.pandas()["annotation_id"])
    assert expected == list(sink.polars()["annotation_id"])
    assert (
        [column.name for column in LAYOUT.columns]
        == list(sink.pandas().columns)
        == sink.polars().columns
    )


def test_an_empty_frame_has_the_columns_of_the_layout() -> None:
    """Nothing was pulled."""
    sink = frame_sink(LAYOUT)
    pull(sink, [])
    assert (0, [column.name for column in LAYOUT.columns]) == (
        sink.polars().height,
        sink.polars().columns,
    )
