"""What is simulated of pulls, from one seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

from syncer.emulator.annotell.settings import ANNOTELL_SWITCHES
from syncer.emulator.settings import SWITCHES
from tests.proof.simulation.scenario import Weather, bad_weather, odd_weather

CLARIFAI = {
    name: SWITCHES[name]
    for name in (
        *(
            "list-order",
            "per-page",
            "per-page-over",
            "search-hits",
            "enums",
            "float32",
            "added-fields",
        ),
        *(
            "absent-ids",
            "stream-order",
            "gone-cursor",
            "search-window",
            "search-window-size",
            "search-times",
        ),
        *("throttle-form", "throttle-code", "url-limit", "error-code", "gateway-form"),
    )
} | {"throttle-code": ("11005", "11003")}
"""Without the account that is exhausted: that is an outage of its own."""
ANNOTELL = {
    name: ANNOTELL_SWITCHES[name]
    for name in (
        *(
            "token-seconds",
            "token-uses",
            "refresh-token",
            "client-auth",
            "list-page",
            "cursor",
            "metadata",
            "search",
        ),
        *("signed-url", "signed-url-seconds", "cursor-place", "document-order", "not-found"),
    )
} | {"signed-url": ("fresh", "fresh", "stale-first"), "signed-url-seconds": ("3600", "60")}
"""Without URLs that are never good: there is nothing to be had then."""


@dataclass(frozen=True, kw_only=True)
class PullScenario(Weather):
    """One history of a pull."""

    remote: Literal["clarifai", "annotell"]
    by: Literal["inputs", "search"]
    """Of Clarifai: listed by inputs, or found by a search."""
    rows: int
    writes: float
    """Share of the answers before which somebody else writes, or revokes the tokens."""
    format: Literal["jsonl", "csv", "parquet"]


def drawn_pull(seed: int, *, odd: bool = True) -> PullScenario:
    """The scenario of a seed.

    Without `odd` weather it is the one of before there was any.
    """
    rng = random.Random(f"pull {seed}")
    remote: Literal["clarifai", "annotell"] = rng.choice(["clarifai", "clarifai", "annotell"])
    known = CLARIFAI if remote == "clarifai" else ANNOTELL
    switches = {name: rng.choice(values) for name, values in known.items() if rng.random() < 0.5}
    by: Literal["inputs", "search"] = (
        "search" if remote == "clarifai" and rng.random() < 0.25 else "inputs"
    )
    weather = bad_weather(rng, seed, switches)
    if odd:
        weather = odd_weather(weather, seed)
    weather["faults"].pop("partial", None)  # nothing is asked for that could be
    # A document that the storage fails to give 60 times counts as unreadable, and is
    # told so.
    if remote == "annotell":
        strange = ("errors", "no path", "no app")
        weather["outages"] = tuple(
            outage for outage in weather["outages"] if outage.kind not in strange
        )
    return PullScenario(
        remote=remote,
        by=by,
        rows=int(
            rng.choice([0, 5, 30, 100, 300 if remote == "clarifai" else 40]) * (0.5 + rng.random())
        ),
        writes=rng.choice([0, 0.05, 0.3]),
        format=rng.choice(["jsonl", "jsonl", "jsonl", "csv", "parquet"]),
        **weather,
    )
