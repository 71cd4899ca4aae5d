"""How the emulator behaves: limits, faults with their probabilities, and a switch for what nobody knows of the service."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches

from syncer.errors import UsageError

FAULTS = (
    "throttle",
    "throttle-silent",
    "error",
    "html",
    "gateway",
    "reset-before",
    "reset-after",
    "cut",
    "hang",
    "slow",
    "partial",
    "reject",
)
SWITCHES: dict[str, tuple[str, ...]] = {
    "duplicate-id": ("request", "item", "replace"),
    "id-scope": ("input", "app"),
    "post": ("partial", "atomic"),
    "answer-order": ("asis", "shuffled"),
    "answer": ("full", "short", "extra"),
    "region-merge": ("append", "replace"),
    "inputs": ("make", "must-exist"),
    "enums": ("number", "name"),
    "throttle-form": ("429", "200"),
}
"""The first value is the default."""


@dataclass(slots=True)
class Behaviour:
    """Faults and switches, as `--faults` names them."""

    faults: dict[str, float] = field(default_factory=dict)
    switches: dict[str, str] = field(default_factory=lambda: {name: values[0] for name, values in SWITCHES.items()})


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that `syncer emulator` can be told."""

    host: str = "127.0.0.1"
    port: int = 0
    rps: float = 15
    latency: float = 0
    faults: str = ""
    seed: int = 0
    load: tuple[str, ...] = ()


def behaviour(spec: str) -> Behaviour:
    """Read `name=probability` and `name=value`, comma-separated. Raises UsageError that names the wrong part."""
    result = Behaviour()
    for part in filter(None, (part.strip() for part in spec.split(","))):
        name, _, value = part.partition("=")
        if name in SWITCHES:
            if value not in SWITCHES[name]:
                raise UsageError(f"emulator switch {part!r}: {name} is one of {', '.join(SWITCHES[name])}")
            result.switches[name] = value
        elif name in FAULTS:
            result.faults[name] = _probability(part, value)
        else:
            close = get_close_matches(name, [*FAULTS, *SWITCHES], 1)
            hint = f"did you mean {close[0]}?" if close else f"known are {', '.join([*FAULTS, *SWITCHES])}"
            raise UsageError(f"emulator fault {part!r}: unknown; {hint}")
    return result


def _probability(part: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0.0 <= number <= 1.0:
        raise UsageError(f"emulator fault {part!r}: its probability must be a number from 0 to 1")
    return number
