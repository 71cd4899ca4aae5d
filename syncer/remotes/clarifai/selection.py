"""The annotations to list, and which ways to select them go together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

from syncer.errors import UsageError
from syncer.remotes.clarifai.codes import CODES, number
from syncer.remotes.paths import unfit_for_path
from syncer.remotes.selections import unfit


@dataclass(frozen=True, slots=True)
class Selection:
    """The annotations to list. An empty member is not a filter: `input_ids=()` are all
    inputs.

    The filters by maker are OR-ed by the service, and each implies `all_makers` (wire,
    2.1).
    """

    input_ids: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    """(input_id, id): just these."""
    user_ids: tuple[str, ...] = ()
    model_version_ids: tuple[str, ...] = ()
    workflow_version_ids: tuple[str, ...] = ()
    task_id: str = ""
    dataset_id: str = ""
    status: str = ""
    """A code or its name: found by a search, which is served from an index."""
    since: str = ""
    """RFC 3339, included: found by a search as well."""
    until: str = ""
    all_makers: bool = False
    """Those that models made, too."""
    input_level: bool = True
    """Keep the annotation that each input comes with."""
    with_inputs: bool = False
    """Rows are {"input":…,"annotation":…}, one with null for an input without
    annotations.
    """


def inputs_or_pairs(
    input_ids: Sequence[str], annotation_ids: Sequence[str], named: Callable[[str], str] = str
) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """`input_ids` and `pairs` of a selection, from two lists as users give them: with
    annotations, each is that of the input at the same place.

    `named`: what the caller calls a field. Raises UsageError for lists of different
    lengths.
    """
    if not annotation_ids:
        return tuple(input_ids), ()
    if len(annotation_ids) != len(input_ids):
        raise UsageError(
            f"{len(annotation_ids)} {named('pairs')} but {len(input_ids)} {named('input_ids')}:"
            " each annotation needs the input it belongs to, in the same order"
        )
    return (), tuple(zip(input_ids, annotation_ids, strict=True))


ONE_OF = (
    ("pairs",),
    ("status", "since", "until"),
    ("user_ids", "model_version_ids", "workflow_version_ids", "task_id", "dataset_id"),
)
"""Ways to select that the service has no combination of: of these groups a selection
has at most one.
"""


def fault(selection: Selection, named: Callable[[str], str] = str) -> str | None:
    """Return why a selection means nothing, None if it means something.

    `named`: the caller's name of a field, used in the message.
    """
    if (why := unfit(selection, named)) is not None:
        return why
    for field in ("since", "until"):
        time = getattr(selection, field)
        if time and not _is_time(time):
            return f'{named(field)} is "{time}"; it must be a time like 2026-11-24T12:00:00Z'
    if selection.since and selection.until and _time(selection.since) > _time(selection.until):
        return (
            f"{named('since')} {selection.since} is later than {named('until')} {selection.until}:"
            " nothing is in between"
        )
    if selection.dataset_id and (why := unfit_for_path(selection.dataset_id)) is not None:
        return f"{named('dataset_id')}: {why}"
    if (unknown := _unknown_status(selection.status)) is not None:
        return f"{named('status')} {unknown}"
    ways = [
        given
        for group in ONE_OF
        if (given := [field for field in group if getattr(selection, field)])
    ]
    if len(ways) > 1:
        return f"{named(ways[0][0])} cannot be combined with {named(ways[1][0])}"
    if selection.dataset_id and selection.input_ids:
        return (
            f"{named('dataset_id')} cannot be combined with {named('input_ids')}: name the inputs,"
            " or the dataset that holds them"
        )
    if selection.pairs and selection.input_ids:
        return (
            f"{named('pairs')} cannot be combined with {named('input_ids')}: pairs name their"
            " inputs themselves"
        )
    return None


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _is_time(text: str) -> bool:
    try:
        return _time(text).tzinfo is not None
    except ValueError:
        return False


def _unknown_status(status: str) -> str | None:
    """A number that is not known may be of a later version of the service; a name that
    is not known is a slip.
    """
    if not status or number(status) is not None:
        return None
    names = [name for name, _ in CODES.values() if name.startswith("ANNOTATION_")]
    close = get_close_matches(status.upper(), names, 1) or get_close_matches(
        f"ANNOTATION_{status.upper()}", names, 1
    )
    hint = f"did you mean {close[0]}?" if close else f"use a code, or one of {', '.join(names)}"
    return f'is "{status}", which is not a status of an annotation; {hint}'
