"""The daemon: how long a change takes from where it is written until the remote has it,
and how fast a backlog drains after an outage.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import random
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from urllib.parse import urlsplit

from syncer.emulator.clarifai.part import OWNER
from syncer.emulator.clarifai.store import Annotation, App
from syncer.sources.postgres_sql import channel_of, table_sql
from tests.e2e.test_run import Site
from tests.proof.processes.remote import APP, Remote, remote
from tests.support.lines import post
from tests.support.outbox import insert
from tests.support.postgres import running_postgres

LINGER_SECONDS = 0.2
ROUND_TRIP_SECONDS = 0.1
SLACK_SECONDS = 0.02
POLL_SECONDS = 1.0
RATE = 20
WARM_SECONDS = 3.0
OUTAGE = "reset-before=1"
CONFIG = """
[clarifai]
base_url = "{url}"
app_id = "app"

[push]
requests_per_second = {rate}
linger_seconds = {linger}

[daemon]
listen = "127.0.0.1:0"
"""
Write = Callable[[str], None]
"""Writes a post with this id."""


class TimedApp(App):
    """Notes when each annotation came."""

    def __init__(self) -> None:
        super().__init__(OWNER, APP)
        self.came_at: dict[str, float] = {}

    def put(self, annotation: Annotation, lag: int = 0) -> None:
        self.came_at[annotation["id"]] = time.monotonic()
        super().put(annotation, lag)


@dataclass(frozen=True, slots=True)
class Way:
    """A way for changes to come in: what the config says of it, and the writing."""

    config: str
    write: Callable[[Site, str], None]
    dsn: str = ""


# --- latency --------------------------------------------------------------------------


def latency(seconds: float = 60.0) -> None:
    """One change after the other, at half the limit, by each way in turn."""
    bound = LINGER_SECONDS + ROUND_TRIP_SECONDS + 1 / RATE + SLACK_SECONDS
    print("source      p50 ms  bound   p99 ms  bound  changes")
    for kind, opened, more in (
        ("changelog", _changelog, 0.0),
        ("http", _http, 0.0),
        ("postgres", _postgres, 0.0),
        ("sqlite", _sqlite, POLL_SECONDS),
        ("directory", _directory, POLL_SECONDS),
    ):
        with tempfile.TemporaryDirectory() as name, contextmanager(opened)(Path(name)) as way:
            took = _measure(Path(name), way, seconds)
        found = quantiles(took, n=100)
        print(
            f"{kind:<10}  {found[49] * 1e3:6.0f}  {(bound + more) * 1e3:5.0f}"
            f"  {found[98] * 1e3:7.0f}  {(3 * bound + more) * 1e3:5.0f}  {len(took):7}"
        )


def _measure(folder: Path, way: Way, seconds: float) -> list[float]:
    """How long each change took, in seconds."""
    rng, written_at, app = random.Random(1), dict[str, float](), TimedApp()
    with remote(latency_seconds=ROUND_TRIP_SECONDS) as server:
        server.server.clarifai._apps[OWNER, APP] = app
        site = _make_site(folder, server, way.config)
        with site.running(LABELS_DSN=way.dsn) as process:
            time.sleep(WARM_SECONDS)
            for number in range(int(seconds * RATE / 2)):
                time.sleep(rng.uniform(0, 4 / RATE))
                written_at[f"l-{number}"] = time.monotonic()
                way.write(site, f"l-{number}")
            while len(app.came_at) < len(written_at):
                time.sleep(0.01)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=20)
    return [app.came_at[id] - at for id, at in written_at.items()]


def _make_site(folder: Path, server: Remote, source: str) -> Site:
    site = Site(folder, server)  # type: ignore[arg-type]  # of the remote only the URL is used
    config = CONFIG.format(url=server.url, rate=RATE, linger=LINGER_SECONDS)
    if source:
        config += f'[[sources]]\nname = "labels"\npoll_seconds = {POLL_SECONDS}\n{source}\n'
    (folder / "syncer.toml").write_text(config)
    return site


def _changelog(folder: Path) -> Iterator[Way]:
    log = folder / "labels.jsonl"
    log.touch()
    with log.open("ab", buffering=0) as file:

        def write(_: Site, id: str) -> None:
            file.write(post(id) + b"\n")

        yield Way(f'kind = "changelog"\npath = "{log}"', write)


def _http(_: Path) -> Iterator[Way]:
    def write(site: Site, id: str) -> None:
        address = urlsplit(site.url)
        assert address.hostname is not None
        connection = http.client.HTTPConnection(address.hostname, address.port)
        with closing(connection):
            connection.request("POST", "/api/changes", post(id), {"Idempotency-Key": id})
            assert connection.getresponse().status == 202

    yield Way("", write)


def _sqlite(folder: Path) -> Iterator[Way]:
    """In the table that each site has."""
    path = folder / "labels.db"

    def write(_: Site, id: str) -> None:
        insert(path, post(id))

    yield Way(f'kind = "sqlite"\npath = "{path}"\ntable = "outbox"', write)


def _postgres(_: Path) -> Iterator[Way]:
    """With the notification that the example trigger sends."""
    import asyncpg

    with running_postgres() as server:
        server.execute(table_sql("outbox"))
        loop = asyncio.new_event_loop()
        threading.Thread(target=loop.run_forever, daemon=True).start()

        def run(work: object) -> object:
            return asyncio.run_coroutine_threadsafe(work, loop).result(30)  # type: ignore[arg-type]

        connection = run(asyncpg.connect(server.dsn))

        async def add(change: str) -> None:
            async with connection.transaction():  # type: ignore[attr-defined]
                sql = "insert into outbox (change) values ($1)"
                await connection.execute(sql, change)  # type: ignore[attr-defined]
                sql = f"notify {channel_of('outbox')}"
                await connection.execute(sql)  # type: ignore[attr-defined]

        def write(_: Site, id: str) -> None:
            run(add(post(id).decode()))

        way = 'kind = "postgres"\ndsn_env = "LABELS_DSN"\ntable = "outbox"'
        yield Way(way, write, server.dsn)
        run(connection.close())  # type: ignore[attr-defined]
        loop.call_soon_threadsafe(loop.stop)


def _directory(folder: Path) -> Iterator[Way]:
    """A file for each input, put in place whole."""
    wanted = folder / "wanted"
    wanted.mkdir()

    def write(_: Site, id: str) -> None:
        part = wanted / f".{id}.part"
        wish = {"input_id": f"of-{id}", "annotations": [{"id": id, "data": {}}]}
        part.write_text(json.dumps(wish))
        part.replace(wanted / f"{id}.json")

    yield Way(f'kind = "directory"\npath = "{wanted}"', write)


# --- a backlog ------------------------------------------------------------------------


def drain(count: int = 100_000, outage_seconds: float = 30.0) -> None:
    """The changes are written while the remote is out."""
    with tempfile.TemporaryDirectory() as name, remote(latency_seconds=0.05) as server:
        folder, app = Path(name), TimedApp()
        server.server.clarifai._apps[OWNER, APP] = app
        log = folder / "labels.jsonl"
        site = _make_site(folder, server, f'kind = "changelog"\npath = "{log}"')
        server.set_faults(OUTAGE)
        with site.running() as process:
            with log.open("ab") as file:
                for number in range(count):
                    file.write(
                        b'{"op":"post","annotation":{"id":"d-%d","input_id":"i"}}\n' % number
                    )
            time.sleep(outage_seconds)
            tried = server.requests
            server.set_faults("")
            while len(app.came_at) < count:
                time.sleep(0.5)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=20)
        times = server.server._times[tried:]
        share = (len(times) - 1) / (times[-1] - times[0]) / RATE
        print(
            f"{count:,} changes after an outage of {outage_seconds:g} s with {tried} attempts:"
            f" {times[-1] - times[0]:.1f} s, {share:.1%} of {RATE} requests a second used, at most"
            f" {server.most_in(0.95)} in 0.95 s"
        )
