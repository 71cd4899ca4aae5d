"""`syncer dead list|show|retry|drop`."""

from __future__ import annotations

from pathlib import Path

import orjson

from syncer.cli.kept import KeptList
from syncer.cli.output import complain, flush, print_json, print_json_item, print_lines, say
from syncer.cli.state import state_folder
from syncer.config import load_from_environment
from syncer.core.letters import OpenLetter
from syncer.jobs import dead as lane
from syncer.jobs.dead import RefusedLetter, Selector
from syncer.journal.dead import read_dead
from syncer.journal.journal import Journal
from syncer.printable import as_argument, counted
from syncer.sources.lines import LineOptions

FIELDS = (
    "source",
    "line",
    "op",
    "input_id",
    "id",
    "reason",
    "code",
    "attempts",
    "first_failed_at",
    "last_failed_at",
)


def _as_json(found: OpenLetter) -> dict[str, object]:
    letter = found.letter
    return {
        **{name: getattr(letter, name) for name in FIELDS},
        "superseded": found.superseded,
        "change": letter.change,
    }


def list_letters(
    code: int | None, config: Path | None, options: dict[str, object], *, as_json: bool
) -> int:
    """Print the open dead letters, oldest first, a line each."""
    folder = state_folder(config, options)
    count = 0
    for found in read_dead(folder):
        if code is not None and found.letter.code != code:
            continue
        count += 1
        if as_json:
            print_json_item(_as_json(found))
        else:
            print_lines(_line(found))
    if not as_json:
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


def show(place: str, config: Path | None, options: dict[str, object], *, as_json: bool) -> int:
    """Print all of one dead letter."""
    folder = state_folder(config, options)
    ledger, _, _ = Journal.read_only(folder)
    for found in list(Selector((place,)).select(read_dead(folder), ledger, folder)):
        if as_json:
            print_json_item(_as_json(found))
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


def retry(
    places: tuple[str, ...],
    code: int | None,
    config: Path | None,
    options: dict[str, object],
    *,
    every: bool,
    force: bool,
    as_json: bool,
) -> int:
    """Queue dead letters anew; 3 where some were refused."""
    push = load_from_environment(config, options).config.push
    folder = state_folder(config, options)
    lines = LineOptions(push.lists_without_ids, push.embed_model_version_id)
    with KeptList() as refused:

        def refuse(letter: RefusedLetter) -> None:
            complain(f"syncer: refused {letter.source}:{letter.line}: {letter.reason}")
            if as_json:
                refused.add({"source": letter.source, "line": letter.line, "reason": letter.reason})

        result = lane.retry(folder, Selector(places, code, every), lines, refuse, force=force)
        left = (
            f"; {result.left:,} more are left for when a push has made room in the retry queue"
            if result.left
            else ""
        )
        next_push = f"syncer push --state {as_argument(folder)}"
        say(
            f"queued {result.queued:,}, refused {result.refused:,}{left}. The next `{next_push}`"
            " sends what is queued"
        )
        if as_json:
            refused.print_within(
                {"queued": result.queued, **({"left": result.left} if result.left else {})},
                "refused",
            )
    return 3 if result.refused or result.left else 0


def drop(
    places: tuple[str, ...],
    code: int | None,
    config: Path | None,
    options: dict[str, object],
    *,
    every: bool,
    as_json: bool,
) -> int:
    """Give dead letters up: they count as ignored."""
    folder = state_folder(config, options)
    result = lane.drop(folder, Selector(places, code, every))
    say(f"dropped {result.dropped:,}; they count as ignored now")
    if as_json:
        print_json({"dropped": result.dropped, "refused": []})
    return 0
