"""The lanes that a configuration asks for, and what another configuration changes of
them: values in, values out.

A lane is known by its name and compared by all that it does: its settings, its token's
place, its sources. Where that stands in the file changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from syncer.config import Loaded
from syncer.config.models import Annotell, Daemon, SourceTable, State
from syncer.core.address import normal_address
from syncer.errors import UsageError

PROCESS_KEYS = ("listen", "body_bytes_max")
"""Keys of [daemon] that hold from the start of a process to its end."""
SHARED_KEYS = (*PROCESS_KEYS, "drain_seconds", "token_file")
"""Keys of [daemon] that are not about a lane."""


@dataclass(frozen=True, slots=True)
class LanePlan:
    """A lane as a configuration asks for it."""

    name: str
    loaded: Loaded
    """The configuration as it is for this lane."""
    tables: tuple[SourceTable, ...]
    """Its sources."""

    @property
    def app(self) -> tuple[str, str, str]:
        """Return where its changes go."""
        clarifai = self.loaded.config.clarifai
        return normal_address(clarifai.base_url), clarifai.user_id, clarifai.app_id

    @property
    def state(self) -> str:
        """Return the folder of its state."""
        return self.loaded.config.state.dir

    def is_same(self, other: LanePlan) -> bool:
        """Whether a lane that runs by the other one needs no restart."""
        return self._list_parts() == other._list_parts()

    def _list_parts(self) -> tuple[object, ...]:
        config = self.loaded.config
        shared = {key: Daemon.model_fields[key].default for key in SHARED_KEYS}
        not_of_lanes = {
            "annotell": Annotell(),
            "state": State(),
            "daemon": config.daemon.model_copy(update=shared),
            "destinations": (),
            "sources": (),
            "migrate": None,
        }
        own = config.model_copy(update=not_of_lanes)
        tables = {one.name: one.model_copy(update={"lane": self.name}) for one in self.tables}
        return own, self.state, self.loaded.app_token(), tables


@dataclass(frozen=True, slots=True)
class LaneChanges:
    """The names of the lanes that another configuration begins, changes and ends."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


def plan_lanes(loaded: Loaded) -> dict[str, LanePlan]:
    """Return the lanes of a configuration by their names, in its order."""
    return {
        name: LanePlan(
            name,
            loaded.lane(name),
            tuple(table for table in loaded.config.sources if loaded.lane_of(table) == name),
        )
        for name in loaded.lane_names
    }


def compare_plans(old: Mapping[str, LanePlan], new: Mapping[str, LanePlan]) -> LaneChanges:
    """Return what the new plans change.

    Raises UsageError where a lane would go to another app, or begin with another state:
    what was done with one app says nothing of another. UsageError as well where a lane
    lacks a token or an app.
    """
    known = [name for name in new if name in old]
    for name in known:
        _check_identity(old[name], new[name])
    return LaneChanges(
        tuple(name for name in new if name not in old),
        tuple(name for name in known if not new[name].is_same(old[name])),
        tuple(name for name in old if name not in new),
    )


def find_predecessors(
    old: Mapping[str, LanePlan], new: Mapping[str, LanePlan], difference: LaneChanges
) -> dict[str, set[str]]:
    """Return, for each lane that begins, the names of the others that have to come to
    their end first: they go to its app, or read what it is going to read.
    """
    ending = [old[name] for name in (*difference.changed, *difference.removed)]
    return {
        name: {one.name for one in ending if one.name != name and _has_part_of(new[name], one)}
        for name in (*difference.added, *difference.changed)
    }


def _has_part_of(plan: LanePlan, other: LanePlan) -> bool:
    return plan.app == other.app or not _places(plan).isdisjoint(_places(other))


def _places(plan: LanePlan) -> set[tuple[object, ...]]:
    """Return what its sources read."""
    return {
        (
            table.kind,
            Path(getattr(table, "path", "")),
            getattr(table, "dsn_env", ""),
            getattr(table, "table", ""),
        )
        for table in plan.tables
    }


def list_restart_keys(running: Loaded, new: Loaded) -> tuple[str, ...]:
    """Return the keys, dotted, whose new values hold only after a restart of the
    process, which runs by the first of the two.
    """
    before, after = running.config, new.config
    keys = [f"daemon.{key}" for key in PROCESS_KEYS if _differ(before.daemon, after.daemon, key)]
    return (*keys, *(["state.dir"] if before.state.dir != after.state.dir else ()))


def _differ(before: Daemon, after: Daemon, key: str) -> bool:
    return bool(getattr(before, key) != getattr(after, key))


def _check_identity(old: LanePlan, new: LanePlan) -> None:
    if old.app != new.app:
        raise UsageError(
            f"{new.loaded.section}: the lane {new.name} goes to {_name_app(old)}, and here to"
            f" {_name_app(new)}: give the new one a name of its own"
        )
    if old.state != new.state:
        raise UsageError(
            f"{new.loaded.section}: the lane {new.name} has its state in {old.state}, and here in"
            f" {new.state}: give it another name, or restart the daemon"
        )


def _name_app(plan: LanePlan) -> str:
    base_url, user_id, app_id = plan.app
    return f"{base_url}, user {user_id}, app {app_id}"
