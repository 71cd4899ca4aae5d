"""`await syncer.push(...)`."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Literal

from syncer.api import arguments
from syncer.api.arguments import SourceArgument
from syncer.api.remotes import LIMITERS, Clarifai, app_of, load_with
from syncer.core.events import Event
from syncer.jobs.opening import open_in_thread
from syncer.jobs.push import open_push
from syncer.jobs.report import PushReport
from syncer.printable import printable

_log = logging.getLogger("syncer")


async def push(
    source: SourceArgument | Sequence[SourceArgument],
    to: Clarifai = Clarifai(),
    *,
    state: str | os.PathLike[str] | None = None,
    config: str | os.PathLike[str] | None = None,
    requests_per_second: float | Literal["auto"] | None = None,
    concurrency: int | Literal["auto"] | None = None,
    batch_size: int | None = None,
    max_attempts: int | None = None,
    max_delete: int | None = None,
    moved: Literal["same", "new"] | None = None,
    edited: bool = False,
    strict: bool = False,
    observe: Callable[[Event], None] | None = None,
) -> PushReport:
    """Apply changes to a remote, once and in order, to the end of the source. Run it
    again to carry on after anything.

    `source`: a change log, a folder of them, a `ChangeSource`, or several of these as
    one sequence (an empty one: every log that the state knows). `state`: the folder
    that remembers (".syncer"). `config`: a TOML file (else the one that the command
    line would find). `requests_per_second`: more than 0, or "auto" to find the limit;
    `concurrency`: requests in flight at most; `batch_size`: 1 to 128 changes per
    request;
    `max_attempts`: of one change, then it is a dead letter; `max_delete`: annotations
    that may be deleted, over all runs of the state; `moved`: what is true of logs that
    may be known ones under new names ("same" or "new"; else LogChanged is raised);
    `strict`: stop at the first bad line. `observe` is called with every event, in the
    event loop: it must be quick.

    Returns the report of this run; `report.dead` changes became dead letters. Files in
    folders that look like logs and are not read, and logs that are carried on under new
    names, are warnings of the logger `syncer`. Raises UsageError (arguments, config),
    CredentialsRefused, StateError (locked, damaged, full), LogChanged, BadLineFound
    (strict), Stopped (gave up, account limits): each a SyncerError, raised after what
    was in flight is finished and written down; its `details` are the report up to
    there.
    """
    named, tell = arguments.sources(source), arguments.observer(observe)
    strict, edited = arguments.switch("strict", strict), arguments.switch("edited", edited)
    max_delete = arguments.count("max_delete", max_delete)
    options: dict[str, object] = {
        "state.dir": None if state is None else arguments.path("state", state),
        "push.requests_per_second": requests_per_second,
        "push.concurrency": concurrency,
        "push.batch_size": batch_size,
        "retry.max_attempts": max_attempts,
    }
    configured = load_with(app_of(to), config, options)
    opening = open_push(
        configured,
        LIMITERS,
        named,
        strict=strict,
        max_delete=max_delete,
        moved=moved,
        edited=edited,
    )
    async with open_in_thread(opening) as lane:
        for note in lane.notes:
            _log.warning("%s", printable(note))
        finished = await lane.run(tell)
    if finished.error is not None:
        finished.error.details = asdict(finished.summary)
        raise finished.error
    return finished.summary
