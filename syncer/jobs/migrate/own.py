"""The labels that this job has posted, and changes to no others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import anyio
import anyio.to_thread
import orjson

from syncer.core.change import Key
from syncer.core.facts import DeadLetter
from syncer.formats.store import Store
from syncer.jobs.importing.output import write_whole
from syncer.jobs.migrate.folder import JobFolder
from syncer.jobs.migrate.phases import Interruption, PhaseDone
from syncer.jobs.migrate.settings import Sides
from syncer.jobs.plan.job import Planning
from syncer.jobs.signals import Listen
from syncer.journal.dead import DEAD_FILE, open_letters
from syncer.journal.journal import Journal
from syncer.remotes.clarifai.planning import PlanRules


class OwnLabels:
    """The labels of some passes, without those that are dead letters."""

    def __init__(self, job: JobFolder, *, passes: int) -> None:
        """`passes`: of the first so many."""
        self._posted: Store[str, int] = Store()
        self._job = job
        self._passes = passes
        self._dead: set[Key] = set()

    def __enter__(self) -> OwnLabels:
        for number in range(1, self._passes + 1):
            labels = self._job.files_of(number).labels
            for input_id, id in _read_keys(labels):
                self._posted.put(f"{input_id}\0{id}", 1)
        self._dead = read_dead_keys(self._job.state)
        return self

    def __exit__(self, *_: object) -> None:
        self._posted.close()

    def has(self, input_id: str, id: str) -> bool:
        """Whether this job posted it."""
        if (input_id, id) in self._dead:
            return False
        return self._posted.find(f"{input_id}\0{id}") is not None


def read_dead_keys(state: Path) -> set[Key]:
    """Return the labels that are dead letters. Raises StateError."""
    return {(one.input_id or "", one.id or "") for one in list_letters(state)}


def list_letters(state: Path) -> Iterator[DeadLetter]:
    """Yield the dead letters of the push, oldest first. Raises StateError."""
    if not Journal.is_in(state):
        return
    ledger, _, _ = Journal.read_only(state)
    if ledger.dead_size:
        yield from (one.letter for one in open_letters(state / DEAD_FILE, ledger.dead_size))


async def plan_own(
    sides: Sides, labels: Path, out: Path, own: OwnLabels, signals: Listen
) -> PhaseDone:
    """Plan what leads to these labels: posts of what is missing, patches with `expect`
    of what this job posted, nothing else. A plan that is there is kept.

    Raises SyncerError, Interruption.
    """
    if await anyio.Path(out).exists():
        return PhaseDone()
    whole = out.with_name(f"{out.stem}-whole.jsonl")
    planned = await Planning(
        sides.to, sides.limiters, [str(labels)], whole, PlanRules(exact=True)
    ).run(signals=signals)
    if planned.error is not None:
        raise planned.error
    if planned.interrupted is not None:
        raise Interruption(planned.interrupted)
    others = await anyio.to_thread.run_sync(_keep_own, whole, out, own)
    facts = {"planned": planned.changes - others, "others": others}
    return PhaseDone(planned.changes - others, facts=facts)


def _keep_own(whole: Path, out: Path, own: OwnLabels) -> int:
    """Copy the changes that are this job's to make; return how many are not."""
    others = 0
    with whole.open("rb") as lines, write_whole(out) as kept:
        for line in lines:
            change = orjson.loads(line)
            annotation = change["annotation"]
            if change["op"] == "post" or own.has(annotation["input_id"], annotation["id"]):
                kept.write(line)
            else:
                others += 1
    return others


def _read_keys(labels: Path) -> Iterator[Key]:
    if not labels.exists():
        return
    with labels.open("rb") as lines:
        for line in lines:
            annotation = orjson.loads(line)["annotation"]
            yield annotation["input_id"], annotation["id"]
