"""`syncer emulator`."""

from __future__ import annotations

from syncer.cli.loop import run
from syncer.cli.output import flush, print_json_item
from syncer.emulator import Settings, serve


def emulator(
    *,
    host: str,
    port: int,
    rps: float,
    latency: float,
    faults: str,
    seed: int,
    load: tuple[str, ...],
) -> int:
    """Serve until told to stop."""
    settings = Settings(
        host=host, port=port, rps=rps, latency=latency, faults=faults, seed=seed, load=load
    )
    run(serve, settings, _announce)
    return 0


def _announce(addresses: dict[str, object]) -> None:
    print_json_item(addresses)  # not the end of the command: it serves from here on
    flush()
