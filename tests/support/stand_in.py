"""The stand-ins of the tests: as the profile of `--profile FILE` says, else as by
default.

A test that needs a switch at a value says so with `needs`, which goes over the profile,
and stays when the test sets other faults.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Any

from syncer.emulator import Emulator, read_profile
from syncer.emulator import running as run_emulator
from syncer.emulator.clarifai.call import COLLABORATOR
from syncer.emulator.clarifai.part import OWNER
from syncer.emulator.profile import FORMAT, VERSION
from syncer.emulator.settings import behaviour

GIVEN = "apps=any,inputs=make,id-charset=any,id-length=any"
"""The apps of the tests and the inputs of their labels are there before, and their ids
are ones that the service takes, as those of users are.
"""
READ_AT_ONCE = "read-lag=0,delete-lag=0"
"""The need of a test that looks right after a write: what shows only later is then a
difference, as it should be.
"""

TOLD_AT_ONCE = f"answer=full,{READ_AT_ONCE}"
"""The need of a test that counts what is sent or read back: where an answer leaves a
change out, it is looked for, and perhaps sent again.
"""
RECOGNISED = "masks=bytes"
"""The need of a test that loses answers to posts of masks, or parts of them: where a
mask is shown as an address, it is not known again, and its label is a dead letter that
says so.
"""
NO_WAITS = "error-retry-after=none"
"""The need of a test with thousands of requests, of which many meet an error: a wait of
a second after each would take it many minutes.
"""

_profile = ""


def follow(profile: Path) -> None:
    """Let all stand-ins from now on behave so. Raises UsageError."""
    global _profile
    _profile = read_profile(profile)


def like(needs: str = "") -> str:
    """The base settings of a stand-in, as `--faults` would name them."""
    return f"{_profile},{GIVEN},{needs}"


def running(*, needs: str = "", **options: Any) -> AbstractAsyncContextManager[Emulator]:
    """A stand-in in this process."""
    return run_emulator(like=like(needs), **options)


@contextmanager
def options_of(needs: str = "") -> Iterator[list[str]]:
    """The options of `syncer emulator` for a stand-in in a process of its own."""
    named = dict(part.split("=") for part in like(needs).split(",") if part)
    with tempfile.TemporaryDirectory() as folder:
        profile = Path(folder, "profile.json")
        profile.write_text(json.dumps({"format": FORMAT, "version": VERSION, "switches": named}))
        yield ["--like", str(profile)]


def settings_of(needs: str = "", faults: str = "") -> dict[str, str]:
    """The value of each switch of such a stand-in."""
    return behaviour(f"{like(needs)},{faults}").switches


def caller() -> str:
    """The id of the user whose tokens the tests have."""
    return {"owner": OWNER, "collaborator": COLLABORATOR}[settings_of()["caller"]]


def found_there(count: int) -> int:
    """How many of so many posts of what is there already are found to be there: none
    where the service replaces it, and says so to nobody.
    """
    return {"request": count, "item": count, "replace": 0}[settings_of()["duplicate-id"]]


def ids_under(faults: str, known: Mapping[str, set[str]]) -> set[str]:
    """The ids that are known under any of the values which the switches have then."""
    values = [f"{name}={value}" for name, value in settings_of(faults=faults).items()]
    return {id for value in values for id in known.get(value, ())}
