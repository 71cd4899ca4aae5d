"""A lane looks up again what it applied, and tells what is not as it was asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import pytest

from syncer.core.ports.wire import Reply
from syncer.daemon.drift import AGAIN_SECONDS, FIRST_SECONDS, SAMPLE_MAX
from syncer.daemon.lane import Lane
from syncer.daemon.status import LaneStatus
from syncer.jobs.push_parts import push_parts
from tests.daemon.following import Following
from tests.support.lanes import App

EVERY = 3600.0


def line(op: str, id: str | None, value: float = 1) -> bytes:
    data = {"concepts": [{"id": "tree", "value": value}]}
    annotation = {
        "input_id": "i",
        **({"id": id} if id else {}),
        **({"data": data} if op != "delete" else {}),
    }
    action = {"action": "overwrite"} if op == "patch" else {}
    return json.dumps({"op": op, **action, "annotation": annotation}).encode()


class Checked:
    """A lane, what comes to it, and how it is after a check."""

    def __init__(self, folder: Path, switches: str = "") -> None:
        self.following = Following(App(folder / "state", switches))
        self.following.lines = []
        self.app = self.following.app

    def run(
        self,
        lines: list[bytes],
        then: Any = None,
        late: list[bytes] | None = None,
        every: float = EVERY,
        wait: float = EVERY + 5 * AGAIN_SECONDS,
    ) -> LaneStatus:
        """`then`: what others do to the app after these lines were applied."""
        seen: list[LaneStatus] = []

        async def meanwhile(lane: Lane) -> None:
            await anyio.sleep(5)
            self.following.add(*lines)
            await anyio.sleep(60)
            if then is not None:
                then(self.app.there.annotations)
            if late:
                self.following.add(*late)
            await anyio.sleep(wait)
            seen.append(await lane.status())

        self.following.run(meanwhile, daemon__verify_sample_every_seconds=every)
        return seen[0]


@pytest.fixture
def checked(tmp_path: Path) -> Checked:
    return Checked(tmp_path)


def test_what_is_as_it_was_asked_for_is_no_drift(checked: Checked) -> None:
    lines = [line("post", f"a{n}") for n in range(5)]
    status = checked.run([*lines, line("patch", "a1", 0), line("delete", "a2")])
    assert (status.drift.checked, status.drift.drifted, status.checks) == (5, (), ())
    assert status.drift.checked_at is not None


def test_the_first_check_is_within_an_hour_and_the_next_one_as_it_is_set(
    checked: Checked, tmp_path: Path
) -> None:
    hours = 12 * 3600.0
    lines = [line("post", "a")]
    first = checked.run(lines, every=hours, wait=FIRST_SECONDS + 5 * AGAIN_SECONDS)
    assert first.drift.checked == 1
    later = Checked(tmp_path / "later").run(lines, every=hours, wait=hours)
    assert first.drift.checked_at is not None
    assert later.drift.checked_at is not None
    assert later.drift.checked_at - first.drift.checked_at < AGAIN_SECONDS


def test_a_lane_that_could_not_push_when_a_check_was_due_checks_once_it_can(
    checked: Checked,
) -> None:
    """As where its state cannot be opened for longer than an hour."""
    following = checked.following
    other = push_parts(following.app.config(), following.app.limiters)
    other.__enter__()
    seen: list[LaneStatus] = []

    async def meanwhile(lane: Lane) -> None:
        await anyio.sleep(EVERY + 100)
        other.__exit__(None, None, None)
        await anyio.sleep(100)
        following.add(line("post", "a"))
        await anyio.sleep(EVERY + 5 * AGAIN_SECONDS)
        seen.append(await lane.status())

    following.run(meanwhile, daemon__verify_sample_every_seconds=EVERY)
    assert seen[0].drift.checked_at is not None


def test_what_somebody_else_changed_or_removed_or_made_again_is_told(checked: Checked) -> None:
    def sabotage(held: dict[Any, Any]) -> None:
        kept = dict(held[("i", "a0")])
        held[("i", "a0")]["data"] = {"concepts": []}
        del held[("i", "a1")]
        held[("i", "a2")] = {**kept, "id": "a2"}

    lines = [line("post", f"a{n}") for n in range(4)]
    status = checked.run([*lines, line("delete", "a2")], sabotage)
    assert set(status.drift.drifted) == {("i", "a0"), ("i", "a1"), ("i", "a2")}
    (check,) = status.checks
    assert (check.name, check.status) == ("drift", "warning")
    assert "3 of 4 annotations" in check.message
    assert "i/a1" in check.message


def test_a_later_change_is_not_taken_for_drift(checked: Checked) -> None:
    lines = [line("post", f"a{n}") for n in range(4)]
    late = [line("patch", "a0", 0), line("delete", "a1"), line("delete", None), line("post", "b")]
    status = checked.run(lines, late=late)
    assert (status.drift.checked, status.drift.drifted) == (1, ())


def test_the_sample_is_bounded_and_keeps_no_busy_lane(checked: Checked) -> None:
    status = checked.run([line("post", f"a{n}") for n in range(SAMPLE_MAX + 300)])
    assert status.drift.sample == status.drift.checked == SAMPLE_MAX
    assert status.drift.drifted == ()


def test_a_read_that_lags_is_no_drift(tmp_path: Path) -> None:
    lagging = Checked(tmp_path, "read-lag=2,delete-lag=2")
    status = lagging.run([line("post", "a"), line("post", "b"), line("delete", "b")])
    assert status.drift.drifted == ()


def test_a_remote_that_does_not_answer_says_nothing_and_is_asked_again_soon(
    checked: Checked,
) -> None:
    seen: list[LaneStatus] = []
    app = checked.app

    async def meanwhile(lane: Lane) -> None:
        await anyio.sleep(5)
        checked.following.add(line("post", "a"), line("post", "b"))
        await anyio.sleep(60)
        del app.there.annotations[("i", "a")]
        app.interfering = lambda request: Reply(502, b"") if request.method == "GET" else None
        await anyio.sleep(EVERY + AGAIN_SECONDS)
        seen.append(await lane.status())
        app.interfering = lambda _: None
        await anyio.sleep(10 * AGAIN_SECONDS)
        seen.append(await lane.status())

    checked.following.run(meanwhile, daemon__verify_sample_every_seconds=EVERY)
    assert [one.drift.checked_at is None for one in seen] == [True, False]
    assert seen[1].drift.drifted == (("i", "a"),)


def test_where_it_is_switched_off_nothing_is_kept_or_asked(checked: Checked) -> None:
    seen: list[LaneStatus] = []

    async def meanwhile(lane: Lane) -> None:
        await anyio.sleep(5)
        checked.following.add(line("post", "a"))
        await anyio.sleep(10 * EVERY)
        seen.append(await lane.status())

    checked.following.run(meanwhile, daemon__verify_sample_every_seconds=0)
    assert (seen[0].drift.sample, seen[0].drift.checked_at) == (0, None)
    assert [request.method for request in checked.app.asked] == ["POST"]
