"""The Python API as users meet it: real sockets, a real state folder, a live loop."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import syncer
from syncer import emulator
from syncer.emulator import Emulator

POSTS = [
    {"op": "post", "annotation": {"id": f"a-{n}", "input_id": f"i-{n % 7}", "data": {}}}
    for n in range(300)
]


class Table:
    """A source as a user writes one: rows of a table, a hundred a chunk, and a mark of
    how far they are done.
    """

    def __init__(self, rows: list[dict[str, object]], name: str = "table") -> None:
        self.rows = rows
        self.name = name
        self.acked: list[int] = []
        self.asked: list[str] = []

    async def chunks(self, after: str) -> AsyncIterator[syncer.SourceChunk]:
        self.asked.append(after)
        for start in range(int(after or 0), len(self.rows), 100):
            end = min(start + 100, len(self.rows))
            yield syncer.SourceChunk(self.rows[start:end], str(end))

    async def ack(self, cursor: str) -> None:
        self.acked.append(int(cursor))


def app(server: Emulator, app_id: str = "app", token: str = "a-token") -> syncer.Clarifai:
    return syncer.Clarifai(app_id=app_id, base_url=server.url, token=token)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place without any configuration."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "CLARIFAI_PAT",
        "CLARIFAI_API_BASE",
        "CLARIFAI_USER_ID",
        "CLARIFAI_APP_ID",
        "SYNCER_CONFIG",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def log(folder: Path, text: str) -> Path:
    path = folder / "changes.jsonl"
    path.write_text(text)
    return path


@pytest.mark.anyio
async def test_a_log_is_pushed_in_a_few_lines_and_the_second_time_nothing_is_sent(
    home: Path,
) -> None:
    path = log(home, '{"op":"post","annotation":{"id":"a","input_id":"i"}}\n{"op":"psot"}\n')
    async with emulator.running(rps=0) as server:
        report = await syncer.push(path, app(server))
        again = await syncer.push(str(path), app(server))
        assert list(server.annotations("me", "app")) == [("i", "a")]
    assert (report.read, report.applied, report.dead, report.pending) == (2, 1, 1, 0)
    assert (again.applied, again.skipped, again.dead, again.requests) == (0, 1, 1, 0)
    assert report.conserved
    assert again.conserved
    with pytest.raises(dataclasses.FrozenInstanceError):
        report.read = 3  # type: ignore[misc]


@pytest.mark.anyio
async def test_files_that_look_like_logs_and_are_not_read_are_warnings_of_the_logger(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log(home, '{"op":"post","annotation":{"id":"a","input_id":"i"}}\n')
    (home / "b.ndjson").write_text("")
    async with emulator.running(rps=0) as server:
        await syncer.push(home, app(server), state=home / "state")
    assert [record.getMessage().partition(" (")[0] for record in caplog.records] == [
        f"not read: {home / 'b.ndjson'}"
    ]


@pytest.mark.anyio
async def test_a_source_of_the_users_own_is_pushed_acknowledged_and_taken_up_where_it_was_left(
    home: Path,
) -> None:
    table = Table(POSTS[:250])
    async with emulator.running(rps=0) as server:
        first = await syncer.push(table, app(server))
        grown = Table(POSTS)
        second = await syncer.push(grown, app(server))
        held = server.annotations("me", "app")
    assert (first.applied, second.applied, second.skipped, len(held)) == (250, 50, 250, 300)
    assert table.acked == sorted(table.acked)
    assert table.acked[-1] == 250
    assert grown.asked == ["250"]
    assert grown.acked[-1] == 300


@pytest.mark.anyio
async def test_a_source_that_fails_stops_the_run_and_loses_nothing(home: Path) -> None:
    class Failing(Table):
        async def chunks(self, after: str) -> AsyncIterator[syncer.SourceChunk]:
            async for chunk in super().chunks(after):
                yield chunk
                if chunk.cursor == "200" and not after:
                    raise ConnectionError("the table is gone")

    async with emulator.running(rps=0) as server:
        with pytest.raises(
            syncer.SyncerError,
            match=r"source:table cannot be read after cursor '200': ConnectionError",
        ) as stopped:
            await syncer.push(Failing(POSTS), app(server))
        report = await syncer.push(Failing(POSTS), app(server))
        held = server.annotations("me", "app")
    assert stopped.value.details["applied"] == 200
    assert (report.applied, report.skipped, len(held)) == (100, 200, 300)


@pytest.mark.anyio
async def test_posts_without_ids_get_the_same_ones_each_time_that_a_source_is_read(
    home: Path,
) -> None:
    rows: list[dict[str, object]] = [
        {"op": "post", "annotation": {"input_id": "i", "data": {"concepts": [{"id": "x"}]}}}
        for _ in range(150)
    ]
    async with emulator.running(rps=0) as server:
        await syncer.push(Table(rows), app(server), state="one")
        ids = set(server.annotations("me", "app"))
        report = await syncer.push(Table(rows), app(server), state="two")
        assert set(server.annotations("me", "app")) == ids
    assert (len(ids), report.reconciled) == (150, 150)


@pytest.mark.anyio
async def test_logs_and_sources_form_one_sequence(home: Path) -> None:
    path = log(
        home,
        '{"op":"post","annotation":{"id":"a","input_id":"i","data":{"concepts":[{"id":"x","value":1}]}}}\n',
    )
    deletes = Table([{"op": "delete", "annotation": {"id": "a", "input_id": "i"}}])
    async with emulator.running(rps=0) as server:
        report = await syncer.push([path, deletes], app(server))
        assert server.annotations("me", "app") == {}
    assert report.applied == 2


@pytest.mark.anyio
async def test_an_observer_is_told_of_requests_settlements_deaths_and_pauses(home: Path) -> None:
    events: list[syncer.Event] = []
    path = log(
        home,
        "".join(
            f'{{"op":"post","annotation":{{"id":"a-{n}","input_id":"i"}}}}\n' for n in range(300)
        )
        + "{}\n",
    )
    async with emulator.running(rps=0, faults="throttle=0.5", seed=3) as server:
        report = await syncer.push(
            path, app(server), batch_size=10, requests_per_second=1000, observe=events.append
        )

    def of(kind: type[syncer.Event]) -> list[syncer.Event]:
        return [event for event in events if isinstance(event, kind)]

    requests = [event for event in events if isinstance(event, syncer.RequestAnswered)]
    settled = [event for event in events if isinstance(event, syncer.ChangesSettled)]
    died = [event for event in events if isinstance(event, syncer.ChangeDied)]
    changed = [event for event in events if isinstance(event, syncer.DestinationChanged)]
    assert len(requests) == report.requests
    assert sum(event.result == "throttled" for event in requests) == report.throttled > 0
    assert {event.status for event in requests} == {200, 429}
    assert sum(event.applied for event in settled) == report.applied == 300
    assert [event.letter.line for event in died] == [301]
    assert {event.state for event in changed} >= {"paused"}


@pytest.mark.anyio
async def test_what_stops_a_push_is_raised_with_the_report_up_to_there(home: Path) -> None:
    path = log(home, "{}\n" + '{"op":"post","annotation":{"id":"a","input_id":"i"}}\n')
    async with emulator.running(rps=0) as server:
        with pytest.raises(syncer.BadLineFound, match=r"changes\.jsonl:1"):
            await syncer.push(path, app(server), strict=True)
        with pytest.raises(syncer.CredentialsRefused) as refused:
            await syncer.push(path, app(server, token="refused-token"))
        with pytest.raises(syncer.StateError, match="another destination"):
            await syncer.push(path, app(server, app_id="other"))
    assert (refused.value.details["dead"], refused.value.details["pending"]) == (1, 1)
    assert "refused-token" not in repr(app(server, token="refused-token")) + str(refused.value)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            {"batch_size": 129},
            (
                'argument batch_size: push.batch_size: is "129"; it must be a whole number from 1'
                " to 128"
            ),
        ),
        ({"requests_per_second": 0}, "argument requests_per_second"),
        ({"concurrency": "many"}, "argument concurrency"),
        ({"state": ""}, "argument state"),
    ],
)
async def test_an_argument_that_does_not_fit_is_named(
    arguments: dict[str, object], said: str, home: Path
) -> None:
    path = log(home, "")
    with pytest.raises(syncer.UsageError) as wrong:
        await syncer.push(path, syncer.Clarifai(app_id="app", token="t"), **arguments)  # type: ignore[arg-type]
    assert said in str(wrong.value)


@pytest.mark.anyio
async def test_what_is_not_given_comes_from_the_environment(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = log(home, '{"op":"post","annotation":{"id":"a","input_id":"i"}}\n')
    async with emulator.running(rps=0) as server:
        for name, value in (
            ("CLARIFAI_PAT", "t"),
            ("CLARIFAI_APP_ID", "from-env"),
            ("CLARIFAI_API_BASE", server.url),
        ):
            monkeypatch.setenv(name, value)
        await syncer.push(path)
        assert len(server.annotations("me", "from-env")) == 1


@pytest.mark.anyio
async def test_two_pushes_at_once_share_one_limit(home: Path) -> None:
    """The limiter belongs to address and credential, not to a lane."""
    logs = []
    for part in range(2):
        path = home / f"{part}.jsonl"
        path.write_text(
            "".join(
                f'{{"op":"post","annotation":{{"id":"{part}-{n}","input_id":"i"}}}}\n'
                for n in range(30)
            )
        )
        logs.append(path)
    async with emulator.running(rps=0) as server:
        reports = await asyncio.gather(
            *(
                syncer.push(
                    path, app(server), state=f"state-{part}", batch_size=2, requests_per_second=20
                )
                for part, path in enumerate(logs)
            )
        )
    assert [report.applied for report in reports] == [30, 30]
    assert sum(report.requests for report in reports) == 30
    assert server.span_seconds > 1, "1.5 seconds at the rate, half of it at a rate each"


@pytest.mark.anyio
async def test_a_cancelled_push_gives_the_state_back_and_carries_on(home: Path) -> None:
    path = log(
        home,
        "".join(
            f'{{"op":"post","annotation":{{"id":"a-{n}","input_id":"i"}}}}\n' for n in range(500)
        ),
    )
    settled = asyncio.Event()

    def told(event: syncer.Event) -> None:
        if isinstance(event, syncer.ChangesSettled):
            settled.set()

    async with emulator.running(rps=0, latency=0.02) as server:
        task = asyncio.create_task(
            syncer.push(
                path,
                app(server),
                batch_size=10,
                concurrency=1,
                requests_per_second=1000,
                observe=told,
            )
        )
        await settled.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        report = await syncer.push(path, app(server), requests_per_second=1000)
        held = len(server.annotations("me", "app"))
    assert (held, report.applied + report.skipped) == (500, 500)
    assert report.skipped >= 10
