"""Lines that a thread writes, so that nobody waits for a reader."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

from syncer.cli.aside import BackgroundWriter
from syncer.cli.output import say, saying_aside

PIPE_BYTES = 1 << 16


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    try:
        yield reader, writer
    finally:
        os.close(reader)


def read_all(reader: int) -> str:
    with open(reader, "rb", closefd=False) as file:
        return file.read().decode()


def test_all_that_is_said_is_written_in_order(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    aside = BackgroundWriter(writer)
    for number in range(100):
        aside.add(b"%d\n" % number)
    assert aside.end()
    os.close(writer)
    assert read_all(reader) == "".join(f"{number}\n" for number in range(100))


def test_what_a_stream_cannot_show_is_written_out(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = pipe
    with os.fdopen(writer, "w", encoding="ascii") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        with saying_aside():
            say("Bäume")
    assert read_all(reader) == "B\\xe4ume\n"


def test_where_nobody_reads_the_rest_is_lost_and_counted(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    os.write(writer, b"x" * PIPE_BYTES)
    aside = BackgroundWriter(writer, kept_max=2)
    aside.add(b"kept\n")
    while len(aside) > 0:
        pass  # the thread takes it, and waits for a reader
    for text in (b"kept, too\n", b"also\n", b"lost\n", b"lost as well\n"):
        aside.add(text)
    assert os.read(reader, PIPE_BYTES) == b"x" * PIPE_BYTES
    while len(aside) > 0:
        pass
    aside.add(b"heard again\n")
    assert aside.end()
    os.close(writer)
    assert read_all(reader).splitlines() == [
        "kept",
        "kept, too",
        "also",
        "syncer: 2 messages lost: nobody read this stream",
        "heard again",
    ]


def test_the_end_does_not_wait_for_a_reader_for_long(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = pipe
    monkeypatch.setattr("syncer.cli.aside.LAST_WORDS_SECONDS", 0.01)
    os.write(writer, b"x" * PIPE_BYTES)
    aside = BackgroundWriter(writer)
    aside.add(b"never read\n")
    assert not aside.end()
    os.read(reader, PIPE_BYTES)  # the thread ends
