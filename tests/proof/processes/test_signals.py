"""SIGTERM and SIGINT at random moments under load: what is in flight is finished, the
state is kept, and the same command carries on.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.proof.processes.pushes import (
    FAULTS,
    Ended,
    Tally,
    cut_short,
    ended,
    made,
    moment,
    told,
    until_tallied,
)
from tests.proof.processes.remote import Remote, remote
from tests.support.processes import until

SIGTERMS = int(os.environ.get("SYNCER_PROOF_SIGTERMS", "50"))
SIGTERMS_A_RUN = 10
CHANGES = 9_000
AT_ONCE_SECONDS = 3.0
"""In which a process that is told to stop at once has to be gone, on a busy machine
too.
"""
QUIET_SECONDS = 0.3
"""Without a request, at 100 a second: it has stopped sending."""
HEARD_REQUESTS_MAX = 50
"""What a busy machine sends before it comes to hear the signal; far more is left."""
CODES = {signal.SIGTERM: 143, signal.SIGINT: 130}


def wrong_after(
    done: Ended, number: signal.Signals, kept: int, took_effect: int | None
) -> list[str]:
    """What is not as it should be after a signal under load.

    `kept`: what earlier runs have settled; `took_effect`: None among faults.
    """
    wrong = done.wrong()
    if done.code != CODES[number]:
        return [*wrong, f"exit code {done.code} after {number.name}: {done.out!r} {done.err}"]
    if done.summary["skipped"] != kept:
        wrong.append(f"{kept} changes were settled before, but {done.summary}")
    # Without faults all that took effect was answered, all that was answered is written
    # down, and nothing is sent twice.
    if took_effect not in (None, done.settled):
        wrong.append(f"{took_effect} changes took effect, but {done.summary}")
    return wrong


def signalled_push(folder: Path, seed: int) -> Tally:
    """One log, its push ended by so many SIGTERMs and some SIGINTs, then carried on to
    its end. Half of the seeds have no faults.
    """
    rng = random.Random(seed)
    faults = FAULTS if seed % 2 else ""
    terminated = kept = 0
    with remote(faults, seed=seed, latency_seconds=0.05) as server:
        pushes = made(
            server, folder / str(seed), CHANGES, seed, "--rps", "100", "--batch-size", "32"
        )
        wrong: list[str] = []
        while terminated < SIGTERMS_A_RUN and not wrong:
            number = signal.SIGINT if rng.random() < 0.15 else signal.SIGTERM
            runs = cut_short(pushes.start, lambda: moment(server, rng, 30, starting=0), 1, number)
            if not runs:
                break
            wrong += wrong_after(runs[0], number, kept, None if faults else len(server.writes))
            kept = runs[0].settled
            terminated += number == signal.SIGTERM
        last = pushes.run("--rps", "800")
        return Tally(seed, terminated, wrong + pushes.wrong_at_the_end(last), server.faults)


def quiet(server: Remote) -> Callable[[], bool]:
    """Return what tells whether requests have ceased to come."""
    last, since = server.requests, time.monotonic()

    def is_quiet() -> bool:
        nonlocal last, since
        if server.requests != last:
            last, since = server.requests, time.monotonic()
        return time.monotonic() - since > QUIET_SECONDS

    return is_quiet


def test_a_signal_under_load_finishes_what_is_in_flight_and_the_same_command_carries_on(
    tmp_path: Path,
) -> None:
    tallies = until_tallied(partial(signalled_push, tmp_path), SIGTERMS, SIGTERMS_A_RUN)
    assert told("SIGTERMs, and SIGINTs among them", tallies) == []
    assert sum(tally.hit for tally in tallies) >= SIGTERMS


def test_a_second_signal_stops_at_once_and_what_hung_is_settled_by_the_next_run(
    tmp_path: Path,
) -> None:
    """Some requests take effect and are never answered: the first signal waits for
    them, the second one does not.
    """
    with remote("hang=0.05", seed=3) as server:
        pushes = made(server, tmp_path / "push", CHANGES, 3, "--rps", "100", "--batch-size", "32")
        for number, second in (
            (signal.SIGTERM, signal.SIGTERM),
            (signal.SIGINT, signal.SIGTERM),
            (signal.SIGTERM, signal.SIGINT),
        ):
            before = server.faults["hang"]
            process = pushes.start()
            assert until(process, lambda before=before: server.faults["hang"] > before)
            process.send_signal(number)
            came = server.requests
            assert until(process, quiet(server)), "it did not wait for what is in flight"
            assert server.requests - came <= HEARD_REQUESTS_MAX, "it went on sending"
            process.send_signal(second)
            done = ended(process)
            assert done.seconds < AT_ONCE_SECONDS
            assert done.wrong() == []
            assert done.code == CODES[number], done.err
        server.set_faults("")
        assert pushes.wrong_at_the_end(pushes.run()) == []


def test_two_signals_in_a_row_at_any_moment_of_a_run_lose_nothing(tmp_path: Path) -> None:
    """From before the interpreter listens to the very end: it stops by its own means or
    by the system's, and says no traceback.
    """
    rng = random.Random(4)
    codes = set()
    with remote(FAULTS, seed=4, latency_seconds=0.02) as server:
        pushes = made(server, tmp_path / "push", 4_000, 4, "--rps", "100", "--batch-size", "32")
        for _ in range(12):
            process = pushes.start()
            if until(process, moment(server, rng, 20, starting=0.3)):
                process.send_signal(signal.SIGTERM)
                time.sleep(rng.random() * 0.01)
                process.send_signal(signal.SIGTERM)
            done = ended(process)
            assert done.wrong() == []
            assert done.seconds < AT_ONCE_SECONDS
            codes.add(done.code)
        assert codes <= {143, -signal.SIGTERM, 0}
        assert 143 in codes
        assert pushes.wrong_at_the_end(pushes.run("--rps", "800")) == []
