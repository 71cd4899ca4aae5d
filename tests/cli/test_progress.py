"""What a push shows while it runs: on a terminal a bar and a line, elsewhere a line now and then."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from pathlib import Path

import pytest

from syncer.cli.progress import line, share_done, span
from syncer.lanes.progress import Progress
from syncer.lanes.report import PushReport
from tests.support.processes import ENVIRONMENT, command, emulator


def report(**counts: int) -> PushReport:
    base = dict.fromkeys(("read", "applied", "skipped", "ignored", "dead", "pending", "retries", "requests", "throttled", "reconciled"), 0)
    return PushReport(**{**base, **counts}, elapsed_seconds=10.0, annotations_per_second=25.0, state="s")


def test_a_terminal_shows_a_bar_and_a_line_and_leaves_only_the_summary(tmp_path: Path) -> None:
    """Driven through a real pseudo-terminal."""
    log = tmp_path / "log.jsonl"
    log.write_text("".join(f'{{"op":"post","annotation":{{"id":"a-{n}","input_id":"i"}}}}\n' for n in range(2000)))
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 150, 0, 0))
    with emulator("--rps", "15") as remote:
        arguments = command("push", str(log), "--base-url", remote.url, "--app-id", "a", "--state", str(tmp_path / "state"))
        process = subprocess.Popen(arguments, stdin=theirs, stdout=theirs, stderr=theirs, env={**ENVIRONMENT, "TERM": "xterm"})
        os.close(theirs)
        printed = b""
        try:
            while part := os.read(ours, 65536):
                printed += part
        except OSError:  # a terminal whose other end is closed
            pass
        assert process.wait(30) == 0
    os.close(ours)
    text = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", printed).decode()
    assert "━" in text
    assert re.search(
        r"applied [\d,]+ of 2,000 read, [\d,]+/s, \d+% of the limit, about \d+ s left; sent again 0, dead 0, throttled 0", text
    )
    assert text.rstrip().splitlines()[-1].startswith("read 2,000: applied 2,000")


def test_a_pause_is_shown_with_its_reason_and_is_part_of_the_time_left() -> None:
    now = Progress(report(read=500, applied=250, pending=250), 0.5, 0.8, 12.4, "throttled by the remote", 22.4)
    expected = "applied 250 of 500 read, 25/s, 80% of the limit, paused for 12 s: throttled by the remote, about 22 s left"
    assert line(now).startswith(expected)


def test_what_is_read_but_pending_is_not_done() -> None:
    assert share_done(Progress(report(read=400, applied=100, pending=300), 0.4, 1.0, 0.0, "", None)) == pytest.approx(0.1)
    assert share_done(Progress(report(), None, 1.0, 0.0, "", None)) is None


@pytest.mark.parametrize(("seconds", "said"), [(0.4, "0 s"), (99, "99 s"), (150, "2 min"), (5_999, "100 min"), (36_000, "10 h")])
def test_the_time_left_is_said_as_people_say_it(seconds: float, said: str) -> None:
    assert span(seconds) == said
