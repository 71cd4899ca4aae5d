"""`syncer state …` and `syncer config …`: the commands and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from syncer.cli.options import Common, Log, Pushing

state_app = App(name="state", help="The state folder itself.")
config_app = App(name="config", help="The configuration.")


@state_app.command(name="check")
def state_check(*, common: Common = Common()) -> int:
    """Read a whole state, of a push or a pull, and report all damage: file, byte and
    what it means. Changes nothing.

    Exit codes: 0 nothing is damaged, 1 something is.
    """
    from syncer.cli import state

    return state.check(common.config, common.options(), as_json=common.json)


@state_app.command(name="export")
def state_export(
    *, out: Annotated[Path | None, Parameter(metavar="FILE")] = None, common: Common = Common()
) -> int:
    """Write everything that a state knows as JSON Lines: logs and how far they are,
    waiting changes, dead letters, pauses.

    Of a damaged state it writes as much as can be read. Exit codes: 0 nothing is
    damaged, 1 something is.

    Parameters
    ----------
    out
        File to write to. Default: standard output.
    """
    from syncer.cli import state

    return state.export(out, common.config, common.options(), as_json=common.json)


@state_app.command(name="repair")
def state_repair(*, common: Common = Common()) -> int:
    """Set aside what is damaged in a state, leave a state that works, and say what is
    no longer known.

    Nothing is deleted: damaged files go to quarantine/ in the state folder. Changes
    whose outcome is no longer known are looked up again by the next push. A state that
    is not damaged is left alone. Needs the state's lock.
    """
    from syncer.cli import state

    return state.repair(common.config, common.options(), as_json=common.json)


@state_app.command(name="resume")
def state_resume(*, common: Common = Common()) -> int:
    """Lift the pause that a state of a push or a pull keeps: the next run sends at
    once, whatever the remote asked for.

    A state that keeps no pause is left alone. Needs the state's lock.
    """
    from syncer.cli import state

    return state.resume(common.config, common.options(), as_json=common.json)


@state_app.command(usage="Usage: syncer state forget [OPTIONS] LOG...")
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
    from syncer.cli import state

    return state.forget(logs, common.config, common.options(), force=force, as_json=common.json)


@state_app.command
def move(old: Log, new: Log, /, *, common: Common = Common()) -> int:
    """Tell the state that a log has another path. A file at that path must hold what
    was applied.

    Parameters
    ----------
    old
        The log, as `syncer status` shows it, or its path.
    new
        Its new path.
    """
    from syncer.cli import state

    return state.move(old, new, common.config, common.options(), as_json=common.json)


@config_app.command
def check(*, online: bool = False, common: Common = Common(), remote: Pushing = Pushing()) -> int:
    """Read the config and report every error in it.

    Exit codes: 0 no errors, 1 the app cannot be reached or does not exist, 2 errors in
    the config, or refused credentials.

    Parameters
    ----------
    online
        Also try the token and the app, with one request that changes nothing.
    """
    from syncer.cli import config

    return config.check(
        common.config, {**common.options(), **remote.options()}, online=online, as_json=common.json
    )


@config_app.command
def show(*, common: Common = Common(), remote: Pushing = Pushing()) -> int:
    """Show every value of the config and where it came from. Tokens are never shown."""
    from syncer.cli import config

    return config.show(common.config, {**common.options(), **remote.options()}, as_json=common.json)
