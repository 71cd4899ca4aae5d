"""How much of a limit `--rps auto` uses that it has to find, in virtual time."""

from __future__ import annotations

from collections.abc import Sequence

from syncer.core.seeking import SeekingPace
from tests.support.limited import FOUND_SECONDS, RULES, Run, at_intervals

LATENCIES = (0.05, 0.2, 0.4)
AFTER_SECONDS = 60.0
"""Until then a limit that has changed may be sought again."""
CHANGED_AT = (77.0, 90.0, 103.0)
"""One for each latency: a step may come soon after it, or late."""


def found() -> None:
    """Print a row for each rule and limit, then those that change or are shared."""
    print("| rule | limit | used, mean | used, least | refused, most |")
    print("| --- | --- | --- | --- | --- |")
    for rule in RULES:
        for rps in (3.0, 15.0, 100.0, 500.0):
            _show(rule, f"{rps:g}", [_run(rule, [(0.0, rps)], at) for at in LATENCIES])
    for rule in RULES:
        for old, new in ((15.0, 30.0), (30.0, 15.0), (15.0, 150.0), (150.0, 15.0)):
            moments = zip(CHANGED_AT, LATENCIES, strict=True)
            runs = [
                _run(rule, [(0.0, old), (at, new)], latency, begin=at + AFTER_SECONDS)
                for at, latency in moments
            ]
            _show(rule, f"{old:g}, then {new:g}", runs)
    for rule in [rule for rule in RULES if rule != "distances"]:  # which others would take up
        for rps, theirs in ((15.0, 5.0), (100.0, 40.0)):
            others = at_intervals(theirs, 0.0, 300.0)
            runs = [_run(rule, [(0.0, rps)], latency, others) for latency in LATENCIES]
            _show(rule, f"{rps:g}, {theirs:g} of it for others", runs)


def _run(
    rule: str,
    rates: Sequence[tuple[float, float]],
    latency_seconds: float,
    others: Sequence[float] = (),
    begin: float = FOUND_SECONDS,
) -> tuple[float, float]:
    run = Run(SeekingPace(), rule, rates, latency_seconds, others=others).go()
    return run.used(begin), run.too_many(begin)


def _show(rule: str, limit: str, runs: list[tuple[float, float]]) -> None:
    used = [share for share, _ in runs]
    mean, refused = sum(used) / len(used), max(share for _, share in runs)
    print(f"| {rule} | {limit} | {mean:.1%} | {min(used):.1%} | {refused:.2%} |")
