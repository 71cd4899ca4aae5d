"""The judgement of an end: is the remote what the logs ask for, and is each dead letter
deserved?
"""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.proof.simulation.labels import Labels
from tests.proof.simulation.model import Line, Model, differences
from tests.proof.simulation.scenario import poisoned

IsOf = Callable[[Line, dict[str, object]], bool]
"""Whether a letter is of this line, beside its text."""


def find_letters(
    model: Model, dead_file: bytes, is_of: IsOf = lambda line, letter: line.line == letter["line"]
) -> tuple[dict[Line, str], list[Line]]:
    """The lines that are dead letters, and why; and those of which there are two."""
    found: dict[Line, str] = {}
    doubled = []
    for raw in dead_file.splitlines():
        letter = json.loads(raw)
        if letter["event"] == "dead":
            same = [
                line
                for line in model.lines
                if line.text == letter["change"] and is_of(line, letter)
            ]
            line = next((line for line in same if line not in found), same[0])
            if line in found:
                doubled.append(line)
            found[line] = f"{letter['reason']} ({letter['attempts']} attempts)"
    return found, doubled


def judge(model: Model, letters: dict[Line, str], network: Labels, poison: float) -> list[str]:
    """What is wrong, where all is over and these are the dead letters."""
    wrong = list(network.other.wrong)
    dead = {line.place for line in letters}
    nothing_to_patch = model.nothing_to_patch(dead)
    edited = network.other.edited
    for line in model.lines:
        if (line.input_id, line.id) in edited:
            wrong += _judge_planned(line, network, is_dead=line.place in dead)
            continue
        deserved = (
            line.kind == "bad"
            or line.place in nothing_to_patch
            or _is_poisoned(line, network, poison)
        )
        if deserved and line.place not in dead:
            if line.kind == "bad" or line.kind == "post":
                wrong.append(f"dead letter: none of {line}")
        elif not deserved and line.place in dead:
            wrong.append(f"dead letter: undeserved: {line}: {letters[line]}")
    held = [
        annotation
        for key, annotation in network.app.annotations.items()
        if key not in edited or annotation != edited[key]
    ]
    wanted = {key: what for key, what in model.held(dead).items() if key not in edited}
    lost = [key for key, left in edited.items() if left and key not in network.app.annotations]
    return wrong + [f"lost: somebody else's {key}" for key in lost] + differences(wanted, held)


def _judge_planned(line: Line, network: Labels, *, is_dead: bool) -> list[str]:
    """Judge a planned change of an annotation that somebody else changed: it is a
    letter, unless it was carried out before, or asked for just that.
    """
    key = line.input_id, line.id
    is_done = key in network.other.carried_out
    is_gone = line.kind == "delete" and network.other.edited[key] is None
    return [] if is_dead or is_done or is_gone else [f"dead letter: none of {line}"]


def _is_poisoned(line: Line, network: Labels, poison: float) -> bool:
    return (
        line.marker in network.poisoned
        if not line.id
        else bool(line.marker) and poisoned(line.id, poison)
    )
