"""The labels that each has to push, and what is right or wrong with what came of them.

Values in, values out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

LABELS_AN_INPUT = 10
REFUSED_EACH = 1000
"""One label in so many is of an input that is not there: the service refuses it for
good.
"""
PATCHED_EACH = 5
"""One label in so many is patched, twice: a concept is set to 0 and then to 1."""

Change = dict[str, Any]


def input_of(number: int) -> str:
    """Where a label is."""
    return f"missing-{number}" if refused(number) else f"input-{number // LABELS_AN_INPUT}"


def refused(number: int) -> bool:
    """Does the service refuse it for good?"""
    return number % REFUSED_EACH == REFUSED_EACH // 2


def patched(number: int) -> bool:
    """Is it patched, where labels have ids?"""
    return number % PATCHED_EACH == 0 and not refused(number)


def inputs(count: int) -> list[Change]:
    """A line for `--load` an input: its input-level annotation, which it comes with."""
    names = sorted({input_of(number) for number in range(count) if not refused(number)})
    return [{"input_id": name, "input_level": True, "data": {}} for name in names]


def changes(count: int, *, ids: bool) -> Iterator[Change]:
    """Posts, without ids or with; with ids also patches, behind them: all first ones,
    then all second ones.
    """
    for number in range(count):
        annotation = {
            "input_id": input_of(number),
            "data": {"concepts": [{"id": "tree", "value": 1}], "metadata": {"n": number}},
        }
        yield {
            "n": number,
            "op": "post",
            "annotation": {"id": id_of(number), **annotation} if ids else annotation,
        }
    for value in (0, 1) if ids else ():
        for number in filter(patched, range(count)):
            data = {"concepts": [{"id": "seen", "value": value}]}
            yield {
                "n": number,
                "op": "patch",
                "action": "merge",
                "annotation": {"id": id_of(number), "input_id": input_of(number), "data": data},
            }


def id_of(number: int) -> str:
    """An id of the user's own."""
    return f"label-{number}"


@dataclass(frozen=True)
class Outcome:
    """What the service holds in the end, label by label, and what was said of it."""

    wanted: int
    """Labels that the service takes."""
    right: int
    """Of them, held once, as they should be."""
    lost: int
    """Not held."""
    doubled: int
    """Held more than once."""
    copies: int
    """How many too many there are."""
    changed: int
    """Held once, other than they should be: a patch is missing, or the older one came
    last.
    """
    unsaid: int
    """Lost or wrongly changed or refused, and not named."""
    false: int
    """Named as failed, though held, once or more, as they should be."""
    refused: int
    """Labels that the service refuses for good."""
    refused_named: int
    """Of them, named."""


def outcome(count: int, *, ids: bool, held: Sequence[Change], named: Collection[int]) -> Outcome:
    """Compare.

    `held`: annotations, input-level ones aside. `named`: labels that were named as
    failed.
    """
    copies: Counter[int] = Counter()
    wrong = set()
    for annotation in held:
        number = int(annotation["data"]["metadata"]["n"])
        copies[number] += 1
        values = {concept["id"]: concept["value"] for concept in annotation["data"]["concepts"]}
        if values != ({"tree": 1, "seen": 1} if ids and patched(number) else {"tree": 1}):
            wrong.add(number)
    wanted = [number for number in range(count) if not refused(number)]
    never = [number for number in range(count) if refused(number)]
    lost = {number for number in wanted if not copies[number]}
    doubled = {number for number in wanted if copies[number] > 1}
    changed = wrong - doubled
    right = set(wanted) - lost - doubled - changed
    return Outcome(
        wanted=len(wanted),
        right=len(right),
        lost=len(lost),
        doubled=len(doubled),
        copies=sum(copies[number] - 1 for number in doubled),
        changed=len(changed),
        unsaid=len((lost | changed | set(never)) - set(named)),
        false=len((right | doubled - wrong) & set(named)),
        refused=len(never),
        refused_named=len(set(never) & set(named)),
    )
