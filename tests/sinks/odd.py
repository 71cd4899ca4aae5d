"""Annotations as odd as JSON allows, and values that tables find hard."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from syncer.core.ports.pull import Row

TEXT = st.one_of(
    st.sampled_from(
        [
            "",
            "a",
            "null",
            "ünïcødé 🦊",
            'quo"te',
            "com,ma",
            "li\nne\r\n",
            "\x00",
            "=1+1",
            " lead",
            "\ufeff",
        ]
    ),
    st.text(max_size=20),
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
TIME = st.one_of(
    st.none(),
    st.sampled_from(
        [
            "2025-02-28T09:41:55.568082659Z",
            "2025-02-28T09:41:55.000000009Z",
            "2025-02-28T09:41:55.000123Z",
            "2025-02-28T09:41:55Z",
            "1969-12-31T23:59:59.999999999Z",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59.999999999Z",
            "2025-02-30T00:00:00Z",
            "yesterday",
        ]
    ),
    st.datetimes().map(lambda time: time.isoformat() + "Z"),
)
NUMBER = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(),
    st.sampled_from([0, 1, "0.5", "NaN", "-Infinity", None]),
)
UINT64 = st.one_of(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1).map(str))
CONCEPTS = st.lists(
    st.fixed_dictionaries({}, optional={"id": TEXT, "value": NUMBER, "name": TEXT}), max_size=3
)
BOX = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("top_row", "left_col", "bottom_row", "right_col"), st.floats(0, 1))
)
FORMS = st.one_of(
    st.fixed_dictionaries({"bounding_box": BOX}),
    st.just({"mask": {"image": {"base64": "iVBORw0KGgo="}}}),
    st.just({"polygon": {"points": [{"row": 0.5}, {"col": 0.25}]}}),
    st.just({"keypoint_locations": [{"row": 0.1, "col": 0.2}]}),
    st.just({"span": {"char_end": 5, "raw_text": "Hello"}}),
    st.just({}),
)
REGIONS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "id": TEXT,
            "region_info": FORMS,
            "data": st.fixed_dictionaries({"concepts": CONCEPTS}),
            "value": NUMBER,
        },
    ),
    max_size=2,
)
FRAMES = st.lists(
    st.fixed_dictionaries(
        {
            "frame_info": st.fixed_dictionaries(
                {}, optional={"time": UINT64, "number": st.integers(0, 2**32 - 1)}
            )
        },
        optional={
            "data": st.fixed_dictionaries({}, optional={"regions": REGIONS, "concepts": CONCEPTS})
        },
    ),
    max_size=2,
)
DATA = st.fixed_dictionaries(
    {},
    optional={
        "concepts": CONCEPTS,
        "regions": REGIONS,
        "frames": FRAMES,
        "metadata": st.dictionaries(TEXT, JSON, max_size=3),
    },
)
ANNOTATION = st.fixed_dictionaries(
    {"id": TEXT, "input_id": TEXT},
    optional={
        "data": st.none() | DATA,
        "status": st.fixed_dictionaries(
            {},
            optional={
                "code": st.sampled_from([24150, "24151", "ANNOTATION_PENDING", 2**70, "?"]),
                "description": TEXT,
            },
        ),
        "created_at": TIME,
        "modified_at": TIME,
        "user_id": TEXT,
        "worker": st.fixed_dictionaries({}, optional={"user": st.fixed_dictionaries({"id": TEXT})}),
        "annotation_info": JSON,
        "input_level": st.booleans(),
        "unknown": JSON,
    },
)


def _row(value: dict[str, Any], spread: bool, ascii_only: bool) -> Row:
    line = json.dumps(value, ensure_ascii=ascii_only, indent=1 if spread else None)
    if spread:
        line = line.replace("\n", "\r\n")
    return Row((value["input_id"], value["id"]), line.encode())


ROWS = st.builds(_row, ANNOTATION, st.booleans(), st.booleans())
"""Also spread over lines, and in ASCII."""
