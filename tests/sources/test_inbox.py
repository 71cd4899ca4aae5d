"""The inbox: a body is taken once, also where it comes again, whatever is cut."""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer.core.change import Mark
from syncer.core.watermark import Watermark
from syncer.errors import StateError
from syncer.sources import keys
from syncer.sources.body import LineFault, judge
from syncer.sources.body_index import KnownBody, Receipt
from syncer.sources.inbox import Inbox, NotTaken
from syncer.sources.keys import KNOWN_SECONDS, KnownBodies
from syncer.sources.lines import LINE_BYTES_MAX, LineOptions
from syncer.sources.spool import Spool
from tests.support.disk import EVERYTHING, NOTHING, STATE, Fault, Operation, SimulatedDisk, torn
from tests.support.lines import delete, patch, post
from tests.support.virtual import VirtualTime

T = TypeVar("T")
FOLDER = STATE / "inbox" / "http"
SMALL = 300
"""Bytes of a segment: two or three appends."""
WITHOUT_ID = b'{"op":"post","annotation":{"input_id":"i"}}'


class Crash(BaseException):
    """The power is gone."""


class Posting:
    """A disk, and the inboxes that processes open there, one after the other."""

    def __init__(self, disk: SimulatedDisk | None = None, **bounds: int) -> None:
        self.disk = disk or SimulatedDisk()
        self.now = 1e9
        self.settled = Mark()
        self.applied: list[str] = []
        self._bounds = {"segment_bytes": SMALL, **bounds}
        self.inbox: Inbox
        self.open()

    def open(self) -> None:
        known = KnownBodies(FOLDER, self.disk, self.settled, lambda: self.now, **self._bounds)
        options, watermark = LineOptions(), Watermark(self.settled)
        self._options = options
        spool = Spool(known.segments, "http", 7, options, watermark=watermark)
        self.inbox = Inbox(spool, known, options, now=lambda: self.now)

    def restart(self) -> None:
        self.disk.kill()
        self.open()

    def take(self, body: bytes, key: str | None = None, **how: bool) -> Receipt | NotTaken:
        return run(lambda: self.inbox.take(body, key, **how))

    def settle(self) -> list[str]:
        """Read what is there, and let it be settled; the ids of it."""

        async def main() -> list[str]:
            found, source = [], self.inbox
            while (chunk := await source.read()) is not None:
                found += [change.id for change in chunk.changes]
                self.applied += [change.id for change in chunk.changes]
                self.settled = chunk.end
            await source.ack(7, self.settled)
            return found

        return run(main)


def run(main: Callable[[], Awaitable[T]]) -> T:
    result = VirtualTime().run(main)
    assert result is not None
    return result


def refused(taken: Receipt | NotTaken) -> str:
    assert isinstance(taken, NotTaken)
    return taken.cause


def test_a_body_is_read_as_a_change_log_and_its_bad_lines_are_answered_not_stored() -> None:
    posting = Posting()
    body = b"\xef\xbb\xbf" + post("a") + b"\r\n\n  \n{\n" + patch("b", action="merg") + b"\n"
    taken = posting.take(body + post("c"), "k")
    assert isinstance(taken, Receipt)
    assert taken.accepted == 2
    assert [(one.line, one.reason.split(" ")[0]) for one in taken.bad] == [
        (4, "not"),
        (5, "unknown"),
    ]
    assert posting.settle() == ["a", "c"]


def test_a_key_is_needed_unless_there_is_nothing_but_posts_with_ids() -> None:
    posting = Posting()
    bare = b'{"input_id":"i","id":"d"}'
    for body in (b"", post("a"), b"\n".join([post("b"), bare, b"bad"])):
        assert isinstance(posting.take(body), Receipt)
    for line in (WITHOUT_ID, patch("a"), delete("a"), b'{"input_id":"i"}'):
        assert refused(posting.take(post("c") + b"\n" + line)) == "malformed"
    assert posting.settle() == ["a", "b", "d"]


def test_the_same_body_under_a_key_is_stored_once_and_another_one_is_refused() -> None:
    posting = Posting()
    first = posting.take(post("a") + b"\nbad", "k")
    assert posting.take(post("a") + b"\nbad", "k") == first
    assert refused(posting.take(post("a"), "k")) == "key used"
    assert posting.take(post("a"), "other") == Receipt(1)
    assert posting.settle() == ["a", "a"]


@pytest.mark.parametrize("body", [delete("a"), delete("a") + b"\nbad", b"bad", b""])
def test_a_key_is_known_for_a_day_over_restarts_and_after_its_lines_are_gone(body: bytes) -> None:
    posting = Posting()
    first = posting.take(body, "k")
    for n in range(20):
        posting.now += KNOWN_SECONDS / 20 - 1
        posting.take(patch(f"a{n}"), f"k{n}")
        posting.settle()
        posting.restart()
        assert posting.take(body, "k") == first
        assert posting.settle() == []
        assert refused(posting.take(post("x"), "k")) == "key used"
    posting.now += 20
    assert posting.take(post("x"), "k") == Receipt(1)


def test_keys_outlive_their_lines_in_portions_that_take_little_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    saved: list[int] = []
    save = KnownBodies.save

    def note(self: KnownBodies, bodies: Sequence[KnownBody]) -> None:
        saved.append(len(bodies))
        save(self, bodies)

    monkeypatch.setattr(keys, "SAVED_AT_ONCE", 3)
    monkeypatch.setattr(KnownBodies, "save", note)
    posting = Posting(segment_bytes=1000)
    first = [posting.take(delete(f"a{n}"), f"k{n}") for n in range(20)]
    posting.settle()
    posting.restart()
    assert max(saved) == 3
    assert sum(saved) >= 7
    assert [posting.take(delete(f"a{n}"), f"k{n}") for n in range(20)] == first
    assert posting.settle() == []


def test_a_body_that_comes_again_after_the_clock_was_set_forward_is_not_stored_again() -> None:
    posting = Posting()
    first = posting.take(delete("a"), "k")
    posting.settle()
    posting.now += 400 * KNOWN_SECONDS
    posting.take(post("b"), "other")
    posting.settle()
    posting.restart()
    assert posting.take(delete("a"), "k") == first
    assert posting.settle() == []


def test_what_is_kept_of_keys_does_not_grow_with_the_days(monkeypatch: pytest.MonkeyPatch) -> None:
    """But for the end of the log of keys."""
    monkeypatch.setattr(keys, "KNOWN_MIN", 20)
    posting, sizes = Posting(), []
    for day in range(6):
        for n in range(50):
            posting.now += KNOWN_SECONDS / 50
            posting.take(patch("a"), f"{day}-{n}")
            posting.settle()
        posting.restart()
        sizes.append(sum(map(len, posting.disk.files().values())))
    assert max(sizes[2:]) < 3 * sizes[0]


def test_strict_stores_nothing_where_a_line_is_bad_and_forgets_the_key() -> None:
    posting = Posting()
    taken = posting.take(post("a") + b"\nbad", "k", strict=True)
    assert isinstance(taken, NotTaken)
    assert (taken.cause, [one.line for one in taken.bad]) == ("malformed", [2])
    assert posting.take(post("a"), "k", strict=True) == Receipt(1)
    assert posting.settle() == ["a"]


def test_a_full_inbox_takes_the_same_key_again_once_there_is_room() -> None:
    line = post("a")
    posting = Posting(waiting_bytes_max=2 * len(line) + 20)
    assert posting.take(post("a"), "0") == posting.take(post("b"), "1") == Receipt(1)
    assert not posting.inbox.is_full
    assert refused(posting.take(post("c"), "k")) == "full"
    assert posting.inbox.is_full
    assert refused(posting.take(b"\n".join([line] * 3), "n")) == "too large"
    posting.settle()
    assert not posting.inbox.is_full
    assert posting.take(post("d"), "k") == Receipt(1)
    assert posting.settle() == ["d"]


def test_a_body_of_another_kind_and_one_of_bad_lines_alone_are_refused_as_a_whole() -> None:
    posting = Posting()
    for body in (b"\x1f\x8b\x08\0", b"PK\x03\x04", post("a").decode().encode("utf-16")):
        assert refused(posting.take(body, "k")) == "malformed"
    assert refused(posting.take(b"x,y\n" * 50_000, "k")) == "malformed"
    assert posting.take(post("a"), "k") == Receipt(1)


def test_the_longest_answer_that_is_given_fits_its_note() -> None:
    posting = Posting()
    lines = 9000
    body = post("a") + b"\n" + (b'{"op":"\xf0\x9f\x98\x80\x01"}\n' * lines)
    taken = posting.take(body, "k")
    assert isinstance(taken, Receipt) == (len(judge(body, LineOptions()).bad) == lines)
    posting.restart()
    assert posting.take(body, "k") == taken


def test_a_line_that_is_too_long_is_a_bad_one() -> None:
    judged = judge(
        post("a") + b"\n" + b"x" * (LINE_BYTES_MAX + 5) + b"\n" + post("b"), LineOptions()
    )
    assert (len(judged.lines), judged.bad) == (2, [LineFault(2, "longer than 16 MiB")])


LINES = st.one_of(
    st.sampled_from(
        [post("a"), patch("b"), WITHOUT_ID, b"", b" ", b"{", b"[]", b"\xff", b"\xef\xbb\xbf"]
    ),
    st.binary(max_size=20).map(lambda raw: raw.replace(b"\n", b"")),
)


@given(st.lists(LINES, max_size=8), st.sampled_from([b"\n", b"\r\n"]), st.booleans())
def test_whatever_is_posted_is_stored_or_answered_and_what_is_stored_is_not_bad(
    lines: list[bytes], ending: bytes, ended: bool
) -> None:
    body = ending.join(lines) + ending * ended
    judged = judge(body, LineOptions())
    if judged.fault:
        return
    numbers = [one.line for one in judged.bad]
    assert numbers == sorted(set(numbers))
    again = judge(b"\n".join(judged.lines), LineOptions())
    assert (again.lines, again.bad) == (judged.lines, [])


# --- at the same time, cancelled ------------------------------------------------------


def test_the_same_at_the_same_time_is_stored_once_and_both_get_the_same_answer() -> None:
    posting = Posting()
    answers: list[Receipt | NotTaken] = []

    async def client(body: bytes) -> None:
        answers.append(await posting.inbox.take(body, "k"))

    async def main() -> bool:
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(client, patch("a"))
            tasks.start_soon(client, patch("b"))
        return True

    run(main)
    assert answers[:3] == [Receipt(1)] * 3
    assert refused(answers[3]) == "key used"
    assert posting.settle() == ["a"]


@pytest.mark.parametrize("turns", range(6))
def test_a_client_that_goes_away_leaves_its_body_to_be_taken_and_the_next_gets_its_answer(
    turns: int,
) -> None:
    posting = Posting()

    async def main() -> Receipt | NotTaken:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(posting.inbox.take, patch("a"), "k")
            for _ in range(turns):
                await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        return await posting.inbox.take(patch("a"), "k")

    assert run(main) == Receipt(1)
    assert posting.settle() == ["a"]


# --- crashes --------------------------------------------------------------------------


def bodies_of(n: int) -> tuple[bytes, str]:
    """Some hold nothing that is stored."""
    return (b"bad" if n % 4 == 3 else patch(f"a{n}"), f"k{n}")


@pytest.mark.parametrize("survives", [NOTHING, EVERYTHING, "torn"], ids=["none", "all", "torn"])
def test_crashed_at_any_operation_nothing_is_lost_and_nothing_is_taken_twice(
    survives: object,
) -> None:
    """Clients try again until they have an answer; then they never do."""
    for at in range(400):
        rng = random.Random(at)
        how = torn(rng) if survives == "torn" else survives
        posting = Posting()
        left = iter(range(at + 1))
        posting.disk.fault = lambda _, left=left: (
            Fault(Crash()) if next(left, None) is None else None
        )  # type: ignore[misc]
        crashed, n = False, 0
        while n < 14:
            try:
                assert isinstance(posting.take(*bodies_of(n)), Receipt)
                if n % 3 == 2:
                    posting.settle()
                n += 1
            except Crash:
                crashed = True
                posting.disk.fault = lambda _: None
                posting.disk.crash(how)  # type: ignore[arg-type]
                posting.open()
        posting.disk.fault = lambda _: None
        for m in range(14):
            assert isinstance(posting.take(*bodies_of(m)), Receipt)
        posting.settle()
        assert posting.applied == [f"a{m}" for m in range(14) if m % 4 != 3], at
        if not crashed:
            assert at > 50
            return
    raise AssertionError("it never came to its end")


@pytest.mark.parametrize("kind", ["write", "sync"])
@pytest.mark.parametrize("body", [patch("a"), b"bad"])
def test_where_the_disk_is_full_nothing_is_taken_and_the_key_stays_free(
    kind: str, body: bytes
) -> None:
    posting = Posting()
    for n in range(8):
        posting.disk.fault = lambda operation: full(operation, kind)
        with pytest.raises(StateError, match="No space left"):
            posting.take(body, f"k{n}")
        posting.disk.fault = lambda _: None
        assert posting.take(patch(f"b{n}"), f"k{n}") == Receipt(1)
    assert posting.settle() == [f"b{n}" for n in range(8)]


def full(operation: Operation, kind: str) -> Fault | None:
    error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return Fault(error) if operation.kind == kind else None


def test_a_spool_of_something_else_is_refused() -> None:
    posting = Posting()

    async def main() -> bool:
        await posting.inbox._spool.append([post("a")], [(1, "row")])
        return True

    run(main)
    with pytest.raises(StateError, match="is not the inbox of what comes by HTTP"):
        posting.restart()


def test_what_is_read_is_dated_by_when_it_was_taken() -> None:
    posting, taken_at = Posting(), []
    for name in ("a", "b", "c"):
        posting.now += 10
        posting.take(post(name))
        taken_at.append(posting.now)
    posting.now += 10

    async def read() -> list[float]:
        dates = []
        while (chunk := await posting.inbox.read()) is not None:
            dates += [chunk.written_at for _ in chunk.changes]
        return dates

    assert run(read) == taken_at
