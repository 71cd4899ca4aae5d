"""The simulation as a test: enough seeds to see every kind of fault, and every
safeguard missed when it is off.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.proof.simulation.__main__ import MUTANT_SEEDS_MAX, all_of, digest, kind_of, one
from tests.proof.simulation.daemon_mutants import DAEMON_MUTANTS, find_seed
from tests.proof.simulation.logs import KINDS
from tests.proof.simulation.mutants import MUTANTS, Mutant, caught
from tests.proof.simulation.pull import simulate_pull
from tests.proof.simulation.pull_scenario import drawn_pull
from tests.proof.simulation.push import simulate
from tests.proof.simulation.scenario import FAULTS, WAITS, drawn
from tests.proof.simulation.smaller import smallest
from tests.support.processes import ROOT

SEEDS = int(os.environ.get("SYNCER_PROOF_SEEDS", "600"))
START = int(os.environ.get("SYNCER_PROOF_START", "0"))
JOBS = os.cpu_count() or 1
EVERY_FAULT = {
    *FAULTS,
    *WAITS,
    *("clock set forward", "clock set back", "pause lifted", "no path", "no app"),
    *("poison", "outage", "errors only", "token refused", "quota refused", "over the limit"),
    *("kill", "power loss", "SIGTERM", "second SIGTERM", "eio", "enospc", "slow disk"),
    *("too large: 413", "too large: hang up"),
    *("others write", "tokens revoked", "expired URL"),
    *KINDS,
}
DAEMON_MUTANT_SEEDS_MAX = 150
DAEMON_SEEDS = int(os.environ.get("SYNCER_PROOF_DAEMON_SEEDS", "500"))
PLANNED_SEEDS = int(os.environ.get("SYNCER_PROOF_PLANNED_SEEDS", "100"))
IN_A_DAEMON = {
    *("source parked", "reload", "lane paused", "token refused", "kill", "power loss", "SIGTERM"),
    *("rotated while followed", "compressed while followed"),
    *("wish half-written while followed", "deletions let go"),
    *(f"folder of wishes {how} while followed" for how in ("gone", "empty", "a file")),
}
LANDED = (1651, 1845, 3546, 4816, 1002051, 1047751)
"""A post whose answer was lost, then refused in an answer that did not say why, was
buried though it had landed.
"""
PAUSED_LOOK_UP = (1003702, 1037701, 1044477)
"""A pause told to a look-up was written down only when the look-up was over, and a
power cut came before.
"""
REGRESSIONS_PUSH = LANDED + PAUSED_LOOK_UP
TOKENS = (184, 211, 359)
"""Requests that waited for a token, or were repeated with a new one, went past the rate
and the Retry-After.
"""
PAUSED_PAGE = (1007297, 1010564, 1038212, 1038875, 1045166)
"""A pause was written down with the next page only."""
REGRESSIONS_PULL = TOKENS + PAUSED_PAGE
NOT_BEGUN = (7005747, 7013793, 7014076, 7017391, 7018390)
"""A log that was rotated, and then compressed or copied, before any change of it was
applied counted as gone.
"""
LINKED = (7016863,)
"""A log was left out whose path had become another name of a file of the run."""
ONE_FORM = (7001373,)
"""A client that was refused in one form, and throttled in the other, was given up."""


def test_no_seed_loses_doubles_or_disorders_anything_and_every_fault_is_seen() -> None:
    many = all_of(START, SEEDS, JOBS)
    assert many.failed == {}
    assert EVERY_FAULT - set(many.seen) == set()


def test_no_seed_of_a_daemon_loses_doubles_or_disorders_anything() -> None:
    many = all_of(START, DAEMON_SEEDS, JOBS, only="daemon")
    assert many.failed == {}
    assert IN_A_DAEMON - set(many.seen) == set()


def test_no_seed_of_a_plan_writes_over_what_somebody_else_has_changed() -> None:
    many = all_of(START, PLANNED_SEEDS, JOBS, only="planned")
    assert many.failed == {}
    assert {"change", "delete", "rewrite"} <= set(many.seen)


@pytest.mark.parametrize("seed", REGRESSIONS_PUSH)
def test_a_push_that_once_failed(seed: int) -> None:
    assert simulate(drawn(seed, odd=False)).wrong == []


@pytest.mark.parametrize("seed", NOT_BEGUN + LINKED)
def test_a_push_in_odd_weather_that_once_failed(seed: int) -> None:
    assert simulate(drawn(seed)).wrong == []


@pytest.mark.parametrize("seed", ONE_FORM)
def test_a_pull_in_odd_weather_that_once_failed(seed: int) -> None:
    assert simulate_pull(drawn_pull(seed)).wrong == []


@pytest.mark.parametrize("seed", REGRESSIONS_PULL)
def test_a_pull_that_once_failed(seed: int) -> None:
    assert simulate_pull(drawn_pull(seed, odd=False)).wrong == []


def test_the_same_seed_gives_the_same_trace_in_every_process() -> None:
    seeds = range(20)
    traces = [digest(one(seed, kind_of(seed))) for seed in seeds]
    traces += [digest(one(seed, kind)) for kind in ("daemon", "planned") for seed in seeds]
    script = (
        f"from tests.proof.simulation.__main__ import *; s = range({len(seeds)})"
        "; print(*[digest(one(n, kind_of(n))) for n in s]"
        ", *[digest(one(n, kind)) for kind in ('daemon', 'planned') for n in s])"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    again = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert again.stdout.split() == traces


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.safeguard.replace(" ", "-"))
def test_the_simulation_notices_when_it_is_not_so_that(mutant: Mutant) -> None:
    found = caught(mutant, mutant.first_seed, MUTANT_SEEDS_MAX)
    assert found.seed is not None, f"nothing noticed in {found.seeds} seeds"


@pytest.mark.parametrize(
    "mutant", DAEMON_MUTANTS, ids=lambda mutant: mutant.safeguard.replace(" ", "-")
)
def test_the_simulation_of_a_daemon_notices_when_it_is_not_so_that(mutant: Mutant) -> None:
    found = find_seed(mutant, mutant.first_seed, DAEMON_MUTANT_SEEDS_MAX)
    assert found.seed is not None, f"nothing noticed in {found.seeds} seeds"


def test_a_failing_scenario_is_made_smaller_and_fails_in_the_same_way() -> None:
    mutant = MUTANTS[1]

    def without(scenario):  # type: ignore[no-untyped-def]
        with mutant.patch():
            return simulate(scenario, disk_type=mutant.disk)

    found = caught(mutant, mutant.first_seed, MUTANT_SEEDS_MAX)
    assert found.seed is not None
    scenario, result = smallest(drawn(found.seed), without)
    assert result.wrong[0].partition(":")[0] == found.wrong.partition(":")[0]
    assert sum(map(len, scenario.logs)) <= 3
    assert len(result.trace) < 60
