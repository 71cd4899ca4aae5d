"""`syncer verify`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict

import anyio

from syncer.cli.options import Common, Remote
from syncer.cli.output import complain, print_json, say
from syncer.config import load_from_environment
from syncer.errors import UsageError
from syncer.lanes.verify import Verification


def verify(logs: Sequence[str], common: Common, remote: Remote, *, sample: str | None, exclusive: bool) -> int:
    """Compare and report; the exit code."""
    if sample is not None and not (sample.isascii() and sample.isdigit() and int(sample)):
        raise UsageError(f'--sample is "{sample}"; it must be a whole number of 1 or more')
    loaded = load_from_environment(common.config, {**common.options(), **remote.options()})
    job = Verification(loaded, logs, None if sample is None else int(sample), exclusive)
    result = anyio.run(job.run, _silent if common.json else _line)
    sys.stdout.flush()
    say(result.sentence())
    if result.error is not None:
        complain(f"syncer: {result.error}")
    if common.json:
        value = {name: given for name, given in asdict(result).items() if name not in ("error", "interrupted")}
        if result.error is not None:
            value["error"] = str(result.error)
        print_json(value)
    return result.exit_code


def _line(mark: str, what: str) -> None:
    sys.stdout.write(f"{mark} {what}\n")


def _silent(mark: str, what: str) -> None:
    """The object at the end tells."""
