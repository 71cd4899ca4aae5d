"""The result of a look at a service or at this machine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Observed:
    """One thing that was looked at. `ok`: nothing has to be done about it."""

    about: str
    ok: bool
    message: str
    """What was seen, and where it is not well what to do."""
