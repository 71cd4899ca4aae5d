"""A sample that is moved before the whole: labels of inputs that are chosen at random,
and what they say of the rest.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import anyio.from_thread
import anyio.to_thread
import msgspec
import orjson

from syncer.errors import StateError
from syncer.jobs.compare.sample import InputSample
from syncer.jobs.importing.output import write_whole
from syncer.jobs.migrate.folder import JobFolder, PassFiles, SampleRecord
from syncer.jobs.migrate.meter import PhaseMeter
from syncer.jobs.migrate.phases import PhaseDone
from syncer.jobs.migrate.prediction import (
    Amount,
    TriedPhase,
    count_comparing,
    count_preparing,
    count_pushing,
    predict_requests,
    predict_seconds,
    predict_share,
)
from syncer.jobs.migrate.prepare import prepare_target
from syncer.jobs.migrate.push import push_logs
from syncer.jobs.migrate.settings import Sides
from syncer.jobs.migrate.verify import verify_labels
from syncer.jobs.push import PushLane
from syncer.jobs.signals import Listen
from syncer.journal.journal import Journal
from syncer.remotes.clarifai.planning import list_concepts

STEP = 256
"""Lines between two looks at whether it is to stop."""


async def move_sample(
    sides: Sides,
    job: JobFolder,
    inputs: int,
    watch: Callable[[PushLane | PhaseMeter], None],
    signals: Listen,
) -> None:
    """Move the labels of so many inputs, and note what they came to. What is done
    already is not done again. Raises SyncerError, Interruption.
    """
    _check(job, inputs)
    files, chosen = job.files, job.files.sample.make()
    if job.record.sample is None:
        done = await anyio.to_thread.run_sync(_choose, files, inputs)
        job.note_sample(SampleRecord(inputs, {"choose": done}))
    assert job.record.sample is not None
    labels = job.record.sample.done["choose"].items
    phases: dict[str, Callable[[], Awaitable[PhaseDone]]] = {
        "prepare": lambda: prepare_target(sides, chosen, watch, signals),
        "push": lambda: push_logs(sides, [chosen.labels], watch, signals),
        "verify": lambda: verify_labels(sides, chosen, job.state, labels, watch, signals),
    }
    for name, work in phases.items():
        sample = job.record.sample
        assert sample is not None
        if name not in sample.done:
            started = time.monotonic()
            done = await work()
            done = msgspec.structs.replace(done, seconds=round(time.monotonic() - started, 3))
            job.note_sample(SampleRecord(inputs, {**sample.done, name: done}))


def describe_sample(job: JobFolder, sides: Sides) -> dict[str, Any]:
    """Return what the report says of a sample that was moved, and what it predicts."""
    done = {} if job.record.sample is None else job.record.sample.done
    if "verify" not in done:
        return {}
    chosen, pushed, verified = (done[name].facts for name in ("choose", "push", "verify"))
    return {
        "sample": {
            **chosen,
            "applied": pushed["applied"],
            "dead": pushed["dead"],
            "verified": verified,
            "requests": sum(one.requests for one in done.values()),
            "seconds": round(sum(one.seconds for one in done.values()), 3),
        },
        "prediction": _predict(job, sides, done),
    }


def _predict(job: JobFolder, sides: Sides, done: dict[str, PhaseDone]) -> dict[str, Any]:
    converted = job.record.done["convert"].facts
    sample = Amount(done["choose"].facts["labels"], done["choose"].facts["inputs"])
    whole = Amount(converted["written"], converted["inputs"])
    rest = Amount(whole.labels - sample.labels, whole.inputs - sample.inputs)
    push, makes = sides.to.config.push, sides.section.create_inputs
    pushed, prepared, verified = done["push"], done["prepare"], done["verify"]
    looks = prepared.facts["inputs"]["requests"]
    tried = Amount(sample.labels - pushed.facts["skipped"], sample.inputs)
    phases = [
        TriedPhase(
            looks,
            prepared.seconds * looks / prepared.requests if prepared.requests else 0.0,
            count_preparing(sample, makes=makes),
            count_preparing(rest, makes=makes),
        ),
        TriedPhase(
            pushed.requests,
            pushed.seconds,
            count_pushing(tried, push.batch_size),
            count_pushing(rest, push.batch_size),
        ),
        TriedPhase(
            verified.requests, verified.seconds, count_comparing(sample), count_comparing(whole)
        ),
    ]
    dead = predict_share(pushed.facts["dead"], sample, rest)
    differs = verified.facts["missing"] + verified.facts["differs"]
    rate = push.requests_per_second
    requests = [predict_requests(phase) for phase in phases]
    return {
        "labels": whole.labels,
        "inputs": whole.inputs,
        "lost": converted["lost"],
        "skipped": converted["skipped"],
        "dead": dead.add_known(pushed.facts["dead"]).as_json(),
        "differs": predict_share(differs, sample, rest).add_known(differs).as_json(),
        "requests": requests[0].plus(requests[1]).plus(requests[2]).as_json(),
        "seconds": predict_seconds(phases, None if rate == "auto" else rate).as_json(),
    }


def _check(job: JobFolder, inputs: int) -> None:
    """Raises StateError where a sample cannot be moved any more."""
    record = job.record
    if record.sample is not None and record.sample.inputs != inputs:
        raise StateError(
            f"{job.path}: a sample of {record.sample.inputs:,} inputs was chosen already: run it"
            " with that number, or without --sample to move the rest"
        )
    if record.sample is None and (record.number > 1 or Journal.is_in(job.state)):
        raise StateError(
            f"{job.path}: labels of this job were pushed already, so that a sample predicts"
            " nothing: run the command without --sample to carry on"
        )


def _choose(files: PassFiles, inputs: int) -> PhaseDone:
    """Choose inputs, and part their labels from the rest."""
    sample = InputSample(inputs)
    for _, annotation in _list_posts(files.labels):
        sample.add(annotation["input_id"])
    chosen = sample.inputs() or set()
    labels, concepts = 0, set[str]()
    out = files.sample
    with ExitStack() as stack:
        of_sample, rest = (stack.enter_context(write_whole(p)) for p in (out.labels, files.rest))
        for line, annotation in _list_posts(files.labels):
            if annotation["input_id"] in chosen:
                labels += 1
                concepts.update(list_concepts(annotation))
                of_sample.write(line)
            else:
                rest.write(line)
        _copy_named(files.inputs, out.inputs, chosen)
        _copy_named(files.concepts, out.concepts, concepts)
    return PhaseDone(labels, facts={"inputs": len(chosen), "labels": labels})


def _list_posts(path: Path) -> Iterator[tuple[bytes, dict[str, Any]]]:
    with path.open("rb") as lines:
        for count, line in enumerate(lines):
            if not count % STEP:
                anyio.from_thread.check_cancelled()
            yield line, orjson.loads(line)["annotation"]


def _copy_named(path: Path, out: Path, ids: set[str]) -> None:
    """Copy the lines of these ids."""
    with path.open("rb") as lines, write_whole(out) as kept:
        for line in lines:
            if orjson.loads(line)["id"] in ids:
                kept.write(line)
