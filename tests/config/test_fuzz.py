"""Whatever stands in the files, the answer is a config or one UsageError."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncer.config import Config, load
from syncer.config.models import SECTIONS, SOURCE_KINDS, DestinationTable
from syncer.errors import UsageError

KEYS = sorted(
    {
        key
        for model in (*SECTIONS.values(), *SOURCE_KINDS.values(), DestinationTable)
        for key in model.model_fields
    }
    | {"token", "a.b", "'q'"}
)
VALUES = [
    "1",
    "-1",
    "0.5",
    "1e999",
    "nan",
    "true",
    '"auto"',
    '"http://[::1"',
    '"a"',
    '"directory"',
    '"50%"',
    "[]",
    "[[1]]",
    "{a = 1}",
    "1979-05-27",
    '"""\n',
    "'''\nx'''",
    "",
]
LINES = st.one_of(
    st.sampled_from(
        [f"[{section}]" for section in SECTIONS]
        + ["[[sources]]", "[sources]", "[[destinations]]", "[x.y]", "[", "# [push]", ""]
    ),
    st.builds("{} = {}".format, st.sampled_from(KEYS), st.sampled_from(VALUES)),
)
TOML = st.lists(LINES, max_size=12).map(lambda lines: "\n".join(lines).encode())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all examples."""
    return tmp_path_factory.mktemp("fuzz")


def answers(path: Path | None, environment: dict[str, str]) -> None:
    """Nothing but a UsageError may come instead of a config."""
    with suppress(UsageError):
        assert isinstance(load(path, environment, {}).config, Config)


@settings(max_examples=400, deadline=None, derandomize=True, database=None)
@given(TOML | st.binary(max_size=60))
def test_any_config_file_is_answered(folder: Path, data: bytes) -> None:
    """Nearly right and plainly wrong ones."""
    path = folder / "syncer.toml"
    path.write_bytes(data)
    answers(path, {})


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 5000,
        "push = " + "9" * 5000,
        "push = 0x" + "f" * 5000,
        "[push]\nbatch_size = 0x" + "f" * 5000,
    ],
)
def test_what_is_nested_or_large_beyond_reason_is_answered(folder: Path, text: str) -> None:
    """Neither a traceback nor a page of digits."""
    path = folder / "syncer.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"^configuration: .{20,400}$"):
        load(path, {}, {})


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(
    st.binary(max_size=40) | st.text("contexts: {}[]&*-!\n\t'\"#|>a", max_size=40).map(str.encode)
)
def test_any_official_file_is_answered(folder: Path, data: bytes) -> None:
    """It is YAML of another program, and may be anything."""
    file = folder / ".config" / "clarifai" / "config"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    answers(None, {"HOME": str(folder)})


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(
    st.dictionaries(
        st.sampled_from(
            [f"SYNCER_{s}_{k}".upper() for s, m in SECTIONS.items() for k in m.model_fields]
        ),
        st.text(max_size=12),
    )
)
def test_any_environment_is_answered(environment: dict[str, str]) -> None:
    """Numbers that are none, addresses that are none."""
    answers(None, environment)
