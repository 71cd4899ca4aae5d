"""What is simulated of pulls, from one seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

from tests.proof.simulation.scenario import Weather, bad_weather

CLARIFAI: dict[str, tuple[str, ...]] = {
    "list-order": ("oldest", "newest", "arbitrary"),
    "per-page": ("128", "20"),
    "per-page-over": ("clamp", "refuse"),
    "search-hits": ("once", "repeated"),
    "enums": ("number", "name", "text"),
    "float32": ("shortest", "widened", "exact"),
    "added-fields": ("none", "some"),
    "throttle-form": ("429", "200", "503"),
    "throttle-code": ("11005", "11003"),
    "url-limit": ("none", "8192", "4096"),
    "error-code": ("98004", "99009", "10030", "40030", "40031", "40032", "39997"),
    "gateway-form": ("200", "404"),
}
ANNOTELL: dict[str, tuple[str, ...]] = {
    "token-seconds": ("3600", "60", "-1"),
    "token-uses": ("any", "3"),
    "refresh-token": ("issued", "none", "expired"),
    "client-auth": ("any", "post", "basic"),
    "list-page": ("100", "7", "2", "1"),
    "cursor": ("number", "text"),
    "metadata": ("object", "empty", "missing"),
    "search": ("served", "404", "405"),
    "signed-url": ("fresh", "fresh", "stale-first"),
    "signed-url-seconds": ("3600", "60"),
}


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


def drawn_pull(seed: int) -> PullScenario:
    """The scenario of a seed."""
    rng = random.Random(f"pull {seed}")
    remote: Literal["clarifai", "annotell"] = rng.choice(["clarifai", "clarifai", "annotell"])
    known = CLARIFAI if remote == "clarifai" else ANNOTELL
    switches = {name: rng.choice(values) for name, values in known.items() if rng.random() < 0.5}
    by: Literal["inputs", "search"] = "search" if remote == "clarifai" and rng.random() < 0.25 else "inputs"
    weather = bad_weather(rng, seed, switches)
    weather["faults"].pop("partial", None)  # nothing is asked for that could be
    if remote == "annotell":  # a document that the storage fails to give 60 times counts as unreadable, and is told so
        weather["outages"] = tuple(outage for outage in weather["outages"] if outage.kind != "errors")
    return PullScenario(
        remote=remote,
        by=by,
        rows=int(rng.choice([0, 5, 30, 100, 300 if remote == "clarifai" else 40]) * (0.5 + rng.random())),
        writes=0.0 if by == "search" else rng.choice([0, 0.05, 0.3]),  # what a search finds while others write, nobody promises
        format=rng.choice(["jsonl", "jsonl", "jsonl", "csv", "parquet"]),
        **weather,
    )
