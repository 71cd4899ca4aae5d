"""What the repository itself promises: the lock installs anywhere, the command starts
quickly, versions agree.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import syncer
from syncer.cli.app import COMMANDS

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
LOCK = (ROOT / "requirements.lock").read_text("utf-8")


def test_every_line_of_the_lock_is_pinned_with_hashes_and_names_no_place() -> None:
    """No machine's paths, no index, no version that can move."""
    requirements = [line for line in LOCK.splitlines() if line and line[0] not in " #"]
    assert [] == [
        line for line in requirements if not re.fullmatch(r"[a-z0-9-]+==[0-9][\w.]* \\", line)
    ]
    assert LOCK.count("--hash=sha256:") >= len(requirements)
    assert "://" not in LOCK


def test_everything_that_the_project_needs_is_in_the_lock() -> None:
    """`pip install --no-deps -e .` finds all its needs met."""
    needed = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]]
    locked = set(re.findall(r"^([a-z0-9-]+)==", LOCK, flags=re.MULTILINE))
    assert set() == {re.split(r"[<>=]", requirement)[0] for requirement in needed} - locked


def test_the_version_is_one_that_the_changelog_can_name() -> None:
    """Semantic versioning; what is not released yet stands under its own heading."""
    assert re.fullmatch(r"\d+\.\d+\.\d+", syncer.__version__)
    assert "## [Unreleased]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_importing_syncer_imports_nothing_of_weight() -> None:
    """Each public name is loaded when it is used: `--help` stays quick."""
    code = (
        "import sys; before = set(sys.modules); import syncer; print(*sorted(set(sys.modules) -"
        " before))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True, cwd=ROOT
    ).stdout.split()
    assert ["syncer", "syncer.version"] == [
        name for name in loaded if name.split(".")[0] not in sys.stdlib_module_names
    ]


def test_the_command_line_is_imported_without_what_only_some_commands_need() -> None:
    """Config models, HTTP and YAML cost more than all of `--help`, which imports every
    command.
    """
    code = "import sys; from syncer.cli.app import app; app.help_print([]); print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True, cwd=ROOT
    ).stdout.split()
    assert {f"syncer.cli.commands.{name}" for name in COMMANDS} <= set(loaded)
    heavy = {"aiohttp", "anyio", "pydantic", "yaml", "msgspec", "syncer.config", "syncer.jobs"}
    assert set() == heavy & set(loaded)


def test_an_import_loads_nothing_that_sends(tmp_path: Path) -> None:
    """HTTP and config models cost more than the import of a small file."""
    labels = tmp_path / "labels.json"
    labels.write_text('{"images": [], "annotations": [], "categories": []}')
    code = (
        "import sys; from syncer.cli.main import run;"
        f" code = run(['import', 'coco', {str(labels)!r}, '--dry-run']);"
        " print(*sys.modules); sys.exit(code)"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True, cwd=ROOT
    ).stdout.split()
    assert "syncer.cli.progress" in loaded
    assert set() == {"aiohttp", "pydantic", "yaml", "syncer.config", "syncer.engine"} & set(loaded)


def test_every_file_of_a_command_is_named_in_the_program() -> None:
    """Else nobody could run it."""
    files = (ROOT / "syncer/cli/commands").glob("[!_]*.py")
    assert sorted(COMMANDS) == sorted(path.stem for path in files)


def test_sinks_are_imported_without_the_libraries_of_data() -> None:
    """They are extras, and of weight: only what writes a format imports its library."""
    code = "import sys, syncer.sinks.choose, syncer.api, syncer.cli.main; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True, cwd=ROOT
    ).stdout.split()
    assert set() == {"pyarrow", "deltalake", "pandas", "polars", "numpy"} & set(loaded)


def test_one_module_prints_so_that_no_text_from_outside_reaches_a_terminal_as_it_is() -> None:
    """Everywhere else neither `print` nor a standard stream is named, but where a pull
    writes bytes.
    """
    allowed = {("jobs/streams.py", "sys.stdout")}
    package = ROOT / "syncer"
    found = set()
    for path in package.rglob("*.py"):
        name = str(path.relative_to(package))
        tree = ast.parse(path.read_text("utf-8"))
        calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
        printing = [node.id for node in calls if isinstance(node, ast.Name) and node.id == "print"]
        outer = {id(node.value): node for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        streams = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and ast.unparse(node) in ("sys.stdout", "sys.stderr")
        ]
        named = [ast.unparse(outer.get(id(node), node)) for node in streams]
        found |= {(name, text) for text in (*printing, *named)}
    assert {(name, text) for name, text in found if name != "cli/output.py"} == allowed
