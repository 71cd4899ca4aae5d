"""The emulator in this process, with a ledger of every write that it carried out; and
what the ledger says against a log.
"""

from __future__ import annotations

import bisect
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import anyio
import orjson
from anyio.from_thread import BlockingPortal, start_blocking_portal

from syncer.emulator import Emulator, running
from syncer.emulator.answer import Answer, Request
from syncer.emulator.clarifai.part import OWNER
from syncer.emulator.clarifai.store import Annotation, AnnotationKey, App
from tests.proof.processes.logs import Log

APP = "app"
WATCH_SECONDS = 0.01
LATE_SECONDS = 0.03
TIMED_NICENESS = -10
"""Of what is timed."""


@dataclass(frozen=True, slots=True)
class Write:
    """One write to the store, as it took effect: `number` is the change's own, which
    deletes do not carry.
    """

    kind: Literal["create", "change", "delete", "delete input"]
    input_id: str
    id: str
    number: int = -1


class RecordedApp(App):
    """An app that notes what is written to it."""

    def __init__(self, owner: str, app_id: str) -> None:
        super().__init__(owner, app_id)
        self.writes: list[Write] = []
        self._whole = False

    def put(self, annotation: Annotation, lag: int = 0) -> None:
        key = (annotation["input_id"], annotation["id"])
        self.writes.append(
            Write(
                "change" if key in self.annotations else "create",
                *key,
                annotation["data"]["metadata"]["n"],
            )
        )
        super().put(annotation, lag)

    def delete(self, key: AnnotationKey, lag: int = 0) -> bool:
        if not self._whole:
            self.writes.append(Write("delete", *key))
        return super().delete(key, lag)

    def delete_of_input(self, input_id: str, lag: int = 0) -> int:
        self.writes.append(Write("delete input", input_id, ""))
        self._whole = True
        try:
            return super().delete_of_input(input_id, lag)
        finally:
            self._whole = False


@dataclass(frozen=True, slots=True)
class Remote:
    """An emulator that listens, and its one app."""

    server: Emulator
    writes: list[Write]
    """All that took effect, in order; what was loaded at the start is not among it."""
    throttled_at: list[float]
    """When it said that it was asked too often, by `time.monotonic`."""
    late_at: list[float]
    """When its own loop was late, or a process that is watched, by `time.monotonic`."""
    watching: list[Future[None]]
    """What notes that, until the remote ends."""
    portal: BlockingPortal

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def requests(self) -> int:
        """How many have come."""
        return self.server.counts["requests"]

    @property
    def faults(self) -> Counter[str]:
        """How often each fault was met."""
        return Counter(
            {
                name.removeprefix("fault "): count
                for name, count in self.server.counts.items()
                if name.startswith("fault ")
            }
        )

    def held(self) -> list[dict[str, Any]]:
        return list(self.server.annotations("me", APP).values())

    def lines(self) -> list[bytes]:
        """What the app holds, each annotation in the bytes that it is listed with."""
        return [orjson.dumps(annotation) for annotation in self.held()]

    def came_within(self, from_seconds: float, to_seconds: float) -> int:
        """How many requests came so long after it had said that they are too many."""
        spans = [(at + from_seconds, at + to_seconds) for at in self.throttled_at]
        return sum(start <= at < end for at in self.server._times for start, end in spans)

    def most_in(self, seconds: float) -> int:
        """The most requests that came within so many seconds, by its clock; where it
        was late itself, or who sent them, nothing can be told.
        """
        return max((count for count, is_told in self._windows(seconds) if is_told), default=0)

    def can_tell(self, seconds: float) -> bool:
        """Whether that is known of at least half of these windows."""
        told = [is_told for _, is_told in self._windows(seconds)]
        return 2 * sum(told) >= len(told)

    def _windows(self, seconds: float) -> list[tuple[int, bool]]:
        """How many requests came in so many seconds from each on, and whether nobody
        was late then.
        """
        times = list(self.server._times)
        return [
            (
                bisect.bisect_left(times, at + seconds) - place,
                not any(at - 1 < late < at + seconds + 1 for late in self.late_at),
            )
            for place, at in enumerate(times)
        ]

    def watch(self, pid: int) -> None:
        """Note when this process, which sends, could have run and had to wait. It goes
        before others, as the remote does, where that may be asked for.
        """
        with suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, pid, TIMED_NICENESS)
            self.portal.call(os.setpriority, os.PRIO_PROCESS, 0, TIMED_NICENESS)
        self.watching.append(self.portal.start_task_soon(_watched_sender, pid, self.late_at))

    def set_faults(self, faults: str) -> None:
        self.portal.call(self.server.set_faults, faults)


@contextmanager
def remote(
    faults: str = "",
    *,
    seed: int = 0,
    latency_seconds: float = 0.0,
    rps: float = 0,
    load: Path | None = None,
) -> Iterator[Remote]:
    """Run the emulator in a thread; its app holds what is in the file to load."""
    loads = () if load is None else (f"me/{APP}={load}",)
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(
            running(rps=rps, faults=faults, seed=seed, latency=latency_seconds, load=loads)
        ) as server,
    ):
        app = RecordedApp(OWNER, APP)
        if load is None:
            server.clarifai._apps[OWNER, APP] = app
        throttled_at: list[float] = []
        server.clarifai.throttle = _noting(server.clarifai.throttle, throttled_at)  # type: ignore[method-assign]
        late_at: list[float] = []
        watching = [portal.start_task_soon(_watched, late_at)]
        try:
            yield Remote(server, app.writes, throttled_at, late_at, watching, portal)
        finally:
            for one in watching:
                one.cancel()


async def _watched(late_at: list[float]) -> None:
    """Notes when the loop was late: on a busy machine, requests then seem to come all
    at once.
    """
    while True:
        wanted = time.monotonic() + WATCH_SECONDS
        await anyio.sleep(WATCH_SECONDS)
        if time.monotonic() > wanted + LATE_SECONDS:
            late_at.append(time.monotonic())


async def _watched_sender(pid: int, late_at: list[float]) -> None:
    """Notes when the kernel gave its turn to others for long: what it had ready then
    leaves all at once. A process that is stopped does not wait for a turn.
    """
    waited_ns = 0
    with suppress(OSError):  # it has ended
        while True:
            before = waited_ns
            waited_ns = _waited_ns(pid)
            if waited_ns - before > LATE_SECONDS * 1e9:
                late_at.append(time.monotonic())
            await anyio.sleep(WATCH_SECONDS)


def _waited_ns(pid: int) -> int:
    """How long its main thread has waited for a turn in all. Raises OSError."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1])


def _noting(throttled: Callable[..., Answer], at: list[float]) -> Callable[..., Answer]:
    def noted(request: Request, *, silent: bool) -> Answer:
        at.append(time.monotonic())
        return throttled(request, silent=silent)

    return noted


def reached(server: Remote, more: int) -> Callable[[], bool]:
    """Have so many requests come since?"""
    wanted = server.requests + more
    return lambda: server.requests >= wanted


# --- against a log --------------------------------------------------------------------


@dataclass(slots=True)
class _Order:
    """How far each annotation and each input is: the number of the latest change that
    took effect.
    """

    of_key: dict[AnnotationKey, int] = field(default_factory=dict)
    of_input: dict[str, int] = field(default_factory=dict)
    deleted: dict[str, int] = field(default_factory=dict)


def misplaced(writes: list[Write], log: Log) -> list[str]:
    """What of these writes is doubled or out of order; nothing where each took effect
    in the log's order.

    That a change took effect twice in a row is no fault: what syncer repeats gives the
    same. That a post made its annotation twice is one.
    """
    wrong: list[str] = []
    order = _Order()
    created: set[int] = set()
    for write in writes:
        key = (write.input_id, write.id)
        if write.kind == "delete input":
            lines = log.input_deletes.get(write.input_id, [])
            place = bisect.bisect_left(lines, order.of_input.get(write.input_id, -1))
            if place == len(lines):
                wrong.append(
                    f"{write}: a change behind the delete of its input took effect before it"
                )
                continue
            number = order.deleted[write.input_id] = lines[place]
        else:
            number = log.deletes[key] if write.kind == "delete" else write.number
            if number < max(order.of_key.get(key, -1), order.deleted.get(write.input_id, -1)):
                wrong.append(f"{write}: change {number} took effect behind a later one")
            if write.kind == "create" and number in created:
                wrong.append(f"{write}: created twice")
            if write.kind == "create":
                created.add(number)
            order.of_key[key] = max(number, order.of_key.get(key, -1))
        order.of_input[write.input_id] = max(number, order.of_input.get(write.input_id, -1))
    return wrong
