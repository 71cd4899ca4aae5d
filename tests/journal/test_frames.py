"""Frames, as bytes."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import takewhile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncer.journal import frames

PAYLOADS = [b'[{"header":1}]', b"[]", b'[["deleted",128]]', b'["00000000 2 []"]']


def joined(*payloads: bytes) -> bytes:
    """Their frames, one behind another."""
    data = b""
    for payload in payloads:
        data += frames.encode(payload, len(data))
    return data


def lines(data: bytes) -> list[bytes]:
    return (
        data.splitlines(keepends=True)
        if b"\r" not in data
        else [line + b"\n" for line in data.split(b"\n")]
    )


def told(found: Iterable[bytes]) -> tuple[list[bytes], int | None]:
    """(payloads of the frames before anything else, where damage begins; None where
    what follows is a torn tail, or nothing).
    """
    pieces = list(frames.pieces(found))
    good = list(takewhile(lambda piece: piece.frame, pieces))
    rest = pieces[len(good) :]
    damaged = any(piece.start or piece.hides for piece in rest)
    return [piece.payload for piece in good], rest[0].offset if damaged else None


def test_a_frame_is_the_line_that_the_docs_show() -> None:
    assert frames.encode(b'[["deleted",128]]', 133) == b'271e902d 17 133 [["deleted",128]]\n'


def test_every_frame_comes_back_with_the_place_of_its_payload() -> None:
    data = joined(*PAYLOADS)
    found = list(frames.pieces(lines(data)))
    assert [piece.payload for piece in found if piece.frame] == PAYLOADS
    assert all(data[piece.offset + piece.start :].startswith(piece.payload) for piece in found)


def test_a_tail_cut_anywhere_ends_the_scan_before_it() -> None:
    whole = joined(PAYLOADS[0])
    last = frames.encode(PAYLOADS[2], len(whole))
    for cut in range(len(last)):
        assert told(lines(whole + last[:cut])) == ([PAYLOADS[0]], None)


def test_a_tail_of_zeros_is_torn() -> None:
    assert told([joined(b"[]"), b"\0" * 4096]) == ([b"[]"], None)


@pytest.mark.parametrize(
    "torn", [b"half a frame", b"6daabea0 17 133 [[", b"6daabea0 ", b"0123456", b"\0\0\0"]
)
@pytest.mark.parametrize("between", [b"", b"\n", b"\n\n", b"\nx\n"])
@pytest.mark.parametrize("moved", [0, 7])
def test_a_whole_frame_after_or_inside_bad_bytes_is_damage(
    torn: bytes, between: bytes, moved: int
) -> None:
    first = joined(PAYLOADS[0])
    later = frames.encode(PAYLOADS[2], len(first + torn + between) + moved)
    assert told(lines(first + torn + between + later)) == ([PAYLOADS[0]], len(first))


def test_a_head_hidden_in_another_head_is_found() -> None:
    # Looks like a head, and may be one only of digits.
    hidden = b"12345678 6 " + frames.encode(b"[1234]", 11)
    digits = next(
        frames.encode(b"[%d]" % n, 9)
        for n in range(10_000)
        if frames.encode(b"[%d]" % n, 9)[:8].isdigit()
    )
    for line in (hidden, b"abcdef01 " + digits, b"abcdef01 5 " + digits):
        assert told([line]) == ([], 0)


def test_frames_that_are_lost_doubled_or_swapped_are_told_with_the_place_of_the_first_one() -> None:
    """Also where the facts would add up all the same: a deletion counted twice."""
    whole = joined(*[b'[["deleted",%d]]' % number for number in range(1, 5)]).splitlines(
        keepends=True
    )
    for order, first in (
        ([0, 2, 3], 1),
        ([0, 1, 1, 2, 3], 2),
        ([0, 2, 1, 3], 1),
        ([1, 2, 3], 0),
        ([0, 1, 2, 3, 3], 4),
        ([0, 1, 3], 2),
    ):
        assert told([whole[at] for at in order])[1] == len(
            b"".join(whole[at] for at in order[:first])
        )


@settings(max_examples=300)
@given(st.lists(st.binary(max_size=40)))
def test_no_bytes_make_it_fail(found: list[bytes]) -> None:
    assert b"".join(piece.line for piece in frames.pieces(found)) == b"".join(found)


def test_what_is_appended_while_the_lines_are_read_is_not_seen_half(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    whole, more_data = joined(PAYLOADS[0]), joined(*PAYLOADS)
    path.write_bytes(more_data[: len(whole) + 9])
    with path.open("rb") as file:
        found = frames.lines(file, path.stat().st_size)
        read = [next(found)]
        with path.open("ab") as more:
            more.write(more_data[len(whole) + 9 :])
        assert b"".join([*read, *found]) == more_data[: len(whole) + 9]


def test_a_file_without_line_endings_is_read_in_bounded_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "LINE_BYTES_MAX", 1000)
    path = tmp_path / "journal"
    path.write_bytes(joined(b"[]") + b"\0" * 9999)
    with path.open("rb") as file:
        pieces = list(frames.lines(file, path.stat().st_size))
    assert [len(piece) for piece in pieces] == [16, *[1000] * 9, 999]
    assert told(pieces) == ([b"[]"], None)
