"""`syncer import … --out - | syncer push -`, whole, repeated, and killed on the way."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.cases import first_quick
from tests.support.processes import (
    ENVIRONMENT,
    after,
    command,
    emulator,
    push,
    push_arguments,
    started,
    until,
)

COUNT = 3000


def write(path: Path, count: int = COUNT) -> Path:
    document = {
        "images": [
            {"id": n, "file_name": f"{n}.jpg", "width": 100, "height": 50} for n in range(100)
        ],
        "annotations": [
            {"id": n, "image_id": n % 100, "category_id": 1, "bbox": [0, 0, 50, 25]}
            for n in range(count)
        ],
        "categories": [{"id": 1, "name": "Cat"}],
    }
    path.write_text(json.dumps(document))
    return path


def run_both(
    labels: Path, url: str, state: Path, app: str = "imported"
) -> tuple[int, int, dict[str, int]]:
    """Import into a push; both exit codes and the push's summary."""
    with subprocess.Popen(
        command("import", "coco", str(labels), "--out", "-", "--no-progress"),
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as reading:
        pushing = subprocess.run(
            push_arguments(url, app, state, ["-"]),
            env=ENVIRONMENT,
            stdin=reading.stdout,
            capture_output=True,
            timeout=120,
        )
    return reading.wait(), pushing.returncode, json.loads(pushing.stdout)


def test_an_import_goes_into_a_push_and_a_second_time_changes_nothing(tmp_path: Path) -> None:
    labels = write(tmp_path / "labels.json")
    with emulator("--rps", "0") as remote:
        first = run_both(labels, remote.url, tmp_path / "state")
        again = run_both(labels, remote.url, tmp_path / "state")
        held = remote.held("imported")
    assert (*first[:2], first[2]["applied"]) == (0, 0, COUNT)
    assert (*again[:2], again[2]["applied"], again[2]["requests"]) == (0, 0, 0, 0)
    assert len(held) == COUNT


def test_a_refused_import_writes_nothing_and_the_push_of_nothing_is_good(tmp_path: Path) -> None:
    with emulator("--rps", "0") as remote:
        labels = tmp_path / "labels.json"
        labels.write_text('{"images": [')
        came = run_both(labels, remote.url, tmp_path / "state")
    assert (*came[:2], came[2]["read"]) == (2, 0, 0)


@pytest.mark.parametrize("moment", first_quick([1, 100_000, 700_000, 1_000_000]))
def test_a_push_sees_that_its_import_was_killed_and_goes_on_when_it_is_run_again(
    tmp_path: Path, moment: int
) -> None:
    """Wrong: what has come through the pipe by then is taken for the whole."""
    labels = write(tmp_path / "labels.json")
    with started(command("import", "coco", str(labels), "--out", "-")) as reading:
        assert reading.stdout is not None
        came = reading.stdout.read(moment)
        reading.kill()
        came += reading.stdout.read()
    with emulator("--rps", "0") as remote:
        code, summary, said = push(remote.url, "a", tmp_path / "state", ["-"], stdin=came)
        assert (code, summary["applied"]) == (1, came.count(b"\n"))
        assert "still being written" in said
        again = run_both(labels, remote.url, tmp_path / "state", "a")
        held = remote.held("a")
    assert (*again[:2], again[2]["applied"]) == (0, 0, COUNT - summary["applied"])
    assert len(held) == COUNT


@pytest.mark.parametrize("way", first_quick([signal.SIGKILL, signal.SIGTERM, signal.SIGPIPE]))
def test_a_push_that_is_killed_goes_on_with_another_import(tmp_path: Path, way: int) -> None:
    labels = write(tmp_path / "labels.json")
    arguments = command("import", "coco", str(labels), "--out", "-", "--no-progress")
    with emulator("--rps", "0", "--faults", "slow=0.5") as remote, started(arguments) as reading:
        logs = push_arguments(remote.url, "a", tmp_path / "state", ["-"])
        with subprocess.Popen(
            logs,
            env=ENVIRONMENT,
            stdin=reading.stdout,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as pushing:
            assert until(pushing, lambda: len(remote.held("a")) > 0)
            pushing.send_signal(way)
        reading.wait(60)
        before = len(remote.held("a"))
        again = run_both(labels, remote.url, tmp_path / "state", "a")
        held = remote.held("a")
    assert 0 < before
    assert again[:2] == (0, 0)
    assert again[2]["dead"] == 0
    assert len({each["id"] for each in held}) == len(held) == COUNT


def test_an_import_that_is_killed_anywhere_leaves_no_half(tmp_path: Path) -> None:
    labels = write(tmp_path / "labels.json", 40_000)
    out = tmp_path / "out.jsonl"
    arguments = command("import", "coco", str(labels), "--out", str(out), "--no-progress")
    whole = None
    for number, moment in enumerate((0.2, 0.5, 0.8, 1.2, 1.8)):
        process = started(arguments)
        is_over = after(moment)
        while not is_over() and process.poll() is None:
            pass
        process.send_signal(signal.SIGKILL if number % 2 else signal.SIGTERM)
        process.communicate(timeout=60)
        assert not out.exists() or out.read_bytes().count(b"\n") == 40_000
        out.unlink(missing_ok=True)
    process = started(arguments)
    process.communicate(timeout=120)
    whole = out.read_bytes()
    assert (process.returncode, whole.count(b"\n")) == (0, 40_000)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["labels.json", "out.jsonl"]
