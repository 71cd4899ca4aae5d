"""A profile: how a service behaves, as `syncer probe` has found out.

It names switches and their values; what it could not find out, and what else it says of
them, is for people.
"""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

import orjson

from syncer.emulator.settings import SWITCHES
from syncer.errors import UsageError

FORMAT, VERSION = "syncer-probe", 1


def read_profile(path: Path) -> str:
    """Return the switches of a profile as `--faults` would name them.

    Raises UsageError with the file and what is wrong in it.
    """
    try:
        profile = orjson.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except orjson.JSONDecodeError:
        raise UsageError(f"{path}: it is not JSON") from None
    if not isinstance(profile, dict) or profile.get("format") != FORMAT:
        raise UsageError(f"{path}: it is not a profile of `syncer probe`")
    if profile.get("version") != VERSION:
        raise UsageError(
            f"{path}: it is of version {profile.get('version')!r}, and this syncer reads"
            f" version {VERSION}"
        )
    switches = profile.get("switches")
    if not isinstance(switches, dict):
        raise UsageError(f'{path}: "switches" must be an object')
    for name, value in switches.items():
        if (fault := _explain_fault(name, value)) is not None:
            raise UsageError(f"{path}: {fault}")
    return ",".join(f"{name}={value}" for name, value in switches.items())


def _explain_fault(name: str, value: object) -> str | None:
    """Return what is wrong with a switch; None if nothing is."""
    if name not in SWITCHES:
        close = get_close_matches(name, SWITCHES, 1)
        hint = f"; did you mean {close[0]}?" if close else ""
        return f"switch {name!r} is unknown{hint}"
    if value not in SWITCHES[name]:
        return f"switch {name} is {value!r}; it is one of {', '.join(SWITCHES[name])}"
    return None
