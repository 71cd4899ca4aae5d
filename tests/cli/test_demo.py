"""`syncer demo`: what it says where the remote does not hold what the log says, which
the emulator never lets happen.
"""

from __future__ import annotations

import pytest

from syncer.cli.commands import demo
from syncer.jobs import sample
from tests.cli.conftest import Cli


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample that is pushed in a moment."""
    monkeypatch.setattr(demo, "CHANGES", 200)


def test_a_quiet_demo_says_nothing_where_all_is_well(cli: Cli) -> None:
    done = cli("demo", "-q")
    assert (done.code, done.out, done.err) == (0, "", "")


def test_a_quiet_demo_still_says_that_the_remote_does_not_hold_what_the_log_says(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample, "compare", lambda wanted, held: (3, 0, 1))
    done = cli("demo", "-q", "--json")
    assert (done.code, done.json()["ok"]) == (1, False)
    assert done.err.splitlines() == [
        f"read back {done.json()['held']:,} annotations: 3 missing, 0 too many, 1 different",
        demo.WRONG,
    ]
