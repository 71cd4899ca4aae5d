"""`syncer run` over a folder that holds what is wanted."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_run import Site, wait_until
from tests.support.processes import ENVIRONMENT, command, emulator

NOBODY = 65534
SOURCE = 'kind = "directory"\npath = "wanted"\nremoval_seconds = {seconds}\n'


class Wanted(Site):
    """A folder with a file for each input."""

    def want(self, name: str, input_id: str, *ids: str, value: int = 1) -> None:
        concepts = [{"id": "tree", "value": value}]
        annotations = [{"id": id, "data": {"concepts": concepts}} for id in ids]
        path = self.folder / "wanted" / name
        path.with_suffix(".part").write_text(
            json.dumps({"input_id": input_id, "annotations": annotations})
        )
        path.with_suffix(".part").replace(path)

    def values(self) -> dict[str, float]:
        return {
            one["id"]: one["data"]["concepts"][0].get("value", 0) for one in self.remote.held("app")
        }


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Wanted]:
    with emulator() as remote:
        made = Wanted(tmp_path, remote)
        (tmp_path / "wanted").mkdir()
        made.configure(remote.url, source=SOURCE.format(seconds=1))
        yield made


def test_the_remote_is_kept_as_the_files_want_it(site: Wanted) -> None:
    site.want("x.json", "i", "a", "b")
    with site.running() as process:
        wait_until(lambda: site.values() == {"a": 1, "b": 1})
        site.want("x.json", "i", "a", "b", value=0)
        site.want("y.json", "j", "c")
        wait_until(lambda: site.values() == {"a": 0, "b": 0, "c": 1})
        process.kill()
    site.want("x.json", "i", "b", value=0)
    with site.running() as process:
        wait_until(lambda: site.values() == {"b": 0, "c": 1})
        (site.folder / "wanted" / "x.json").write_text('{"input_id": "i", "annot')
        wait_until(lambda: [one["name"] for one in site.source()["checks"]] == ["file:x.json"])
        assert site.source()["state"] == "following"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert site.values() == {"b": 0, "c": 1}


def test_many_deletions_wait_for_a_word(site: Wanted) -> None:
    site.want("x.json", "i", *(f"a{n}" for n in range(12)))
    with site.running():
        wait_until(lambda: len(site.values()) == 12)
        site.want("x.json", "i")
        wait_until(lambda: site.source()["state"] == "parked")
        assert "12 of 12 annotations are missing" in site.source()["reason"]
        resume = "/api/sources/labels/resume"
        assert site.post(resume, b'{"deletions": 11}')[0] == 409
        assert site.post(resume, b'{"deletions": false}')[0] == 400
        assert site.post(resume, b'{"restored": "send"}')[0] == 409
        assert site.post(resume, b"[]")[0] == 400
        assert site.post("/api/sources/none/resume", b'{"deletions": 12}')[0] == 404
        assert site.post(resume, b'{"deletions": 12}')[0] == 200
        wait_until(lambda: site.values() == {})


@pytest.mark.proof
@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None,
    reason="root makes files that another user cannot read, and setpriv takes its rights away",
)
def test_what_cannot_be_read_for_a_while_deletes_nothing(site: Wanted) -> None:
    """The daemon runs without the right to read everything, as most users do."""
    site.configure(site.remote.url, source=SOURCE.format(seconds=0.2))
    site.want("x.json", "i", "a")
    site.want("y.json", "j", "b")
    wanted, aside = site.folder / "wanted", site.folder / "aside"
    for path in (wanted, *wanted.iterdir()):
        os.chown(path, NOBODY, NOBODY)
    wanted.chmod(0o777)
    process = subprocess.Popen(
        ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command("run")],
        cwd=site.folder,
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until(lambda: site.values() == {"a": 1, "b": 1})
        for hide, show in (
            (lambda: wanted.chmod(0), lambda: wanted.chmod(0o777)),
            (lambda: (wanted / "x.json").chmod(0), lambda: (wanted / "x.json").chmod(0o644)),
            (lambda: wanted.rename(aside), lambda: aside.rename(wanted)),
            (lambda: leave_empty(wanted, aside), lambda: put_back(wanted, aside)),
        ):
            hide()
            time.sleep(0.8)
            show()
            time.sleep(0.4)
        assert site.values() == {"a": 1, "b": 1}
    finally:
        process.terminate()
        told = process.communicate(timeout=20)[1]
    for why in ("Permission denied", "No such file", "has lost its .syncer-folder"):
        assert why in told


def leave_empty(wanted: Path, aside: Path) -> None:
    """As where something is not mounted."""
    wanted.rename(aside)
    wanted.mkdir()


def put_back(wanted: Path, aside: Path) -> None:
    wanted.rmdir()
    aside.rename(wanted)
