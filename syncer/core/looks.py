"""Changes that name what they were planned against (`expect`): the decisions after a
look at what is there now.

    it is as the change leaves it ──► applied; nothing is sent
    it is as it was then          ──► sent
    anything else                 ──► a dead letter: never overwritten
"""

from __future__ import annotations

from typing import Literal

from syncer.core.change import Change

FRESH_SECONDS = 5.0
"""A look that is older is taken again before anything is sent."""
TURNS_MAX = 4
"""So many turns a look may wait for, where requests are so slow that this takes longer:
another look would be as old.
"""

NextStep = Literal["applied", "send", "changed"]


def judge_look(change: Change, digest: str | None, *, shown: bool) -> NextStep:
    """Return what becomes of a change after a look at its annotation.

    `digest`: of what is there; None where nothing is. `shown`: whether that is what the
    patch gives.
    """
    if digest is None:
        return "applied" if change.verb == "delete" else "changed"
    if shown:
        return "applied"
    return "send" if digest == change.expect else "changed"


def is_fresh(age_seconds: float, turn_seconds: float) -> bool:
    """Whether a look of this age may be acted on.

    `turn_seconds`: the time between two requests.
    """
    return age_seconds <= max(FRESH_SECONDS, TURNS_MAX * turn_seconds)


def explain_changed(digest: str | None) -> str:
    """Return the reason of the dead letter."""
    what = "it is not there any more" if digest is None else "somebody else has changed it"
    return (
        f"changed since it was planned: {what}, so the annotation was left as it is; plan again"
        " to see what is still to do"
    )
