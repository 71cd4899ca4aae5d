"""Everything that stops a run, as exceptions that name what happened, where, and what
to do next.

An outcome of one change is a value (`syncer.core.outcome`); only what ends the whole
run is raised. Each class carries the exit code of the command line, so that no caller
needs a table of its own.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence

_PACKAGE = __file__.removesuffix("errors.py")


class SyncerError(Exception):
    """A run that cannot go on; the message is written for the user.

    State already written stays valid.
    """

    exit_code = 1
    details: Mapping[str, object] = {}
    """The values that `--json` gives beside the message: values that JSON can hold."""

    @property
    def lines(self) -> Sequence[str]:
        """The message as it is shown to people: one line, except messages that list
        things.
        """
        return (str(self),)


class UsageError(SyncerError):
    """The command line, the config or a file named there is wrong. Nothing was sent."""

    exit_code = 2


class CredentialsRefused(SyncerError):
    """The remote refused the token (HTTP 401 or 403, or codes 11001 to 11009).

    No change was dead-lettered.
    """

    exit_code = 2


class Stopped(SyncerError):
    """The remote asks for a human (account limits, maintenance) or nothing succeeded
    for too long. The state is kept.
    """


class StateError(SyncerError):
    """The state folder cannot be used: locked, another destination's, damaged, full or
    read-only.
    """


class StateLocked(StateError):
    """Another process is using the state folder."""


def of_another_version(path: object, found: str, read: str, option: str = "--state") -> StateError:
    """Return the message about a file that is `found` (a format and its version), where
    this syncer reads another one. `option` gives another folder.
    """
    return StateError(
        f"{path} is {found}, and this syncer reads {read}. Nothing was changed: use the syncer that"
        f" wrote it, or another {option}"
    )


class OutputError(SyncerError):
    """The output of a pull cannot be written, or is not what the pull left there.

    What was written before is kept.
    """


class LogChanged(SyncerError):
    """A change log was cut, replaced or edited before the point already applied, or may
    be a known one under a new name.
    """


class BadLineFound(SyncerError):
    """`--strict` met a bad line.

    The line was not sent and no dead letter was written.
    """


class BadLabelFound(SyncerError):
    """`--strict` met a label, or a file of labels, that cannot be read.

    Nothing was written.
    """


LEFT = 3
"""The exit code where something is left that could not be done."""
DIFFERENT = 4
"""The exit code where differences were found."""


def exit_code(
    error: SyncerError | None, interrupted: int | None, left: int, differences: int = 0
) -> int:
    """Return the exit code that scripts rely on: 128 + the signal that interrupted the
    run, the code of the error that stopped it (1 or 2), 4 where something differs, 3
    where something is left, else 0.
    """
    if interrupted is not None:
        return 128 + interrupted
    if error is not None:
        return error.exit_code
    return DIFFERENT if differences else LEFT if left else 0


def first_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the one of several tasks' errors that users are to see: one of ours before
    anybody else's.
    """
    mine, _ = group.split(SyncerError)
    error: BaseException = group if mine is None else mine
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def describe(error: BaseException) -> str:
    """Return what people read of an error: what one of ours says, and of one that
    nobody expected where it came about.
    """
    return str(error) if isinstance(error, SyncerError) else describe_unexpected(error)


def describe_unexpected(error: BaseException) -> str:
    """Return what people read of an error that nobody expected: its type and the line
    of ours that failed. Not what it says: that may hold anything, a token too.
    """
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if frame.filename.startswith(_PACKAGE)]
    place = (
        f"syncer/{ours[-1].filename.removeprefix(_PACKAGE)}:{ours[-1].lineno}"
        if ours
        else "the command line"
    )
    return f"internal error: {type(error).__name__} in {place}; please report it"
