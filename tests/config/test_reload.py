"""Loading again, as the daemon does on SIGHUP: a bad file changes nothing, and what was
loaded cannot be changed.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from syncer.config import Loaded, load
from syncer.errors import UsageError

GOOD = '[push]\nbatch_size = 7\n[[sources]]\nname = "a"\nkind = "changelog"\npath = "~/changes"\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A good config file."""
    file = tmp_path / "syncer.toml"
    file.write_text(GOOD)
    return file


@pytest.mark.parametrize("text", ["[push]\nbatch_size = 0\n", "[push", "[pusch]\n"])
def test_loading_a_bad_file_raises_and_leaves_what_was_loaded_as_it_was(
    path: Path, text: str
) -> None:
    """The daemon goes on with the old one, and takes the next good one."""
    environment = {"CLARIFAI_PAT": "token"}
    first = load(path, environment, {})
    shown = first.config.model_dump_json()
    path.write_text(text)
    with pytest.raises(UsageError):
        load(path, environment, {})
    assert (first.config.model_dump_json(), first.token(), first.config.push.batch_size) == (
        shown,
        "token",
        7,
    )
    path.write_text(GOOD.replace("7", "8"))
    assert (load(path, environment, {}).config.push.batch_size, first.config.push.batch_size) == (
        8,
        7,
    )


def test_a_file_that_is_gone_raises_too(path: Path) -> None:
    """Editors remove a file before they write it anew."""
    path.unlink()
    with pytest.raises(UsageError, match="cannot be read"):
        load(path, {}, {})


def test_the_same_arguments_give_the_same_whatever_the_process_has_in_its_environment(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Home included."""
    environment = {"HOME": "/somewhere", "SYNCER_STATE_DIR": "~/state"}
    first = load(path, environment, {})
    for name, value in {
        "HOME": "/elsewhere",
        "SYNCER_PUSH_BATCH_SIZE": "3",
        "CLARIFAI_PAT": "x",
    }.items():
        monkeypatch.setenv(name, value)
    again = load(path, environment, {})
    assert (first.config, dict(first.origins)) == (again.config, dict(again.origins))
    assert (first.config.state.dir, first.config.sources[0].model_dump()["path"]) == (
        "/somewhere/state",
        "/somewhere/changes",
    )
    assert environment == {"HOME": "/somewhere", "SYNCER_STATE_DIR": "~/state"}
    assert os.environ["HOME"] == "/elsewhere"


@pytest.mark.parametrize(
    "change",
    [
        lambda loaded: setattr(loaded, "config", None),
        lambda loaded: setattr(loaded.config, "push", None),
        lambda loaded: setattr(loaded.config.push, "batch_size", 1),
        lambda loaded: setattr(loaded.config.sources[0], "path", ""),
        lambda loaded: loaded.config.sources.append(None),
        lambda loaded: loaded.origins.update({"push.batch_size": ""}),
    ],
)
def test_what_was_loaded_is_frozen(path: Path, change: Callable[[Loaded], object]) -> None:
    """Lanes share it: nobody can change it under another."""
    with pytest.raises((ValidationError, dataclasses.FrozenInstanceError, AttributeError)):
        change(load(path, {}, {}))
