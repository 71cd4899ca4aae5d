"""`syncer emulator`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from syncer.cli.options import NotNegative, Port, PrintingOptions, Whole
from syncer.cli.output import flush, print_json_item

app = App(name="emulator")


@app.default
def emulator(
    *,
    host: Annotated[str, Parameter(metavar="ADDRESS", show_default=True)] = "127.0.0.1",
    port: Port = 0,
    rps: Annotated[float, NotNegative, Parameter(metavar="N", show_default=True)] = 15,
    latency: Annotated[float, NotNegative, Parameter(metavar="SECONDS")] = 0,
    faults: Annotated[str, Parameter(metavar="SPEC")] = "",
    seed: Whole = 0,
    like: Annotated[Path | None, Parameter(metavar="FILE")] = None,
    load: Annotated[tuple[str, ...], Parameter(metavar="FILE", consume_multiple=False)] = (),
    options: PrintingOptions = PrintingOptions(),
) -> int:
    """Run a local stand-in for both remotes. It keeps everything in memory; nothing
    outlives it.

    Parameters
    ----------
    host
        Address to listen on.
    port
        Port to listen on. Default: any free one. The address is printed as one line of
        JSON.
    rps
        Requests per second that it lets through; 0 for no limit.
    latency
        Seconds that every answer takes.
    faults
        Faults (name=probability) and switches (name=value), separated by commas; see
        docs/emulator.md.
    seed
        Seed of the faults.
    like
        Behave as this profile of syncer probe says; --faults goes over it.
    load
        What it holds from the start: a change log, as USER/APP=FILE, or a JSON file of
        Annotell projects. May be repeated.
    """
    from syncer.cli.loop import run
    from syncer.emulator import Settings, read_profile, serve

    settings = Settings(
        host=host,
        port=port,
        rps=rps,
        latency=latency,
        faults=faults,
        seed=seed,
        load=load,
        like="" if like is None else read_profile(like),
    )
    run(serve, settings, _announce)
    return 0


def _announce(addresses: dict[str, object]) -> None:
    print_json_item(addresses)  # not the end of the command: it serves from here on
    flush()
