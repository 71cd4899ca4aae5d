"""`syncer demo`: the main job, end to end, on the embedded emulator with faults on."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from syncer.cli.options import PrintingOptions
from syncer.cli.output import complain, print_json, printing, say

if TYPE_CHECKING:
    from syncer.jobs.push import Finished

CHANGES = 20_000
SEED = 11
FAULTS = (
    "throttle=0.02,error=0.02,html=0.01,gateway=0.01,"
    "reset-before=0.02,reset-after=0.02,cut=0.02,partial=0.02"
)
USER, APP = "demo", "labels"
RIGHT, WRONG = (
    "the remote holds exactly what the log says",
    "THE REMOTE DOES NOT HOLD WHAT THE LOG SAYS",
)


app = App(name="demo")


@app.default
def demo(*, options: PrintingOptions = PrintingOptions()) -> int:
    """Push a sample of labels through the emulator with faults on, read them back,
    compare.
    """
    import tempfile

    from syncer.cli.loop import run

    with tempfile.TemporaryDirectory(prefix="syncer-demo-") as folder:
        return run(_demo, Path(folder))


async def _demo(folder: Path) -> int:
    """0 only where the emulator holds exactly what the log says."""
    from syncer.cli.commands import push
    from syncer.emulator import running
    from syncer.jobs.sample import compare, write_sample

    log = folder / "sample.jsonl"
    wanted = write_sample(log, CHANGES, SEED)
    say(
        f"wrote a change log of {CHANGES:,} changes: posts, overwrites and deletes that should"
        f" leave {len(wanted):,} annotations"
    )
    async with running(rps=200, faults=FAULTS, seed=SEED) as server:
        say(
            f"pushing it to the emulator at {server.url}, 200 requests a second, with faults on:"
            f" {FAULTS}"
        )
        finished = await _push(folder, log, server.url)
        held = server.annotations(USER, APP)
    push.tell(finished)
    missing, extra, differs = compare(wanted, held)
    good = finished.exit_code == 0 and not (missing or extra or differs)
    tell = say if good else complain
    tell(
        f"read back {len(held):,} annotations: {missing} missing, {extra} too many, {differs}"
        " different"
    )
    tell(RIGHT if good else WRONG)
    if printing.json:
        summary = dataclasses.asdict(finished.summary)
        print_json(
            {
                **summary,
                "held": len(held),
                "missing": missing,
                "extra": extra,
                "differs": differs,
                "ok": good,
            }
        )
    return 0 if good else 1


async def _push(folder: Path, log: Path, url: str) -> Finished:
    from syncer.config import load
    from syncer.jobs.limiters import Limiters
    from syncer.jobs.push import open_push

    options: dict[str, object] = {
        "clarifai.base_url": url,
        "clarifai.user_id": USER,
        "clarifai.app_id": APP,
        "push.requests_per_second": 200,
        "state.dir": str(folder / "state"),
        "retry.base_seconds": 0.1,
        "retry.cap_seconds": 2,
    }
    loaded = load(None, {"CLARIFAI_PAT": "demo-token"}, options)
    with open_push(loaded, Limiters(), [str(log)]) as lane:
        return await lane.run()
