"""Push and pull through a network that delays, resets, cuts, drips and falls silent:
the end is exact.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.proof.processes.pushes import (
    FAULTS,
    SETTINGS,
    Tally,
    cut_short,
    made,
    moment,
    told,
    until_tallied,
)
from tests.proof.processes.remote import APP, Remote, remote
from tests.support.mixed import write_mixed
from tests.support.proxy import FAULTS as NETWORK_FAULTS
from tests.support.proxy import Proxy, proxied
from tests.support.pulls import keyed, pull, wrong

RUNS = int(os.environ.get("SYNCER_PROOF_NETWORK_RUNS", "2"))
"""Of pushes, and as many of pulls."""
SHARE = 0.12
"""Of requests that something happens to on their way."""
TIMEOUT_SECONDS = 0.6
LATE_SECONDS = 0.9
"""Some of what is late comes in time, some does not."""
IMPATIENT = f"[push]\nrequest_timeout_seconds = {TIMEOUT_SECONDS}\n{SETTINGS}"
ANNOTATIONS = 6_000


@contextmanager
def behind(server: Remote, seed: int) -> Iterator[Proxy]:
    """A bad network before the remote."""
    with server.portal.wrap_async_context_manager(
        proxied(server.url, SHARE, seed=seed, late_seconds=LATE_SECONDS)
    ) as proxy:
        yield proxy


def pushed(folder: Path, seed: int) -> Tally:
    """A push, killed twice on the way; among faults of the service itself where the
    seed is odd.
    """
    with (
        remote(FAULTS if seed % 2 else "", seed=seed, latency_seconds=0.01) as server,
        behind(server, seed) as proxy,
    ):
        pushes = made(server, folder / str(seed), 4_000, seed, "--rps", "100", "--batch-size", "32")
        pushes.settings, pushes.url = IMPATIENT, proxy.url
        rng = random.Random(seed)
        cut_short(pushes.start, lambda: moment(server, rng, 40, starting=0.3), 2)
        return Tally(seed, 1, pushes.wrong_at_the_end(pushes.run()), dict(proxy.counts))


def pulled(folder: Path, seed: int) -> Tally:
    """A pull; among faults of the service itself where the seed is odd."""
    own = folder / str(seed)
    own.mkdir()
    load, config, out = own / "mixed.jsonl", own / "syncer.toml", own / "out.jsonl"
    write_mixed(load, ANNOTATIONS, seed, each=1, large=1500)
    config.write_text(IMPATIENT)
    with (
        remote(FAULTS if seed % 2 else "", seed=seed, load=load) as server,
        behind(server, seed) as proxy,
    ):
        code, summary, err = pull(proxy.url, APP, out, "--all", "-c", str(config), "--rps", "100")
        found = (
            []
            if (code, summary.get("written")) == (0, ANNOTATIONS)
            else [f"exit code {code}, {summary}: {err}"]
        )
        return Tally(
            seed, 1, found or wrong(out, "jsonl", keyed(server.lines())), dict(proxy.counts)
        )


@pytest.mark.parametrize("scenario", [pushed, pulled])
def test_a_bad_network_loses_nothing_and_doubles_nothing(
    scenario: Callable[[Path, int], Tally], tmp_path: Path
) -> None:
    tallies = until_tallied(partial(scenario, tmp_path), RUNS, 1)
    assert told(f"runs of {scenario.__name__} through a bad network", tallies) == []
    seen = sum((Counter(tally.faults) for tally in tallies), Counter[str]())
    print(dict(seen))
    assert set(NETWORK_FAULTS) == set(seen)
