"""A pull lane over a list that is made up: pages that were written but not noted, disks
that fail, jobs that are done.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import orjson
import polars as pl
import pytest

from syncer import signals
from syncer.config.models import Retry
from syncer.core.limiter import LanePace, Limiter
from syncer.core.ports.pull import Done, Flow, Found, Problem, Row, Unit, Units
from syncer.errors import OutputError, StateError
from syncer.jobs.pull import Pulled, PullLane
from syncer.jobs.pull_parts import pull_parts
from syncer.jobs.signals import listen
from syncer.jobs.wiring import Origin
from syncer.journal.disk import REAL, Disk
from syncer.remotes.clarifai.layout import AnnotationLayout
from syncer.sinks.choose import output_sink
from syncer.sinks.file import FileSink
from syncer.sinks.text import JsonLines
from syncer.transport.http import HttpTransport

pytestmark = pytest.mark.anyio
OUTPUTS = ["out.jsonl", "out.jsonl.gz", "out.csv", "out.parquet", "out/", "out.delta"]


class Made:
    """A list of annotations in groups of these sizes.

    The cursor is the number of annotations before it.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        *,
        repeats: bool = False,
        hits: Sequence[int] = (),
        problems_at: int | None = None,
        parts: bool = False,
    ) -> None:
        """`hits`: the numbers of the annotations in their order, else 0, 1, 2 …;
        `problems_at`: a group of which one could not be had.
        """
        self.parts = parts
        self.given: list[tuple[str, list[str] | None]] = []
        """The cursor and what is done, as each run gave them."""
        self.sizes = sizes
        self.repeats = repeats
        self.hits = hits or range(sum(sizes))
        self.problems_at = problems_at

    def units(self, after: str, done: Done | None = ()) -> Units:
        names = [f"part {number}" for number in range(len(self.hits))]
        self.given.append((after, None if done is None else [one for one in names if one in done]))
        at = int(after or 0)
        sizes = iter(self.sizes)
        while at < len(self.hits):
            end = min(at + next(sizes, 10), len(self.hits))
            parts = tuple(f"part {number}" for number in range(at, end)) if self.parts else ()
            yield Unit(f"annotations from {at}", str(end), partial(self.flow, at, end), parts)
            at = end

    def flow(self, start: int, end: int) -> Flow:
        if start < 0:
            yield []
        problems = [Problem("annotation x", "gone")] if start == self.problems_at else []
        return Found([row(number) for number in self.hits[start:end]], problems=problems)


def row(number: int) -> Row:
    id, input_id = f"a-{number}", f"i-{number // 3}"
    return Row(
        (input_id, id),
        orjson.dumps(
            {"id": id, "input_id": input_id, "data": {"concepts": [{"id": "x", "value": 1.0}]}}
        ),
    )


CHECKPOINT = b'{"crc":'


class Full(Disk):
    """A disk that fails with this error from the n-th write of a checkpoint on."""

    def __init__(self, good: int, code: int) -> None:
        self.good, self.code = good, code

    def write(self, descriptor: int, data: bytes) -> None:
        if data.startswith(CHECKPOINT):
            if self.good <= 0:
                raise OSError(self.code, os.strerror(self.code))
            self.good -= 1
        super().write(descriptor, data)


def origin(listing: Made, job: str) -> Origin:
    """From a list that asks nothing."""
    nobody = HttpTransport(
        base_url="http://127.0.0.1:9",
        connect_timeout_seconds=1,
        request_timeout_seconds=1,
    )
    return Origin(
        listing=listing,
        layout=AnnotationLayout(),
        api=nobody,
        pace=LanePace(Limiter, 1e6),
        concurrency=8,
        storage=None,
        storage_concurrency=1,
        retry=Retry(),
        units_ahead_max=8,
        credentials="the token",
        name=job,
    )


async def pulled(
    folder: Path, out: str, listing: Made, job: str = "the job", disk: Disk = REAL
) -> Pulled:
    """One run of a lane."""
    path = str(folder / out) + ("/" if out.endswith("/") else "")
    sink = output_sink(path, AnnotationLayout(), stdout=sys.stdout.buffer)
    given, state = origin(listing, job), folder / "state"
    with pull_parts(given, sink, job=job, state=state, disk=disk) as parts:
        return await PullLane(parts, out=path).run()


def ids(folder: Path, out: str) -> list[str]:
    """The annotations of an output, in its order."""
    path = folder / out
    match out:
        case "out.jsonl" | "out.jsonl.gz":
            return pl.read_ndjson(path)["id"].to_list()
        case "out.csv":
            return pl.read_csv(path)["annotation_id"].to_list()
        case "out.delta":
            return (
                pl.read_delta(str(path))
                .sort(pl.col("annotation_id").str.slice(2).cast(pl.Int64))["annotation_id"]
                .to_list()
            )
    return pl.read_parquet(path)["annotation_id"].to_list()


@pytest.mark.parametrize("out", OUTPUTS)
@pytest.mark.parametrize("after", [0, 1, 3])
async def test_a_page_that_was_written_but_not_noted_is_there_once(
    out: str, after: int, tmp_path: Path
) -> None:
    stopped = await pulled(tmp_path, out, Made([10] * 6), disk=Full(after, errno.ENOSPC))
    assert (stopped.exit_code, stopped.report.written) == (1, 10 * after)
    assert (
        "cannot be written: No space left on device. Fix that, then run the same command again"
        in str(stopped.error)
    )
    done = await pulled(tmp_path, out, Made([10] * 6))
    assert (done.exit_code, done.report.written) == (0, 60)
    assert ids(tmp_path, out) == [f"a-{number}" for number in range(60)]


@pytest.mark.parametrize("out", OUTPUTS)
@pytest.mark.parametrize("sizes", [(3, 50), (25, 1, 1)], ids=["smaller", "larger"])
async def test_it_is_there_once_though_the_next_run_cuts_the_list_into_other_pages(
    out: str, sizes: tuple[int, ...], tmp_path: Path
) -> None:
    """How many inputs make a group hangs on how full pages were, which a new process
    does not know.
    """
    await pulled(tmp_path, out, Made([10] * 6), disk=Full(2, errno.EIO))
    done = await pulled(tmp_path, out, Made(sizes, hits=range(60)))
    assert (done.exit_code, done.report.written) == (0, 60)
    assert ids(tmp_path, out) == [f"a-{number}" for number in range(60)]


async def test_repeats_in_later_pages_are_left_out_also_over_a_restart(tmp_path: Path) -> None:
    hits = [*range(20), *range(5, 15), *range(20, 40), *range(40)]
    await pulled(
        tmp_path, "out.jsonl", Made([10] * 9, repeats=True, hits=hits), disk=Full(3, errno.ENOSPC)
    )
    done = await pulled(tmp_path, "out.jsonl", Made([10] * 9, repeats=True, hits=hits))
    assert (done.report.fetched, done.report.written, done.report.duplicates) == (90, 40, 50)
    assert ids(tmp_path, "out.jsonl") == [f"a-{number}" for number in range(40)]


async def test_a_list_is_given_back_the_parts_that_are_done_with_the_pages_that_were_noted(
    tmp_path: Path,
) -> None:
    listing = Made([2] * 6, parts=True)
    for good in (2, 1, 0, 1000):
        await pulled(tmp_path, "out.jsonl", listing, disk=Full(good, errno.ENOSPC))
    parts = [f"part {number}" for number in range(6)]
    assert listing.given == [("", []), ("4", parts[:4]), ("6", parts), ("6", parts)]
    assert len(ids(tmp_path, "out.jsonl")) == 12
    await pulled(tmp_path, "out.jsonl", listing)
    assert listing.given[-1] == ("", [])


async def test_what_is_done_is_not_known_of_a_state_of_an_older_version(tmp_path: Path) -> None:
    await pulled(tmp_path, "out.jsonl", Made([2] * 6), disk=Full(2, errno.ENOSPC))
    listing = Made([2] * 6, parts=True)
    await pulled(tmp_path, "out.jsonl", listing)
    assert listing.given == [("4", None)]
    assert len(ids(tmp_path, "out.jsonl")) == 12


async def test_parts_that_are_lost_end_the_start_with_the_way_out(tmp_path: Path) -> None:
    await pulled(tmp_path, "out.jsonl", Made([2] * 6, parts=True), disk=Full(2, errno.ENOSPC))
    (tmp_path / "state" / "parts").unlink()
    with pytest.raises(
        StateError, match=r"state/parts: damaged at byte 0 \(it is missing\).*syncer state repair"
    ):
        await pulled(tmp_path, "out.jsonl", Made([2] * 6, parts=True))


async def test_a_list_whose_end_was_reached_is_not_read_on_when_only_the_outputs_end_was_missing(
    tmp_path: Path,
) -> None:
    """The crash comes between making the output whole and noting it; meanwhile the list
    has grown.
    """
    for out in OUTPUTS:
        folder = tmp_path / out.replace(".", "-").strip("/")
        folder.mkdir()
        stopped = await pulled(folder, out, Made([10] * 3), disk=Full(4, errno.ENOSPC))
        assert (stopped.exit_code, stopped.report.written) == (1, 30)
        done = await pulled(folder, out, Made([10] * 5))
        assert (done.exit_code, str(done.error), done.report.written) == (0, "None", 30)
        assert ids(folder, out) == [f"a-{number}" for number in range(30)]


async def test_problems_end_a_run_with_3_also_where_an_earlier_run_met_them(tmp_path: Path) -> None:
    await pulled(tmp_path, "out.jsonl", Made([10] * 4, problems_at=10), disk=Full(2, errno.ENOSPC))
    done = await pulled(tmp_path, "out.jsonl", Made([10] * 4, problems_at=10))
    assert (done.exit_code, done.report.unreadable, done.problems) == (3, 1, ())


async def test_a_job_that_is_done_starts_anew_and_another_job_may_take_its_folder(
    tmp_path: Path,
) -> None:
    first = await pulled(tmp_path, "out.jsonl", Made([10]))
    again = await pulled(tmp_path, "out.jsonl", Made([10, 10]))
    other = await pulled(tmp_path, "out.csv", Made([5]), job="another job")
    assert [done.report.written for done in (first, again, other)] == [10, 20, 5]
    assert len(ids(tmp_path, "out.jsonl")) == 20


async def test_a_signal_while_the_output_is_made_whole_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: signals.Owner
) -> None:
    """All is read: there is nothing to carry on, and the same command would fetch all
    of it once more.
    """
    close = FileSink.close

    def interrupted(sink: FileSink) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        close(sink)

    monkeypatch.setattr(FileSink, "close", interrupted)
    sink = FileSink(tmp_path / "out.jsonl", JsonLines())
    given = origin(Made([10]), "job")
    with pull_parts(given, sink, job="job", state=tmp_path / "state") as parts, owner.deferring():
        done = await PullLane(parts, out="out.jsonl").run(signals=listen)
    assert (done.exit_code, done.interrupted, done.report.written) == (0, None, 10)
    assert len(ids(tmp_path, "out.jsonl")) == 10


@pytest.mark.parametrize("repeats", [False, True])
async def test_what_is_opened_is_given_back_where_the_output_cannot_be_used(
    tmp_path: Path, repeats: bool
) -> None:
    (tmp_path / "out.jsonl").mkdir()
    sink = FileSink(tmp_path / "out.jsonl", JsonLines())
    given = origin(Made([10], repeats=repeats), "job")
    for _ in range(2):  # the second time the state would be locked
        with (
            pytest.raises(OutputError, match=r"out\.jsonl is a folder"),
            pull_parts(given, sink, job="job", state=tmp_path / "state") as parts,
        ):
            PullLane(parts, out="out.jsonl")
