"""`syncer emulator`."""

from __future__ import annotations

import sys

from syncer.cli.loop import run
from syncer.emulator import Settings, serve


def emulator(*, host: str, port: int, rps: float, latency: float, faults: str, seed: int, load: tuple[str, ...]) -> int:
    """Serve until told to stop."""
    settings = Settings(host=host, port=port, rps=rps, latency=latency, faults=faults, seed=seed, load=load)
    run(serve, settings, _announce)
    return 0


def _announce(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
