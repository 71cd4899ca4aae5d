"""Labels of every format go through a change log to the remote, and back."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from syncer.remotes.clarifai import same_annotation
from tests.support.processes import (
    ENVIRONMENT,
    ROOT,
    EmulatorProcess,
    command,
    emulator,
    push,
)
from tests.support.stand_in import READ_AT_ONCE

EXAMPLES = {
    "coco": ("coco", "examples/coco"),
    "cvat": ("cvat", "examples/cvat"),
    "labelstudio": ("labelstudio", "examples/labelstudio", "--predictions"),
    "openlabel": ("openlabel", "examples/openlabel"),
    "voc": ("voc", "examples/voc"),
    "yolo": ("yolo", "examples/yolo"),
    "csv": (
        *("csv", "examples/tables/boxes.csv"),
        *("--columns", "id=box", "--columns", "concept=class"),
    ),
}


@pytest.fixture(scope="module")
def remote() -> Iterator[EmulatorProcess]:
    with emulator(needs=f"masks=bytes,body-limit=none,{READ_AT_ONCE}") as process:
        yield process


def import_labels(arguments: tuple[str, ...]) -> bytes:
    done = subprocess.run(
        command("import", *arguments, "--out", "-", "--no-progress"),
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode in (0, 3), done.stderr
    return done.stdout


def pull(url: str, app: str, folder: Path) -> list[dict[str, object]]:
    out = folder / "pulled.jsonl"
    place = ("--base-url", url, "--app-id", app, "--state", str(folder / "pull"))
    done = subprocess.run(
        command("pull", "clarifai", *place, "--out", str(out), "--no-progress"),
        env=ENVIRONMENT,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return [orjson.loads(line) for line in out.read_bytes().splitlines()]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in ("coco", "cvat") else pytest.mark.proof)
        for name in EXAMPLES
    ],
)
def test_what_is_pulled_is_what_was_imported(
    tmp_path: Path, remote: EmulatorProcess, name: str
) -> None:
    """Shapes, concepts, ids and all that a format knows besides."""
    lines = import_labels(EXAMPLES[name])
    log = tmp_path / "labels.jsonl"
    log.write_bytes(lines)
    code, summary, errors = push(remote.url, name, tmp_path / "state", [str(log)])
    wanted = [orjson.loads(line)["annotation"] for line in lines.splitlines()]
    assert (code, summary["applied"]) == (0, len(wanted)), errors
    held = {row["id"]: row for row in pull(remote.url, name, tmp_path)}
    assert len(held) == len(wanted) > 1
    for annotation in wanted:
        assert same_annotation(annotation, held[annotation["id"]])
        assert annotation["annotation_info"] == held[annotation["id"]]["annotation_info"]
    code, again, _ = push(remote.url, name, tmp_path / "state", [str(log)])
    assert (code, again["requests"]) == (0, 0)
