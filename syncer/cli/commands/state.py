"""`syncer state check|export|repair|resume|forget|move`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO, TypeVar

from cyclopts import App, Parameter

from syncer.cli.options import Common, Log
from syncer.cli.output import (
    fail,
    print_json,
    print_json_item,
    print_lines,
    printing,
    say,
)
from syncer.errors import OutputError, StateError, StateLocked, UsageError
from syncer.printable import counted, json_text
from syncer.version import __version__

if TYPE_CHECKING:
    from syncer.jobs.state import StateSurvey

T = TypeVar("T")

app = App(name="state", version=__version__, help="The state folder itself.")


@app.command(name="check")
def state_check(*, common: Common = Common()) -> int:
    """Read a whole state, of a push or a pull, and report all damage: file, byte and
    what it means. Changes nothing.

    Exit codes: 0 nothing is damaged, 1 something is.
    """
    from syncer.jobs.folders import any_folder
    from syncer.jobs.state import look

    found = look(any_folder(common.load()))
    value = {
        "state": str(found.folder),
        "whole": not found.damages,
        "locked_by": found.locked_by,
        "damages": [asdict(damage) for damage in found.damages],
        "notes": found.notes,
    }
    if not printing.json:
        for note in found.notes:
            say(note)
        for damage in found.damages:
            print_lines(f"{damage}: {damage.means}")
        if not found.damages:
            print_lines(f"{found.folder}: whole")
    elif not found.damages:
        print_json(value)
    return _report_damage(found, value) if found.damages else 0


def _report_damage(found: StateSurvey, details: dict[str, object] | None = None) -> int:
    return fail(found.damaged_sentence, StateError.exit_code, details)


@app.command(name="export")
def state_export(
    *, out: Annotated[Path | None, Parameter(metavar="FILE")] = None, common: Common = Common()
) -> int:
    """Write everything that a state knows as JSON Lines: logs and how far they are,
    waiting changes, dead letters, pauses.

    If the state is damaged, it writes as much as can be read. Exit codes: 0 nothing is
    damaged, 1 something is.

    Parameters
    ----------
    out
        File to write to. Default: standard output.
    """
    from syncer.jobs.folders import any_folder
    from syncer.jobs.state import look
    from syncer.jobs.state_export import export

    folder = any_folder(common.load())
    found = look(folder)
    if out is not None and out.absolute().resolve().is_relative_to(folder.resolve()):
        raise UsageError(
            f"--out {out} is within the state folder {folder}, which it would damage: name a file"
            " elsewhere"
        )
    if out is None:
        for record in export(found):
            print_json_item(record)
        return _report_damage(found) if found.damages else 0
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            count = _write(file, found)
    except OSError as error:
        raise OutputError(f"{out} cannot be written: {error.strerror or error}") from None
    say(f"{counted(count, 'record')} written to {out}")
    value: dict[str, object] = {"out": str(out), "records": count}
    if found.damages:
        return _report_damage(found, value)
    if printing.json:
        print_json(value)
    return 0


def _write(file: TextIO, found: StateSurvey) -> int:
    from syncer.jobs.state_export import export

    count = 0
    for record in export(found):
        file.write(json_text(record) + "\n")
        count += 1
    file.flush()
    return count


@app.command(name="repair")
def state_repair(*, common: Common = Common()) -> int:
    """Set aside what is damaged in a state, leave a state that works, and say what is
    no longer known.

    Nothing is deleted: damaged files go to quarantine/ in the state folder. Changes
    whose outcome is no longer known are looked up again by the next push. A state that
    is not damaged is left alone. Needs the state's lock.
    """
    from syncer.jobs.folders import any_folder
    from syncer.jobs.state import repair

    folder = any_folder(common.load())
    done = repair(folder)
    if printing.json:
        print_json(
            {
                "state": str(folder),
                "damages": [asdict(damage) for damage in done.damages],
                "quarantine": None if done.quarantine is None else str(done.quarantine),
                "set_aside": done.set_aside,
                "unknown": done.unknown,
            }
        )
        return 0
    if not done.damages:
        print_lines(f"{folder}: whole; nothing was done")
        return 0
    for damage in done.damages:
        print_lines(str(damage))
    print_lines(f"set aside in {done.quarantine}: {', '.join(done.set_aside)}")
    for sentence in done.unknown:
        print_lines(f"- {sentence}")
    return 0


@app.command(name="resume")
def state_resume(*, common: Common = Common()) -> int:
    """Lift the pause that a state of a push or a pull keeps: the next run sends at
    once, even if the remote asked to wait.

    A state that keeps no pause is left alone. Needs the state's lock.
    """
    from syncer.jobs.folders import any_folder
    from syncer.jobs.state import resume
    from syncer.jobs.status import pause_of

    loaded = common.load()
    folder = any_folder(loaded)
    lifted = pause_of(resume(folder), loaded.config.retry.give_up_seconds, time.time())
    if printing.json:
        until = lifted and lifted.until
        print_json({"state": str(folder), "resumed": lifted is not None, "paused_until": until})
    elif lifted is None:
        print_lines(f"{folder}: not paused; nothing was done")
    else:
        print_lines(
            f"{folder}: the pause until {lifted.until} is lifted ({lifted.reason}); the next run"
            " sends at once"
        )
    return 0


@app.command(usage="Usage: syncer state forget [OPTIONS] LOG...")
def forget(*logs: Log, force: bool = False, common: Common = Common()) -> int:
    """Forget everything that the state knows about these logs. Pushed again, they are
    read from the start, deletes and patches included.

    Parameters
    ----------
    logs
        The logs, as `syncer status` shows them, or patterns of their names or paths; -
        for what came by standard input.
    force
        Also logs with waiting changes or dead letters, which are lost.
    """
    from syncer.daemon.control import forget_through
    from syncer.jobs.folders import push_folder
    from syncer.jobs.known import ForgetLogs, LogName

    if not logs:
        raise UsageError(
            "name the logs to forget, as `syncer status` shows them; patterns are allowed"
        )
    folder = push_folder(common.load())
    asked = ForgetLogs(tuple(map(LogName.of, logs)), force=force)
    given_up = _alter(folder, asked.write, partial(forget_through, asked=asked))
    it_is = "it is" if len(given_up.logs) == 1 else "they are"
    say(
        f"{given_up.sentence()}; when {it_is} pushed again, {it_is} applied once more from the"
        " first line"
    )
    if printing.json:
        print_json(given_up.record())
    return 0


@app.command
def move(old: Log, new: Log, /, *, common: Common = Common()) -> int:
    """Note in the state that a log has another path. A file at that path must hold what
    was applied.

    Parameters
    ----------
    old
        The log, as `syncer status` shows it, or its path.
    new
        Its new path.
    """
    from syncer.daemon.control import move_through
    from syncer.jobs.folders import push_folder
    from syncer.jobs.known import LogName, MoveLog

    asked = MoveLog(LogName.of(old), LogName.of(new))
    renamed = _alter(push_folder(common.load()), asked.write, partial(move_through, asked=asked))
    say(renamed.sentence())
    if printing.json:
        print_json(renamed.record())
    return 0


def _alter(folder: Path, write: Callable[[Path], T], through: Callable[[Path], T | None]) -> T:
    """Write to a state or, where a daemon holds it, let that one do it."""
    try:
        return write(folder)
    except StateLocked:
        if (done := through(folder)) is None:
            raise
        return done
