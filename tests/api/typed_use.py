"""A user's program, checked by `mypy --strict` as an outsider would."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import assert_never

import syncer
from syncer import emulator


class Queue:
    name = "queue"

    async def chunks(self, after: str) -> AsyncIterator[syncer.SourceChunk]:
        yield syncer.SourceChunk([b"{}", "{}", {"op": "post"}], cursor="1")

    async def ack(self, cursor: str) -> None:
        print(cursor)


def told(event: syncer.Event) -> str:
    match event:
        case syncer.RequestAnswered(seconds=seconds):
            return f"{seconds:.3f} s"
        case syncer.ChangesSettled(applied=applied):
            return f"{applied:,}"
        case syncer.ChangeDied(letter=letter):
            return letter.reason
        case syncer.DestinationChanged(paused_until=None):
            return "open"
        case syncer.DestinationChanged(state=state):
            return state
        case syncer.SourceFailed(source=source) | syncer.SourceRecovered(source=source):
            return source
        case _:
            assert_never(event)


async def main() -> int:
    async with emulator.running(rps=0) as server:
        to = syncer.Clarifai(app_id="labels", base_url=server.url, token="any")
        try:
            report = await syncer.push(
                ["changes.jsonl", Queue()],
                to,
                state="state",
                observe=lambda event: print(told(event)),
            )
        except syncer.SyncerError as error:
            return error.exit_code
    return report.applied + report.dead
