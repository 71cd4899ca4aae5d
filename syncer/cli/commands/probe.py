"""`syncer probe`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from syncer.cli.options import Common
from syncer.cli.output import (
    blame,
    complain,
    describe_end,
    flush,
    print_json,
    print_lines,
    printing,
    say,
)
from syncer.cli.stdin import check_file
from syncer.errors import UsageError
from syncer.printable import as_argument, counted

if TYPE_CHECKING:
    from syncer.jobs.probe.job import Probing
    from syncer.jobs.probe.probed import Probed
    from syncer.jobs.probe.scratch import Conclusion

INTERRUPTED = "interrupted; not everything was asked"
DOCUMENTED_RATE = 15
"""Requests per second that the service lets anybody send."""
_NAMED_MAX = 5

app = App(name="probe", usage="Usage: syncer probe --app SCRATCH [OPTIONS]")


@app.default
def probe(
    *,
    app: Annotated[str, Parameter(metavar="SCRATCH")],
    out: Annotated[Path | None, Parameter(metavar="FILE")] = None,
    among_others: bool = False,
    find_limit: bool = False,
    clean: bool = False,
    base_url: Annotated[str | None, Parameter(metavar="URL")] = None,
    user_id: Annotated[str | None, Parameter(metavar="ID")] = None,
    rps: Annotated[str | None, Parameter(metavar="N")] = None,
    common: Common = Common(),
) -> int:
    """Ask a real service what its documents leave open, in an app made for that.

    It writes inputs of its own (syncer-probe-…, one word of text each) with labels,
    within the rate limit and in under 300 requests, and deletes them at the end. One
    line for each setting: what was seen, in the words of docs/emulator.md.

    Exit codes: 0 all was asked, 1 stopped, or something is left there, 2 bad usage or
    refused credentials.

    Parameters
    ----------
    app
        The app to ask in: an empty one, which holds nothing that matters.
    out
        Write the profile here, for syncer emulator --like FILE. Nothing of yours is in
        it.
    among_others
        Ask also where the app holds other inputs. They are left alone.
    find_limit
        At the end, go beyond the rate limit twice, to see what the service does then.
    clean
        Only remove what earlier runs left in the app.
    base_url
        Address of the service.
    user_id
        Owner of the app; "me" stands for the owner of the token.
    rps
        Requests per second.
    """
    from syncer.jobs.limiters import Limiters
    from syncer.jobs.probe.job import Probing
    from syncer.jobs.probe.profile import check_place

    if clean and out is not None:
        raise UsageError("--clean asks nothing, so there is no profile: leave out --out")
    check_file("out", out)
    if out is not None:
        check_place(out)
    options: dict[str, object] = {
        "clarifai.app_id": app,
        "clarifai.base_url": base_url,
        "clarifai.user_id": user_id,
        "push.requests_per_second": rps,
    }
    given = {key: value for key, value in options.items() if value is not None}
    loaded = common.load(given)
    if loaded.config.push.requests_per_second == "auto":  # a limit is sought beyond it
        loaded = common.load({**given, "push.requests_per_second": DOCUMENTED_RATE})
    job = Probing(loaded, Limiters(), among_others=among_others, find_limit=find_limit)
    probed = _clean(job) if clean else _ask(job, out)
    _say_end(probed, app, out, clean=clean)
    return probed.exit_code


def _ask(job: Probing, out: Path | None) -> Probed:
    """Ask, tell what is found out as it comes, and write the profile."""
    from syncer.cli.loop import run
    from syncer.jobs.probe.profile import write_profile
    from syncer.jobs.signals import listen

    def tell(conclusion: Conclusion) -> None:
        if not printing.json:
            print_lines(conclusion.sentence())
            flush()

    probed = run(partial(job.run, tell, signals=listen))
    if out is not None and probed.whole:
        write_profile(out, probed.profile())
    return probed


def _clean(job: Probing) -> Probed:
    from syncer.cli.loop import run
    from syncer.jobs.signals import listen

    return run(partial(job.clean, signals=listen))


def _say_end(probed: Probed, app: str, out: Path | None, *, clean: bool) -> None:
    """Say how it ended, and what is left; the JSON object."""
    tidy = f"syncer probe --app {as_argument(app)} --clean"
    if probed.earlier:
        complain(f"syncer: earlier runs left {_name(probed.earlier)}: remove them with `{tidy}`")
    if probed.left:
        complain(f"syncer: {_name(probed.left)} could not be removed: later, run `{tidy}`")
    known = sum(conclusion.value is not None for conclusion in probed.told)
    cost = f"{counted(probed.requests, 'request')} in {probed.elapsed_seconds:.0f} s"
    if clean:
        say(f"syncer: removed {counted(probed.removed, 'input')}; {cost}")
    elif probed.told:
        say(f"syncer: found out {known} of {counted(len(probed.told), 'setting')}; {cost}")
    if probed.error is not None:
        blame(probed.error)
    elif probed.interrupted is not None:
        say(f"syncer: {INTERRUPTED}")
    elif out is not None and probed.whole:
        say(f"syncer: wrote {out}: `syncer emulator --like {as_argument(out)}` behaves so")
    if printing.json:
        print_json(
            {
                **probed.profile(),
                "requests": probed.requests,
                "elapsed_seconds": probed.elapsed_seconds,
                "removed": probed.removed,
                "left": list(probed.left),
                "earlier": list(probed.earlier),
                "out": str(out) if out is not None and probed.whole else None,
                **describe_end(probed.error, probed.interrupted, INTERRUPTED),
            }
        )


def _name(inputs: list[str]) -> str:
    """Return how many these are, and the names of some."""
    names = ", ".join(inputs[:_NAMED_MAX])
    return f"{counted(len(inputs), 'input')} ({names}{', …' if len(inputs) > _NAMED_MAX else ''})"
