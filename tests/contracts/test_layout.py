"""What every layout promises: as many values as columns, each null or of its column's
type, whatever the line holds.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer.core.ports.pull import Layout, Row
from syncer.remotes.annotell.layout import DocumentLayout
from syncer.remotes.clarifai.layout import AnnotationLayout, InputsLayout
from tests.fuzz.outside import FUZZED, dumped, trees
from tests.sinks.made import annotation

TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "binary": bytes,
    "bool": bool,
    "int64": int,
    "double": float,
    "timestamp": datetime,
}
ODD = trees(
    "id",
    "input_id",
    "data",
    "regions",
    "concepts",
    "status",
    "code",
    "created_at",
    "input",
    "annotation",
    "openlabel",
    "metadata",
)
OBJECTS = (
    st.sampled_from([{}, annotation(1), {"input": {"id": "i"}, "annotation": annotation(2)}]) | ODD
).map(lambda value: value if isinstance(value, dict) else {"data": value})
TEXT = st.none() | st.text(max_size=3)
DOCUMENTS = st.fixed_dictionaries(
    {
        "input_uuid": st.text(max_size=3),
        "annotation_type": TEXT,
        "created": TEXT | st.just("2022-05-12T12:20:49Z"),
    },
    optional={
        "annotation_id": st.none() | st.integers(0, 9) | st.just("x"),
        "content": ODD,
        "deleted": st.just(True),
    },
)
LAYOUTS: list[tuple[str, Layout, st.SearchStrategy[object]]] = [
    ("annotations", AnnotationLayout(), OBJECTS),
    ("inputs with annotations", InputsLayout(), OBJECTS),
    ("documents", DocumentLayout(), DOCUMENTS),
]
of_every_layout = pytest.mark.parametrize(
    ("layout", "lines"),
    [(layout, lines) for _, layout, lines in LAYOUTS],
    ids=[name for name, *_ in LAYOUTS],
)


def fits(value: object, type_name: str) -> bool:
    """Is it null, or of the type?"""
    if value is None:
        return True
    if type_name.startswith("list<"):
        return isinstance(value, list) and all(fits(item, type_name[5:-1]) for item in value)
    if type_name == "timestamp":
        return isinstance(value, datetime) and value.utcoffset() == timedelta(0)
    if type_name == "int64":
        return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
    return isinstance(value, TYPES[type_name])


@of_every_layout
def test_columns_have_names_of_their_own_and_say_what_they_are(
    layout: Layout, lines: object
) -> None:
    names = [column.name for column in layout.columns]
    assert len(set(names)) == len(names) > 3
    assert all(column.doc for column in layout.columns)


@of_every_layout
@FUZZED
@given(st.data())
def test_a_row_fits_its_columns(
    layout: Layout, lines: st.SearchStrategy[object], data: st.DataObject
) -> None:
    line = dumped(data.draw(lines))
    if b"NaN" in line or b"Infinity" in line:  # no JSON, so no row
        return
    values = layout.values(Row(("i", "a"), line))
    assert len(values) == len(layout.columns)
    wrong = [
        (column, value)
        for column, value in zip(layout.columns, values, strict=True)
        if not fits(value, column.type)
    ]
    assert wrong == []
