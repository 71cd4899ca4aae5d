"""Safeguards of the daemon's intake, switched off one by one: the simulation must
notice each.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from unittest import mock

from syncer.core.fates import Fates
from syncer.jobs.destinations import LeftDestination
from syncer.sources.followed import FollowedLogs
from syncer.sources.keys import KnownBodies
from syncer.sources.taken import TakenRows
from syncer.sources.wish_scan import WishScan
from tests.proof.simulation.daemon import simulate_daemon
from tests.proof.simulation.daemon_scenario import drawn_daemon
from tests.proof.simulation.mutants import Caught, Mutant


def _patch(of: type, name: str, value: object) -> AbstractContextManager[object]:
    return mock.patch.object(of, name, value)


DAEMON_MUTANTS = (
    Mutant(
        "a body is taken once under its key",
        "the key is not looked up",
        lambda: _patch(KnownBodies, "find", lambda *_: None),
    ),
    Mutant(
        "a row is taken once",
        "a restart does not know which rows are in the spool",
        lambda: _patch(TakenRows, "_read_names", lambda *_: None),
        first_seed=4,
    ),
    Mutant(
        "a table is told of what is over only",
        "a change in the retry queue counts as applied",
        lambda: _patch(Fates, "is_waiting", lambda *_: False),
    ),
    Mutant(
        "a rotated log is read before the one that has its name",
        "both are read at once",
        lambda: _patch(FollowedLogs, "_is_blocked", lambda *_: False),
        first_seed=18,
    ),
    Mutant(
        "a folder in the place of another one asks for nothing",
        "its marker is not looked at",
        lambda: _patch(WishScan, "_read_marker", lambda scan: scan._asked.read_fact("marker")),
        first_seed=127,
    ),
    Mutant(
        "more than max_delete goes only if somebody lets it go",
        "deletions are not counted",
        lambda: _patch(WishScan, "_check_count", lambda *_: None),
        first_seed=19,
    ),
    Mutant(
        "a pause outlives the push that could not write it down",
        "the next push knows only what is written",
        lambda: _patch(LeftDestination, "restore", lambda _, written: written),
        first_seed=15,
    ),
)


def find_seed(mutant: Mutant, start: int, seeds_max: int) -> Caught:
    """Simulate with the safeguard off, from a seed on, until something is wrong."""
    for seed in range(start, start + seeds_max):
        with mutant.patch():
            result = simulate_daemon(drawn_daemon(seed))
        if result.wrong:
            return Caught(seed, seed - start + 1, result.wrong[0])
    return Caught(None, seeds_max, "")
