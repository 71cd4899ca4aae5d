"""Posts side by side are what each by itself would be: lines that are decoded at once,
and whole pushes with columns and without.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncer.core.columns import POST_HEADS, Columns, Posts, Stretch
from syncer.core.limits import Limits
from syncer.core.outcome import (
    Answered,
    Applied,
    Failed,
    InDoubt,
    Refused,
    Rejected,
    Retriable,
    Throttled,
)
from syncer.sources.lines import LineOptions, LinePlace, _plain_post, plain_posts
from tests.support.fakes import LOST, Play
from tests.support.lines import delete, delete_all, post
from tests.support.pushing import Pushing, Settings

OPTIONS = LineOptions()
A, B = '{"id":"a","input_id":"i"}', '{"input_id":"i","id":"b","x":[1,2]}'
OPEN = A[:-1] + ',"x":'
PARTS = [
    *(A, B, A.replace("a", "\u00e4"), A.replace("a", ""), A + B, A + ',"op":"delete"', A + " "),
    *(OPEN + "[1", ",2]}", OPEN + '"1', '"}', "0", "0 0", "5", "", " ", "\r", "}"),
]
annotations = st.lists(st.sampled_from(PARTS), max_size=3).map("".join)
ends = st.sampled_from(["}"] * 8 + ["}\r", "", "}}"])
HEADS = [head.decode() for head in POST_HEADS]
heads = st.sampled_from(
    HEADS[:1] * 8 + HEADS[1:] * 4 + ["", '{"op":"delete","annotation":', "\ufeff"]
)
lines = st.builds(lambda *parts: "".join(parts).encode(), heads, annotations, ends)


def plain(head: bytes) -> st.SearchStrategy[bytes]:
    """Lines of plain posts that begin so."""
    return st.sampled_from([head + part.encode() + b"}" for part in PARTS[:3]])


written = st.one_of(*(st.lists(lines | plain(head), min_size=1, max_size=5) for head in POST_HEADS))


@given(written)
def test_lines_decoded_at_once_are_posts_where_each_by_itself_is_one(raws: list[bytes]) -> None:
    place = LinePlace(1, 0, 1, 0, b"")
    singly = [_plain_post(raw, place, OPTIONS) if raw else None for raw in raws]
    keys = [change.key for change in singly if change is not None]
    bodies = [change.body for change in singly if change is not None]
    begun = {change.raw[: change.at] for change in singly if change is not None}
    found = plain_posts(b"".join(raw + b"\n" for raw in raws), OPTIONS)
    assert found == ((*begun, bodies, keys) if len(keys) == len(raws) and len(begun) == 1 else None)


def spaced(raw: bytes) -> bytes:
    """The same line as Python's `json` writes it."""
    return json.dumps(json.loads(raw)).encode()


@pytest.mark.parametrize("write", [bytes, spaced], ids=["compact", "spaced"])
def test_columns_give_each_change_its_own_line(write: Callable[[bytes], bytes]) -> None:
    raws = [write(post(f"a{number}", f"i{number // 2}")) for number in range(5)]
    text = b"".join(raw + b"\n" for raw in raws)
    found = plain_posts(text, OPTIONS)
    assert found is not None
    columns = Columns(1, 10, 20, *found)
    first, rest = Stretch(columns, 0, 5).divide(2)
    posts = Posts([rest, first])
    assert [change.raw for change in posts] == [*raws[2:], *raws[:2]]
    assert [(change.index, change.line) for change in posts] == [
        (10 + n, 20 + n) for n in (2, 3, 4, 0, 1)
    ]
    assert posts[3].key == ("i0", "a0")
    assert posts.list_annotations() == [change.body for change in posts]
    assert rest.raw() == b"".join(raws[2:])
    assert posts.size == len(text)


def _in_any_order(told: object) -> object:
    """What one commit says; of what it says at once none comes before the other."""
    return sorted(map(repr, told)) if isinstance(told, list) else told


rows = st.lists(
    st.builds(post, st.sampled_from("abcdefghijkl"), st.sampled_from("ijk"))
    | st.builds(post, st.integers(0, 10**6).map(str), st.sampled_from("ijk"))
    | st.builds(delete, st.sampled_from("ab"), st.sampled_from("ijk"))
    | st.builds(delete_all, st.sampled_from("ijk")),
    min_size=4,
    max_size=60,
)
OUTCOMES = [Applied(), Applied(), Rejected("never", 1), Retriable("not now"), InDoubt("?")]


def mixed(seed: int) -> Play:
    """An answer that says another thing of each change."""
    return lambda changes: Answered([OUTCOMES[(seed + n) % 5] for n in range(len(changes))])


plays: st.SearchStrategy[Play] = st.one_of(
    st.just(lambda _: None),
    st.just(Throttled("busy")),
    st.just(Failed("HTTP 500", in_doubt=False)),
    st.just(Refused("no", 1)),
    st.just(Refused("too large", 1, too_large=True)),
    st.just(LOST),
    st.integers(0, 4).map(mixed),
)


def pushed(
    log: Sequence[bytes], verdicts: Sequence[Play], limits: Limits, *, columns: bool
) -> tuple[object, ...]:
    """A push, and all that can be seen of it."""
    pushing = Pushing()
    pushing.service.plays("post", *verdicts)
    process = pushing.push(log, Settings(limits, concurrency=3), chunk_lines=10, columns=columns)
    ledger = pushing.journal.ledger
    return (
        [(asked.at, asked.kind, asked.keys) for asked in pushing.service.asked],
        [(what, _in_any_order(told)) for what, told in pushing.order],
        process.events,
        pushing.counts(),
        pushing.service.held,
        list(ledger.facts()),
        str(process.error),
    )


@settings(deadline=None)
@given(
    rows | rows.map(lambda raws: [*map(spaced, raws)]),
    st.lists(plays, max_size=12),
    st.integers(1, 7),
    st.sampled_from([200, 10_000]),
)
def test_a_push_is_the_same_with_columns_and_without(
    log: list[bytes], verdicts: list[Play], batch_size: int, bytes_max: int
) -> None:
    limits = Limits(
        batch_size=batch_size,
        batch_bytes_max=bytes_max,
        window_max=30,
        linger_seconds=0.2,
        max_attempts=3,
    )
    assert pushed(log, verdicts, limits, columns=True) == pushed(
        log, verdicts, limits, columns=False
    )
