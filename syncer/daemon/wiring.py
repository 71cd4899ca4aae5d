"""From the configuration to a running daemon."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from syncer.config import Loaded
from syncer.config.credentials import TokenPlace
from syncer.config.fields import INGEST
from syncer.config.layers import DAEMON_TOKEN
from syncer.core.events import Event
from syncer.daemon.differences import LanePlan, list_restart_keys, plan_lanes
from syncer.daemon.http.changes import ingest
from syncer.daemon.http.events import events
from syncer.daemon.http.guard import Guard
from syncer.daemon.http.health import health, look_at
from syncer.daemon.http.lanes import steer
from syncer.daemon.http.letters import letters
from syncer.daemon.http.page import page
from syncer.daemon.http.reload import reloads
from syncer.daemon.http.scrape import scrape
from syncer.daemon.http.server import controlling, serving
from syncer.daemon.http.sources import sources
from syncer.daemon.http.states import states
from syncer.daemon.http.stories import stories
from syncer.daemon.lane import Lane
from syncer.daemon.memory import find_trim, giving_back, keep_one_heap
from syncer.daemon.metrics import Metrics
from syncer.daemon.news import NewsFeed
from syncer.daemon.reload import Reloaded, Reloader
from syncer.daemon.sources import Say, check_sources, make_sources
from syncer.daemon.supervisor import Ended, Supervisor
from syncer.daemon.systemd import Notifier
from syncer.daemon.telling import Teller, describe_reload
from syncer.jobs.clarifai import app
from syncer.jobs.limiters import Limiters
from syncer.jobs.push_parts import push_parts
from syncer.jobs.signals import listen
from syncer.jobs.ways import check_way
from syncer.sources.folder_events import explain_silence, watch_folders
from syncer.sources.watching import Watcher

RETRIES_SHOWN = 10
"""Of each lane, on the page."""


async def follow(loaded: Loaded, load: Callable[[], Loaded], say: Say) -> Ended:
    """Run the daemon until it is drained. `load` gives the configuration of now, for a
    reload; `say` gets each line for people.

    Raises UsageError for a configuration that does not do, SyncerError where nothing
    can listen.
    """
    token = check_daemon(loaded)
    keep_one_heap()
    daemon, metrics, notifier, teller = loaded.config.daemon, Metrics(), Notifier(), Teller(say)
    feed, watcher = NewsFeed(), Watcher(watch_folders, explain_silence)
    maker = _Maker(Limiters(), metrics, teller, feed, say, watcher)
    plans = plan_lanes(loaded).values()
    for plan in plans:
        maker.check(plan)  # anything missing is reported before anything is begun
    supervisor = Supervisor([maker.make(plan) for plan in plans], daemon.drain_seconds)

    def read() -> tuple[Loaded, tuple[str, ...]]:
        new = load()
        keys = list_restart_keys(loaded, new)
        return new, keys if check_daemon(new) == token else (*keys, "daemon.token_file")

    reports = _Reports(metrics, teller, feed, notifier)
    reloader = Reloader(supervisor, loaded, read, maker, reports)

    @asynccontextmanager
    async def serve(supervisor: Supervisor) -> AsyncIterator[None]:
        lanes = supervisor.lanes
        routes = [
            *health(supervisor),
            *scrape(supervisor, metrics),
            *steer(lanes),
            *letters(lanes),
            *stories(lanes),
            *sources(lanes),
            *ingest(lanes, daemon.body_bytes_max),
            *reloads(reloader),
            *events(feed),
            *page(),
        ]
        async with (
            serving(daemon.listen, routes, Guard(token)) as url,
            reloader.answering(),
            feed.looking(partial(look_at, supervisor, RETRIES_SHOWN), teller.tell_look),
            watcher.watching(),
            giving_back(find_trim()),
        ):
            say(f"syncer: following; {url}/ shows how it goes")
            async with notifier.telling(supervisor.draining):
                yield

    return await supervisor.run(partial(listen, hang_up=reloader.ask), serve)


def check_daemon(loaded: Loaded) -> str | None:
    """Return what requests over HTTP have to give. Raises UsageError for what is wrong
    with a configuration beside its lanes.
    """
    token = read_token(loaded)
    loaded.check_listening(token=token is not None)
    check_sources(loaded)
    return token


def read_token(loaded: Loaded, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return what requests over HTTP have to give, None if nothing is configured.

    Raises UsageError for what is no token.
    """
    if file := loaded.config.daemon.token_file:
        origin = loaded.origins["daemon.token_file"]
        return TokenPlace(origin, file=Path(file), section="daemon").read()
    if DAEMON_TOKEN not in environment:
        return None
    return TokenPlace(DAEMON_TOKEN, pat=environment[DAEMON_TOKEN], section="daemon").read()


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes the lanes of one process. Implements `LaneMaker`."""

    limiters: Limiters
    metrics: Metrics
    teller: Teller
    feed: NewsFeed
    say: Say
    watcher: Watcher

    def check(self, plan: LanePlan) -> None:
        app(plan.loaded, self.limiters)
        check_way(plan.loaded, "clarifai")

    def make(self, plan: LanePlan) -> Lane:
        return Lane(
            plan.name,
            plan.loaded,
            partial(push_parts, limiters=self.limiters),
            partial(make_sources, plan.tables, self.say, self.watcher),
            partial(_note, self.metrics, self.teller, self.feed, plan.name),
            self.teller.tell_pause,
            partial(_control, self.teller),
        )

    def renew(self, plan: LanePlan, lane: Lane) -> None:
        followed = {INGEST, *(table.name for table in plan.tables)}
        for source in lane.sources():
            if source.name not in followed:
                self.teller.tell_source_end(lane.name, source.name, source.pending)
        lane.take_up(plan.loaded, partial(make_sources, plan.tables, self.say, self.watcher))


@dataclass(frozen=True, slots=True)
class _Reports:
    """Shows the reloads of one process. Implements `ReloadReports`."""

    metrics: Metrics
    teller: Teller
    feed: NewsFeed
    notifier: Notifier

    def announce(self) -> AbstractContextManager[None]:
        return self.notifier.reloading()

    def report(self, reloaded: Reloaded) -> None:
        self.metrics.note_reload(reloaded.result)
        self.teller.tell_reload(reloaded)
        self.feed.tell("reload", "", describe_reload(reloaded))

    async def report_end(self, lane: Lane) -> None:
        self.teller.tell_end(lane, await lane.status())


def _control(teller: Teller, lane: Lane) -> AbstractAsyncContextManager[None]:
    routes = [*steer([lane]), *letters([lane]), *stories([lane]), *states(lane)]
    return controlling(lane.state, routes, partial(teller.tell_control, lane))


def _note(metrics: Metrics, teller: Teller, feed: NewsFeed, lane: str, event: Event) -> None:
    metrics.note(lane, event)
    teller.tell_event(lane, event)
    feed.note(lane, event)
