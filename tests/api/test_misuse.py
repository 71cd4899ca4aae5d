"""Every argument of the Python API that cannot be meant: one UsageError that names it,
before anything is asked or written.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

import syncer
from syncer import emulator
from tests.api.test_push import POSTS, Table, app, home, log  # noqa: F401 - home is a fixture

POST = '{"op":"post","annotation":{"id":"a","input_id":"i"}}\n'


async def later(event: syncer.Event) -> None:
    """An observer that nobody awaits."""


class Later:
    async def __call__(self, event: syncer.Event) -> None:
        """Another one."""


class Half:
    name = "half"

    async def ack(self, cursor: str) -> None:
        """No chunks."""


OBSERVERS: list[tuple[Any, str]] = [
    (later, "argument observe: is an async function. Nobody awaits it"),
    (Later(), "argument observe: is an async function"),
    (functools.partial(later), "argument observe: is an async function"),
    (5, "argument observe: is 5 (int); it must be a function"),
    (lambda event: later(event), "argument observe: gives <coroutine object later"),
]
PUSHES: list[tuple[dict[str, Any], str]] = [
    (
        {"source": 5},
        (
            "argument source: is 5 (int); it must be a change log by its path, a"
            " syncer.ChangeSource, or a list of these"
        ),
    ),
    ({"source": None}, "argument source: is None"),
    ({"source": b"changes.jsonl"}, "argument source: is b'changes.jsonl' (bytes)"),
    ({"source": {"changes.jsonl"}}, "argument source: is {'changes.jsonl'} (set)"),
    ({"source": (path for path in ["changes.jsonl"])}, "(generator)"),
    ({"source": ["changes.jsonl", None]}, "argument source[1]: is None"),
    ({"source": [["changes.jsonl"]]}, "argument source[0]: is ['changes.jsonl'] (list)"),
    ({"source": "a\0b"}, r"argument source: is 'a\x00b'; name a path"),
    ({"source": Table}, "argument source: is the class Table; give an instance of it"),
    ({"source": Half()}, "source:half has no method chunks"),
    ({"source": [Table(POSTS), Table(POSTS)]}, "two sources are called 'table'"),
    ({"source": ""}, "argument source: is ''; name a path"),
    ({"source": ["a.jsonl", ""]}, "argument source[1]: is ''; name a path"),
    ({"source": Table(POSTS, name="")}, "the source Table is called '' (str)"),
    ({"to": "app"}, "argument to: is 'app' (str); it must be syncer.Clarifai(app_id=...)"),
    ({"to": syncer.Annotell()}, "it must be syncer.Clarifai(app_id=...)"),
    ({"strict": "no"}, "argument strict: is 'no' (str); it must be True or False"),
    (
        {"max_delete": "5"},
        "argument max_delete: is '5' (str); it must be a whole number of 0 or more",
    ),
    ({"max_delete": -1}, "argument max_delete: is -1 (int)"),
    ({"max_delete": 1.5}, "argument max_delete: is 1.5 (float)"),
    ({"max_delete": True}, "argument max_delete: is True (bool)"),
    ({"state": 5}, "argument state: is 5 (int); it must be a path"),
    ({"state": b"s"}, "argument state: is b's' (bytes)"),
    ({"state": ""}, "argument state: is ''; name a path"),
    ({"config": 5}, "argument config: is 5 (int)"),
    *(({"observe": observe}, message) for observe, message in OBSERVERS[:4]),
]
PULLS: list[tuple[dict[str, Any], str]] = [
    ({"source": 5}, "argument source: is 5"),
    ({"out": None}, "argument out: is None (NoneType); it must be a path"),
    ({"out": b"x.jsonl"}, "argument out: is b'x.jsonl' (bytes)"),
    ({"out": ""}, "argument out: is ''; name a path"),
    ({"out": "-"}, 'argument out: is "-"; name a path'),
    ({"format": "xml"}, "argument format: is 'xml'; it must be one of jsonl, csv, parquet, delta"),
    ({"state": ""}, "argument state: is ''; name a path"),
    ({"state": 5}, "argument state: is 5 (int)"),
    ({"config": 5}, "argument config: is 5 (int)"),
    ({"select": "x"}, "argument select: a Clarifai app takes a Selection"),
    *(({"observe": observe}, message) for observe, message in OBSERVERS[:4]),
]


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def said(arguments: dict[str, Any]) -> str:
    """The arguments, without the places in memory of objects: tests have the same names
    in each process.
    """
    return re.sub(
        " at 0x[0-9a-f]+", "", ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    )[:60]


async def all_pages(source: syncer.Clarifai, observe: Callable[[syncer.Event], None]) -> None:
    async with syncer.pages(source, observe=observe) as stream:
        async for _ in stream:
            pass


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("arguments", "message"), PUSHES, ids=[said(arguments) for arguments, _ in PUSHES]
)
async def test_a_push_that_cannot_be_meant_is_refused(
    arguments: dict[str, Any],
    message: str,
    home: Path,  # noqa: F811
) -> None:
    log(home, POST)
    given: dict[str, Any] = {
        "source": "changes.jsonl",
        "to": syncer.Clarifai(app_id="app", base_url="http://127.0.0.1:9", token="t"),
        **arguments,
    }
    with pytest.raises(syncer.UsageError) as refused:
        await syncer.push(given.pop("source"), **given)
    assert message in str(refused.value)
    assert names(home) == ["changes.jsonl"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("arguments", "message"), PULLS, ids=[said(arguments) for arguments, _ in PULLS]
)
async def test_a_pull_that_cannot_be_meant_is_refused(
    arguments: dict[str, Any],
    message: str,
    home: Path,  # noqa: F811
) -> None:
    given: dict[str, Any] = {
        "source": syncer.Clarifai(app_id="app", base_url="http://127.0.0.1:9", token="t"),
        "out": "x.jsonl",
        **arguments,
    }
    with pytest.raises(syncer.UsageError) as refused:
        await syncer.pull(given.pop("source"), given.pop("out"), **given)
    assert message in str(refused.value)
    assert names(home) == []


@pytest.mark.anyio
@pytest.mark.parametrize(("observe", "message"), OBSERVERS, ids=range(len(OBSERVERS)))
async def test_an_observer_that_would_have_to_be_awaited_is_refused_everywhere(
    observe: Callable[[syncer.Event], None],
    message: str,
    home: Path,  # noqa: F811
) -> None:
    log(home, POST)
    async with emulator.running(rps=0) as server:
        with pytest.raises(syncer.UsageError) as pushing:
            await syncer.push("changes.jsonl", app(server), observe=observe)
        with pytest.raises(syncer.UsageError) as pulling:
            await syncer.pull(app(server), "x.jsonl", observe=observe)
        with pytest.raises(syncer.UsageError) as paging:
            await all_pages(app(server), observe)
    assert [message in str(raised.value) for raised in (pushing, pulling, paging)] == [True] * 3


@pytest.mark.anyio
async def test_a_token_that_is_not_text_is_refused_and_not_shown(home: Path) -> None:  # noqa: F811
    log(home, POST)
    with pytest.raises(syncer.UsageError, match="Clarifai: token must be text") as refused:
        await syncer.push(
            "changes.jsonl", syncer.Clarifai(app_id="app", token=cast(Any, b"secret"))
        )
    assert "secret" not in str(refused.value)
    with pytest.raises(syncer.UsageError, match="Annotell: client_secret must be text"):
        await syncer.pull(
            syncer.Annotell(client_id="a", client_secret=cast(Any, 5)),
            "x.jsonl",
            syncer.DocumentSelection(project="p"),
        )


@pytest.mark.parametrize("row", [None, "x", {"line": b"{}"}])
def test_a_document_of_what_is_not_a_row_is_refused(row: Any) -> None:
    with pytest.raises(syncer.UsageError, match=r"argument row: is .*; it must be a syncer\.Row"):
        syncer.openlabel(row)


@pytest.mark.anyio
async def test_values_that_are_no_json_are_dead_letters_of_their_rows_and_the_run_goes_on(
    home: Path,  # noqa: F811
) -> None:
    """The other rows are applied; the second run sends nothing and says nothing."""
    loop: dict[str, Any] = {"op": "post"}
    loop["annotation"] = {"input_id": "i", "data": loop}
    rows: list[Any] = [
        *POSTS[:50],
        {
            "op": "post",
            "annotation": {"input_id": "i", "data": {"concepts": [{"id": "x", "value": math.nan}]}},
        },
    ]
    rows += [
        *POSTS[50:99],
        {"tags": {"x"}},
        "\ud800",
        {"n": 1 << 64},
        {5: 1},
        loop,
        *POSTS[99:120],
        {"at": object()},
    ]
    letters: list[syncer.DeadLetter] = []

    def note(event: syncer.Event) -> None:
        if isinstance(event, syncer.ChangeDied):
            letters.append(event.letter)

    async with emulator.running(rps=0) as server:
        report = await syncer.push(Table(rows), app(server), observe=note)
        again = await syncer.push(Table(rows), app(server))
        held = server.annotations("me", "app")
    assert (report.applied, report.dead, report.pending, len(held)) == (120, 7, 0, 120)
    assert (again.applied, again.dead, again.requests) == (0, 7, 0)
    assert {letter.source for letter in letters} == {"source:table"}
    assert [letter.line for letter in letters] == [51, 101, 102, 103, 104, 105, 127]
    assert [letter.reason.partition(",")[0] for letter in letters] == [
        "annotation.data.concepts[0].value is nan",
        "tags is of type set",
        "not Unicode: character 1 is half of one (a lone surrogate)",
        "n is an integer that does not fit 64 bits",
        "a key of the change is of type int",
        letters[5].reason.partition(",")[0],
        "at is of type object",
    ]
    assert "or holds itself" in letters[5].reason


@pytest.mark.anyio
async def test_a_misuse_in_the_middle_keeps_what_came_before_and_the_same_call_carries_on(
    home: Path,  # noqa: F811
) -> None:
    class Slip(Table):
        mended = False

        async def chunks(self, after: str) -> Any:
            async for chunk in super().chunks(after):
                yield chunk
                if not self.mended:
                    yield None

    table = Slip(POSTS)
    async with emulator.running(rps=0) as server:
        with pytest.raises(
            syncer.SyncerError, match="source:table, chunk 2: it is None"
        ) as stopped:
            await syncer.push(table, app(server))
        table.mended = True
        report = await syncer.push(table, app(server))
        held = server.annotations("me", "app")
    assert stopped.value.details["applied"] == 100
    assert (report.applied, report.skipped, len(held)) == (200, 100, 300)
