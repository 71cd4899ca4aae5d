"""The phase `verify`: the labels beside what the target holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import orjson

from syncer.jobs.importing.output import write_whole
from syncer.jobs.migrate.folder import PassFiles
from syncer.jobs.migrate.meter import PhaseMeter
from syncer.jobs.migrate.own import read_dead_keys
from syncer.jobs.migrate.phases import Interruption, PhaseDone
from syncer.jobs.migrate.settings import Sides
from syncer.jobs.signals import Listen
from syncer.jobs.verified import SIGNS, Finding
from syncer.jobs.verify import Verification


async def verify_labels(
    sides: Sides,
    files: PassFiles,
    state: Path,
    total: int,
    watch: Callable[[PhaseMeter], None],
    signals: Listen,
) -> PhaseDone:
    """Compare all labels of these files with the target, and keep what differs in one.
    Those that are dead letters in this state are not compared. `total`: how
    many there are. Raises SyncerError, Interruption.
    """
    meter = PhaseMeter(total)
    watch(meter)
    dead = read_dead_keys(state)
    counts = {"same": 0, "missing": 0, "differs": 0, "extra": 0, "unreadable": 0}
    names: dict[str, str] = {sign: mark for mark, sign in SIGNS.items() if mark in counts}
    with write_whole(files.differences) as out:

        def tell(found: Finding) -> None:
            meter.done += 1
            if (found.input_id, found.id) in dead:
                return
            counts[names.get(found.mark, "unreadable")] += 1
            if found.mark in "+*!":
                out.write(orjson.dumps(asdict(found), option=orjson.OPT_APPEND_NEWLINE))

        result = await Verification(sides.to, sides.limiters, [str(files.labels)]).run(
            tell, signals=signals
        )
        if result.error is not None:
            raise result.error
        if result.interrupted is not None:
            raise Interruption(result.interrupted)
    counts["extra"] = result.extra + result.doubled
    return PhaseDone(counts["same"], result.requests, facts=dict(counts))
