"""One seed: a pull from its first process to its end, and what was wrong with what it
brought.
"""

from __future__ import annotations

import csv
import io
import json
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from syncer.config.models import Retry
from syncer.core.limiter import LanePace, Limiter
from syncer.core.ports.pull import Ask
from syncer.jobs.origins import DOCUMENT_UNITS_AHEAD_MAX, UNITS_AHEAD_MAX
from syncer.jobs.pull import Pulled, PullLane
from syncer.jobs.pull_parts import PullParts
from syncer.jobs.wiring import Origin
from syncer.journal.checkpoint import Checkpoints
from syncer.journal.parts import DoneParts
from syncer.journal.seen import Seen
from syncer.remotes.annotell import DocumentSelection, listing
from syncer.remotes.annotell.layout import DocumentLayout
from syncer.remotes.clarifai import Clarifai
from syncer.remotes.clarifai.layout import AnnotationLayout
from syncer.remotes.clarifai.listing import AnnotationListing
from syncer.remotes.clarifai.selection import Selection
from syncer.sinks.choose import output_sink
from syncer.transport.oauth import OAuthTransport
from syncer.transport.oauth import Tokens as ClientTokens
from tests.proof.simulation.labels import APP, USER
from tests.proof.simulation.lists import App, Documents, Key, Lists
from tests.proof.simulation.network import SimulatedTransport
from tests.proof.simulation.pull_scenario import PullScenario
from tests.proof.simulation.push import MEMORY
from tests.proof.simulation.world import Result, World
from tests.support.disk import STATE, SimulatedDisk

BASE_URL = "http://remote"
STORAGE_AT_ONCE = 8


class PullWorld(World):
    """With something to pull from, and an output on the real disk: a killed process
    loses nothing that it wrote there.
    """

    weather: PullScenario
    network: Lists

    def __init__(
        self, scenario: PullScenario, folder: Path, disk_type: type[SimulatedDisk] = SimulatedDisk
    ) -> None:
        super().__init__(scenario, disk_type)
        remote: type[App] | type[Documents] = App if scenario.remote == "clarifai" else Documents
        self.network = remote(scenario, self.clock, self.say)
        self.tokens_revoked = scenario.remote == "annotell"
        self.out = folder / f"out.{scenario.format}"

    async def pull(self) -> Pulled:
        """One process."""
        with self._parts() as parts:
            pulled = await PullLane(parts, out=str(self.out)).run(signals=self.listen)
        # Of Annotell's annotations, what others have taken away by the time that it is
        # fetched is told.
        invalidated = self.weather.remote == "annotell" and self.weather.writes
        if pulled.report.fetched != pulled.report.written + pulled.report.duplicates or (
            pulled.report.unreadable and not invalidated
        ):
            self.wrong.append(f"conservation: {pulled.report} {pulled.problems}")
        return pulled

    def ended(self, pulled: Pulled | None) -> bool:
        """Did it come to the end of the list?"""
        return pulled is not None and pulled.error is None and pulled.interrupted is None

    @contextmanager
    def _parts(self) -> Iterator[PullParts]:
        """What syncer itself writes is on the simulated disk; SQLite and the output's
        libraries write for themselves.
        """
        origin, folder = self._origin(), self.out.parent
        sink = output_sink(str(self.out), origin.layout, None, stdout=sys.stdout.buffer)
        with ExitStack() as opened:
            opened.callback(sink.abandon)
            checkpoints = opened.enter_context(
                closing(Checkpoints(STATE, "the job", disk=self.disk))
            )
            last, seen = checkpoints.last, None
            done = opened.enter_context(closing(DoneParts(STATE, last.parts, disk=self.disk)))
            if origin.listing.repeats:
                seen = opened.enter_context(closing(Seen(folder, last.pages)))
            yield PullParts(origin, sink, folder, checkpoints, done, seen, self.engine_rng)

    def _origin(self) -> Origin:
        scenario = self.weather
        settings, timeout = scenario.settings, scenario.settings["push.request_timeout_seconds"]
        retry = Retry(
            **{
                name.partition(".")[2]: value
                for name, value in settings.items()
                if name.startswith("retry.")
            }
        )
        common: dict[str, Any] = {
            "pace": LanePace(Limiter, float(settings["push.requests_per_second"])),
            "retry": retry,
            "credentials": "them",
        }
        common |= {"name": "the job", "concurrency": settings["push.concurrency"]}
        if scenario.remote == "clarifai":
            selection = Selection(
                all_makers=True, status="ANNOTATION_SUCCESS" if scenario.by == "search" else ""
            )
            return Origin(
                listing=AnnotationListing(USER, APP, selection),
                layout=AnnotationLayout(),
                api=SimulatedTransport(self.network, timeout, "Key a-token"),  # type: ignore[arg-type]
                storage=None,
                storage_concurrency=1,
                units_ahead_max=UNITS_AHEAD_MAX,
                probe=Ask(Clarifai(USER, APP).probe(), Clarifai(USER, APP).read_probe),
                **common,
            )
        client = ClientTokens(
            "client", "secret", clock=lambda: self.clock.now, rng=random.Random(scenario.seed)
        )
        api: Any = SimulatedTransport(self.network, timeout)
        auth: Any = SimulatedTransport(self.network, timeout, paced=False)
        storage: Any = SimulatedTransport(self.network, timeout, paced=False)
        return Origin(
            listing=listing(DocumentSelection(project="p"), "annotell", BASE_URL),
            layout=DocumentLayout(),
            api=OAuthTransport(api=api, auth=auth, tokens=client),
            storage=storage,
            storage_concurrency=STORAGE_AT_ONCE,
            units_ahead_max=DOCUMENT_UNITS_AHEAD_MAX,
            **common,
        )


def simulate_pull(
    scenario: PullScenario, *, disk_type: type[SimulatedDisk] = SimulatedDisk
) -> Result:
    """Play a scenario to its end. Never raises for what syncer does."""
    folder = Path(tempfile.mkdtemp(prefix="sim-", dir=MEMORY if MEMORY.is_dir() else None))
    world = PullWorld(scenario, folder, disk_type)
    try:
        with world.inside():
            while not world.wrong:
                if world.ended(world.process(world.pull)):
                    _judge(world)
                    break
    finally:
        shutil.rmtree(folder)
    return world.result()


def _judge(world: PullWorld) -> None:
    """Nothing missing, nothing twice, nothing torn, nothing that never was."""
    world.network.check_outages()
    found: dict[Key, Any] = {}
    for key, content in _rows(world):
        if key in found:
            world.wrong.append(f"twice: {key}")
        found[key] = content
        if content not in world.network.ever(key):
            world.wrong.append(f"torn: {key} is {content}, and was {world.network.ever(key)}")
    world.wrong += [
        f"lost: {key} is not there" for key in world.network.always() if key not in found
    ]


def _rows(world: PullWorld) -> Iterator[tuple[Key, Any]]:
    """What the output holds: by key, in the form in which the service is looked at."""
    clarifai, out = world.weather.remote == "clarifai", world.out
    for row in _objects(out, clarifai):
        if clarifai:
            yield (
                (row["input_id"], row["id"]),
                [concept["id"] for concept in row["data"]["concepts"]],
            )
        else:
            yield (row["input_uuid"], row["annotation_type"]), row["content"]


def _objects(out: Path, clarifai: bool) -> Iterator[dict[str, Any]]:
    """The JSON objects that were pulled; of a table of documents, as much of them as is
    looked at.
    """
    if out.suffix == ".jsonl":
        yield from map(json.loads, out.read_text().splitlines())
        return
    if out.suffix == ".csv":
        rows: list[dict[str, Any]] = list(csv.DictReader(io.StringIO(out.read_text())))
    else:
        rows = pq.read_table(out).to_pylist()
    for row in rows:
        yield (
            json.loads(row["annotation"])
            if clarifai
            else {**row, "content": json.loads(row["content"])}
        )
