"""The public names are the documented ones, no more and no fewer."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import syncer

ROOT = Path(__file__).parents[2]


def test_the_public_names_are_the_documented_ones_in_order() -> None:
    documented = re.findall(
        r"^\| `(\w+)`", (ROOT / "docs" / "api.md").read_text("utf-8"), re.MULTILINE
    )
    assert sorted(documented, key=str.lower) == [
        name for name in sorted(syncer.__all__, key=str.lower) if not name.startswith("_")
    ]


@pytest.mark.parametrize("name", [name for name in syncer.__all__ if not name.startswith("_")])
def test_every_public_name_says_what_it_is(name: str) -> None:
    value = getattr(syncer, name)
    if inspect.isclass(value) or inspect.isroutine(value) or inspect.ismodule(value):
        assert value.__doc__


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'pusch'"):
        syncer.pusch  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.proof
def test_a_users_program_is_type_checked_against_the_api(tmp_path: Path) -> None:
    """py.typed holds: right uses pass `mypy --strict`, wrong ones are told."""
    right = (Path(__file__).parent / "typed_use.py").read_text("utf-8")
    (tmp_path / "right.py").write_text(right)
    (tmp_path / "wrong.py").write_text(
        "import syncer\n\nasync def wrong() -> None:\n    report = await syncer.push(7)\n   "
        " report.applied = 'many'\n    syncer.Clarifai(app=3)\n"
    )
    checked = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--no-error-summary",
            "--cache-dir",
            str(tmp_path),
            "right.py",
            "wrong.py",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    told = sorted(re.findall(r"^(\w+\.py:\d+): error:", checked.stdout, re.MULTILINE))
    assert told == ["wrong.py:4", "wrong.py:5", "wrong.py:5", "wrong.py:6"], checked.stdout
