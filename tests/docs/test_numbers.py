"""The numbers that the docs name are those of the code, and the tables that list all
of a kind list all of it.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from syncer.cli.progress import LINE_EVERY_SECONDS
from syncer.config import Config
from syncer.core import bits
from syncer.core.limits import Limits
from syncer.emulator.bodies import DEPTH_MAX
from syncer.errors import DIFFERENT, LEFT, CredentialsRefused, SyncerError, UsageError
from syncer.jobs.pull import PROBLEMS_SHOWN_MAX
from syncer.journal import frames
from syncer.journal.journal import COMPACT_BYTES_MIN, COMPACT_RATIO
from syncer.remotes.flows import PASSES_MAX
from syncer.remotes.paths import URL_BYTES_MOST
from syncer.sinks.parquet import ROW_GROUP_BYTES, ROW_GROUP_ROWS
from syncer.sources.first_lines import FIRST_LINES
from syncer.sources.lines import LINE_BYTES_MAX
from syncer.transport.proxies import DEFAULT_PORT
from tests.support.commands import LEAVES

ROOT = Path(__file__).parents[2]
CONFIG = Config()


def page(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("README.md", f"go concurrently, {CONFIG.push.batch_size} to a request"),
        ("docs/api.md", f"the first {PROBLEMS_SHOWN_MAX} things are warnings of the logger"),
        ("docs/changelog.md", f"over {LINE_BYTES_MAX >> 20} MiB: such a line becomes"),
        ("docs/changelog.md", f"a file of which the first {FIRST_LINES:,} lines are all bad"),
        ("docs/emulator.md", f"nested more than {DEPTH_MAX} deep is refused"),
        ("docs/faq.md", f"`[retry] give_up_seconds` ({CONFIG.retry.give_up_seconds:g})"),
        ("docs/journal.md", f"a {bits.BYTES >> 20} MiB bitmap"),
        ("docs/journal.md", f"A commit holds at most {frames.LINE_BYTES_MAX >> 20} MiB"),
        (
            "docs/journal.md",
            f"A journal over {COMPACT_BYTES_MIN >> 20} MiB and {COMPACT_RATIO} times what it was",
        ),
        ("docs/operations.md", f"{Limits().queue_max:,} changes wait at most"),
        ("docs/operations.md", f"a line is printed every {LINE_EVERY_SECONDS:g} seconds"),
        ("docs/operations.md", f"without a port it is {DEFAULT_PORT}, or 443 for `https://`"),
        ("docs/pull.md", f"`[retry] give_up_seconds` ({CONFIG.retry.give_up_seconds:g})"),
        ("docs/pull.md", f"after `[retry] max_attempts` ({CONFIG.retry.max_attempts}) exit 1"),
        ("docs/pull.md", f"too long for any URL ({URL_BYTES_MOST:,} bytes)"),
        ("docs/pull.md", f"while it is read {PASSES_MAX} times"),
        (
            "docs/schema.md",
            f"that brings {ROW_GROUP_ROWS:,} rows or {ROW_GROUP_BYTES >> 20} MiB",
        ),
    ],
    ids=lambda value: value.replace("/", " ") if value.endswith(".md") else "",
)
def test_a_number_that_a_page_names_is_that_of_the_code(name: str, sentence: str) -> None:
    assert sentence in page(name)


def test_every_command_has_its_row_in_the_table_of_commands() -> None:
    table = page("docs/cli.md").split("| command | does |", 1)[1].split("\n\n", 1)[0]
    named = set[tuple[str, ...]]()
    for row in table.splitlines()[2:]:
        names = [name.split() for name in re.findall(r"`([a-z ]+)`", row.split("|")[1])]
        group = names[0][:-1]
        named |= {(*group, name[-1]) for name in names}
    assert named == set(LEAVES)


@pytest.mark.parametrize(
    ("code", "means"),
    [
        (SyncerError.exit_code, "stopped by an error"),
        (UsageError.exit_code, "bad usage or config, or refused credentials"),
        (CredentialsRefused.exit_code, "bad usage or config, or refused credentials"),
        (LEFT, "done, but dead letters remain"),
        (DIFFERENT, "`verify` found differences"),
    ],
)
def test_the_table_of_exit_codes_has_those_that_a_run_ends_with(code: int, means: str) -> None:
    assert f"| {code} | {means}" in page("docs/cli.md")
