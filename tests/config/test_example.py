"""`config.example.toml` is the reference of the config: here it is loaded by key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from syncer.config import Config, Loaded, load
from syncer.config.fields import Section
from syncer.config.models import SECTIONS, SOURCE_KINDS, ChangelogSource, DestinationTable

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
TEXT = EXAMPLE.read_text("utf-8")


def section_text(name: str) -> str:
    """The lines of one section."""
    return re.split(r"^\[", TEXT.split(f"\n[{name}]\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def with_comments_opened(folder: Path) -> Loaded:
    """The example with its commented-out tables in force."""
    opened = folder / "opened.toml"
    opened.write_text(re.sub(r"^# (\[\[|\w+ = )", r"\1", TEXT, flags=re.MULTILINE), "utf-8")
    return load(opened, {}, {})


def test_the_example_loads_and_every_value_in_it_is_the_default() -> None:
    """Copying the example changes nothing but the source that it shows."""
    config = load(EXAMPLE, {}, {}).config
    assert Config() == config.model_copy(update={"sources": ()})
    assert (ChangelogSource(name="labels", kind="changelog", path="changes/"),) == config.sources


@pytest.mark.parametrize("section", SECTIONS)
def test_the_example_names_every_key_of_a_section_with_a_line_of_why(section: str) -> None:
    """No key is missing, none is there twice, each has its comment."""
    lines = [
        line for line in section_text(section).splitlines() if line and not line.startswith("#")
    ]
    assert list(SECTIONS[section].model_fields) == [line.split(" = ")[0] for line in lines]
    assert [] == [line for line in lines if not re.search(r"  # \S.{10,}$", line)]


def test_the_example_names_every_section() -> None:
    """Each table of the model stands there, in the model's order."""
    assert [*SECTIONS, "[sources]"] == re.findall(r"^\[(.+?)\]$", TEXT, flags=re.MULTILINE)


def test_the_tables_that_the_example_shows_as_comments_are_good_and_name_every_key(
    tmp_path: Path,
) -> None:
    """Taking the comment signs away gives a destination, and a source of each kind."""
    config = with_comments_opened(tmp_path).config
    assert list(SOURCE_KINDS) == [source.kind for source in config.sources]
    named = {key for source in config.sources for key in source.model_fields_set}
    assert {key for model in SOURCE_KINDS.values() for key in model.model_fields} == named
    assert [set(DestinationTable.model_fields)] == [
        destination.model_fields_set for destination in config.destinations
    ]


def test_every_value_in_a_table_of_the_example_that_may_be_left_out_is_the_default(
    tmp_path: Path,
) -> None:
    config = with_comments_opened(tmp_path).config
    tables: list[Section] = [*config.destinations, *config.sources]
    for table in tables:
        for key, field in type(table).model_fields.items():
            if key in table.model_fields_set and not field.is_required():
                default = (
                    config.push.requests_per_second if field.default is None else field.default
                )
                assert getattr(table, key) == default, key


def test_every_key_of_a_table_in_the_example_has_a_line_of_why_where_it_comes_first() -> None:
    lines = TEXT.split("\n# The apps that changes go to", 1)[1].splitlines()
    keys: dict[tuple[str, str], str] = {}
    table = ""
    for line in lines:
        bare = line.removeprefix("# ")
        table = bare if bare.startswith("[[") else table
        if table and re.match(r"\w+ = ", bare):
            keys.setdefault((table, bare.split(" = ")[0]), line)
    assert [] == [line for line in keys.values() if not re.search(r"  # \S.{8,}$", line)]
    assert len(keys) > len(DestinationTable.model_fields)


def test_every_value_of_the_example_has_its_line_as_origin() -> None:
    """`config show` points at the very line."""
    origins = load(EXAMPLE, {}, {}).origins
    lines = TEXT.splitlines()
    for section, model in SECTIONS.items():
        for key in model.model_fields:
            name, _, line = origins[f"{section}.{key}"].rpartition(":")
            assert str(EXAMPLE) == name
            assert lines[int(line) - 1].startswith(f"{key} = ")
