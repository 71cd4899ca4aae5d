"""Profiles that nobody has probed: services that a seed makes up, with a few values
that are not the defaults or any, and services where nothing is as it is by default.

    python -m tests.support.profiles --seed 7 profile.json
    python -m tests.support.profiles --few 7 profile.json
    python -m tests.support.profiles --turn 0 profile.json
    make test PROFILE=profile.json
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import orjson

from syncer.emulator.profile import FORMAT, VERSION
from syncer.emulator.settings import SWITCHES

ENDING = {"body-limit": "100", "throttle-code": "11004", "retry-after": "huge"}
"""Where no body may have more than 100 bytes, no label is taken; at the first throttle
of a spent month, or of thirty years, a push stops: nothing else shows.
"""
VALUES = {
    name: tuple(value for value in values if value != ENDING.get(name))
    for name, values in SWITCHES.items()
}
FEW = 5
"""How many settings of a service that is much as we think may surprise."""
TURNS = max(len(values) for values in VALUES.values()) - 1
"""After so many turns each value of each switch has been met."""


def drawn(seed: int) -> dict[str, str]:
    """Each switch at any of its values."""
    rng = random.Random(seed)
    return {name: rng.choice(values) for name, values in VALUES.items()}


def few(seed: int) -> dict[str, str]:
    """A few switches at a value that is not the default, the others as by default."""
    rng = random.Random(seed)
    chosen = rng.sample(sorted(VALUES), FEW)
    return {
        name: rng.choice(values[1:]) if name in chosen else values[0]
        for name, values in VALUES.items()
    }


def unusual(turn: int) -> dict[str, str]:
    """Each switch at a value that is not its default, the next one each turn."""
    return {name: values[1 + turn % (len(values) - 1)] for name, values in VALUES.items()}


MAKERS = {"seed": drawn, "few": few, "turn": unusual}


def write_profile(path: Path, switches: dict[str, str]) -> None:
    """As `syncer probe --out` writes it."""
    profile = {"format": FORMAT, "version": VERSION, "switches": switches}
    path.write_bytes(orjson.dumps(profile, option=orjson.OPT_INDENT_2) + b"\n")


def main() -> None:
    """Write one of them."""
    parser = argparse.ArgumentParser(prog="tests.support.profiles", description=__doc__)
    which = parser.add_mutually_exclusive_group(required=True)
    for name in MAKERS:
        which.add_argument(f"--{name}", type=int)
    parser.add_argument("path", type=Path)
    given = vars(parser.parse_args())
    [(make, number)] = [
        (make, given[name]) for name, make in MAKERS.items() if given[name] is not None
    ]
    write_profile(given["path"], make(number))


if __name__ == "__main__":
    main()
