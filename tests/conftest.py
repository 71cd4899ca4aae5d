"""What all tests share."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncer import signals
from syncer.errors import UsageError
from tests.support import stand_in
from tests.support.postgres import Postgres, running_postgres

CLOCKS = (time.time, time.time_ns, time.monotonic)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take a profile."""
    parser.addoption(
        "--profile",
        type=Path,
        metavar="FILE",
        help="let the stand-ins behave as this profile of `syncer probe` says",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Follow it. A profile that cannot be read ends the run before any test."""
    profile: Path | None = config.getoption("--profile")
    if profile is not None:
        try:
            stand_in.follow(config.invocation_params.dir / profile)
        except UsageError as error:
            raise pytest.UsageError(f"--profile {error}") from None


@pytest.fixture(autouse=True)
def the_clocks_of_the_machine() -> Iterator[None]:
    """No test leaves others another time, as one does that patches a clock within
    virtual time, and gives it back later.
    """
    yield
    assert (time.time, time.time_ns, time.monotonic) == CLOCKS


@pytest.fixture
def anyio_backend() -> str:
    """Async tests run on asyncio."""
    return "asyncio"


@pytest.fixture
def owner(monkeypatch: pytest.MonkeyPatch) -> Iterator[signals.Owner]:
    """The owner of this process's signals, for one test."""
    numbers = (*signals.SIGNALS, signal.SIGHUP, signal.SIGALRM)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    before = {number: signal.getsignal(number) for number in numbers}
    owner = signals.Owner()
    for name in ("own", "hear_hangups", "hold", "finish", "deferring", "listening"):
        monkeypatch.setattr(signals, name, getattr(owner, name))
    owner.own()
    yield owner
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server; without one the test is skipped."""
    with running_postgres() as server:
        yield server
