"""The tables of the pushers beside each other: what they say of runs."""

from __future__ import annotations

from benchmarks.incumbents.pushers import Ours
from benchmarks.push_peers import LIMIT, START_UP, UNLIMITED, Pushed, tell_cpu, tell_limit

OURS = Ours(*UNLIMITED).name


def pushed(
    client: str, annotations: int, cpu_seconds: float, *, echo: bool = True, throttled: int = 0
) -> Pushed:
    return Pushed(
        client=client,
        annotations=annotations,
        echo=echo,
        cpu_seconds=cpu_seconds,
        seconds=cpu_seconds,
        peak_kb=70 << 10,
        requests=LIMIT * 10 + throttled,
        throttled=throttled,
        lost=0,
        doubled=7,
        span_seconds=9.0,
    )


def test_what_an_annotation_costs_is_told_whole_and_without_the_start() -> None:
    runs = [
        *(pushed(OURS, START_UP, 1.0), pushed(OURS, START_UP * 1001, 3.0)),
        *(pushed("peer", START_UP, 1.0), pushed("peer", START_UP * 1001, 9.0)),
    ]
    ours, peer = list(tell_cpu(runs))[2:]
    assert ours.startswith(f"| {OURS} | echoed | 3.00 (3.00 to 3.00) | 2.00 (2.00 to 2.00) | 1.00")
    assert "| 8.00 (8.00 to 8.00) | 4.00 (4.00 to 4.00) |" in peer


def test_a_figure_is_the_middle_one_of_its_rounds_with_the_least_and_the_most() -> None:
    rounds = [
        one
        for seconds in (2.0, 5.0, 3.0)
        for one in (pushed(OURS, START_UP, 1.0), pushed(OURS, START_UP * 1001, 1.0 + seconds))
    ]
    assert "| 3.00 (2.00 to 5.00) |" in list(tell_cpu(rounds))[2]


def test_the_share_of_a_limit_counts_what_was_taken_only() -> None:
    row = list(tell_limit([pushed("peer", 100, 1.0, throttled=40)]))[2]
    assert row == "| peer | 100.0% | 40 | 190 | 0 | 7 | 1 |"
