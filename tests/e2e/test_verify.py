"""`syncer verify` finds what was dropped, edited or doubled at the remote, no more."""

from __future__ import annotations

import copy
import gzip
import json
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import anyio
import pytest

from syncer.emulator import Emulator
from tests.support.changes import write_log
from tests.support.processes import ENVIRONMENT, command, emulator, push
from tests.support.stand_in import READ_AT_ONCE, TOLD_AT_ONCE, running

Ran = subprocess.CompletedProcess[bytes]


async def cli(folder: Path, server: Emulator | None, *arguments: str) -> Ran:
    """A command, in a process of its own, beside the running emulator."""
    place = () if server is None else ("--base-url", server.url, "--rps", "500")
    return await anyio.run_process(
        [*command(*arguments), *place],
        check=False,
        cwd=folder,
        env={**ENVIRONMENT, "CLARIFAI_APP_ID": "app"},
    )


async def verified(folder: Path, server: Emulator, *arguments: str) -> tuple[int, dict[str, Any]]:
    ran = await cli(folder, server, "verify", *arguments, "--json")
    return ran.returncode, json.loads(ran.stdout)


@pytest.mark.anyio
async def test_a_log_of_every_kind_of_change_verifies_and_every_sabotage_is_found(
    tmp_path: Path,
) -> None:
    """Dropped, edited and doubled annotations, one in a thousand each."""
    log = tmp_path / "log.jsonl"
    wanted, _ = write_log(log, 6_000, seed=11)
    async with running(rps=0, needs=READ_AT_ONCE) as server:
        assert (await cli(tmp_path, server, "push", "log.jsonl", "-q")).returncode == 0
        code, clean = await verified(tmp_path, server)
        app = server.clarifai.app("me", "app")
        rng = random.Random(5)
        chosen = rng.sample(sorted(wanted), 18)
        dropped, edited, doubled = chosen[:6], chosen[6:12], chosen[12:]
        for key in dropped:
            app.delete(key)
        for key in edited:
            changed = copy.deepcopy(app.annotations[key])
            changed["data"]["concepts"] = [
                *changed["data"].get("concepts", []),
                {"id": "sabotage", "value": 0.25},
            ]
            app.put(changed)
        for number, key in enumerate(doubled):
            app.put({**copy.deepcopy(app.annotations[key]), "id": f"double-{number}"})
        found_code, found = await verified(tmp_path, server, "log.jsonl")
    assert (
        code,
        clean["missing"],
        clean["differs"],
        clean["doubled"],
        clean["extra"],
        clean["differences"],
    ) == (0, 0, 0, 0, 0, [])
    assert clean["compared"] == clean["same"]
    by_mark: dict[str, set[tuple[str, str]]] = {}
    for difference in found["differences"]:  # type: ignore[attr-defined]
        by_mark.setdefault(difference["mark"], set()).add(
            (difference["input_id"], difference["id"])
        )
    assert found_code == 4
    assert by_mark == {
        "+": set(dropped),
        "*": set(edited),
        "-": {(key[0], f"double-{n}") for n, key in enumerate(doubled)},
    }


@pytest.mark.anyio
async def test_of_what_the_logs_did_not_make_only_the_last_change_is_compared(
    tmp_path: Path,
) -> None:
    made = tmp_path / "made.jsonl"
    made.write_text(
        '{"op":"post","annotation":{"id":"a","input_id":"i","data":{"concepts":[{"id":"x","value":1},{"id":"y","value":1}]}}}\n'
    )
    log = tmp_path / "log.jsonl"
    log.write_text(
        '{"op":"patch","action":"merge","annotation":{"id":"a","input_id":"i","data":{"concepts":[{"id":"x","value":0}]}}}\n'
    )
    async with running(rps=0, load=(f"me/app={made}",), needs=READ_AT_ONCE) as server:
        before = await verified(tmp_path, server, "log.jsonl")
        assert (await cli(tmp_path, server, "push", "log.jsonl", "-q")).returncode == 0
        after = await verified(tmp_path, server, "log.jsonl")
    assert (before[0], before[1]["differs"]) == (4, 1)
    assert (after[0], after[1]["same"]) == (0, 1)


@pytest.mark.anyio
async def test_strangers_are_counted_and_are_differences_only_where_the_logs_are_all_there_is(
    tmp_path: Path,
) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text(
        '{"op":"post","annotation":{"id":"a","input_id":"i","data":{"concepts":[{"id":"x","value":1}]}}}\n'
    )
    made = tmp_path / "made.jsonl"
    made.write_text(
        log.read_text() + '{"op":"post","annotation":{"id":"b","input_id":"i",'
        '"data":{"concepts":[{"id":"z","value":1}]}}}\n'
    )
    async with running(rps=0, load=(f"me/app={made}",), needs=READ_AT_ONCE) as server:
        code, plain = await verified(tmp_path, server, "log.jsonl")
        exclusive_code, exclusive = await verified(tmp_path, server, "log.jsonl", "--exclusive")
        lines = await cli(tmp_path, server, "verify", "log.jsonl")
    assert (code, plain["extra"], plain["differences"]) == (0, 1, [])
    assert (exclusive_code, exclusive["differences"]) == (
        4,
        [{"mark": "-", "input_id": "i", "id": "b", "fields": []}],
    )
    assert lines.stdout == b"= i/a\n"
    assert b"compared 1: = same 1, + missing 0, * differs 0; - doubled 0" in lines.stderr


@pytest.mark.anyio
async def test_what_the_remote_refused_is_no_difference_and_a_sample_looks_at_so_many_inputs(
    tmp_path: Path,
) -> None:
    """Dead letters are told by `dead list`."""
    log = tmp_path / "log.jsonl"
    log.write_text(
        "".join(
            f'{{"op":"post","annotation":{{"id":"a-{n}","input_id":"i-{n}"}}}}\n'
            for n in range(200)
        )
    )
    async with running(rps=0, faults="reject=0.1", needs=READ_AT_ONCE) as server:
        assert (await cli(tmp_path, server, "push", "log.jsonl", "-q")).returncode == 3
        code, whole = await verified(tmp_path, server)
        _, sample = await verified(tmp_path, server, "--sample", "30")
    dead = 200 - int(str(whole["compared"]))
    assert (code, whole["missing"], dead > 5) == (0, 0, True)
    assert sample["compared"] == 30


@pytest.mark.anyio
async def test_a_verification_without_anything_to_compare_says_so(tmp_path: Path) -> None:
    nothing = await cli(tmp_path, None, "verify", "--json")
    assert (
        nothing.returncode,
        "no change log to compare with" in json.loads(nothing.stdout)["error"],
    ) == (2, True)
    assert (await cli(tmp_path, None, "verify", "x.jsonl", "--sample", "0")).returncode == 2
    assert (await cli(tmp_path, None, "verify", "x.jsonl", "--sample", "1" * 5_000)).returncode == 2
    assert (await cli(tmp_path, None, "verify", "nope.jsonl")).returncode == 2


@pytest.mark.anyio
async def test_a_delete_of_a_whole_input_that_did_not_happen_is_found(tmp_path: Path) -> None:
    made, log = tmp_path / "made.jsonl", tmp_path / "log.jsonl"
    made.write_text(
        "".join(f'{{"op":"post","annotation":{{"id":"a-{n}","input_id":"i"}}}}\n' for n in range(2))
    )
    log.write_text('{"op":"delete","annotation":{"input_id":"i"}}\n')
    async with running(rps=0, load=(f"me/app={made}",), needs=READ_AT_ONCE) as server:
        code, found = await verified(tmp_path, server, "log.jsonl")
    assert (code, found["differs"], found["extra"]) == (4, 2, 0)


@pytest.mark.anyio
async def test_lines_that_are_bad_are_counted_and_a_log_that_is_cut_off_does_not_pass(
    tmp_path: Path,
) -> None:
    line = '{"op":"post","annotation":{"id":"a","input_id":"i"}}\n'
    (tmp_path / "bad.jsonl").write_text("nonsense\n" + line)
    (tmp_path / "torn.jsonl").write_text(line + line[:20])
    others = "".join(line.replace('"a"', f'"a{number}"') for number in range(5_000))
    whole = gzip.compress(others.encode())
    (tmp_path / "cut.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    async with running(rps=0, needs=READ_AT_ONCE) as server:
        await cli(tmp_path, server, "push", "bad.jsonl", "-q")
        bad = await verified(tmp_path, server, "bad.jsonl")
        torn = await verified(tmp_path, server, "torn.jsonl")
        cut = await verified(tmp_path, server, "cut.jsonl.gz")
        pushed = await cli(tmp_path, server, "push", "cut.jsonl.gz")
    assert (bad[0], bad[1]["bad_lines"], bad[1]["same"]) == (0, 1, 1)
    assert (torn[0], "torn.jsonl:2: the last line has no line ending" in torn[1]["error"]) == (
        1,
        True,
    )
    assert (cut[0], "the compressed data is cut off" in cut[1]["error"]) == (1, True)
    assert (pushed.returncode, b"the compressed data is cut off" in pushed.stderr) == (1, True)


@pytest.mark.anyio
async def test_a_log_that_was_replaced_and_a_state_of_another_destination_are_refused_as_by_push(
    tmp_path: Path,
) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text('nonsense\n{"op":"post","annotation":{"id":"z","input_id":"i"}}\n')
    async with running(rps=0, needs=READ_AT_ONCE) as server:
        await cli(tmp_path, server, "push", "log.jsonl", "-q")
        other = await cli(tmp_path, server, "verify", "--app-id", "other")
        log.write_text(
            '{"op":"post","annotation":{"id":"never","input_id":"i"}}\n{"op":"post","annotation":{"id":"z","input_id":"i"}}\n'
        )
        replaced = await cli(tmp_path, server, "verify", "log.jsonl")
        log.unlink()
        gone = await cli(tmp_path, server, "verify")
    assert (other.returncode, b"belongs to another destination" in other.stderr) == (1, True)
    assert (replaced.returncode, b"syncer state forget" in replaced.stderr) == (1, True)
    assert (gone.returncode, b"log.jsonl is gone" in gone.stderr) == (3, True)


@pytest.mark.anyio
async def test_who_reads_a_verification_may_stop_and_a_full_disk_is_named(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text(
        "".join(f'{{"id":"a-{n}","input_id":"i-{n}"}}\n' for n in range(3_000))
    )
    async with running(rps=0, needs=READ_AT_ONCE) as server:
        place = ("verify", "log.jsonl", "--base-url", server.url, "--rps", "500")
        shell = ["bash", "-c", 'set -o pipefail; "$@" | head -1', "bash", *command(*place)]
        environment = {**ENVIRONMENT, "CLARIFAI_APP_ID": "app"}
        stopped = await anyio.run_process(shell, check=False, cwd=tmp_path, env=environment)
        shell[2] = '"$@" >/dev/full'
        full = await anyio.run_process(shell, check=False, cwd=tmp_path, env=environment)
    assert stopped.stdout.count(b"\n") == 1
    assert b"mend" not in stopped.stderr
    assert (
        full.returncode,
        b"standard output cannot be written: No space left" in full.stderr,
    ) == (1, True)


def test_a_verify_that_is_interrupted_says_so_in_its_object_too(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    write_log(log, 2_000, seed=3)
    with emulator("--rps", "0", needs=READ_AT_ONCE) as remote:
        assert push(remote.url, "app", tmp_path / "state", [str(log)])[0] == 0
        before = remote.get("/_emulator/report")["requests"]
        place = (
            "--base-url",
            remote.url,
            "--app-id",
            "app",
            "--state",
            str(tmp_path / "state"),
            "--rps",
            "5",
        )
        process = subprocess.Popen(
            command("verify", *place, "--json"),
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        while remote.get("/_emulator/report")["requests"] < before + 2:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=30)
    assert (process.returncode, json.loads(out)["error"]) == (
        143,
        "interrupted; not everything was compared",
    )


@pytest.mark.anyio
async def test_a_mask_that_is_shown_only_as_an_address_is_there_and_not_a_difference(
    tmp_path: Path,
) -> None:
    mask = '{"region_info":{"mask":{"image":{"base64":"iVBORw0KGgo="}}}}'
    (tmp_path / "log.jsonl").write_text(
        f'{{"id":"m","input_id":"i","data":{{"regions":[{mask}]}}}}\n'
    )
    async with running(rps=0, needs=f"masks=url,{TOLD_AT_ONCE}") as server:
        await cli(tmp_path, server, "push", "log.jsonl", "-q")
        looked = await cli(tmp_path, server, "verify", "log.jsonl")
    assert (looked.returncode, b"= same 1," in looked.stderr) == (0, True)
