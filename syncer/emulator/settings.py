"""The behaviour of the emulator: limits, faults with their probabilities, and a switch
for what nobody knows of the service.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches

from syncer.emulator.annotell.settings import ANNOTELL_SWITCHES
from syncer.emulator.waits import FORMS
from syncer.errors import UsageError

FAULTS = (
    "throttle",
    "throttle-silent",
    "error",
    "html",
    "empty",
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
    # what a POST does
    "duplicate-id": ("request", "item", "replace"),
    "duplicate-code": ("40010", "24155"),
    "id-scope": ("input", "app"),
    "id-charset": ("any", "word"),
    "id-length": ("any", "32"),
    "inputs": ("make", "must-exist"),
    "no-input-code": ("30102", "24155"),
    "input-lag": ("0", "2"),
    "pending-input": ("accept", "refuse"),
    "caller": ("owner", "collaborator"),
    "token-user": ("shown", "missing", "refused"),
    "post": ("partial", "atomic"),
    "items-over": ("refuse", "take"),
    "unknown-fields": ("ignore", "refuse"),
    # what a PATCH does
    "region-merge": ("append", "replace"),
    "remove-without-ids": ("keep", "append"),
    "patch-missing": ("item", "request"),
    "patch-code": ("24150", "24250"),
    # the form of answers
    "answer": ("full", "short", "extra", "doubled", "bare", "none"),
    "answer-order": ("asis", "shuffled"),
    "failed-item": ("ids", "whole", "bare"),
    "mixed-http": ("200", "207"),
    "failed-http": ("400", "200"),
    "enums": ("number", "name", "text"),
    "float32": ("shortest", "widened", "exact"),
    "masks": ("bytes", "url"),
    "added-fields": ("none", "some"),
    "http-status-code": ("unset", "set"),
    # lists and reads
    "list-order": ("oldest", "newest", "arbitrary"),
    "input-level": ("listed", "unlisted"),
    "absent-ids": ("left-out", "refused"),
    "stream-order": ("id", "folded", "made", "arbitrary"),
    "gone-cursor": ("refused", "place", "empty", "start"),
    "per-page": ("128", "20"),
    "per-page-over": ("clamp", "refuse"),
    "search-hits": ("once", "repeated"),
    "search-window": ("none", "refused", "empty"),
    "search-window-size": ("10000", "2000", "1000"),
    "search-times": ("exact", "seconds"),
    "read-lag": ("0", "2"),
    "delete-lag": ("0", "2"),
    # limits and failures
    "apps": ("any", "loaded"),
    "throttle-form": ("429", "200", "503"),
    "throttle-code": ("11005", "11003", "11004"),
    "retry-after": FORMS,
    "error-retry-after": ("none", "seconds"),
    "rate-rule": ("sliding", "second", "bucket"),
    "rate-scope": ("all", "token"),
    "url-path": ("kept", "normalised"),
    "url-limit": ("none", "8192", "4096"),
    "body-limit": ("none", "16384", "100"),
    "refused-code": ("11009", "11008", "11007", "11102"),
    "error-code": ("98004", "99009", "10030", "40030", "40031", "40032", "39997"),
    "gateway-form": ("200", "404"),
}
"""Those of Clarifai's part. The first value is the default."""
EVERY_SWITCH = {**SWITCHES, **ANNOTELL_SWITCHES}


@dataclass(slots=True)
class Behaviour:
    """Faults and switches, as `--faults` names them."""

    faults: dict[str, float] = field(default_factory=dict)
    switches: dict[str, str] = field(
        default_factory=lambda: {name: values[0] for name, values in EVERY_SWITCH.items()}
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set for `syncer emulator`."""

    host: str = "127.0.0.1"
    port: int = 0
    rps: float = 15
    latency: float = 0
    faults: str = ""
    seed: int = 0
    load: tuple[str, ...] = ()
    like: str = ""
    """Switches that hold where `faults` names no others."""


def behaviour(spec: str) -> Behaviour:
    """Read `name=probability` and `name=value`, comma-separated.

    Raises UsageError that names the wrong part.
    """
    result = Behaviour()
    for part in filter(None, (part.strip() for part in spec.split(","))):
        name, _, value = part.partition("=")
        if name in EVERY_SWITCH:
            if value not in EVERY_SWITCH[name]:
                raise UsageError(
                    f"emulator switch {part!r}: {name} is one of {', '.join(EVERY_SWITCH[name])}"
                )
            result.switches[name] = value
        elif name in FAULTS:
            result.faults[name] = _probability(part, value)
        else:
            close = get_close_matches(name, [*FAULTS, *EVERY_SWITCH], 1)
            hint = (
                f"did you mean {close[0]}?"
                if close
                else f"known are {', '.join([*FAULTS, *EVERY_SWITCH])}"
            )
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
