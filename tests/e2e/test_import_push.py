"""`syncer import … --out - | syncer push -`, whole, repeated, and killed on the way."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

from tests.support.processes import ENVIRONMENT, after, command, emulator, push_arguments, started

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


def run_both(labels: Path, url: str, state: Path) -> tuple[int, int, dict[str, int]]:
    """Import into a push; both exit codes and the push's summary."""
    with subprocess.Popen(
        command("import", "coco", str(labels), "--out", "-", "--no-progress"),
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as reading:
        pushing = subprocess.run(
            push_arguments(url, "imported", state, ["-"]),
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
