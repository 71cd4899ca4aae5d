"""The scope of a plan, as users name it."""

from __future__ import annotations

from collections.abc import Iterable

from syncer.remotes.clarifai.planning import PlanRules


def plan_rules(
    *, exact: bool, delete: bool, users: Iterable[str], concepts: Iterable[str]
) -> PlanRules:
    """Return the scope, and what may be planned within it."""
    return PlanRules(
        exact=exact, delete=delete, users=frozenset(users), concepts=frozenset(concepts)
    )
