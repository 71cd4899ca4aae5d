"""`syncer verify`."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from syncer.cli.options import CommonOfLane, Log, MovedOption, RemoteOptions, parse_sample
from syncer.cli.output import blame, complain, describe_end, flush, print_lines, printing, say

if TYPE_CHECKING:
    from syncer.jobs.verified import Finding, Verified
    from syncer.jobs.verify import Verification

INTERRUPTED = "interrupted; not everything was compared"

app = App(name="verify", usage="Usage: syncer verify [OPTIONS] [LOG...]")


@app.default
def verify(
    *logs: Log,
    sample: Annotated[str | None, Parameter(metavar="N")] = None,
    exclusive: bool = False,
    moved: MovedOption = None,
    common: CommonOfLane = CommonOfLane(),
    remote: RemoteOptions = RemoteOptions(),
) -> int:
    """Compare what the logs should have left with what the remote holds.

    One line each: = same, + missing at the remote, * differs, - a double of an
    annotation in the log, ! an input that could not be read.

    Exit code 4 if something differs.

    Parameters
    ----------
    logs
        Change logs, as for push. Default: every log that the state knows.
    sample
        Compare only this many of the inputs, chosen at random.
    exclusive
        Count annotations of these inputs that the logs do not name as differences, too.
    moved
        As for push.
    """
    from syncer.jobs.limiters import Limiters
    from syncer.jobs.verify import Verification

    inputs = parse_sample(sample)
    loaded = common.load(remote.options())
    return _compare(Verification(loaded, Limiters(), logs, inputs, exclusive, moved))


def _compare(job: Verification) -> int:
    """Compare and report; the exit code."""
    from syncer.cli.kept import KeptList
    from syncer.cli.loop import run
    from syncer.jobs.signals import listen

    with KeptList() as differences:

        def tell(looked: Finding) -> None:
            if not printing.json:
                print_lines(looked.sentence())
            elif looked.differs:
                differences.add(
                    {
                        "mark": looked.mark,
                        "input_id": looked.input_id,
                        "id": looked.id,
                        "fields": looked.fields,
                    }
                )

        result = run(partial(job.run, tell, signals=listen))
        flush()
        for note in result.notes:
            say(f"syncer: {note}")
        if result.gone_sentence is not None:
            complain(f"syncer: {result.gone_sentence}")
        say(result.sentence())
        if result.error is not None:
            blame(result.error)
        elif result.interrupted is not None:
            say(f"syncer: {INTERRUPTED}")
        if printing.json:
            differences.print_within(_counts(result), "differences")
    return result.exit_code


def _counts(result: Verified) -> dict[str, object]:
    """Return what `--json` says beside the differences."""
    value = {
        name: given
        for name, given in asdict(result).items()
        if name not in ("error", "interrupted", "differences", "notes")
    }
    return value | describe_end(result.error, result.interrupted, INTERRUPTED)
