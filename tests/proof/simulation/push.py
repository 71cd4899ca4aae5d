"""One seed: a push from its first process to its end, through everything that the
scenario has in store, and what was wrong with it.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO

from syncer.config import Config, load
from syncer.core.bits import BYTES, KeyBits
from syncer.core.limiter import LanePace, Limiter
from syncer.errors import StateError
from syncer.jobs.clarifai import App
from syncer.jobs.push import Finished, PushLane
from syncer.jobs.push_parts import PushParts
from syncer.journal.journal import DestinationId, Journal
from syncer.journal.replay import replay
from syncer.remotes.clarifai import Clarifai
from tests.proof.simulation.judging import find_letters, judge
from tests.proof.simulation.labels import APP, USER, Labels
from tests.proof.simulation.logs import LogFolder
from tests.proof.simulation.model import Model
from tests.proof.simulation.network import SimulatedTransport
from tests.proof.simulation.scenario import Scenario
from tests.proof.simulation.world import Result, World
from tests.support.disk import STATE, SimulatedDisk

COMPACT_BYTES = 3000
"""Small, so that journals are compacted in every simulation."""
MEMORY = Path("/dev/shm")
"""Where logs are written: a file system in memory, where there is one."""


class PushWorld(World):
    """With logs, and an app to push to."""

    weather: Scenario
    network: Labels

    def __init__(
        self, scenario: Scenario, folder: Path, disk_type: type[SimulatedDisk] = SimulatedDisk
    ) -> None:
        super().__init__(scenario, disk_type)
        self.model = Model(scenario)
        self.network = Labels(scenario, self.model, self.clock, self.say)
        self.created = KeyBits(bytearray(BYTES))
        self.files: list[BinaryIO] = []
        texts = [
            _text(line.text for line in self.model.lines if line.log == log)
            for log in range(len(scenario.logs))
        ]
        self.logs = LogFolder(folder, texts, scenario.moves, lambda: self.clock.now)

    def write(self, *, whole: bool) -> None:
        """Write the change logs; of the last one perhaps only its beginning."""
        for number in range(len(self.weather.logs)):
            lines = [line.text for line in self.model.lines if line.log == number]
            if not whole and number == len(self.weather.logs) - 1:
                lines = lines[: self.weather.grown_from]
            self.logs.write(number, _text(lines))

    def known(self) -> dict[tuple[str, str], int]:
        """By path and hash of the first line, when the logs that the state knows were
        changed, as far as it knows.
        """
        disk = self.disk.then(())  # without its faults
        if not disk.size(STATE / "journal"):
            return {}
        ledger = replay(STATE / "journal", disk=disk).ledger
        return {
            (log.identity.path, log.identity.head): log.identity.mtime_ns
            for log in ledger.logs.values()
        }

    async def push(self) -> Finished:
        """One process."""
        config, transport = self._config(), self._transport()
        app = App(
            Clarifai(USER, APP), transport, LanePace(Limiter, config.push.requests_per_second)
        )
        destination = DestinationId(config.clarifai.base_url, USER, APP)
        with closing(
            Journal.open(STATE, destination, disk=self.disk, compact_bytes_min=COMPACT_BYTES)
        ) as journal:
            parts = PushParts(
                config,
                app,
                journal,
                self.created,
                self.engine_rng,
                logs=self.logs.disk(self.files, self.weather.block_bytes),
            )
            lane = PushLane(parts, self.logs.arguments(), moved=self.logs.moved)
            return await lane.run(signals=self.listen)

    def _config(self) -> Config:
        given = {
            "clarifai.base_url": "http://remote",
            "clarifai.user_id": USER,
            "clarifai.app_id": APP,
            "state.dir": str(STATE),
            **self.weather.settings,
        }
        return load(None, {"CLARIFAI_PAT": "a-token"}, given).config

    def _transport(self) -> Any:
        seconds = self.weather.settings["push.request_timeout_seconds"]
        return SimulatedTransport(self.network, seconds, "Key a-token")

    def ended(self, finished: Finished | None) -> bool:
        """Did it come to the end of the logs?"""
        # as the system does with what a process that is gone had open
        while self.files:
            self.files.pop().close()
        if finished is None:
            return False
        self.say(f"    {finished.summary.sentence()}")
        if not finished.summary.conserved:
            self.wrong.append(f"conservation: {finished.summary}")
        return finished.error is None and finished.interrupted is None


def simulate(scenario: Scenario, *, disk_type: type[SimulatedDisk] = SimulatedDisk) -> Result:
    """Play a scenario to its end. Never raises for what syncer does."""
    folder = Path(tempfile.mkdtemp(prefix="sim-", dir=MEMORY if MEMORY.is_dir() else None))
    world = PushWorld(scenario, folder, disk_type)
    try:
        with world.inside():
            _play(world)
    except StateError as error:  # no process met it yet
        world.wrong.append(f"the state between two processes: {error}")
    finally:
        shutil.rmtree(folder)
    world.wrong += world.network.history.wrong
    return world.result()


def _play(world: PushWorld) -> None:
    """Processes, one after the other, until one comes to the end of the whole logs."""
    whole = world.weather.grown_from is None
    world.write(whole=whole)
    while True:
        finished = world.process(world.push)
        over = world.ended(finished)
        if world.wrong:
            return
        if over and whole and not world.logs.left:
            assert finished is not None
            _judge(world, finished)
            return
        if world.logs.left:
            move = world.logs.move(world.known())
            world.say(
                f"~~~ log {move.log} {move.kind}; named:"
                f" {', '.join(Path(path).name for path in world.logs.arguments())}"
            )
            world.seen[move.kind] += 1
        if not whole:
            whole = True
            world.write(whole=True)


def _text(lines: Iterable[str]) -> str:
    return "".join(line + "\n" for line in lines)


# --- the judgement --------------------------------------------------------------------


def _judge(world: PushWorld, finished: Finished) -> None:
    """The end of the last process: is it what the logs ask for?"""
    model, wrong, summary = world.model, world.wrong, finished.summary
    world.network.check_outages()
    letters, doubled = find_letters(model, world.disk.files().get(STATE / "dead.jsonl", b""))
    wrong += [f"dead letter: two of {line}" for line in doubled]
    if (summary.read, summary.pending) != (len(model.lines), 0):
        wrong.append(f"conservation: {len(model.lines)} lines, and at the end {summary}")
    if summary.dead != len(letters) or finished.exit_code != (3 if letters else 0):
        wrong.append(
            f"conservation: {len(letters)} dead letters on disk, exit code {finished.exit_code},"
            f" {summary}"
        )
    wrong += judge(model, letters, world.network, world.weather.poison)
