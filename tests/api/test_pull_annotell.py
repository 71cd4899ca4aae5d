"""Annotell and Kognic from Python and the command line, against a real server:
documents byte for byte, changes, refusals.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pytest

import syncer
from syncer import emulator
from syncer.emulator import Emulator
from tests.api.test_push import home  # noqa: F401 - a fixture
from tests.support.processes import ENVIRONMENT, command
from tests.support.processes import emulator as emulator_process

PROJECT = "emulator-project"
FAULTS = "error=0.05,html=0.03,reset-before=0.03,reset-after=0.03,cut=0.05,throttle=0.03"


def remote(server: Emulator, **others: Any) -> syncer.Annotell:
    place: dict[str, Any] = {
        "base_url": server.url,
        "auth_url": server.url,
        "client_id": "a-client",
        "client_secret": "a-secret",
    }
    return syncer.Annotell(**{**place, **others})


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.anyio
async def test_a_project_is_pulled_whole_whatever_fails(home: Path) -> None:  # noqa: F811
    selection = syncer.DocumentSelection(project=PROJECT)
    async with emulator.running(rps=0) as server:
        plain = await syncer.pull(
            remote(server), home / "plain.jsonl", selection, requests_per_second=1000
        )
        server.set_faults(FAULTS)
        report = await syncer.pull(
            remote(server), home / "faulty.jsonl", selection, requests_per_second=1000
        )
        await syncer.pull(
            remote(server), home / "documents.parquet", selection, requests_per_second=1000
        )
    rows = lines(home / "plain.jsonl")
    assert plain.written == report.written == len(rows) > 0
    assert (home / "plain.jsonl").read_bytes() == (home / "faulty.jsonl").read_bytes()
    assert all(row["content"]["openlabel"]["metadata"]["schema_version"] == "1.0.0" for row in rows)
    frame = pl.read_parquet(home / "documents.parquet")
    assert [json.loads(text) for text in frame["content"]] == [row["content"] for row in rows]
    assert frame["created"].dtype == pl.Datetime("us", "UTC")


@pytest.mark.anyio
async def test_the_common_use_case_of_the_guide_is_one_call(home: Path) -> None:  # noqa: F811
    """All inputs of a project with the status created, then their annotations."""
    selection = syncer.DocumentSelection(project=PROJECT, input_statuses=("created",))
    async with emulator.running(rps=0) as server:
        async with syncer.pages(remote(server), selection) as stream:
            created = [row.key for page in [page async for page in stream] for row in page.rows]
        none = syncer.DocumentSelection(project=PROJECT, input_statuses=("failed",))
        report = await syncer.pull(remote(server), home / "none.jsonl", none)
    assert len(created) > 0
    assert (report.written, (home / "none.jsonl").read_bytes()) == (0, b"")


@pytest.mark.anyio
async def test_refused_clients_and_selections_that_mean_nothing_are_told(home: Path) -> None:  # noqa: F811
    async with emulator.running(rps=0) as server:
        with pytest.raises(syncer.UsageError, match="no credentials"):
            await syncer.pull(
                syncer.Annotell(base_url=server.url),
                home / "x.jsonl",
                syncer.DocumentSelection(project=PROJECT),
            )
        with pytest.raises(syncer.UsageError, match="a project, or input uuids"):
            await syncer.pull(remote(server), home / "x.jsonl", syncer.DocumentSelection())
        with pytest.raises(syncer.UsageError, match="need a DocumentSelection"):
            await syncer.pull(remote(server), home / "x.jsonl", syncer.Selection())
        refused = remote(server, client_secret="refused-secret")
        with pytest.raises(
            syncer.CredentialsRefused,
            match=r"ANNOTELL_CLIENT_ID and _SECRET, or \[annotell\] credentials",
        ):
            await syncer.pull(refused, home / "x.jsonl", syncer.DocumentSelection(project=PROJECT))
        with pytest.raises(syncer.Stopped, match="no project nope"):
            await syncer.pull(
                remote(server), home / "x.jsonl", syncer.DocumentSelection(project="nope")
            )
    assert "a-secret" not in repr(remote(server))


@pytest.mark.anyio
async def test_a_document_is_a_typed_object_where_that_is_wanted(home: Path) -> None:  # noqa: F811
    async with (
        emulator.running(rps=0) as server,
        syncer.pages(remote(server), syncer.DocumentSelection(project=PROJECT)) as stream,
    ):
        rows = [row for page in [page async for page in stream] for row in page.rows]
    for row in rows:
        document = syncer.openlabel(row)
        assert (
            str(document.openlabel.metadata.uuid)
            == orjson.loads(row.line)["content"]["openlabel"]["metadata"]["uuid"]
        )
    with pytest.raises(ValueError, match="holds no document"):
        syncer.openlabel(syncer.Row(("i", "a"), b'{"id":"a","input_id":"i"}'))


def test_only_what_changed_since_an_earlier_pull_is_fetched_and_what_is_gone_gets_a_tombstone(
    tmp_path: Path,
) -> None:
    """From the command line."""
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    environment = {
        **ENVIRONMENT,
        "ANNOTELL_CLIENT_ID": "a-client",
        "ANNOTELL_CLIENT_SECRET": "a-secret",
    }

    def pull(out: Path, *options: str) -> dict[str, Any]:
        arguments = command(
            "pull", "annotell", "--project", PROJECT, "--out", str(out), "--json", *options
        )
        ran = subprocess.run(
            arguments, env=environment, cwd=tmp_path, capture_output=True, check=True
        )
        assert b"a-secret" not in ran.stdout + ran.stderr
        result: dict[str, Any] = orjson.loads(ran.stdout)
        return result

    with emulator_process("--rps", "0") as server:
        place = ("--base-url", server.url, "--auth-url", server.url)
        whole = pull(first, *place)
        unchanged = pull(second, *place, "--changed-since", str(first))
        rows = lines(first)
        older = {**rows[0], "created": "2001-01-01T00:00:00Z"}
        gone = {**rows[1], "input_uuid": "a-vanished-input"}
        first.write_text("".join(json.dumps(row) + "\n" for row in [older, *rows[1:], gone]))
        changed = pull(second, *place, "--changed-since", str(first))
    assert (whole["written"], unchanged["written"], changed["written"]) == (len(rows), 0, 2)
    assert lines(second) == [
        rows[0],
        {
            "input_uuid": "a-vanished-input",
            "annotation_type": gone["annotation_type"],
            "created": gone["created"],
            "deleted": True,
        },
    ]
