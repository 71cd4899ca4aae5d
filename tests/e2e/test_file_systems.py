"""Commands on file systems that lack calls: each names what cannot be done, where, and
the way out; or goes another way, and says so.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import anyio
import duckdb
import pytest

from syncer.emulator import Emulator
from tests.support.lame import OBJECT_STORE, lacking
from tests.support.processes import ENVIRONMENT, command
from tests.support.stand_in import running

Ran = subprocess.CompletedProcess[bytes]
NEEDED = {
    "append": "append to a file",
    "lock": "lock a file",
    "pwrite": "write over a part of a file",
    "truncate": "cut a file",
    "rename": "rename a file over another",
    "over": "rename a file over another",
    "sync": "sync a file that is open",
    "map": "map a file into memory",
}
"""What a state needs, by the call that may be lacking."""
WAY_OUT = "Put --state on a local disk: a state may be copied there"


pytestmark = pytest.mark.proof


async def cli(folder: Path, server: Emulator, *arguments: str, lame: tuple[str, ...] = ()) -> Ran:
    """A command in a process of its own, for which the file system of `lame/` lacks
    these calls.
    """
    environment = {
        **ENVIRONMENT,
        "CLARIFAI_APP_ID": "app",
        "CLARIFAI_API_BASE": server.url,
        "SYNCER_PUSH_REQUESTS_PER_SECOND": "500",
    }
    environment |= lacking(folder / "lame", *lame) if lame else {}
    return await anyio.run_process(command(*arguments), check=False, cwd=folder, env=environment)


def error(ran: Ran) -> str:
    told: dict[str, Any] = json.loads(ran.stdout)
    return str(told.get("error", ""))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A log with a bad line, and a folder for what lies on the other file system."""
    (tmp_path / "lame").mkdir()
    lines = [
        {
            "op": "post",
            "annotation": {
                "id": f"a-{n}",
                "input_id": f"i-{n % 40:02}",
                "data": {"concepts": [{"id": "x"}]},
            },
        }
        for n in range(200)
    ]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + "{}\n")
    return tmp_path


@pytest.mark.anyio
@pytest.mark.parametrize("call", NEEDED)
async def test_a_push_names_what_the_file_system_of_its_state_cannot_do_before_it_sends_anything(
    call: str, home: Path
) -> None:
    async with running(rps=0) as server:
        ran = await cli(
            home, server, "push", "log.jsonl", "--state", "lame/state", "--json", lame=(call,)
        )
    assert ran.returncode == 1
    assert f"its file system cannot {NEEDED[call]} (" in error(ran)
    assert "lame/state" in error(ran)
    assert error(ran).endswith(WAY_OUT)
    assert server.counts["requests"] == 0
    assert b"Traceback" not in ran.stderr


@pytest.mark.anyio
async def test_a_push_needs_no_links_and_no_sync_of_folders(home: Path) -> None:
    push = ("push", "log.jsonl", "--state", "lame/state", "--json")
    lame = ("link", "symlink", "syncdir")
    async with running(rps=0) as server:
        ran = await cli(home, server, *push, lame=lame)
        again = await cli(home, server, *push, lame=lame)
        held = len(server.annotations("me", "app"))
    assert (ran.returncode, json.loads(ran.stdout)["applied"], held) == (3, 200, 200)
    assert (again.returncode, json.loads(again.stdout)["requests"]) == (3, 0)


@pytest.mark.anyio
async def test_every_command_that_writes_a_state_says_so_and_those_that_read_do_without(
    home: Path,
) -> None:
    async with running(rps=0) as server:
        assert (
            await cli(home, server, "push", "log.jsonl", "--state", "lame/state", "-q")
        ).returncode == 3
        for arguments in (
            ("dead", "retry", "--all"),
            ("dead", "drop", "--all"),
            ("state", "repair"),
            ("state", "resume"),
            ("push",),
        ):
            ran = await cli(
                home, server, *arguments, "--state", "lame/state", "--json", lame=("lock",)
            )
            assert ran.returncode == 1, arguments
            assert "lame/state" in error(ran)
            assert "its file system cannot lock a file (" in error(ran)
            assert WAY_OUT in error(ran)
        for arguments in (
            ("status",),
            ("dead", "list"),
            ("state", "check"),
            ("state", "export"),
            ("verify",),
        ):
            ran = await cli(
                home, server, *arguments, "--state", "lame/state", "--json", lame=OBJECT_STORE
            )
            assert ran.returncode == 0, (arguments, ran.stderr)
        spooled = home / "lame" / "piped"
        ran = await cli(
            home, server, "push", "-", "--state", str(spooled), "--json", lame=("append",)
        )
    assert (
        f"the state folder {spooled} cannot be used: its file system cannot append to a file"
        in error(ran)
    )


@pytest.mark.anyio
@pytest.mark.parametrize("call", sorted(NEEDED.keys() - {"map"}))
async def test_a_pull_names_what_the_file_system_of_its_state_cannot_do_before_it_asks_for_anything(
    call: str, home: Path
) -> None:
    async with running(rps=0) as server:
        ran = await cli(
            home,
            server,
            "pull",
            "clarifai",
            "--out",
            "o.jsonl",
            "--state",
            "lame/state",
            "--json",
            lame=(call,),
        )
    assert ran.returncode == 1
    assert f"its file system cannot {NEEDED[call]} (" in error(ran)
    assert "lame/state" in error(ran)
    assert error(ran).endswith(WAY_OUT)
    assert server.counts["requests"] == 0


@pytest.mark.anyio
async def test_a_pull_whose_keys_cannot_be_locked_says_so(home: Path) -> None:
    """Those of a list that repeats itself are in a database, which takes locks of
    another kind.
    """
    async with running(rps=0) as server:
        arguments = (
            "pull",
            "clarifai",
            "--out",
            "o.jsonl",
            "--since",
            "2020-01-01T00:00:00Z",
            "--state",
            "lame/state",
            "--json",
        )
        ran = await cli(home, server, *arguments, lame=("record",))
    assert ran.returncode == 1
    assert "lame/state/seen.sqlite cannot be used: " in error(ran)
    assert "Where its file system cannot lock, cut or sync a file (SQLITE_" in error(ran)
    assert "put --state on a local disk" in error(ran)
    assert server.counts["requests"] == 0


def ids(out: Path) -> list[str]:
    """The ids in an output, read by DuckDB."""
    readers = {
        ".jsonl": "read_json(?)",
        ".csv": "read_csv(?)",
        ".parquet": "read_parquet(?)",
        "": "read_parquet(? || '/*.parquet')",
    }
    column = "id" if out.suffix == ".jsonl" else "annotation_id"
    return sorted(
        row[0]
        for row in duckdb.sql(
            f"select {column} from {readers[out.suffix]}", params=[str(out)]
        ).fetchall()
    )


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["o.jsonl", "o.csv", "o.parquet", "o.delta", "folder/"])
async def test_a_pull_to_an_object_store_is_built_in_its_state_and_copied_at_the_end(
    name: str, home: Path
) -> None:
    """Twice: the second one replaces what the first one left."""
    async with running(rps=0) as server:
        await cli(home, server, "push", "log.jsonl", "-q")
        for _ in range(2):
            ran = await cli(
                home, server, "pull", "clarifai", "--out", f"lame/{name}", lame=OBJECT_STORE
            )
            assert ran.returncode == 0, ran.stderr
            told = ran.stderr.decode()
            if name != "folder/":  # its files are written whole, one by one
                assert (
                    f"the file system of lame/{name} cannot append to a file: the output is built"
                    " in .syncer/pull-" in told
                )
    assert [path.name for path in (home / "lame").iterdir()] == [name.strip("/")]
    wanted = sorted(f"a-{n}" for n in range(200))
    if name == "o.delta":
        from deltalake import DeltaTable

        assert (
            sorted(DeltaTable(home / "lame" / name).to_pyarrow_table()["annotation_id"].to_pylist())
            == wanted
        )
    else:
        assert ids(home / "lame" / name.strip("/")) == wanted


@pytest.mark.anyio
async def test_a_pull_to_an_object_store_that_is_killed_is_carried_on(home: Path) -> None:
    arguments = [
        "pull",
        "clarifai",
        "--out",
        "lame/o.jsonl",
        "--state",
        "state",
        "--json",
        "--no-progress",
    ]
    # Of so many inputs that there is more to fetch once something is written.
    log = home / "log.jsonl"
    log.write_text(
        "".join(
            json.dumps({"id": f"a-{n}", "input_id": f"i-{n}", "data": {}}) + "\n"
            for n in range(200)
        )
    )
    async with running(rps=0, latency=0.2) as server:
        await cli(home, server, "push", "log.jsonl", "-q")
        environment = {
            **ENVIRONMENT,
            "CLARIFAI_APP_ID": "app",
            "CLARIFAI_API_BASE": server.url,
            "SYNCER_PUSH_CONCURRENCY": "1",
        }
        environment |= lacking(home / "lame", *OBJECT_STORE)
        async with await anyio.open_process(
            command(*arguments), cwd=home, env=environment
        ) as process:
            part = home / "state" / "output"
            with anyio.fail_after(60):
                while not (part.exists() and part.stat().st_size):  # noqa: ASYNC110 - another process writes it
                    await anyio.sleep(0.01)
            process.kill()
        assert not (home / "lame" / "o.jsonl").exists()
        ran = await cli(home, server, *arguments, lame=OBJECT_STORE)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["written"] == 200
    assert ids(home / "lame" / "o.jsonl") == sorted(f"a-{n}" for n in range(200))
    assert not part.exists()
