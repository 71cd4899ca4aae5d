"""An asynchronous bulk sync engine for labels: nothing lost, nothing twice, at the
remote's own speed limit.

The names below are the Python API (docs/api.md); each is imported when it is first
used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from syncer.version import __version__

if TYPE_CHECKING:
    from syncer import emulator
    from syncer.api.importing import ImportedLabels, import_labels
    from syncer.api.migrate import migrate
    from syncer.api.openlabel import openlabel
    from syncer.api.plan import plan
    from syncer.api.pull import annotations_frame, inputs_with_annotations_frame, pages, pull
    from syncer.api.push import push
    from syncer.api.remotes import Annotell, Clarifai
    from syncer.core.events import (
        ChangeDied,
        ChangesSettled,
        DestinationChanged,
        Event,
        RequestAnswered,
        SourceFailed,
        SourceRecovered,
    )
    from syncer.core.facts import DeadLetter
    from syncer.core.ports.pull import Problem, Row
    from syncer.errors import (
        BadLabelFound,
        BadLineFound,
        CredentialsRefused,
        LogChanged,
        OutputError,
        StateError,
        Stopped,
        SyncerError,
        UsageError,
    )
    from syncer.formats import labels
    from syncer.jobs.importing.report import ImportReport
    from syncer.jobs.migrate.report import Migrated
    from syncer.jobs.pages import Page
    from syncer.jobs.plan.planned import Planned, PlanSample
    from syncer.jobs.pull import PullReport
    from syncer.jobs.report import PushReport
    from syncer.remotes.annotell.selection import DocumentSelection
    from syncer.remotes.clarifai.selection import Selection
    from syncer.sources.feed import ChangeSource, SourceChunk

__all__ = [
    "Annotell",
    "BadLabelFound",
    "BadLineFound",
    "ChangeDied",
    "ChangeSource",
    "ChangesSettled",
    "Clarifai",
    "CredentialsRefused",
    "DeadLetter",
    "DestinationChanged",
    "DocumentSelection",
    "Event",
    "ImportReport",
    "ImportedLabels",
    "LogChanged",
    "Migrated",
    "OutputError",
    "Page",
    "PlanSample",
    "Planned",
    "Problem",
    "PullReport",
    "PushReport",
    "RequestAnswered",
    "Row",
    "Selection",
    "SourceChunk",
    "SourceFailed",
    "SourceRecovered",
    "StateError",
    "Stopped",
    "SyncerError",
    "UsageError",
    "__version__",
    "annotations_frame",
    "emulator",
    "import_labels",
    "inputs_with_annotations_frame",
    "labels",
    "migrate",
    "openlabel",
    "pages",
    "plan",
    "pull",
    "push",
]

_HOMES = {
    "syncer.api.importing": ("ImportedLabels", "import_labels"),
    "syncer.api.migrate": ("migrate",),
    "syncer.api.openlabel": ("openlabel",),
    "syncer.api.plan": ("plan",),
    "syncer.api.pull": ("annotations_frame", "inputs_with_annotations_frame", "pages", "pull"),
    "syncer.api.push": ("push",),
    "syncer.api.remotes": ("Annotell", "Clarifai"),
    "syncer.core.events": (
        "ChangeDied",
        "ChangesSettled",
        "DestinationChanged",
        "Event",
        "RequestAnswered",
        "SourceFailed",
        "SourceRecovered",
    ),
    "syncer.core.facts": ("DeadLetter",),
    "syncer.core.ports.pull": ("Problem", "Row"),
    "syncer.errors": (
        "BadLabelFound",
        "BadLineFound",
        "CredentialsRefused",
        "LogChanged",
        "OutputError",
        "StateError",
        "Stopped",
        "SyncerError",
        "UsageError",
    ),
    "syncer.jobs.importing.report": ("ImportReport",),
    "syncer.jobs.migrate.report": ("Migrated",),
    "syncer.jobs.pages": ("Page",),
    "syncer.jobs.plan.planned": ("PlanSample", "Planned"),
    "syncer.jobs.pull": ("PullReport",),
    "syncer.jobs.report": ("PushReport",),
    "syncer.remotes.annotell.selection": ("DocumentSelection",),
    "syncer.remotes.clarifai.selection": ("Selection",),
    "syncer.sources.feed": ("ChangeSource", "SourceChunk"),
}
_MODULES = {"emulator": "syncer.emulator", "labels": "syncer.formats.labels"}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return import_module(_MODULES[name])
    if name not in _HOME:
        raise AttributeError(f"module 'syncer' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
