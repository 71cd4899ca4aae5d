"""A failing scenario made smaller, until nothing can be left out of it without its
failure going away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

from syncer.sources.chunks import BLOCK_BYTES
from tests.proof.simulation.daemon_scenario import DaemonScenario
from tests.proof.simulation.pull_scenario import PullScenario
from tests.proof.simulation.scenario import Scenario, Weather
from tests.proof.simulation.world import Result

W = TypeVar("W", bound=Weather)

TRIES_MAX = 1500
CHANCES = 8
"""With something left out, chance falls differently everywhere: a candidate is tried
with so many seeds.
"""


def smallest(scenario: W, simulate: Callable[[W], Result]) -> tuple[W, Result]:
    """The smallest scenario found that fails in the same way, and its result.

    `scenario` fails.
    """
    result = simulate(scenario)
    kind = _kind(result)
    tries = 0
    found = True
    while found and tries < TRIES_MAX:
        found = False
        for candidate in _candidates(scenario):
            tried = simulate(candidate)
            tries += 1
            if _kind(tried) == kind:
                scenario, result, found = candidate, tried, True
                break
            if tries >= TRIES_MAX:
                break
    return scenario, result


def _kind(result: Result) -> str:
    return result.wrong[0].partition(":")[0] if result.wrong else ""


def _candidates(scenario: W) -> Iterator[W]:
    """Scenarios with something left out, the largest things first; then the same by
    other chances.
    """
    for chance in range(CHANCES):
        for candidate in _with_less(scenario):
            yield replace(candidate, seed=candidate.seed + chance)


def _with_less(scenario: W) -> Iterator[W]:
    if isinstance(scenario, Scenario):
        yield from _shorter(scenario)  # type: ignore[misc]
    if isinstance(scenario, PullScenario) and scenario.rows > 1:
        yield replace(scenario, rows=scenario.rows // 2)
        yield replace(scenario, rows=scenario.rows - 1)
    for at in range(len(scenario.ends)):
        before, end, after = scenario.ends[:at], scenario.ends[at], scenario.ends[at + 1 :]
        yield replace(scenario, ends=before + after)
        for sooner in sorted({end.at // 2, end.at * 3 // 4, end.at - 1} - {end.at}):
            if sooner > 0:  # what is left of the logs is over sooner, too
                yield replace(scenario, ends=(*before, replace(end, at=sooner), *after))
    if isinstance(scenario, DaemonScenario):
        yield from _with_less_around(scenario)  # type: ignore[misc]
    if isinstance(scenario, Scenario):
        for at in range(len(scenario.moves)):
            yield replace(scenario, moves=scenario.moves[:at] + scenario.moves[at + 1 :])
    for at in range(len(scenario.outages)):
        yield replace(scenario, outages=scenario.outages[:at] + scenario.outages[at + 1 :])
    for at in range(len(scenario.clock)):
        yield replace(scenario, clock=scenario.clock[:at] + scenario.clock[at + 1 :])
    for name in scenario.faults:
        yield replace(
            scenario, faults={fault: p for fault, p in scenario.faults.items() if fault != name}
        )
    for name in scenario.disk:
        yield replace(
            scenario, disk={fault: p for fault, p in scenario.disk.items() if fault != name}
        )
    for name in scenario.switches:
        yield replace(
            scenario,
            switches={
                switch: value for switch, value in scenario.switches.items() if switch != name
            },
        )
    if scenario.service_rps:
        yield replace(scenario, service_rps=0)
    if scenario.narrow is not None:
        yield replace(scenario, narrow=None)


def _with_less_around(scenario: DaemonScenario) -> Iterator[DaemonScenario]:
    for at in range(len(scenario.parks)):
        yield replace(scenario, parks=scenario.parks[:at] + scenario.parks[at + 1 :])
    for at in range(len(scenario.reloads)):
        yield replace(scenario, reloads=scenario.reloads[:at] + scenario.reloads[at + 1 :])
    if scenario.table_faults:
        yield replace(scenario, table_faults=0)


def _shorter(scenario: Scenario) -> Iterator[Scenario]:
    if scenario.block_bytes != BLOCK_BYTES:
        yield replace(scenario, block_bytes=BLOCK_BYTES)
    if scenario.grown_from is not None:
        yield replace(scenario, grown_from=None)
        return  # lines go once the log does not grow any more
    if scenario.poison:
        yield replace(scenario, poison=0)
    for at in range(len(scenario.edits)):
        yield replace(scenario, edits=scenario.edits[:at] + scenario.edits[at + 1 :])
    places = [(log, line) for log, lines in enumerate(scenario.logs) for line in range(len(lines))]
    size = len(places) // 2
    while size:
        for start in range(0, len(places), size):
            gone = set(places[start : start + size])
            logs = tuple(
                tuple(change for line, change in enumerate(lines) if (log, line) not in gone)
                for log, lines in enumerate(scenario.logs)
            )
            yield replace(scenario, logs=logs)
        size //= 2
