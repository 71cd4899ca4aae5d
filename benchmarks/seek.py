"""How much of a limit `--rps auto` uses that it has to find, in virtual time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from syncer.core.seeking import SeekingPace
from tests.support.limited import (
    FOUND_SECONDS,
    JITTER_SECONDS,
    RETRY_AFTER_SECONDS,
    RULES,
    Run,
    at_intervals,
)

LATENCIES = (0.05, 0.2, 0.4)
SEEDS = 2
FIRST_SECONDS = 30.0
AFTER_SECONDS = 60.0
"""Until then a limit that has changed may be sought again."""
CHANGED_AT = (77.0, 90.0, 103.0)
"""One for each latency: a step may come soon after it, or late."""
LONG_PAUSE_SECONDS = 15.0
JITTER = 0.1
"""How much longer a way may be, where ways vary, as a part of the latency."""


class Share(NamedTuple):
    """What came of a run: of its limit in the first half minute, and once it could be
    known; what was refused then, of the requests.
    """

    first: float
    used: float
    refused: float


def found() -> None:
    """Print a row for each rule and limit, then those that change, are shared, cost
    long pauses, or are some way off that varies.
    """
    print("| rule | limit | first 30 s | used, mean | used, least | refused, most |")
    print("| --- | --- | --- | --- | --- | --- |")
    for rule in RULES:
        for rps in (3.0, 15.0, 100.0, 500.0):
            _show(rule, f"{rps:g}", _run(rule, [(0.0, rps)]))
    for rule in RULES:
        for old, new in ((15.0, 30.0), (30.0, 15.0), (15.0, 150.0), (150.0, 15.0)):
            _show(rule, f"{old:g}, then {new:g}", _run(rule, [(0.0, old), (0.0, new)]))
    counting = [rule for rule in RULES if rule != "distances"]
    for rule in counting:  # others would take all distances up
        for rps, theirs in ((15.0, 5.0), (100.0, 40.0)):
            others = at_intervals(theirs, 0.0, 300.0)
            _show(rule, f"{rps:g}, {theirs:g} of it for others", _run(rule, [(0.0, rps)], others))
    for rule in RULES:
        for rps in (15.0, 100.0):
            shares = _run(rule, [(0.0, rps)], pause_seconds=LONG_PAUSE_SECONDS)
            _show(rule, f"{rps:g}, pauses of {LONG_PAUSE_SECONDS:g} s", shares)
    for rule in counting:
        for rps in (15.0, 100.0):
            _show(rule, f"{rps:g}, ways vary", _run(rule, [(0.0, rps)], jitter=JITTER))


def _run(
    rule: str,
    rates: Sequence[tuple[float, float]],
    others: Sequence[float] = (),
    pause_seconds: float = RETRY_AFTER_SECONDS,
    jitter: float = 0.0,
) -> list[Share]:
    """Run it at each latency, with some seeds.

    A limit that changes does so at a moment of its own at each latency. Long pauses
    are seldom, so they have three times as long.
    """
    shares = []
    for latency, changed_at in zip(LATENCIES, CHANGED_AT, strict=True):
        begin = changed_at + AFTER_SECONDS if len(rates) > 1 else FOUND_SECONDS
        for seed in range(SEEDS):
            run = Run(
                SeekingPace(),
                rule,
                [rates[0], *((changed_at, rps) for _, rps in rates[1:])],
                latency,
                seconds=300.0 if pause_seconds <= RETRY_AFTER_SECONDS else 900.0,
                others=others,
                retry_after_seconds=pause_seconds,
                seed=seed,
                jitter_seconds=jitter * latency or JITTER_SECONDS,
            ).go()
            share = Share(run.used(0.0, FIRST_SECONDS), run.used(begin), run.too_many(begin))
            shares.append(share)
    return shares


def _show(rule: str, limit: str, shares: Sequence[Share]) -> None:
    used = [share.used for share in shares]
    first = sum(share.first for share in shares) / len(shares)
    mean, refused = sum(used) / len(used), max(share.refused for share in shares)
    print(
        f"| {rule} | {limit} | {first:.1%} | {mean:.1%} | {min(used):.1%} | {refused:.2%} |",
        flush=True,
    )
