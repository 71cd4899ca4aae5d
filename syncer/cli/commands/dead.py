"""`syncer dead list|show|retry|drop`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import orjson
from cyclopts import App, Parameter

from syncer.cli.options import Code, CommonOfLane, Log
from syncer.cli.output import (
    complain,
    flush,
    print_json,
    print_json_item,
    print_lines,
    printing,
    say,
)
from syncer.errors import StateLocked, exit_code
from syncer.printable import counted
from syncer.version import __version__

if TYPE_CHECKING:
    from syncer.core.letters import OpenLetter
    from syncer.jobs.dead import RefusedLetter

app = App(
    name="dead",
    version=__version__,
    help="The dead letters: changes that the remote will not take.",
)


@app.command(name="list")
def dead_list(*, code: Code = None, common: CommonOfLane = CommonOfLane()) -> int:
    """List the dead letters, oldest first.

    Parameters
    ----------
    code
        Only letters with this status code of the remote.
    """
    from syncer.jobs.dead import open_in
    from syncer.jobs.folders import push_folder

    folder = push_folder(common.load())
    count = 0
    for found in open_in(folder):
        if code is not None and found.letter.code != code:
            continue
        count += 1
        if printing.json:
            print_json_item(found.record())
        else:
            print_lines(_line(found))
    if not printing.json:
        flush()
        say(counted(count, "dead letter") + (f" of code {code}" if code is not None else ""))
    return 0


def _line(found: OpenLetter) -> str:
    letter = found.letter
    code = f" (code {letter.code})" if letter.code is not None else ""
    after = "; superseded by a later change" if found.superseded else ""
    return f"{letter.source}:{letter.line}: {_what(found)}: {letter.reason}{code}{after}"


def _what(found: OpenLetter) -> str:
    letter = found.letter
    return f"{letter.op or '?'} {letter.input_id or '?'}/{letter.id or '-'}"


@app.command(name="show", usage="Usage: syncer dead show [OPTIONS] SOURCE:LINE")
def dead_show(letter: Log, /, *, common: CommonOfLane = CommonOfLane()) -> int:
    """Show everything about one dead letter.

    Parameters
    ----------
    letter
        The letter, as `dead list` shows it.
    """
    from syncer.jobs.dead import LetterPlace, Selector, open_in
    from syncer.jobs.folders import push_folder

    folder = push_folder(common.load())
    selector = Selector((LetterPlace.parse(letter),))
    for found in list(open_in(folder, selector)):
        if printing.json:
            print_json_item(found.record())
        else:
            print_lines(*_block(found))
    return 0


def _block(found: OpenLetter) -> list[str]:
    letter = found.letter
    return [
        f"{letter.source}:{letter.line}: {_what(found)}",
        f"  reason           {letter.reason}",
        f"  code             {'-' if letter.code is None else letter.code}",
        f"  attempts         {letter.attempts}",
        f"  first failed at  {letter.first_failed_at}",
        f"  last failed at   {letter.last_failed_at}",
        f"  superseded       {'yes: a later change was applied' if found.superseded else 'no'}",
        "  change" + ("" if letter.whole else "           (only a part of the line was kept)"),
        *(f"    {line}" for line in _pretty(letter.change)),
    ]


def _pretty(change: str) -> list[str]:
    try:
        return orjson.dumps(orjson.loads(change), option=orjson.OPT_INDENT_2).decode().split("\n")
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        # Not JSON, or nested too deep to be laid out.
        return [change]


@app.command(name="retry", usage="Usage: syncer dead retry [OPTIONS] [SOURCE:LINE...]")
def dead_retry(
    *letters: Log,
    code: Code = None,
    every: Annotated[bool, Parameter(name="--all")] = False,
    force: bool = False,
    common: CommonOfLane = CommonOfLane(),
) -> int:
    """Queue dead letters to be sent again by the next push, in the order of their logs.
    A daemon that holds the state sends them itself.

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
    from syncer.cli.kept import KeptList
    from syncer.daemon.control import retry_through
    from syncer.jobs.dead import LetterPlace, LettersToRetry, Selector
    from syncer.jobs.folders import push_folder
    from syncer.jobs.lines import line_options

    loaded = common.load()
    folder = push_folder(loaded)
    lines = line_options(loaded.config)
    with KeptList() as refused:

        def refuse(letter: RefusedLetter) -> None:
            complain(f"syncer: refused {letter.source}:{letter.line}: {letter.reason}")
            if printing.json:
                refused.add({"source": letter.source, "line": letter.line, "reason": letter.reason})

        selector = Selector(tuple(map(LetterPlace.parse, letters)), code, every)
        try:
            result = LettersToRetry(folder, selector, lines, refuse, force=force).write()
            sends = f"The next `syncer push {common.name_state(folder)}` sends what is queued"
        except StateLocked:
            through = retry_through(folder, selector, refuse, force=force)
            if through is None:
                raise
            result, sends = through, "The daemon that holds the state sends what is queued"
        left = (
            f"; {result.left:,} more wait until a push has made room in the retry queue"
            if result.left
            else ""
        )
        say(f"queued {result.queued:,}, refused {result.refused:,}{left}. {sends}")
        if printing.json:
            refused.print_within(
                {"queued": result.queued, **({"left": result.left} if result.left else {})},
                "refused",
            )
    return exit_code(None, None, result.refused + result.left)


@app.command(name="drop", usage="Usage: syncer dead drop [OPTIONS] [SOURCE:LINE...]")
def dead_drop(
    *letters: Log,
    code: Code = None,
    every: Annotated[bool, Parameter(name="--all")] = False,
    common: CommonOfLane = CommonOfLane(),
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
    from syncer.daemon.control import drop_through
    from syncer.jobs.dead import LetterPlace, LettersToDrop, Selector
    from syncer.jobs.folders import push_folder

    folder = push_folder(common.load())
    selector = Selector(tuple(map(LetterPlace.parse, letters)), code, every)
    try:
        result = LettersToDrop(folder, selector).write()
    except StateLocked:
        through = drop_through(folder, selector)
        if through is None:
            raise
        result = through
    say(f"dropped {counted(result.dropped, 'dead letter')} (now counted as ignored)")
    if printing.json:
        print_json({"dropped": result.dropped, "refused": []})
    return 0
