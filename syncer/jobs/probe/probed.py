"""The end of a probe: what was found out, and what is left in the app."""

from __future__ import annotations

from dataclasses import dataclass, field

from syncer.emulator.profile import FORMAT, VERSION
from syncer.emulator.settings import SWITCHES
from syncer.errors import SyncerError, exit_code
from syncer.jobs.probe.scratch import Conclusion


@dataclass(slots=True)
class Probed:
    """The result of a run."""

    told: list[Conclusion] = field(default_factory=list)
    requests: int = 0
    elapsed_seconds: float = 0.0
    removed: int = 0
    """Inputs that were removed."""
    left: list[str] = field(default_factory=list)
    """Inputs of this run that are still there."""
    earlier: list[str] = field(default_factory=list)
    """Inputs of earlier runs."""
    whole: bool = False
    """All questions were asked."""
    error: SyncerError | None = None
    interrupted: int | None = None

    @property
    def exit_code(self) -> int:
        """The exit code of the command."""
        return exit_code(self.error, self.interrupted, 0) or int(bool(self.left))

    def in_order(self) -> list[Conclusion]:
        """Return what was found out, in the order of the emulator's table."""
        by_switch = {each.switch: each for each in self.told}
        return [by_switch[switch] for switch in SWITCHES if switch in by_switch]

    def profile(self) -> dict[str, object]:
        """Return what may be given to anybody: nothing in it is of the user's own."""
        found = self.in_order()
        return {
            "format": FORMAT,
            "version": VERSION,
            "switches": {each.switch: each.value for each in found if each.value is not None},
            "unknown": {each.switch: each.seen for each in found if each.value is None},
            "seen": {each.switch: each.seen for each in found if each.value is not None},
        }
