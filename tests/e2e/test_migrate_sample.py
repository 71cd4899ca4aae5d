"""`syncer migrate --sample`: a part is moved first, and says what the whole takes."""

from __future__ import annotations

import json
import subprocess
from functools import partial
from pathlib import Path

import anyio.to_thread
import orjson
import pytest

from syncer.config import load
from syncer.errors import StateError
from syncer.jobs.limiters import Limiters
from syncer.jobs.migrate.job import open_migration
from syncer.jobs.migrate.report import Migrated
from tests.e2e.test_migrate import FAULTS, check_sums, counts_of, held, migrate, write_config
from tests.support.annotations import rich
from tests.support.mixed import write_mixed
from tests.support.processes import ENVIRONMENT, command, emulator, started, until
from tests.support.stand_in import NO_WAITS, RECOGNISED, TOLD_AT_ONCE, running


async def sample(folder: Path, url: str, inputs: int) -> Migrated:
    path = await anyio.to_thread.run_sync(lambda: write_config(folder, url))
    loaded = load(path, {"CLARIFAI_PAT": "a-token"}, {})
    with open_migration(loaded, Limiters(), folder / "job") as job:
        return await job.sample(inputs, lambda *_: None)


def write_old(folder: Path, count: int = 1200) -> str:
    write_mixed(folder / "old.jsonl", count, 3)
    return f"me/old={folder / 'old.jsonl'}"


@pytest.mark.anyio
async def test_a_sample_is_moved_and_the_rest_later_and_nothing_is_posted_twice(
    tmp_path: Path,
) -> None:
    load_old = await anyio.to_thread.run_sync(write_old, tmp_path)
    async with running(rps=0, load=(load_old,), needs=TOLD_AT_ONCE) as server:
        done = await sample(tmp_path, server.url, 40)
        assert (done.error, done.exit_code) == (None, 0), done
        new = held(server, "new")
        moved = done.report["sample"]
        assert len({input_id for input_id, _ in new}) == moved["inputs"] == 40
        assert len(new) == moved["labels"] == moved["verified"]["same"]
        asked = counts_of(server)["requests"]
        assert await sample(tmp_path, server.url, 40) == done
        assert counts_of(server)["requests"] == asked
        with pytest.raises(StateError, match="a sample of 40 inputs was chosen already"):
            raise (await sample(tmp_path, server.url, 41)).error or AssertionError
        whole = await migrate(tmp_path, server.url)
        assert (whole.error, whole.exit_code) == (None, 0), whole
        check_sums(whole.report)
        assert counts_of(server)["posted"] == whole.report["written"] == len(held(server, "new"))
        assert whole.report["prediction"] == done.report["prediction"]


@pytest.mark.anyio
async def test_what_the_rest_takes_is_in_the_range_that_the_sample_said(tmp_path: Path) -> None:
    load_old = await anyio.to_thread.run_sync(write_old, tmp_path, 9000)
    faults = "error=0.1,reset-after=0.05"
    needs = f"{NO_WAITS},absent-ids=left-out"  # else single answers cost hundreds of requests
    async with running(rps=0, faults=faults, seed=5, load=(load_old,), needs=needs) as server:
        said = (await sample(tmp_path, server.url, 600)).report["prediction"]
        before = counts_of(server)["requests"]
        whole = (await migrate(tmp_path, server.url)).report
        took = counts_of(server)["requests"] - before
    assert whole["complete"]
    assert said["requests"]["low"] <= took <= said["requests"]["high"]
    assert said["labels"] == whole["written"]
    assert said["lost"] == whole["lost"]


@pytest.mark.anyio
async def test_dead_letters_of_a_sample_are_told_and_predicted(tmp_path: Path) -> None:
    load_old = await anyio.to_thread.run_sync(write_old, tmp_path)
    async with running(rps=0, faults="inputs=must-exist", load=(load_old,)) as server:
        done = await sample(tmp_path, server.url, 30)
        moved, said = done.report["sample"], done.report["prediction"]
        assert (done.exit_code, moved["dead"], moved["applied"]) == (3, moved["labels"], 0)
        assert said["dead"]["likely"] == said["dead"]["high"] == said["labels"]
        whole = await migrate(tmp_path, server.url)
        assert (whole.exit_code, whole.report["dead"]) == (3, whole.report["written"])
        check_sums(whole.report)


@pytest.mark.anyio
async def test_a_sample_of_labels_that_were_pushed_already_says_nothing(tmp_path: Path) -> None:
    load_old = await anyio.to_thread.run_sync(write_rich, tmp_path)
    async with running(rps=0, load=(load_old,), needs=TOLD_AT_ONCE) as server:
        assert (await migrate(tmp_path, server.url)).exit_code == 0
        late = await sample(tmp_path, server.url, 2)
        assert isinstance(late.error, StateError)
        assert (late.exit_code, late.report["complete"]) == (1, True)


def write_rich(folder: Path) -> str:
    (folder / "old.jsonl").write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in rich()))
    return f"me/old={folder / 'old.jsonl'}"


@pytest.mark.anyio
async def test_more_inputs_than_there_are_is_all_of_them(tmp_path: Path) -> None:
    load_old = await anyio.to_thread.run_sync(write_rich, tmp_path)
    async with running(rps=0, load=(load_old,), needs=TOLD_AT_ONCE) as server:
        done = await sample(tmp_path, server.url, 1000)
        assert done.report["sample"]["labels"] == done.report["written"] == 10
        assert done.report["prediction"]["dead"] == {"low": 0, "likely": 0, "high": 0}
        assert (await migrate(tmp_path, server.url)).exit_code == 0
        assert counts_of(server)["posted"] == 10


def test_a_sample_that_is_killed_is_carried_on_with_the_same_labels(tmp_path: Path) -> None:
    load_old = write_old(tmp_path, 3000)
    load = ("--load", load_old)
    needs = f"{RECOGNISED},{NO_WAITS}"
    with emulator("--rps", "0", "--faults", FAULTS, *load, needs=needs) as server:
        config = write_config(tmp_path, server.url)
        arguments = command("migrate", "-c", str(config), "--job", str(tmp_path / "job"), "--json")
        record = tmp_path / "job" / "job.json"

        def is_done(phase: str) -> bool:
            content = json.loads(record.read_bytes()) if record.exists() else {}
            return phase in ((content.get("sample") or {}).get("done") or {})

        for phase in ("choose", "prepare", "push"):
            process = started([*arguments, "--sample", "300"])
            until(process, partial(is_done, phase))
            process.kill()
            process.communicate()
        done = subprocess.run(
            [*arguments, "--sample", "300"], env=ENVIRONMENT, capture_output=True, timeout=120
        )
        report = json.loads(done.stdout)
        assert done.returncode == 0, done.stderr
        assert report["sample"]["verified"]["same"] == report["sample"]["labels"]
        done = subprocess.run(arguments, env=ENVIRONMENT, capture_output=True, timeout=120)
        report = json.loads(done.stdout)
        assert (done.returncode, report["complete"]) == (0, True), done.stderr
        check_sums(report)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--sample", "none"], '--sample is "none"; it must be a whole number of 1 or more'),
        (["--sample", "0"], '--sample is "0"'),
        (["--sample", "5", "--again"], "not with --again or --dry-run"),
        (["--sample", "5", "-n"], "not with --again or --dry-run"),
    ],
)
def test_a_sample_that_cannot_be_meant_is_refused(
    options: list[str], said: str, tmp_path: Path
) -> None:
    config = write_config(tmp_path, "http://127.0.0.1:1")
    done = subprocess.run(
        command("migrate", "-c", str(config), *options),
        env=ENVIRONMENT,
        capture_output=True,
        cwd=tmp_path,
        timeout=60,
    )
    assert (done.returncode, said in done.stderr.decode()) == (2, True), done.stderr
