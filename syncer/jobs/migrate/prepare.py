"""The phase `prepare`: the concepts and inputs that labels need, and which of them the
target has not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from syncer.core.ports.pull import Found, Listing, Problem, Unit
from syncer.jobs.migrate.folder import PassFiles
from syncer.jobs.migrate.meter import PhaseMeter
from syncer.jobs.migrate.phases import Interruption, PhaseDone
from syncer.jobs.migrate.settings import Sides
from syncer.jobs.origins import clarifai_origin
from syncer.jobs.signals import Listen, until_signal
from syncer.jobs.wiring import wire
from syncer.remotes.clarifai.making import NeededConcepts, NeededInputs
from syncer.remotes.clarifai.selection import Selection

SHOWN_MAX = 20


@dataclass(slots=True)
class Needed:
    """Things that the target has not."""

    count: int = 0
    problems: int = 0
    """Of them, those that could not be made."""
    shown: list[str] = field(default_factory=list)
    """Some of them."""
    first_problems: list[Problem] = field(default_factory=list)
    requests: int = 0


async def prepare_target(
    sides: Sides,
    files: PassFiles,
    watch: Callable[[PhaseMeter], None],
    signals: Listen,
    *,
    make: bool = True,
) -> PhaseDone:
    """Find what is missing, and make it where the config says so. Raises SyncerError,
    Interruption.
    """
    app, section = sides.to.config.clarifai, sides.section
    meter = PhaseMeter.for_file(files.inputs)
    watch(meter)
    names = {each["id"]: each["name"] for each in _read_lines(files.concepts, None)}
    make_concepts = make and section.create_concepts
    make_inputs = make and section.create_inputs
    concepts = await _look(
        sides, NeededConcepts(app.user_id, app.app_id, names, make=make_concepts), signals
    )
    inputs = await _look(
        sides,
        NeededInputs(app.user_id, app.app_id, _read_lines(files.inputs, meter), make=make_inputs),
        signals,
    )
    facts: dict[str, Any] = {}
    made = 0
    for name, found, makes in (
        ("concepts", concepts, make_concepts),
        ("inputs", inputs, make_inputs),
    ):
        count = found.count - found.problems if makes else 0
        made += count
        facts[name] = {
            "missing": found.count,
            "made": count,
            "failed": found.problems,
            "examples": found.shown,
            "requests": found.requests,
            "problems": [f"{one.what}: {one.reason}" for one in found.first_problems],
        }
    return PhaseDone(made, concepts.requests + inputs.requests, facts=facts)


async def _look(sides: Sides, listing: Listing, signals: Listen) -> Needed:
    """Ask the target. Raises SyncerError, Interruption."""
    needed, interrupted = Needed(), list[int]()
    shown, problems = needed.shown, needed.first_problems

    async def deliver(unit: Unit, found: Found) -> None:
        needed.count += len(found.rows)
        needed.problems += len(found.problems)
        shown.extend(row.key[0] for row in found.rows[: SHOWN_MAX - len(shown)])
        problems.extend(found.problems[: SHOWN_MAX - len(problems)])

    origin = clarifai_origin(sides.to, sides.limiters, Selection())
    async with wire(origin, lambda _: None, listing=listing) as engine:
        await until_signal(lambda: engine.run("", deliver), engine.drain, interrupted, signals)
        needed.requests = engine.ways["api"].turns.requests
    if interrupted and not engine.complete:
        raise Interruption(interrupted[0])
    return needed


def _read_lines(path: Path, meter: PhaseMeter | None) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        for line in file if meter is None else meter.count_lines(file):
            yield orjson.loads(line)
