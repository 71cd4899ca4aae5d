"""`syncer verify`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from syncer.cli.kept import KeptList
from syncer.cli.loop import run
from syncer.cli.options import Common, Remote
from syncer.cli.output import blame, complain, ended, flush, print_lines, say
from syncer.config import load_from_environment
from syncer.core.moves import Moved
from syncer.errors import UsageError
from syncer.jobs.verified import Looked, Verified
from syncer.jobs.verify import Verification
from syncer.sources.chosen import tell_uncompared

INTERRUPTED = "interrupted; not everything was compared"
_DIGITS_MAX = 20


def verify(
    logs: Sequence[str],
    common: Common,
    remote: Remote,
    *,
    sample: str | None,
    exclusive: bool,
    moved: Moved | None,
) -> int:
    """Compare and report; the exit code."""
    if sample is not None and not (
        sample.isascii() and sample.isdigit() and len(sample) < _DIGITS_MAX and int(sample)
    ):
        raise UsageError(
            f'--sample is "{sample[:_DIGITS_MAX]}"; it must be a whole number of 1 or more'
        )
    loaded = load_from_environment(common.config, {**common.options(), **remote.options()})
    job = Verification(loaded, logs, None if sample is None else int(sample), exclusive, moved)
    with KeptList() as differences:

        def tell(looked: Looked) -> None:
            if not common.json:
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

        result = run(job.run, tell)
        flush()
        for note in result.notes:
            say(f"syncer: {note}")
        if result.gone:
            complain(f"syncer: {tell_uncompared(result.gone)}")
        say(result.sentence())
        if result.error is not None:
            blame(result.error)
        elif result.interrupted is not None:
            say(f"syncer: {INTERRUPTED}")
        if common.json:
            differences.print_within(_counts(result), "differences")
    return result.exit_code


def _counts(result: Verified) -> dict[str, object]:
    """Return what `--json` says beside the differences."""
    value = {
        name: given
        for name, given in asdict(result).items()
        if name not in ("error", "interrupted", "differences", "notes")
    }
    return value | ended(result.error, result.interrupted, INTERRUPTED)
