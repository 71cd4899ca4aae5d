"""Signals that come where nothing drains: while a command starts, and while it tells how it ended."""

from __future__ import annotations

import signal

import pytest

from syncer.cli.running import Terminated, outcome_stands, terminated


@pytest.mark.parametrize(("number", "raised"), [(signal.SIGTERM, Terminated), (signal.SIGINT, KeyboardInterrupt)])
def test_the_first_signal_stops_a_command_and_a_second_is_left_to_the_system(number: signal.Signals, raised: type[BaseException]) -> None:
    """What handles the first one is never interrupted by another exception, which would be shown as a traceback."""
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    with terminated():
        with pytest.raises(raised):
            signal.raise_signal(number)
        assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == [signal.SIG_DFL] * 2
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_a_command_tells_how_it_ended_changes_nothing_and_a_second_is_left_to_the_system(number: signal.Signals) -> None:
    with terminated():
        outcome_stands()
        signal.raise_signal(number)
        assert signal.getsignal(number) == signal.SIG_DFL
    with terminated(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)
