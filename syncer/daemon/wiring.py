"""From the configuration to a running daemon."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

from syncer.config import Loaded
from syncer.config.credentials import TokenPlace
from syncer.config.layers import DAEMON_TOKEN
from syncer.core.events import Event
from syncer.daemon.http.changes import ingest
from syncer.daemon.http.guard import Guard
from syncer.daemon.http.health import health
from syncer.daemon.http.lanes import steer
from syncer.daemon.http.letters import letters
from syncer.daemon.http.scrape import scrape
from syncer.daemon.http.server import controlling, serving
from syncer.daemon.http.stories import stories
from syncer.daemon.lane import Lane
from syncer.daemon.metrics import Metrics
from syncer.daemon.sources import Say, check_sources, make_sources
from syncer.daemon.supervisor import Ended, Supervisor
from syncer.daemon.systemd import Notifier
from syncer.daemon.telling import Teller
from syncer.jobs.clarifai import app
from syncer.jobs.limiters import Limiters
from syncer.jobs.push_parts import push_parts
from syncer.jobs.signals import listen


async def follow(loaded: Loaded, say: Say) -> Ended:
    """Run the daemon until it is drained. `say` gets each line for people.

    Raises UsageError for a configuration that does not do, SyncerError where nothing
    can listen.
    """
    token = read_token(loaded)
    loaded.check_listening(token=token is not None)
    check_sources(loaded)
    daemon, metrics, notifier = loaded.config.daemon, Metrics(), Notifier()
    lanes = make_lanes(loaded, metrics, say)

    @asynccontextmanager
    async def serve(supervisor: Supervisor) -> AsyncIterator[None]:
        routes = [
            *health(supervisor),
            *scrape(supervisor, metrics),
            *steer(lanes),
            *letters(lanes),
            *stories(lanes),
            *ingest(lanes, daemon.body_bytes_max),
        ]
        async with serving(daemon.listen, routes, Guard(token)) as url:
            say(f"syncer: following; {url}/api/status shows how it goes")
            async with notifier.telling(supervisor.draining):
                yield

    return await Supervisor(lanes, daemon.drain_seconds).run(listen, serve)


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


def make_lanes(loaded: Loaded, metrics: Metrics, say: Say) -> list[Lane]:
    """The lanes of a configuration, each with the sources that go to it.

    Raises UsageError where one lacks a token or an app.
    """
    limiters, teller, lanes = Limiters(), Teller(say), []
    for name in loaded.lane_names:
        of_lane = loaded.lane(name)
        app(of_lane, limiters)  # anything missing is reported before anything is begun
        tables = [one for one in loaded.config.sources if loaded.lane_of(one) == name]
        lanes.append(
            Lane(
                name,
                of_lane,
                partial(push_parts, limiters=limiters),
                partial(make_sources, tables, say),
                partial(_note, metrics, teller, name),
                teller.tell_pause,
                partial(_control, teller),
            )
        )
    return lanes


def _control(teller: Teller, lane: Lane) -> AbstractAsyncContextManager[None]:
    routes = [*steer([lane]), *letters([lane]), *stories([lane])]
    return controlling(lane.state, routes, partial(teller.tell_control, lane))


def _note(metrics: Metrics, teller: Teller, lane: str, event: Event) -> None:
    metrics.note(lane, event)
    teller.tell_event(lane, event)
