"""Another configuration, while the daemon runs: it is read and checked as a whole, and
of a good one only what changed is restarted.

    read, check ──bad──► nothing changes; health, metrics and a line say why
        │
       good ──► lanes end, begin, go on with other settings, each by itself

What is in force is decided at once, one reload after the other; lanes that are still
being stopped then go on by what is wanted last.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from typing import Protocol

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup, TaskStatus

from syncer.config import Loaded
from syncer.daemon.differences import (
    LaneChanges,
    LanePlan,
    compare_plans,
    find_predecessors,
    plan_lanes,
)
from syncer.daemon.lane import Lane
from syncer.daemon.status import ReloadResult, Trouble
from syncer.daemon.supervisor import Supervisor
from syncer.engine.signal import Signal
from syncer.errors import SyncerError, describe

CONFIG = "config"
"""The check that the configuration in force is the one that was given last."""


class IsDraining(SyncerError):
    """The daemon comes to its end: it takes no other configuration."""

    def __init__(self) -> None:
        super().__init__("the daemon is draining: the next start reads the config")


@dataclass(frozen=True, slots=True)
class Reloaded:
    """The outcome of a reload: the names of lanes, and of keys."""

    result: ReloadResult
    restarted: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    needs_restart: tuple[str, ...] = ()
    """Keys whose new values hold after a restart of the process."""
    error: str | None = None

    def record(self) -> dict[str, object]:
        """Return it as `/api/reload` answers it."""
        return asdict(self)


class LaneMaker(Protocol):
    """From plans to lanes."""

    def check(self, plan: LanePlan) -> None:
        """Raise UsageError where no lane can go by this plan. In any thread."""
        ...

    def make(self, plan: LanePlan) -> Lane:
        """A lane that goes by this plan."""
        ...

    def renew(self, plan: LanePlan, lane: Lane) -> None:
        """Let a lane that is stopped go by this plan."""
        ...


class ReloadReports(Protocol):
    """Those who get to know of reloads."""

    def announce(self) -> AbstractContextManager[None]:
        """Say that a reload is under way, while the block lasts."""
        ...

    def report(self, reloaded: Reloaded) -> None:
        """Say what came of one."""
        ...

    async def report_end(self, lane: Lane) -> None:
        """Say what is left in the state of a lane that was removed."""
        ...


@dataclass(frozen=True, slots=True)
class _CheckedConfig:
    """A configuration that can be taken."""

    drain_seconds: float
    plans: Mapping[str, LanePlan]
    difference: LaneChanges
    needs_restart: tuple[str, ...]


class Reloader:
    """Reloads the configuration of a daemon."""

    def __init__(
        self,
        supervisor: Supervisor,
        started: Loaded,
        read: Callable[[], tuple[Loaded, tuple[str, ...]]],
        maker: LaneMaker,
        reports: ReloadReports,
    ) -> None:
        """`started`: the configuration that the process began with. `read` gives that
        of now, checked but for its lanes, and the keys for whose new values the process
        has to be restarted; it raises SyncerError.
        """
        self._supervisor = supervisor
        self._started = started
        self._read = read
        self._maker = maker
        self._reports = reports
        self._plans: Mapping[str, LanePlan] = plan_lanes(started)
        self._one_at_a_time = anyio.Lock()
        self._hung_up = Signal()

    def ask(self) -> None:
        """Let `answering` reload."""
        self._hung_up.set()

    @asynccontextmanager
    async def answering(self) -> AsyncIterator[None]:
        """While the block lasts, reload whenever that is asked for. All that ask while
        a configuration is read are answered by the next one.
        """
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._answer, tasks)
            yield
            tasks.cancel_scope.cancel()

    async def _answer(self, tasks: TaskGroup) -> None:
        with suppress(IsDraining):
            while True:
                await self._hung_up.wait()
                await tasks.start(self.reload)

    async def reload(
        self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
    ) -> Reloaded:
        """Take the configuration of now. It is decided by `started`; this returns when
        the lanes go by it. Raises IsDraining.
        """
        with self._reports.announce():
            reloaded, ending = await self._decide()
            task_status.started()
            try:
                await self._settle(reloaded, ending)
            except Exception as error:
                return self._report(Reloaded("failed", error=describe(error)))
        return reloaded

    async def _settle(self, reloaded: Reloaded, ending: list[Lane]) -> None:
        names = [*reloaded.restarted, *reloaded.added, *reloaded.removed]
        await self._supervisor.settle(names)
        for lane in ending:
            if not self._supervisor.is_at_work(lane.name):
                await self._reports.report_end(lane)

    async def _decide(self) -> tuple[Reloaded, list[Lane]]:
        """Return the outcome, and the lanes that come to their end."""
        await self._supervisor.began.wait()
        async with self._one_at_a_time:
            try:
                checked = await anyio.to_thread.run_sync(self._check)
            except Exception as error:
                self._refuse_drained()
                return self._report(Reloaded("failed", error=describe(error))), []
            self._refuse_drained()
            ending = self._apply(checked)
        difference, needs_restart = checked.difference, checked.needs_restart
        reloaded = Reloaded(
            "ok" if difference or needs_restart else "unchanged",
            difference.changed,
            difference.added,
            difference.removed,
            needs_restart,
        )
        return self._report(reloaded), ending

    def _refuse_drained(self) -> None:
        if self._supervisor.draining.is_set():
            raise IsDraining

    def _check(self) -> _CheckedConfig:
        new, needs_restart = self._read()
        state = {"dir": self._started.config.state.dir}
        plans = plan_lanes(new.with_settings(state=state))
        difference = compare_plans(self._plans, plans)
        for name in (*difference.added, *difference.changed):
            self._maker.check(plans[name])
        return _CheckedConfig(new.config.daemon.drain_seconds, plans, difference, needs_restart)

    def _apply(self, checked: _CheckedConfig) -> list[Lane]:
        supervisor, maker, plans = self._supervisor, self._maker, checked.plans
        before, self._plans = self._plans, plans
        difference = checked.difference
        supervisor.drain_seconds = checked.drain_seconds
        ending = [supervisor.stop(name) for name in difference.removed]
        for name in difference.changed:
            supervisor.stop(name, partial(maker.renew, plans[name]))
        for name, predecessors in find_predecessors(before, plans, difference).items():
            plan = plans[name]
            if name in difference.added:
                supervisor.begin(name, partial(maker.make, plan), partial(maker.renew, plan))
            supervisor.let_wait(name, predecessors)
        supervisor.arrange(list(plans))
        return ending

    def _report(self, reloaded: Reloaded) -> Reloaded:
        if reloaded.error is not None:
            what = f"the config was not taken, an older one is in force: {reloaded.error}"
            found = {CONFIG: Trouble(what)}
        elif keys := ", ".join(reloaded.needs_restart):
            found = {CONFIG: Trouble(f"restart the daemon for the new {keys}", "warning")}
        else:
            found = {}
        self._supervisor.faults.set(found)
        self._reports.report(reloaded)
        return reloaded
