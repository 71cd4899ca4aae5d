"""What is simulated, all of it from one seed and as plain values: a failing one can be
made smaller.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, Literal
from zlib import crc32

from syncer.emulator.settings import SWITCHES as KNOWN_SWITCHES
from syncer.sources.chunks import BLOCK_BYTES
from tests.proof.simulation.logs import Move, drawn_moves

Change = dict[str, Any]

FAULTS = (
    "throttle",
    "throttle-silent",
    "throttle-date",
    "error",
    "html",
    "empty",
    "gateway",
    "reset-before",
    "reset-after",
    "cut",
    "half-body",
    "lost",
    "answer-lost",
    "slow",
    "partial",
)
"""What may happen to a request.
`lost`: it never arrives; `answer-lost`: the answer never does; `half-body`: an answer
that looks whole.
"""
WAITS = ("throttle-odd", "throttle-unusable", "throttle-ages", "error-wait")
"""A throttle that names a time in a form that nobody expects, none that can be waited
for, or decades; a 5xx that names a time.
"""
LEFT_OUT = {
    "duplicate-id": "replace",
    "answer": "none",
    "throttle-code": "11004",
    "body-limit": "100",
}
"""Values under which something else has to come out, or nothing can: each has tests of
its own.
"""
LIKELY = ("answer", "read-lag", "delete-lag")
"""Their first value is drawn twice as often: the others leave less to be told apart."""


def _values(name: str) -> tuple[str, ...]:
    values = tuple(value for value in KNOWN_SWITCHES[name] if value != LEFT_OUT.get(name))
    return values[:1] * (name in LIKELY) + values


SWITCHES = {
    name: _values(name)
    for name in (
        *(
            "duplicate-id",
            "duplicate-code",
            "post",
            "patch-missing",
            "patch-code",
            "answer",
            "answer-order",
            "failed-item",
        ),
        *(
            "mixed-http",
            "failed-http",
            "enums",
            "float32",
            "added-fields",
            "list-order",
            "read-lag",
            "delete-lag",
        ),
        *(
            "throttle-form",
            "throttle-code",
            "url-limit",
            "body-limit",
            "error-code",
            "gateway-form",
            "refused-code",
        ),
    )
}
"""What nobody knows of the service and what changes nothing of what has to come out."""


@dataclass(frozen=True)
class End:
    """How a process ends before its time: after so many turns of its loop, or at so
    many operations of its disk.
    """

    how: Literal["kill", "power", "signal"]
    at: int
    unit: Literal["turn", "operation"] = "turn"

    def __str__(self) -> str:
        return f"{self.how} at {self.unit} {self.at}"


@dataclass(frozen=True)
class Outage:
    """From when to when (seconds), and of what kind."""

    start: float
    end: float
    kind: Literal["refused", "errors", "token", "quota", "no path", "no app"]
    """`no path`: something else answers; `no app`: the app is gone, until a process has
    ended after that.
    """


@dataclass(frozen=True)
class Narrow:
    """Something on the way lets bodies of so many bytes through, and does this with
    larger ones; the service never sees them.
    """

    bytes: int
    how: Literal["413", "hang up"]


@dataclass(frozen=True)
class Set:
    """The wall clock is set by some seconds: at a time or after so many processes."""

    at: float
    unit: Literal["second", "process"]
    seconds: float


@dataclass(frozen=True)
class Edit:
    """What somebody else does to an annotation, from this time on."""

    at: float
    key: tuple[str, str]
    kind: Literal["change", "delete", "rewrite"]
    """`rewrite`: as it was."""


@dataclass(frozen=True, kw_only=True)
class Weather:
    """What processes have to live through; what comes of chance in it, by `seed`."""

    seed: int
    settings: dict[str, Any]
    """Of syncer."""
    switches: dict[str, str]
    """Of the service."""
    faults: dict[str, float]
    """By their probability, for each request."""
    disk: dict[str, float]
    """Probability of `eio`, `enospc` an operation, and of `slow` a thread's work."""
    ends: tuple[End, ...]
    """How the first processes end."""
    outages: tuple[Outage, ...]
    clock: tuple[Set, ...]
    latency_seconds: float
    service_rps: float
    """The service's own limit; 0: none."""
    narrow: Narrow | None = None
    storm_seconds: float = 900.0
    """From then on nothing fails any more."""


@dataclass(frozen=True, kw_only=True)
class Scenario(Weather):
    """One history of a push."""

    logs: tuple[tuple[Change | str, ...], ...]
    """Changes; a text is a line as it stands."""
    grown_from: int | None
    """So many lines of the last log are there at first; the rest is written after the
    first process.
    """
    poison: float
    """Share of ids that the service will never take."""
    moves: tuple[Move, ...] = ()
    """What is done to the logs between processes."""
    there: tuple[Change, ...] = ()
    """The annotations that the service holds when a plan is made, which is the last
    log.
    """
    edits: tuple[Edit, ...] = ()
    """What somebody else does meanwhile to these."""
    block_bytes: int = BLOCK_BYTES
    """How much of a log is read at a time."""


def drawn(seed: int, *, odd: bool = True) -> Scenario:
    """The scenario of a seed.

    Without `odd` weather it is the one of before there was any, which seeds that are
    kept are about.
    """
    rng = random.Random(seed)
    switches = {name: rng.choice(values) for name, values in SWITCHES.items() if rng.random() < 0.4}
    lagging = any(switches.get(name, "0") != "0" for name in ("read-lag", "delete-lag"))
    count = int(rng.choice([10, 20, 40, 80, 160]) * (0.5 + rng.random()))
    logs = _logs(rng, count, reuse=not lagging)
    weather = bad_weather(rng, seed, switches)
    if odd:
        weather = odd_weather(weather, seed) | {"narrow": _narrow(random.Random(f"narrow {seed}"))}
    weather["settings"] |= {
        "push.batch_size": rng.choice([1, 2, 3, 7, 16, 32, 128]),
        "push.linger_seconds": rng.choice([0.01, 0.2]),
    }
    if switches.get("answer") == "short":
        # An answer of one failed item that leaves it out says that it failed for good
        # (wire, 4: 10020).
        weather["faults"].pop("partial", None)
        switches |= {"read-lag": "0", "delete-lag": "0"}
    grown_from = rng.randrange(len(logs[-1]) + 1) if rng.random() < 0.2 else None
    return Scenario(
        logs=logs,
        grown_from=grown_from,
        poison=rng.choice([0, 0, 0.02, 0.1]),
        moves=drawn_moves(seed, len(logs)),
        block_bytes=drawn_block_bytes(seed) if odd else BLOCK_BYTES,
        **weather,
    )


def drawn_block_bytes(seed: int) -> int:
    """So little at a time, in half the scenarios, that many chunks hold plain posts
    only.
    """
    return random.Random(f"blocks {seed}").choice([BLOCK_BYTES, 150])


def _narrow(rng: random.Random) -> Narrow | None:
    """No change is too large by itself."""
    how: Literal["413", "hang up"] = rng.choice(["413", "hang up"])
    return Narrow(rng.choice([600, 1_500, 4_000, 10_000]), how) if rng.random() < 0.25 else None


def bad_weather(rng: random.Random, seed: int, switches: dict[str, str]) -> dict[str, Any]:
    """The parts of a `Weather`."""
    heavy = rng.random() < 0.3
    rps = rng.choice([5, 15, 15, 50, 200])
    settings = {
        "push.requests_per_second": rps,
        "push.request_timeout_seconds": rng.choice([5, 20, 60]),
        "push.concurrency": rng.choice(["auto", "auto", 1, 4, 32]),
        "retry.max_attempts": 60,
        "retry.base_seconds": rng.choice([0.05, 0.5]),
        "retry.cap_seconds": rng.choice([2, 20]),
        "retry.throttle_seconds": rng.choice([2, 15]),
        "retry.give_up_seconds": rng.choice([0, 60, 600]),
    }
    return {
        "seed": seed,
        "settings": settings,
        "switches": switches,
        "faults": {
            name: rng.choice([0.02, 0.05, 0.1, 0.2 if heavy else 0.05])
            for name in FAULTS
            if rng.random() < 0.45
        },
        "disk": {
            name: p
            for name, p in (("eio", 0.003), ("enospc", 0.003), ("slow", 0.1))
            if rng.random() < 0.2
        },
        "ends": _ends(rng),
        "outages": _outages(rng),
        "clock": (),
        "latency_seconds": rng.choice([0.002, 0.02, 0.1, 0.4]),
        "service_rps": rng.choice([0, 0, rps, rps * 0.7]),
    }


def _ends(rng: random.Random) -> tuple[End, ...]:
    """More often early than late."""
    ends = []
    for _ in range(rng.choice([0, 0, 1, 1, 2, 3, 5])):
        how = rng.choice(["kill", "power", "power", "signal"])
        unit = "turn" if how == "signal" or rng.random() < 0.5 else "operation"
        at = int(10 ** rng.uniform(1.0, 3.2)) if unit == "turn" else rng.randrange(1, 60)
        ends.append(End(how, at, unit))  # type: ignore[arg-type]
    return tuple(ends)


def odd_weather(weather: dict[str, Any], seed: int) -> dict[str, Any]:
    """What else there may be: clocks that are set, waits in odd forms, addresses where
    something else answers, apps that are gone.
    """
    rng = random.Random(f"odd {seed}")
    waits = {
        name: rng.choice([0.02, 0.05, 0.1]) if name != "throttle-ages" else 0.01
        for name in WAITS
        if rng.random() < 0.35
    }
    outages = weather["outages"]
    if rng.random() < 0.15:
        start = rng.choice([0.0, 1.0, 5.0, 30.0]) * rng.random()
        end, kind = start + rng.choice([2.0, 30.0, 120.0]), rng.choice(["no path", "no app"])
        outages += (Outage(start, end, kind),)  # type: ignore[arg-type]
    odd = {
        **weather,
        "faults": {**waits, **weather["faults"]},
        "outages": outages,
        "clock": _clock(rng),
    }
    if rng.random() < 0.2:
        # So that much is known for a while before it is written down.
        odd["disk"] = {**weather["disk"], "slow": 0.6}
    return odd


def _clock(rng: random.Random) -> tuple[Set, ...]:
    """Forward and back, by a little and by years, in the middle of runs and between."""
    found = []
    for _ in range(rng.choice([0, 0, 1, 2, 4])):
        seconds = (
            rng.choice([-1, 1]) * rng.choice([0.7, 20.0, 3600.0, 1e7, 3e8]) * (0.5 + rng.random())
        )
        process = rng.random() < 0.4
        found.append(
            Set(
                rng.randrange(1, 5) if process else 10 ** rng.uniform(-1, 2.5),
                "process" if process else "second",
                seconds,
            )
        )
    return tuple(found)


def _outages(rng: random.Random) -> tuple[Outage, ...]:
    outages = []
    for _ in range(rng.choice([0, 0, 0, 1, 2])):
        start = rng.choice([0.0, 1.0, 5.0, 30.0]) * rng.random()
        kind = rng.choice(["refused", "refused", "errors", "token", "quota"])
        outages.append(Outage(start, start + rng.choice([2.0, 30.0, 300.0]), kind))  # type: ignore[arg-type]
    return tuple(outages)


# --- logs -----------------------------------------------------------------------------

BAD = (
    '{"op":"post","annotation":{"id":"x"',
    '{"op":"patch","action":"merge","annotation":{"input_id":"i"}}',
    '{"op":"delete","annotation":{}}',
)
IGNORED = '{"id":"level","input_id":"i","input_level":true}'


def marker(number: int) -> str:
    """The concept by which a change is told apart from all others."""
    return f"n-{number}"


def _logs(rng: random.Random, count: int, *, reuse: bool) -> tuple[tuple[Change | str, ...], ...]:
    """Changes of few annotations, so that much of it must keep an order.

    `reuse`: ids may live again after they were deleted.
    """
    inputs = [f"input-{number}" for number in range(rng.choice([1, 3, 10, 40]))]
    living: dict[tuple[str, str], bool] = {}
    logs: list[list[Change | str]] = [[]]
    cuts = (
        {rng.randrange(1, count) for _ in range(rng.choice([0, 0, 1, 2]))} if count > 1 else set()
    )
    for number in range(count):
        if number in cuts:
            logs.append([])
        if rng.random() < 0.02:
            logs[-1].append(rng.choice([*BAD, IGNORED]))
        else:
            logs[-1].append(drawn_change(rng, number, inputs, living, reuse=reuse))
    return tuple(map(tuple, logs))


def drawn_change(
    rng: random.Random,
    number: int,
    inputs: list[str],
    living: dict[tuple[str, str], bool],
    *,
    reuse: bool,
) -> Change:
    input_id = rng.choice(inputs)
    roll = rng.random()
    alive = [key for key, alive in living.items() if alive and key[0] == input_id]
    if roll < 0.1:
        return {"op": "post", "annotation": {"input_id": input_id, "data": drawn_data(rng, number)}}
    if roll < 0.13:
        living.update(dict.fromkeys(alive, False))
        return {"op": "delete", "annotation": {"input_id": input_id}}
    if roll < 0.45 or not alive:
        gone = [key for key, alive in living.items() if not alive and key[0] == input_id]
        id = rng.choice(gone)[1] if gone and reuse and rng.random() < 0.5 else f"a-{number}"
        living[input_id, id] = True
        return {
            "op": "post",
            "annotation": {"id": id, "input_id": input_id, "data": drawn_data(rng, number)},
        }
    key = rng.choice(alive[-4:])
    named = {"id": key[1], "input_id": input_id}
    if roll < 0.55:
        living[key] = False
        return {"op": "delete", "annotation": named}
    action = rng.choice(["merge", "overwrite", "remove"])
    return {
        "op": "patch",
        "action": action,
        "annotation": {**named, "data": drawn_data(rng, number)},
    }


def drawn_data(rng: random.Random, number: int) -> Change:
    """The data of an annotation, with the marker of this change."""
    names = [*rng.sample(["tree", "water", "car", "sky"], rng.randrange(3)), marker(number)]
    return {"concepts": [{"id": name, "value": rng.choice([0, 0.5, 1])} for name in names]}


def poisoned(id: str, share: float) -> bool:
    """Will the service never take an annotation of this id?"""
    return bool(share) and crc32(id.encode()) % 10_000 < share * 10_000
