"""`syncer run` hears of changes in files: it looks at them at once, and not only when a
look is due.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.test_run import Site, wait_until
from tests.support.lines import post
from tests.support.processes import emulator

AN_HOUR = 3600
IDLE_SECONDS = 3
SHARE_MAX = 0.02
"""Of the processor, while nothing happens: the bound is 1%, measured over ten seconds
on a machine that does nothing else.
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A folder of logs that is looked at once an hour."""
    with emulator("--rps", "0") as remote:
        made = Site(tmp_path, remote)
        (tmp_path / "changes").mkdir()
        made.follow_logs("changes")
        config = tmp_path / "syncer.toml"
        config.write_text(config.read_text().replace("= 0.05", f"= {AN_HOUR}"))
        yield made


def append(path: Path, id: str) -> None:
    with path.open("ab") as file:
        file.write(post(id) + b"\n")


def within_a_second(happened: Callable[[], bool]) -> None:
    """Two, since others use this machine as well."""
    begun = time.monotonic()
    wait_until(happened)
    assert time.monotonic() - begun < 2


def test_a_line_is_applied_at_once_though_a_look_is_due_in_an_hour(site: Site) -> None:
    log = site.folder / "changes" / "labels.jsonl"
    append(log, "a")
    with site.running():
        wait_until(lambda: site.held() == ["a"])
        for id in "bcd":
            append(log, id)
            within_a_second(lambda: id in site.held())  # noqa: B023 - it is waited for here
        assert site.source()["checks"] == []


@pytest.mark.proof
def test_so_are_new_files_and_folders_and_a_folder_that_was_made_again(site: Site) -> None:
    folder = site.folder / "changes"
    append(folder / "x.jsonl", "a")
    with site.running():
        wait_until(lambda: site.held() == ["a"])
        append(folder / "y.jsonl", "b")
        within_a_second(lambda: "b" in site.held())
        (folder / "2026").mkdir()
        append(folder / "2026" / "z.jsonl", "c")
        within_a_second(lambda: "c" in site.held())
        shutil.rmtree(folder / "2026")
        (folder / "2026").mkdir()
        append(folder / "2026" / "w.jsonl", "d")
        within_a_second(lambda: "d" in site.held())
        append(folder / "2026" / "w.jsonl", "e")
        within_a_second(lambda: "e" in site.held())


def test_a_file_that_is_followed_by_itself_is_heard_of(site: Site) -> None:
    site.follow_logs("changes/x.jsonl")
    config = site.folder / "syncer.toml"
    config.write_text(config.read_text().replace("= 0.05", f"= {AN_HOUR}"))
    log = site.folder / "changes" / "x.jsonl"
    append(log, "a")
    with site.running():
        wait_until(lambda: site.held() == ["a"])
        append(log, "b")
        within_a_second(lambda: site.held() == ["a", "b"])


@pytest.mark.proof
def test_an_idle_daemon_uses_next_to_nothing_of_the_processor(site: Site) -> None:
    append(site.folder / "changes" / "x.jsonl", "a")
    with site.running() as process:
        wait_until(lambda: site.held() == ["a"])
        time.sleep(0.5)
        before = used_seconds(process.pid)
        time.sleep(IDLE_SECONDS)
        assert used_seconds(process.pid) - before < IDLE_SECONDS * SHARE_MAX


def used_seconds(pid: int) -> float:
    """Return what a process has used of the processor."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
