"""`syncer verify`."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from itertools import chain
from typing import TextIO

from syncer.cli.loop import run
from syncer.cli.options import Common, Remote
from syncer.cli.output import as_json, blame, complain, flush, print_json_parts, print_lines, say
from syncer.config import load_from_environment
from syncer.core.moves import Moved
from syncer.errors import UsageError
from syncer.lanes.verify import Looked, Verification, Verified
from syncer.sources.chosen import tell_uncompared

_DIGITS_MAX = 20


def verify(logs: Sequence[str], common: Common, remote: Remote, *, sample: str | None, exclusive: bool, moved: Moved | None) -> int:
    """Compare and report; the exit code."""
    if sample is not None and not (sample.isascii() and sample.isdigit() and len(sample) < _DIGITS_MAX and int(sample)):
        raise UsageError(f'--sample is "{sample[:_DIGITS_MAX]}"; it must be a whole number of 1 or more')
    loaded = load_from_environment(common.config, {**common.options(), **remote.options()})
    job = Verification(loaded, logs, None if sample is None else int(sample), exclusive, moved)
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as kept:
        result = run(job.run, partial(_keep, kept) if common.json else lambda looked: print_lines(looked.sentence()))
        flush()
        for note in result.notes:
            say(f"syncer: {note}")
        if result.gone:
            complain(f"syncer: {tell_uncompared(result.gone)}")
        say(result.sentence())
        if result.error is not None:
            blame(result.error)
        if common.json:
            _print_whole(result, kept)
    return result.exit_code


def _keep(kept: TextIO, looked: Looked) -> None:
    """A difference goes to a file until all are known: there may be as many as there are annotations."""
    if looked.differs:
        value = {"mark": looked.mark, "input_id": looked.input_id, "id": looked.id, "fields": looked.fields}
        kept.write(("," if kept.tell() else "") + as_json(value))


def _print_whole(result: Verified, kept: TextIO) -> None:
    """One object on one line; the differences come from where they were kept."""
    value = {name: given for name, given in asdict(result).items() if name not in ("error", "interrupted", "differences", "notes")}
    if result.error is not None:
        value["error"] = str(result.error)
    kept.seek(0)
    print_json_parts(chain((as_json(value)[:-1], ',"differences":['), iter(partial(kept.read, 1 << 16), ""), ("]}",)))
