"""What may come from outside: JSON of any shape, and valid bytes that something has
happened to on the way.
"""

from __future__ import annotations

import json
import os
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

FUZZED = settings(
    max_examples=int(os.environ.get("SYNCER_PROOF_FUZZ", "200")),
    deadline=None,
    derandomize=True,
    database=None,
)
"""How long each is tried: `SYNCER_PROOF_FUZZ=100000 python -m pytest tests/fuzz` for
the long form.
"""

STATUSES = st.sampled_from(
    [200, 200, 200, 201, 204, 302, 400, 401, 403, 404, 408, 413, 414, 425, 429, 431, 500, 502, 503]
) | st.integers(100, 599)
"""HTTP statuses."""

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from([0, 1, 10**400, -1, 1e308, "", "a", "i", "é", "\0", "nan", "1e999"])
    | st.text(max_size=6)
)


def trees(*names: str) -> st.SearchStrategy[Any]:
    """JSON whose objects have these members, among others."""
    keys = st.sampled_from(names) | st.text(max_size=3)
    return st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
        max_leaves=10,
    )


@st.composite
def mangled(draw: st.DrawFn, valid: bytes) -> bytes:
    """Bytes changed, cut out, put in or doubled."""
    body = bytearray(valid)
    for _ in range(draw(st.integers(0, 3))):
        at, length = draw(st.integers(0, len(body))), draw(st.integers(0, 6))
        put = draw(
            st.binary(max_size=3)
            | st.sampled_from(
                [b'"', b"}", b"{", b"\\", b",", b"\n", b"\xff", b"null", b"9", bytes(body)]
            )
        )
        body[at : at + length] = put
    return bytes(body)


def dumped(value: object) -> bytes:
    """As JSON, with what is no JSON but is met all the same: NaN, Infinity, halves of
    characters.
    """
    return json.dumps(value).encode()
