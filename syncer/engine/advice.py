"""The words of a run that ends early: why, what it leaves, and the way on."""

from __future__ import annotations

from dataclasses import dataclass

from syncer.core.outcome import Halt
from syncer.errors import CredentialsRefused, Stopped, SyncerError


@dataclass(frozen=True, slots=True)
class Left:
    """The words about what a run that stops early leaves, and why to run it again."""

    what: str
    aim: str


STATE_KEPT = Left("the state is kept", " to carry on")
OUTPUT_KEPT = Left("what is written is kept", " to carry on")
PARTLY_COMPARED = Left("not everything was compared", " to compare it all")
PARTLY_READ = Left("not everything was read", "")


@dataclass(frozen=True, slots=True)
class Advice:
    """The names that messages use."""

    credentials: str = "them"
    """Where the credentials come from."""
    resume: str = ""
    """The command that lifts a pause which outlives the run; empty where none is kept.
    """
    address: str = "the address"
    """Where requests go, down to the app."""
    settings: str = "it"
    """What to check where nothing is found there."""
    left: Left = STATE_KEPT

    def explain_stop(self, reason: str, paused_until: str = "") -> Stopped:
        """Return the error of a run that may go on, at once or after this time."""
        again = "run the same command again"
        if paused_until:
            lift = f", or lift the pause with `{self.resume}` first" if self.resume else ""
            way_on = f"{again} after {paused_until}{self.left.aim}{lift}"
        else:
            way_on = f"{again}{self.left.aim}"
        return Stopped(f"{reason}; {self.left.what}: {way_on}")

    def explain_halt(self, verdict: Halt) -> SyncerError:
        """Return the error of a run that the remote does not let go on."""
        code = "" if verdict.code is None else f" (code {verdict.code})"
        if verdict.kind == "credentials":
            return CredentialsRefused(
                f"the remote refused the credentials{code}: {verdict.reason}. Nothing is lost; "
                f"check {self.credentials}, then run the same command again"
            )
        if verdict.kind == "address":
            return Stopped(
                f"{verdict.reason}. Nothing is lost; set it right, then run the same command again"
                " (with another --state, where another destination was meant)"
            )
        return Stopped(
            f"the remote refuses to go on{code}: {verdict.reason}; {self.left.what}: run the same"
            " command again once that is settled"
        )


NO_ADVICE = Advice()
