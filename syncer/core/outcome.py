"""The meanings of an answer: for each change of a batch, or for the batch as a whole.

Closed unions, matched exhaustively.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# --- of one change --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Applied:
    """The remote holds what the change asks for."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The remote will never take this change."""

    reason: str
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Retriable:
    """The answer names this change as failed for now: one attempt counts."""

    reason: str
    code: int | None = None


@dataclass(frozen=True, slots=True)
class InDoubt:
    """A change that may have been applied: a post is read back before it is sent again,
    the rest is simply sent again.

    `omitted`: the remote dealt with the request, and its answer leaves this change out.
    It would each time: so a patch is read back, too.
    """

    reason: str
    code: int | None = None
    omitted: bool = False


@dataclass(frozen=True, slots=True)
class Exists:
    """A post was refused, perhaps because its id is there already: read it back and
    compare.

    `certain` is true where the remote said duplicate; otherwise a change that is not
    found is rejected with `reason`.
    """

    reason: str
    code: int | None = None
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Missing:
    """A change of what the remote says is not there (annotation or input)."""

    reason: str
    code: int | None = None


Outcome = Applied | Rejected | Retriable | InDoubt | Exists | Missing

APPLIED = Applied()

# --- of a whole request ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answered:
    """The remote dealt with the batch: one outcome a change, in the batch's order."""

    outcomes: list[Outcome]


@dataclass(frozen=True, slots=True)
class AllApplied:
    """Every change of the batch was applied."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The remote refused the request as a whole and applied none of it: halve it, or
    reject the only change in it.

    `duplicate`: it says that some id exists (code 40010), so the batch is read back
    first.
    """

    reason: str
    code: int | None = None
    duplicate: bool = False
    too_large: bool = False
    """The request's body is larger than the remote, or something on the way, takes."""
    missing: bool = False
    """Something that the request names is not there."""
    of_app: Literal["no", "perhaps", "likely"] = "no"
    """Whether the service would say the same of an app that is not there. Before it is
    believed, the app is asked for: unless it was seen a moment ago, or, where that is
    likely, each time.
    """


@dataclass(frozen=True, slots=True)
class Throttled:
    """Too many requests, nothing applied.

    How long to wait stands in the answer's headers, for any remote.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The request failed; nothing in the answer names a change.

    `in_doubt`: it may have been applied all the same.
    """

    reason: str
    code: int | None = None
    in_doubt: bool = True
    unreachable: bool = False
    """No connection could be made at all: certainly nothing applied."""
    cut: bool = False
    """The request left and nothing came back: perhaps its body was too large for
    something on the way.
    """
    strange: Literal["no", "perhaps", "surely"] = "no"
    """The answer is not the service's: it comes from something on the way, or the
    address is wrong. Surely, where HTTP itself says that there is no such path or
    method: that is never about a change.
    """


@dataclass(frozen=True, slots=True)
class Halt:
    """The run cannot go on: the token is refused, the account needs its owner, or the
    address can never answer.
    """

    reason: str
    code: int | None = None
    kind: Literal["credentials", "account", "address"] = "account"


Verdict = Answered | AllApplied | Refused | Throttled | Failed | Halt
