"""Profiles that tests make up are ones that `--like` and `make test PROFILE=` take."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from syncer.emulator import read_profile
from syncer.emulator.settings import behaviour
from tests.support.processes import ROOT
from tests.support.profiles import FEW, TURNS, VALUES, drawn, few, unusual, write_profile


@pytest.mark.parametrize("seed", range(3))
def test_a_seed_makes_a_profile_that_is_taken(seed: int, tmp_path: Path) -> None:
    write_profile(tmp_path / "profile.json", drawn(seed))
    switches = behaviour(read_profile(tmp_path / "profile.json")).switches
    assert drawn(seed).items() <= switches.items()
    assert drawn(seed) == drawn(seed) != drawn(seed + 1)


def test_a_few_switches_are_not_as_by_default_others_for_each_seed() -> None:
    def found(seed: int) -> set[str]:
        return {name for name, value in few(seed).items() if value != VALUES[name][0]}

    assert {len(found(seed)) for seed in range(9)} == {FEW}
    assert found(1) == found(1) != found(2)


def test_no_switch_of_an_unusual_profile_is_as_by_default_and_all_values_come() -> None:
    met = [unusual(turn) for turn in range(TURNS)]
    for name, (usual, *others) in VALUES.items():
        assert {switches[name] for switches in met} == set(others)
        assert usual not in others


def test_the_command_writes_the_profile_of_a_seed(tmp_path: Path) -> None:
    path = tmp_path / "profile.json"
    subprocess.run(
        [sys.executable, "-m", "tests.support.profiles", "--seed", "7", str(path)],
        cwd=ROOT,
        check=True,
        timeout=60,
    )
    assert drawn(7).items() <= behaviour(read_profile(path)).switches.items()
