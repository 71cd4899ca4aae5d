"""`syncer run`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cyclopts import App

from syncer import signals
from syncer.cli.options import Common
from syncer.cli.output import blame, print_json, printing, say, saying_aside

if TYPE_CHECKING:
    from syncer.daemon.supervisor import Ended

app = App(name="run")


@app.default
def run(*, common: Common = Common()) -> int:
    """Follow the sources of the config, and push what changes until SIGTERM or SIGINT.

    The first signal lets requests in flight finish; a second one stops at once. Both
    lose nothing. SIGHUP reads the config again, and restarts what changed.
    """
    signals.hear_hangups()
    from syncer.cli.loop import run
    from syncer.daemon.wiring import follow

    loaded = common.load()
    # the file that was found is the one from now on
    again = replace(common, config=loaded.path)
    with saying_aside():
        ended = run(follow, loaded, again.load, say)
    _tell(ended)
    return ended.exit_code


def _tell(ended: Ended) -> None:
    error = ended.error
    if error is None:
        say("syncer: drained; what was not sent yet waits for the next start")
    else:
        blame(error)
    if printing.json:
        print_json({} if error is None else {"error": str(error)})
