"""An asynchronous bulk sync engine for labels: nothing lost, nothing twice, at the remote's own speed limit.

The names below are the Python API (docs/api.md); each is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from syncer.version import __version__

if TYPE_CHECKING:
    from syncer import emulator
    from syncer.api import Clarifai, push
    from syncer.core.events import ChangeDied, ChangesSettled, DestinationChanged, Event, RequestAnswered
    from syncer.core.facts import DeadLetter
    from syncer.errors import (
        BadLineFound,
        CredentialsRefused,
        LogChanged,
        StateError,
        Stopped,
        SyncerError,
        UsageError,
    )
    from syncer.lanes.report import PushReport
    from syncer.sources.feed import ChangeSource, SourceChunk

__all__ = [
    "BadLineFound",
    "ChangeDied",
    "ChangeSource",
    "ChangesSettled",
    "Clarifai",
    "CredentialsRefused",
    "DeadLetter",
    "DestinationChanged",
    "Event",
    "LogChanged",
    "PushReport",
    "RequestAnswered",
    "SourceChunk",
    "StateError",
    "Stopped",
    "SyncerError",
    "UsageError",
    "__version__",
    "emulator",
    "push",
]

_HOMES = {
    "syncer.api": ("Clarifai", "push"),
    "syncer.core.events": ("ChangeDied", "ChangesSettled", "DestinationChanged", "Event", "RequestAnswered"),
    "syncer.core.facts": ("DeadLetter",),
    "syncer.errors": ("BadLineFound", "CredentialsRefused", "LogChanged", "StateError", "Stopped", "SyncerError", "UsageError"),
    "syncer.lanes.report": ("PushReport",),
    "syncer.sources.feed": ("ChangeSource", "SourceChunk"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name == "emulator":
        return import_module("syncer.emulator")
    if name not in _HOME:
        raise AttributeError(f"module 'syncer' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
