"""The control socket of a lane: who reaches it, and what goes through it."""

from __future__ import annotations

import stat
from collections.abc import Awaitable, Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from threading import Thread

import anyio
import anyio.to_thread
import pytest

from syncer.daemon.control import CONTROL, drop_through, open_control, retry_through
from syncer.daemon.http.letters import letters
from syncer.daemon.http.server import controlling
from syncer.errors import StateError, UsageError
from syncer.jobs.dead import DropResult, LetterPlace, RefusedLetter, RetryResult, Selector, open_in
from tests.daemon.following import REFUSING, Following, RealTime, post
from tests.support.lanes import App

ALL = Selector(every=True)


class Controlled:
    """A lane with a control socket, in whose state are two letters: line 1 was refused
    by the service, which would take it now; line 2 is not a change.
    """

    def __init__(self, state: Path) -> None:
        self.state = state
        self.refused: list[RefusedLetter] = []
        self.told: list[str] = []
        self._following = Following(App(state))
        self._following.app.time = RealTime()  # type: ignore[assignment]
        self._following.lines = [post(0), b"bad"]
        self._following.control = lambda lane: controlling(
            lane.state, letters([lane]), self.told.append
        )

    def run(self, then: Callable[[], Awaitable[None]]) -> None:
        app = self._following.app
        app.interfering = lambda request: REFUSING if request.body else None

        async def main() -> bool:
            lane = self._following.lane("prod", push__requests_per_second=1000)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(lane.run)
                with anyio.fail_after(20):
                    while (await lane.status()).totals.dead < 2:  # noqa: ASYNC110
                        await anyio.sleep(0.01)
                    app.interfering = lambda _: None
                    await then()
                lane.drain()
            return True

        app.run(main)

    async def retry(self, selector: Selector = ALL) -> RetryResult | None:
        work = partial(retry_through, self.state, selector, self.refused.append, force=False)
        return await anyio.to_thread.run_sync(work)

    async def drop(self, selector: Selector = ALL) -> DropResult | None:
        return await anyio.to_thread.run_sync(drop_through, self.state, selector)

    async def until_applied(self) -> None:
        while not self._following.app.held:  # noqa: ASYNC110 - as users would
            await anyio.sleep(0.01)


@pytest.fixture
def controlled(tmp_path: Path) -> Controlled:
    return Controlled(tmp_path / "state")


def test_letters_are_retried_and_dropped_through_it(controlled: Controlled) -> None:
    async def then() -> None:
        assert await controlled.retry() == RetryResult(queued=1, refused=1)
        assert [one.line for one in controlled.refused] == [2]
        await controlled.until_applied()
        assert await controlled.drop(Selector((LetterPlace("log", 2),))) == DropResult(1)
        assert list(open_in(controlled.state)) == []
        with pytest.raises(UsageError, match="no dead letter matches code 7"):
            await controlled.drop(Selector(code=7))

    controlled.run(then)


def test_it_is_for_its_owner_only_and_goes_with_the_lane(controlled: Controlled) -> None:
    async def then() -> None:
        mode = (controlled.state / CONTROL).lstat().st_mode
        assert (stat.S_ISSOCK(mode), stat.S_IMODE(mode)) == (True, 0o600)

    controlled.run(then)
    assert not (controlled.state / CONTROL).exists()
    assert controlled.told == [""]


def test_a_folder_may_have_any_path(tmp_path: Path) -> None:
    """Longer than what a socket can be bound to."""
    controlled = Controlled(tmp_path.joinpath(*["a-long-name" * 5] * 4, "state"))

    async def then() -> None:
        assert await controlled.drop() == DropResult(2)

    controlled.run(then)


def test_one_that_a_killed_daemon_left_is_replaced_and_until_then_reaches_nobody(
    controlled: Controlled,
) -> None:
    controlled.state.mkdir()
    open_control(controlled.state).close()  # the file stays
    assert (controlled.state / CONTROL).exists()
    assert drop_through(controlled.state, ALL) is None

    async def then() -> None:
        assert await controlled.drop() == DropResult(2)

    controlled.run(then)


def test_where_none_can_be_made_the_lane_goes_on_and_says_so(controlled: Controlled) -> None:
    controlled.state.mkdir()
    (controlled.state / CONTROL).write_text("a file of somebody's")

    async def then() -> None:
        assert await controlled.drop() is None

    controlled.run(then)
    (told,) = controlled.told
    assert str(controlled.state / CONTROL) in told
    assert (controlled.state / CONTROL).read_text() == "a file of somebody's"


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"])
def test_a_daemon_that_ends_before_it_answers_is_an_error_that_says_so(
    tmp_path: Path, answer: bytes
) -> None:
    with closing(open_control(tmp_path)) as listening:

        def break_off() -> None:
            other, _ = listening.accept()
            with other:
                other.recv(1 << 16)
                other.sendall(answer)

        thread = Thread(target=break_off)
        thread.start()
        with pytest.raises(StateError, match="ended before it had answered"):
            drop_through(tmp_path, ALL)
        thread.join()
