"""The logs that a push would read, whether or not they are done, and their changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from syncer.config import Loaded
from syncer.core.bits import NumberBits
from syncer.core.change import Change
from syncer.core.ledger import Ledger
from syncer.core.moves import Moved
from syncer.errors import SyncerError, UsageError
from syncer.finish import finish
from syncer.jobs.inputs import was_looked_at
from syncer.jobs.lines import line_options
from syncer.jobs.ours import SPOOL, name_logs
from syncer.jobs.streams import standard_input
from syncer.journal.dead import DEAD_FILE, list_unapplied
from syncer.journal.journal import DestinationId, Journal, check_destination
from syncer.sources.changelog import ChangeLog
from syncer.sources.choice import Chooser
from syncer.sources.chosen import ChosenLog
from syncer.sources.first_lines import refuse_what_is_not_a_log
from syncer.sources.lines import LineOptions


@dataclass(slots=True)
class LogsToCompare:
    """The logs, and the notes on them."""

    state: Path
    options: LineOptions
    ledger: Ledger
    logs: list[ChosenLog]
    gone: list[str]
    """Logs that the state knows, and whose file does not exist any more."""
    notes: list[str]
    bad_lines: int = 0
    error: SyncerError | None = field(default=None)
    """Why some of the lines were not read."""

    @property
    def size_bytes(self) -> int:
        """About how much there is to read."""
        return sum(_size_bytes(log) for log in self.logs)

    async def read(self, give: Callable[[Change], None]) -> None:
        """Give every change that the remote should have taken: all but those that are
        dead letters, or were.

        Raises UsageError for what is not a log, StateError.
        """
        ledger = self.ledger
        left_out = (
            list_unapplied(self.state / DEAD_FILE, ledger.dead_size) if ledger.dead_size else {}
        )
        for log in self.logs:
            if not was_looked_at(log, ledger.logs.get(log.number)):
                refuse_what_is_not_a_log(log.path, log.identity.label, self.options)
        for log in self.logs:
            dead = left_out.get(log.number, NumberBits())
            reader = ChangeLog(log.path, log.identity.label, log.number, self.options)
            try:
                while (chunk := await reader.read()) is not None:
                    for change in chunk.changes:
                        if change.index not in dead:
                            give(change)
                    self.bad_lines += len(chunk.bad)
            finally:
                await finish(reader.close)
            if reader.unfinished and self.error is None:
                self.error = SyncerError(
                    f"{reader.unfinished}; what is before it was compared. Verify again when it is"
                    " whole"
                )


def logs_to_compare(
    loaded: Loaded, named: Sequence[str], spool: Path, moved: Moved | None
) -> LogsToCompare:
    """Choose the logs. `named`: as on the command line; none: every log that the state
    knows. `spool`: where standard input is kept.

    Raises UsageError if there is no log, StateError for a state of another destination.
    """
    state = Path(loaded.config.state.dir)
    ledger = _ledger(state, loaded)
    ours = name_logs(spool, standard_input(), Path(loaded.config.state.shared_dir))
    paths = [path for argument in named for path in ours.of(argument)]
    choice = Chooser(ledger, state / SPOOL).choose(paths if named else None, moved)
    if not choice.logs and not choice.gone:
        raise UsageError(f"no change log to compare with: name one; the state {state} knows none")
    return LogsToCompare(
        state,
        line_options(loaded.config),
        ledger,
        choice.logs,
        gone=[ledger.logs[number].identity.label for number in choice.gone],
        notes=[*ours.notes({log.path for log in choice.logs}, choice.unread), *choice.notes],
    )


def _ledger(state: Path, loaded: Loaded) -> Ledger:
    """Return what the state folder holds; nothing if it does not exist."""
    if not Journal.is_in(state):
        return Ledger()
    clarifai = loaded.config.clarifai
    ledger, destination, _ = Journal.read_only(state)
    check_destination(
        state, destination, DestinationId(clarifai.base_url, clarifai.user_id, clarifai.app_id)
    )
    return ledger


def _size_bytes(log: ChosenLog) -> int:
    identity = log.identity
    return (
        identity.end
        if identity.end >= 0
        else identity.size * (10 if log.path.endswith(".gz") else 1)
    )
