"""Pushes drawn from a seed: faults, refusals that come and go, letters retried all the
while. What is left is what the lines that are not dead give, in their order.
"""

from __future__ import annotations

import random
from pathlib import Path

import anyio
import pytest

from syncer.core.facts import DeadLetter
from syncer.core.ports.wire import NoReply, Reply, Request
from syncer.jobs.dead import LettersToRetry
from syncer.jobs.push import PushLane
from syncer.sources.lines import LineOptions
from tests.jobs.test_letters import ALL, REFUSING, letters
from tests.jobs.test_letters_live import pushed, write
from tests.support.lanes import App
from tests.support.lines import delete, delete_all, holds, patch, post

FAULTS = (Reply(500, b"{}"), Reply(429, b"{}"), NoReply("broken", sent=True))
INPUTS = ("i", "j")
IDS = "abc"
LINES = 60
RUN_SECONDS = 20.0

Key = tuple[str, str]


def drawn(rng: random.Random, number: int) -> tuple[str, Key, str, bytes]:
    """(op, key, data, line) of a line."""
    op = rng.choice(["post"] * 4 + ["patch"] * 4 + ["delete", "delete", "delete_all"])
    input_id, data = rng.choice(INPUTS), f"data-{number}-"
    id = "" if op == "delete_all" else f"{rng.choice(IDS)}-{input_id}"
    line = {
        "post": lambda: post(id, input_id, data),
        "patch": lambda: patch(id, input_id, data),
        "delete": lambda: delete(id, input_id),
        "delete_all": lambda: delete_all(input_id),
    }[op]()
    return op, (input_id, id), data, line


class Weather:
    """Some requests fail, and for a while those with certain changes are refused."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.fault = 0.2
        self.refused: set[str] = set()

    def change(self) -> None:
        """Others are refused from now on."""
        self.refused = {f"data-{number}-" for number in range(LINES) if self.rng.random() < 0.3}

    def __call__(self, request: Request) -> Reply | NoReply | None:
        if request.method == "GET":
            return None
        if self.rng.random() < self.fault:
            return self.rng.choice(FAULTS)
        body = (request.body or b"").decode()
        return REFUSING if any(data in body for data in self.refused) else None


def left(lines: list[tuple[str, Key, str, bytes]], dead: set[int]) -> dict[Key, object]:
    """What the lines give that are not dead."""
    held: dict[Key, object] = {}
    for number, (op, key, data, _) in enumerate(lines, 1):
        if number in dead:
            continue
        match op:
            case "post" | "patch":
                held[key] = holds(data)
            case "delete":
                held.pop(key, None)
            case _:
                held = {other: what for other, what in held.items() if other[0] != key[0]}
    return held


def why(letter: DeadLetter) -> str:
    return f"{letter.line}: {letter.reason}"


@pytest.mark.parametrize("seed", range(12))
def test_what_is_left_is_what_the_lines_that_are_not_dead_give(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    app, weather = App(tmp_path / "state"), Weather(random.Random(seed))
    app.interfering = weather
    app.time.thread_seconds = rng.choice([0, 0.02, 0.3])
    lines = [drawn(rng, number) for number in range(LINES)]
    log = write(tmp_path / "log.jsonl", *[line for *_, line in lines])

    async def meddle(lane: PushLane) -> None:
        with anyio.move_on_after(RUN_SECONDS):
            while True:
                weather.change()
                await anyio.sleep(rng.random() * 2)
                await lane.retry(ALL)
        weather.refused.clear()
        weather.fault = 0.0

    done = pushed(
        app,
        log,
        meddle,
        push__requests_per_second=rng.choice([5, 15, 60]),
        push__batch_size=rng.choice([1, 4, 128]),
        retry__base_seconds=0.1,
        retry__cap_seconds=2,
        retry__throttle_seconds=1,
    )
    assert (done.error, done.summary.read, done.summary.pending) == (None, LINES, 0)
    app.push(log)  # what was queued after the end of the run
    for _ in range(3):
        LettersToRetry(app.state, ALL, LineOptions()).write()
        app.push(log)
    dead = {letter.line: letter for letter in letters(app)}
    held = {key: annotation["data"] for key, annotation in app.held.items()}
    assert held == left(lines, set(dead)), [*map(why, dead.values())]
