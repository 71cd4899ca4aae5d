"""config.example.toml is the reference of all keys."""

from __future__ import annotations

import tomllib
from pathlib import Path

from syncer.config import Config, load
from syncer.config.models import SECTIONS

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"


def test_the_example_loads_and_gives_the_defaults() -> None:
    """Copying the example changes nothing."""
    assert load(EXAMPLE, {}, {}).config == Config()


def test_the_example_names_every_key() -> None:
    """A key that is not in the example does not exist for users."""
    example = tomllib.loads(EXAMPLE.read_text())
    assert {name: set(section.model_fields) for name, section in SECTIONS.items()} == {name: set(keys) for name, keys in example.items()}
