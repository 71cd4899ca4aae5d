"""The folder of a migration: what an earlier run left there is named where it is gone,
damaged or another's.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from syncer import files
from syncer.config import load
from syncer.errors import StateError
from syncer.jobs.limiters import Limiters
from syncer.jobs.migrate.job import open_migration
from tests.e2e.test_migrate import migrate, write, write_config
from tests.support.annotations import rich
from tests.support.stand_in import running


@pytest.mark.anyio
async def test_another_setting_for_a_job_is_refused_and_nothing_is_sent(tmp_path: Path) -> None:
    load_old = write(tmp_path / "old.jsonl", rich())
    async with running(rps=0, load=(load_old,)) as server:
        assert (await migrate(tmp_path, server.url)).exit_code == 0
        with pytest.raises(StateError, match=r"migrate\.ids was otherwise"):
            await migrate(tmp_path, server.url, ids="new")


def undo(job: Path, *phases: str) -> None:
    """As if the process had ended before these phases were."""
    record = json.loads((job / "job.json").read_bytes())
    for phase in phases:
        del record["done"][phase]
    (job / "job.json").write_text(json.dumps(record))


def cut(path: Path) -> None:
    """Without its last line."""
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("name", "later"),
    [
        ("source.jsonl", ["convert", "prepare", "push", "verify", "repair"]),
        ("labels.jsonl", ["push", "verify", "repair"]),
        ("concepts.jsonl", ["prepare", "push", "verify", "repair"]),
    ],
)
@pytest.mark.parametrize(
    ("harm", "told"), [(Path.unlink, "is gone, which"), (cut, "has another size than")]
)
async def test_what_is_not_as_an_earlier_run_left_it_is_named_before_anything_is_sent(
    name: str, later: list[str], harm: Callable[[Path], None], told: str, tmp_path: Path
) -> None:
    load_old = write(tmp_path / "old.jsonl", rich())
    path = tmp_path / "job" / "pass-1" / name
    async with running(rps=0, load=(load_old,)) as server:
        assert (await migrate(tmp_path, server.url)).exit_code == 0
        await anyio.to_thread.run_sync(undo, tmp_path / "job", *later)
        await anyio.to_thread.run_sync(harm, path)
        asked = server.counts["requests"]
        done = await migrate(tmp_path, server.url)
        assert isinstance(done.error, StateError)
        assert f"{path} {told} an earlier run left" in str(done.error)
        assert (done.exit_code, server.counts["requests"]) == (1, asked)


@pytest.mark.anyio
async def test_another_pass_names_the_id_map_of_the_one_before_where_it_is_gone(
    tmp_path: Path,
) -> None:
    load_old = write(tmp_path / "old.jsonl", rich())
    async with running(rps=0, load=(load_old,)) as server:
        assert (await migrate(tmp_path, server.url)).exit_code == 0
        await anyio.Path(tmp_path / "job" / "pass-1" / "id-map.csv").unlink()
        done = await migrate(tmp_path, server.url, again=True)
        assert "id-map.csv is gone" in str(done.error)


@pytest.mark.anyio
async def test_the_first_file_that_a_full_disk_refused_is_told_not_the_record_of_the_job(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    load_old = write(tmp_path / "old.jsonl", rich())
    place = files.place

    def refuse(part: Path, path: Path) -> None:
        if full and full[0] in {path.name, "all"}:
            full[0] = "all"
            raise OSError(errno.ENOSPC, "full")
        place(part, path)

    full = ["labels.jsonl"]
    async with running(rps=0, load=(load_old,)) as server:
        with monkeypatch.context() as patched:
            patched.setattr(files, "place", refuse)
            done = await migrate(tmp_path, server.url)
        assert "labels.jsonl cannot be written: No space left on device" in str(done.error)
        assert (await migrate(tmp_path, server.url)).exit_code == 0


def test_a_job_of_another_version_asks_for_another_job_folder(tmp_path: Path) -> None:
    path = write_config(tmp_path, "http://127.0.0.1:1")
    loaded = load(path, {"CLARIFAI_PAT": "a-token"}, {})
    with open_migration(loaded, Limiters(), tmp_path / "job"):
        record = (tmp_path / "job" / "job.json").read_text()
    (tmp_path / "job").mkdir()
    (tmp_path / "job" / "job.json").write_text(record.replace('"version":1', '"version":2'))
    with (
        pytest.raises(StateError, match="use the syncer that wrote it, or another --job"),
        open_migration(loaded, Limiters(), tmp_path / "job"),
    ):
        pass
