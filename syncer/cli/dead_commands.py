"""`syncer dead list|show|retry|drop`: the commands and their options."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from syncer.cli.options import Code, Common, Log

dead_app = App(name="dead", help="The dead letters: changes that the remote will not take.")


@dead_app.command(name="list")
def dead_list(*, code: Code = None, common: Common = Common()) -> int:
    """List the dead letters, oldest first.

    Parameters
    ----------
    code
        Only letters with this status code of the remote.
    """
    from syncer.cli import dead

    return dead.list_letters(code, common.config, common.options(), as_json=common.json)


@dead_app.command(name="show", usage="Usage: syncer dead show [OPTIONS] SOURCE:LINE")
def dead_show(letter: Log, /, *, common: Common = Common()) -> int:
    """Show everything about one dead letter.

    Parameters
    ----------
    letter
        The letter, as `dead list` shows it.
    """
    from syncer.cli import dead

    return dead.show(letter, common.config, common.options(), as_json=common.json)


@dead_app.command(name="retry", usage="Usage: syncer dead retry [OPTIONS] [SOURCE:LINE...]")
def dead_retry(
    *letters: Log,
    code: Code = None,
    every: Annotated[bool, Parameter(name="--all")] = False,
    force: bool = False,
    common: Common = Common(),
) -> int:
    """Queue dead letters to be sent again by the next push, in the order of their logs.

    Exit codes: 0 all were queued, 3 some were refused; each of those is named with the
    reason.

    Parameters
    ----------
    letters
        The letters, as `dead list` shows them.
    code
        All letters with this status code of the remote.
    every
        All letters.
    force
        Also letters that a later change superseded: sending them undoes that change.
    """
    from syncer.cli import dead

    return dead.retry(
        letters,
        code,
        common.config,
        common.options(),
        every=every,
        force=force,
        as_json=common.json,
    )


@dead_app.command(name="drop", usage="Usage: syncer dead drop [OPTIONS] [SOURCE:LINE...]")
def dead_drop(
    *letters: Log,
    code: Code = None,
    every: Annotated[bool, Parameter(name="--all")] = False,
    common: Common = Common(),
) -> int:
    """Give up dead letters: from then on they count as ignored.

    Parameters
    ----------
    letters
        The letters, as `dead list` shows them.
    code
        All letters with this status code of the remote.
    every
        All letters.
    """
    from syncer.cli import dead

    return dead.drop(
        letters, code, common.config, common.options(), every=every, as_json=common.json
    )
