"""The scenario of a daemon: sources that grow while it follows them, and what it has to
live through.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Literal

from tests.proof.simulation.scenario import (
    BAD,
    IGNORED,
    SWITCHES,
    Change,
    Scenario,
    bad_weather,
    drawn_block_bytes,
    drawn_change,
    drawn_data,
    odd_weather,
    poisoned,
)

POISON_MAX = 0.1
SourceKind = Literal["changelog", "outbox", "http", "directory"]


@dataclass(frozen=True)
class Park:
    """From when to when (seconds) a source (by its number) cannot be read."""

    source: int
    start: float
    end: float


@dataclass(frozen=True, kw_only=True)
class DaemonScenario(Scenario):
    """One history of a lane: the changes of each log come from a source of its own, and
    no input comes from two.
    """

    kinds: tuple[SourceKind, ...]
    """Of the sources."""
    spread_seconds: float
    """About so long the changes take to be written."""
    parks: tuple[Park, ...] = ()
    reloads: tuple[float, ...] = ()
    """When the lane is drained and started anew within its process."""
    poll_seconds: float = 1.0
    """How often sources are looked at."""
    table_faults: float = 0.0
    """Share of questions to a table that fail, half of them after they were carried
    out.
    """
    max_delete: str = "50%"
    """Of folders: more deletions at once have to be let go."""


def drawn_daemon(seed: int) -> DaemonScenario:
    """The scenario of a seed."""
    rng = random.Random(f"daemon {seed}")
    switches = {name: rng.choice(values) for name, values in SWITCHES.items() if rng.random() < 0.3}
    lagging = any(switches.get(name, "0") != "0" for name in ("read-lag", "delete-lag"))
    kinds: tuple[SourceKind, ...] = tuple(
        rng.choice(["changelog", "changelog", "outbox", "outbox", "http"])  # type: ignore[misc]
        for _ in range(rng.choice([1, 2, 3, 5]))
    )
    logs = _logs(rng, kinds, reuse=not lagging)
    weather = odd_weather(bad_weather(rng, seed, switches), seed)
    # these end with their process only, or last for decades: a daemon is there for ever
    weather["outages"] = tuple(one for one in weather["outages"] if one.kind != "no app")
    weather["faults"].pop("throttle-ages", None)
    if weather["clock"]:
        weather["faults"].pop("throttle-odd", None)
    weather["settings"] |= {
        "push.batch_size": rng.choice([1, 3, 16, 128]),
        "push.linger_seconds": rng.choice([0.01, 0.2]),
        "retry.give_up_seconds": 0,
    }
    if switches.get("answer") == "short":
        weather["faults"].pop("partial", None)
        switches |= {"read-lag": "0", "delete-lag": "0"}
    spread_seconds = rng.choice([1.0, 20.0, 120.0])
    scenario = DaemonScenario(
        logs=logs,
        grown_from=None,
        poison=rng.choice([0, 0, 0.02, POISON_MAX]),
        kinds=kinds,
        spread_seconds=spread_seconds,
        parks=tuple(
            Park(rng.randrange(len(kinds)), start, start + rng.choice([0.5, 5.0, 60.0]))
            for start in (spread_seconds * rng.random() for _ in range(rng.choice([0, 0, 1, 3])))
        ),
        reloads=tuple(
            sorted(2 * spread_seconds * rng.random() for _ in range(rng.choice([0, 0, 1, 2, 5])))
        ),
        table_faults=rng.choice([0, 0, 0.05, 0.2]),
        poll_seconds=rng.choice([1, 5, 20]),
        block_bytes=drawn_block_bytes(seed),
        **weather,
    )
    return _with_folder(scenario, random.Random(f"folder {seed}"), reuse=not lagging)


def _with_folder(scenario: DaemonScenario, rng: random.Random, *, reuse: bool) -> DaemonScenario:
    """A third of all have a folder of wishes, too, which is not there now and then."""
    if rng.random() > 1 / 3:
        return scenario
    number, first = len(scenario.kinds), sum(len(log) for log in scenario.logs)
    inputs = [f"input-{number}-{n}" for n in range(rng.choice([1, 3, 10]))]
    living: dict[tuple[str, str], bool] = {}
    lines = range(first, first + int(rng.choice([5, 20, 60]) * (0.5 + rng.random())))
    starts = [scenario.spread_seconds * rng.random() for _ in range(rng.choice([0, 1, 1, 3]))]
    return replace(
        scenario,
        kinds=(*scenario.kinds, "directory"),
        logs=(
            *scenario.logs,
            tuple(_drawn_wish(rng, line, inputs, living, reuse=reuse) for line in lines),
        ),
        parks=(
            *scenario.parks,
            *(Park(number, start, start + rng.choice([5.0, 60.0, 120.0])) for start in starts),
        ),
        max_delete=rng.choice(["100%", "50%", "1", "3"]),
    )


def _logs(
    rng: random.Random, kinds: tuple[SourceKind, ...], *, reuse: bool
) -> tuple[tuple[Change | str, ...], ...]:
    number, logs = 0, []
    for log, kind in enumerate(kinds):
        inputs = [f"input-{log}-{n}" for n in range(rng.choice([1, 3, 10]))]
        living: dict[tuple[str, str], bool] = {}
        lines: list[Change | str] = []
        for _ in range(int(rng.choice([5, 20, 60]) * (0.5 + rng.random()))):
            # A bad line is answered over HTTP, and goes no further.
            if kind != "http" and rng.random() < 0.02:
                lines.append(rng.choice([*BAD, IGNORED]))
            else:
                lines.append(drawn_change(rng, number, inputs, living, reuse=reuse))
            number += 1
        logs.append(tuple(lines))
    return tuple(logs)


def _drawn_wish(
    rng: random.Random,
    number: int,
    inputs: list[str],
    living: dict[tuple[str, str], bool],
    *,
    reuse: bool,
) -> Change:
    """What changes in a folder of wishes, as the change that is to come of it. Nothing
    of it is refused for good.
    """
    input_id = rng.choice(inputs)
    alive = [key for key, alive in living.items() if alive and key[0] == input_id]
    gone = [key for key, alive in living.items() if not alive and key[0] == input_id]
    roll = rng.random()
    if roll < 0.5 or not alive:
        id = f"w-{number}"
        while poisoned(id, POISON_MAX):
            id += "x"
        if gone and reuse and rng.random() < 0.5:
            id = rng.choice(gone)[1]
        living[input_id, id] = True
        annotation = {"id": id, "input_id": input_id, "data": drawn_data(rng, number)}
        return {"op": "post", "annotation": annotation}
    key = rng.choice(alive[-4:])
    named = {"id": key[1], "input_id": input_id}
    if roll < 0.7:
        living[key] = False
        return {"op": "delete", "annotation": named}
    data = drawn_data(rng, number)
    return {"op": "patch", "action": "overwrite", "annotation": {**named, "data": data}}
