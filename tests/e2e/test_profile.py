"""`pytest --profile FILE`: the stand-ins of these tests behave as a profile says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from syncer.emulator import Emulator
from tests.support import stand_in
from tests.support.processes import ROOT, emulator, push
from tests.support.stand_in import running

pytestmark = pytest.mark.anyio


@pytest.fixture
def profile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A service where ids are words, each once in an app, where no app and no input is
    made, and that refuses fields which it does not know.
    """
    pairs = (
        "id-scope=app,id-charset=word,answer=bare,apps=loaded,inputs=must-exist,"
        "unknown-fields=refuse"
    )
    switches = dict(pair.split("=") for pair in pairs.split(","))
    path = tmp_path / "profile.json"
    path.write_text(json.dumps({"format": "syncer-probe", "version": 1, "switches": switches}))
    monkeypatch.setattr(stand_in, "_profile", "")
    stand_in.follow(path)


def switches_of(server: Emulator) -> dict[str, str]:
    """As it behaves now."""
    return server.clarifai.service.switches


@pytest.mark.usefixtures("profile")
async def test_a_stand_in_in_this_process_follows_the_profile() -> None:
    async with running(rps=0) as server:
        assert switches_of(server) == stand_in.settings_of()
        assert switches_of(server)["id-scope"] == "app"


@pytest.mark.usefixtures("profile")
async def test_apps_and_inputs_are_there_before_and_ids_are_taken_as_those_of_users_are() -> None:
    async with running(rps=0) as server:
        switches = switches_of(server)
    assert (switches["apps"], switches["inputs"], switches["id-charset"]) == ("any", "make", "any")


@pytest.mark.usefixtures("profile")
async def test_what_a_test_needs_goes_over_the_profile_and_stays() -> None:
    async with running(rps=0, needs="id-scope=input", faults="answer=none") as server:
        server.set_faults("error=0.1")
        assert (switches_of(server)["id-scope"], switches_of(server)["answer"]) == ("input", "bare")


@pytest.mark.usefixtures("profile")
def test_a_stand_in_in_a_process_of_its_own_follows_it_too(tmp_path: Path) -> None:
    log = tmp_path / "labels.jsonl"
    log.write_text('{"input_id":"i","id":"a","data":{},"unheard_of":1}\n')
    known = "unknown-fields=ignore"
    with emulator("--rps", "0") as remote, emulator("--rps", "0", needs=known) as other:
        codes = [
            push(each.url, "app", tmp_path / name, [str(log)])[0]
            for name, each in (("first", remote), ("second", other))
        ]
        assert codes == [3, 0]


@pytest.mark.parametrize(
    ("text", "why"),
    [(None, "No such file"), ("{", "not JSON"), ("{}", "not a profile of `syncer probe`")],
)
def test_a_profile_that_cannot_be_read_ends_the_run_before_any_test(
    text: str | None, why: str, tmp_path: Path
) -> None:
    path = tmp_path / "other.json"
    if text is not None:
        path.write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", __file__, "--profile", str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 4
    assert done.stderr.startswith(f"ERROR: --profile {path}: ")
    assert why in done.stderr
