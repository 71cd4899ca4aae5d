"""`await syncer.plan(...)`."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from syncer.api import arguments
from syncer.api.pull import OutPath
from syncer.api.remotes import LIMITERS, Clarifai, app_of, load_with
from syncer.core.deletions import MaxDelete
from syncer.errors import SyncerError, UsageError
from syncer.jobs.plan.job import Planning
from syncer.jobs.plan.options import plan_rules
from syncer.jobs.plan.planned import Planned
from syncer.printable import printable
from syncer.sources.misuse import show

_ARGUMENTS = {"delete": "delete", "by-user": "user_ids", "any-user": "any_user"} | {
    "max-delete": "max_delete",
    "out": "out",
}
_log = logging.getLogger("syncer")


async def plan(
    desired: OutPath | Sequence[OutPath],
    out: OutPath | None,
    to: Clarifai = Clarifai(),
    *,
    input_ids: Sequence[str] = (),
    dataset_id: str = "",
    user_ids: Sequence[str] = (),
    concept_ids: Sequence[str] = (),
    exact: bool = False,
    delete: bool = False,
    any_user: bool = False,
    max_delete: int | str = "50%",
    config: OutPath | None = None,
    requests_per_second: float | Literal["auto"] | None = None,
    concurrency: int | Literal["auto"] | None = None,
) -> Planned:
    """Compare what is wanted with what an app holds, and write the change log that
    makes the difference. Nothing is sent: `await syncer.push(out, to)` does that.

    `desired`: a path or several, each what `syncer plan` takes. `out`: the plan; beside
    it comes its side file; None only counts. `input_ids`, `dataset_id`, `user_ids` and
    `concept_ids` narrow the scope; an empty one is not a filter. `exact`: compare all
    that users may set. `delete`: also plan deletions, of annotations of `user_ids`, or
    of `any_user`; `max_delete`: at most this many, or such a share ("50%") of what the
    scope holds. `config`, `requests_per_second` and `concurrency` are as for `push`.

    Returns the counts and samples; inputs that could not be read are in `unreadable`.
    Raises UsageError (arguments, config, or what is not a wish), CredentialsRefused,
    OutputError, Stopped, and SyncerError for too many deletions; no plan is written
    then. The counts up to there are in the error's `details`, where it got so far.
    """
    named = [desired] if isinstance(desired, str) or not isinstance(desired, Sequence) else desired
    wanted = [arguments.path("desired", path) for path in named]
    place = None if out is None else Path(arguments.path("out", out))
    rules = plan_rules(
        exact=arguments.switch("exact", exact),
        delete=arguments.switch("delete", delete),
        users=arguments.texts("user_ids", user_ids),
        concepts=arguments.texts("concept_ids", concept_ids),
    )
    options: dict[str, object] = {
        "push.requests_per_second": requests_per_second,
        "push.concurrency": concurrency,
    }
    job = Planning(
        load_with(app_of(to), config, options),
        LIMITERS,
        wanted,
        place,
        rules,
        frozenset(arguments.texts("input_ids", input_ids)),
        _text("dataset_id", dataset_id),
        arguments.switch("any_user", any_user),
        _parse_bound(max_delete),
    )
    with arguments.naming(_ARGUMENTS, UsageError):
        planned = await job.run()
    for note in planned.notes:
        _log.warning("%s", printable(note))
    if planned.error is not None:
        planned.error.details = planned.summarize()
        with arguments.naming(_ARGUMENTS, SyncerError):
            raise planned.error
    return planned


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise UsageError(f"argument {name}: is {show(value)}; it must be text")
    return value


def _parse_bound(value: object) -> MaxDelete:
    if isinstance(value, int | str) and not isinstance(value, bool):
        try:
            return MaxDelete.parse(str(value))
        except ValueError:
            pass
    raise UsageError(f'argument max_delete: is {show(value)}; it must be such as 100 or "50%"')
