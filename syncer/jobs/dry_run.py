"""The work that a push would do, counted without network or state."""

from __future__ import annotations

import math
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import BinaryIO

import anyio

from syncer.config import Loaded
from syncer.core.change import PATCHES, Chunk, Verb
from syncer.core.ledger import Ledger
from syncer.errors import SyncerError, UsageError
from syncer.jobs.lines import line_options
from syncer.jobs.ours import name_logs
from syncer.jobs.plan.side_file import check_plans
from syncer.printable import counted
from syncer.remotes.clarifai import Clarifai
from syncer.sources.changelog import ChangeLog
from syncer.sources.choice import Chooser
from syncer.sources.first_lines import refuse_what_is_not_a_log

MESSAGES_MAX = 20


@dataclass(slots=True)
class DryRun:
    """The counts of a dry run."""

    read: int = 0
    posts: int = 0
    patches: int = 0
    deletes: int = 0
    input_deletes: int = 0
    ignored: int = 0
    bad: int = 0
    requests: int = 0
    estimated_seconds: float = 0.0
    messages: list[str] = field(default_factory=list)
    error: SyncerError | None = None
    """Some of a log can never be read."""

    def as_json(self) -> dict[str, object]:
        """For `--json`."""
        value = {
            one.name: getattr(self, one.name)
            for one in fields(self)
            if one.name not in ("messages", "error")
        }
        return {
            "dry_run": True,
            **value,
            **({"error": str(self.error)} if self.error is not None else {}),
        }

    def sentence(self) -> str:
        """One line for people."""
        return (
            f"dry run: read {self.read:,}: {counted(self.posts, 'post')},"
            f" {counted(self.patches, 'patch', 'patches')}, {counted(self.deletes, 'delete')},"
            f" {counted(self.input_deletes, 'whole-input delete')}, {self.ignored:,} ignored,"
            f" {self.bad:,} bad; about {counted(self.requests, 'request')},"
            f" {self.estimated_seconds:,.0f} s"
        )


def dry_run(
    loaded: Loaded, arguments: Sequence[str], stdin: BinaryIO | None, *, edited: bool = False
) -> DryRun:
    """Read the logs to their end and count. Raises UsageError where none is named;
    StateError for a plan of another destination, or one that was edited since, unless
    that is meant.
    """
    if not arguments:
        raise UsageError("a dry run needs the change logs: name files, folders, or - for stdin")
    with tempfile.TemporaryDirectory() as spool:
        return anyio.run(_count, loaded, arguments, Path(spool), stdin, edited)


async def _count(
    loaded: Loaded,
    arguments: Sequence[str],
    spool: Path,
    stdin: BinaryIO | None,
    edited: bool,
) -> DryRun:
    push = loaded.config.push
    options = line_options(loaded.config)
    result = DryRun()
    remote = Clarifai(loaded.config.clarifai.user_id, loaded.config.clarifai.app_id)
    kinds: Counter[tuple[Verb, bool]] = Counter()
    named = name_logs(spool, stdin, Path(loaded.config.state.shared_dir))
    choice = Chooser(Ledger(), spool).choose(
        [path for argument in arguments for path in named.of(argument)]
    )
    result.messages += [*named.notes({log.path for log in choice.logs}), *choice.notes]
    paths = [log.path for log in choice.logs]
    result.messages += check_plans(paths, paths, loaded.config, edited=edited)
    for chosen in choice.logs:
        refuse_what_is_not_a_log(chosen.path, chosen.identity.label, options)
    for chosen in choice.logs:
        log = ChangeLog(chosen.path, chosen.identity.label, chosen.number, options)
        while (chunk := await log.read()) is not None:
            _add(result, kinds, chunk, log.label)
            result.requests += _count_looks(chunk, remote)
        if log.damaged and result.error is None:
            result.error = SyncerError(
                f"{log.unfinished}; what is before it was counted, and the other logs"
            )
        elif log.unfinished:
            result.messages.append(log.unfinished)
    result.requests += sum(math.ceil(count / push.batch_size) for count in kinds.values())
    verbs = Counter[Verb]()
    for (verb, _), count in kinds.items():
        verbs[verb] += count
    result.posts = verbs["post"]
    result.patches = sum(verbs[verb] for verb in PATCHES)
    result.deletes = verbs["delete"]
    result.input_deletes = verbs["delete_input"]
    if isinstance(push.requests_per_second, int | float):
        result.estimated_seconds = round(result.requests / push.requests_per_second, 1)
    return result


def _count_looks(chunk: Chunk, remote: Clarifai) -> int:
    """Return in how many requests it is read back what changes were planned against."""
    planned = [change for change in chunk.changes if change.expect]
    looks = 0
    while planned:
        looks += 1
        planned = planned[remote.look_up_size(planned) :]
    return looks


def _add(result: DryRun, kinds: Counter[tuple[Verb, bool]], chunk: Chunk, label: str) -> None:
    result.read += chunk.count
    result.ignored += len(chunk.ignored)
    result.bad += len(chunk.bad)
    for change in chunk.changes:
        kinds[change.verb, bool(change.expect)] += 1
    for line in chunk.bad:
        if len(result.messages) < MESSAGES_MAX:
            result.messages.append(f"{label}:{line.line}: {line.reason}")
