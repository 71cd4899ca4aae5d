"""What a run shows while it lasts: on a terminal one line that is drawn again and
again, elsewhere a line now and then.
"""

from __future__ import annotations

import re
from pathlib import Path

import anyio
import pytest

from syncer.cli.progress import BARS, draw, of_pull, of_push, of_share, share_done, show_progress
from syncer.jobs.migrate.meter import PhaseMeter
from syncer.jobs.progress import Progress, Sending
from syncer.jobs.pull import PullReport
from syncer.jobs.report import PushReport
from syncer.printable import spell_seconds
from tests.cli.terminal import at_a_terminal
from tests.support.processes import EmulatorProcess, command, emulator
from tests.support.virtual import VirtualTime

POSTS = "".join(
    f'{{"op":"post","annotation":{{"id":"a-{n}","input_id":"i"}}}}\n' for n in range(3_000)
)


def report(**counts: int) -> PushReport:
    base = dict.fromkeys(
        (
            "read",
            "applied",
            "skipped",
            "ignored",
            "dead",
            "pending",
            "retries",
            "requests",
            "throttled",
            "reconciled",
        ),
        0,
    )
    return PushReport(
        **{**base, **counts}, elapsed_seconds=10.0, annotations_per_second=25.0, state="s"
    )


def pushed(
    remote: EmulatorProcess, folder: Path, columns: int, rps: int = 15, **environment: str
) -> list[str]:
    """The lines a terminal of this width shows during a push, and what it leaves."""
    log = folder / "log.jsonl"
    log.write_text(POSTS)
    place = ("--base-url", remote.url, "--app-id", folder.name, "--state", str(folder / "state"))
    code, frames = at_a_terminal(
        command("push", str(log), "--rps", str(rps), *place), columns, **environment
    )
    assert code == 0, frames
    return frames


def test_a_terminal_shows_a_bar_and_a_line_and_leaves_only_the_summary(tmp_path: Path) -> None:
    with emulator("--rps", "0") as remote:
        *shown, left = pushed(remote, tmp_path, 150)
    assert "━" in shown[-1]
    assert re.fullmatch(
        r"━+─* applied [\d,]+ of 3,000 read, [\d,]+/s, \d+% of the limit, about \d+ s left; sent"
        r" again 0, dead 0, throttled 0",
        shown[-1],
    )
    assert left.startswith("read 3,000: applied 3,000")


@pytest.mark.parametrize("columns", [60, 40])
def test_on_a_narrow_terminal_a_line_keeps_the_time_left_and_is_never_longer_than_the_terminal(
    tmp_path: Path, columns: int
) -> None:
    with emulator("--rps", "0") as remote:
        *shown, _ = pushed(remote, tmp_path, columns)
    assert [line for line in shown if len(line) >= columns] == []
    assert re.fullmatch(r"━+─* applied [\d,]+( of 3,000 read)?, about \d+ s left", shown[-1])


def test_where_the_encoding_has_no_lines_the_bar_is_of_other_signs(tmp_path: Path) -> None:
    with emulator("--rps", "0") as remote:
        *shown, _ = pushed(
            remote, tmp_path, 150, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0"
        )
    assert re.match(r"#+-* applied", shown[-1])
    assert all(line.isascii() and len(line) < 150 for line in shown)


def test_a_terminal_that_cannot_draw_a_line_again_gets_none_that_is_drawn_again(
    tmp_path: Path,
) -> None:
    with emulator("--rps", "0") as remote:
        lines = pushed(remote, tmp_path, 80, TERM="dumb")
    assert [line.split(":")[0] for line in lines] == ["read 3,000"]


@pytest.mark.parametrize(("show", "lines"), [(True, 3), (False, 0)])
def test_without_a_terminal_a_line_is_printed_every_10_seconds_unless_no_progress_is_wanted(
    capsys: pytest.CaptureFixture[str], show: bool, lines: int
) -> None:
    async def run_for(seconds: float) -> None:
        async with show_progress(
            lambda: of_push(Progress(report(), None, Sending(), None)), show=show
        ):
            await anyio.sleep(seconds)

    VirtualTime().run(lambda: run_for(31))
    assert capsys.readouterr().err.count("applied ") == lines


def test_a_pause_is_shown_with_its_reason_and_is_part_of_the_time_left() -> None:
    now = Progress(
        report(read=500, applied=250, pending=250),
        0.5,
        Sending(0.8, 12.4, "throttled by the remote"),
        22.4,
    )
    assert (
        of_push(now)
        .line()
        .startswith(
            "applied 250 of 500 read, 25/s, 80% of the limit, paused for 12 s: throttled by the"
            " remote, about 22 s left; sent again 0"
        )
    )


LONG = Progress(
    report(read=9_999_999, applied=1_234_567, pending=1),
    0.5,
    Sending(0.8, 75.0, "throttled by the remote"),
    7_200.0,
)


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        (
            100,
            (
                "applied 1,234,567 of 9,999,999 read, paused for 75 s: throttled by the remote,"
                " about 2 h left"
            ),
        ),
        (80, "applied 1,234,567, paused for 75 s: throttled by the remote, about 2 h left"),
        (60, "applied 1,234,567, paused for 75 s, about 2 h left"),
        (40, "applied 1,234,567, about 2 h left"),
        (19, "applied 1,234,567"),
    ],
)
def test_what_does_not_fit_is_left_out_in_order_of_what_matters(columns: int, shown: str) -> None:
    assert of_push(LONG).line(columns).replace("120 min", "2 h") == shown


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        (33, "applied 5, about 1 s left"),
        (34, "━━━━──── applied 5, about 1 s left"),
        (45, "━━━━──── applied 5 of 10 read, about 1 s left"),
        (60, "━━━━━━━━━━━━─────────── applied 5 of 10 read, about 1 s left"),
    ],
)
def test_a_bar_is_drawn_where_there_is_room_for_one(columns: int, shown: str) -> None:
    assert (
        draw(of_push(Progress(report(read=10, applied=5), 0.5, Sending(), 1.0)), columns, BARS[0])
        == shown
    )


def test_a_pull_shows_its_pauses_too() -> None:
    now = PullReport(10, 9, 1, 0, 5, 2, 1.0, "out")
    assert (
        of_pull(now, Sending(0.5, 3.0, "throttled")).line()
        == "written 9, 50% of the limit, paused for 3 s: throttled; throttled 2, unreadable 0"
    )


def test_what_is_read_but_pending_is_not_done() -> None:
    assert share_done(
        Progress(report(read=400, applied=100, pending=300), 0.4, Sending(), None)
    ) == pytest.approx(0.1)
    assert share_done(Progress(report(), None, Sending(), None)) is None


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.4, "0 s"), (99, "99 s"), (150, "2 min"), (5_999, "100 min"), (36_000, "10 h")],
)
def test_the_time_left_is_said_as_people_say_it(seconds: float, said: str) -> None:
    assert spell_seconds(seconds) == said


def test_of_a_share_the_time_left_is_told_once_something_is_done() -> None:
    assert of_share(0.0, None).line() == "0%"
    assert of_share(0.25, 90.0).line() == "25%, about 90 s left"


def test_the_rest_of_a_phase_takes_as_long_as_what_is_done_of_it() -> None:
    meter = PhaseMeter(400, done=0, started=100.0)
    assert meter.estimate_left(110.0) is None
    meter.done = 100
    assert meter.estimate_left(110.0) == 30.0
    assert PhaseMeter(0).share == 1.0
