"""Every console block of the README and the docs is run, one file after another in one
shell, and prints what it shows (`…`: anything).
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    page
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    if "```console" in page.read_text("utf-8")
]
LONG = ("pull.md", "tour.md")
"""Pages whose commands take long."""
SLOW = pytest.mark.proof
PORT = "8850"
LINK = re.compile(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")
BLOCK = re.compile(
    r"(?:<!-- file: (?P<name>\S+) -->\n)?```(?P<kind>console|json|toml)\n(?P<text>.*?)```",
    re.DOTALL,
)


@dataclass
class Step:
    """A command and what it is said to print, or a file to be written."""

    command: str
    shown: list[str]


def steps(page: str) -> list[Step]:
    """What a page does, in its order."""
    found: list[Step] = []
    for block in BLOCK.finditer(page):
        if block["kind"] != "console":
            if block["name"]:
                found.append(
                    Step(f"cat > {block['name']} <<'END_OF_FILE'\n{block['text']}END_OF_FILE", [])
                )
            continue
        for line in block["text"].splitlines():
            if line.startswith("$ "):
                found.append(Step(line[2:], []))
            else:
                found[-1].shown.append(line)
    return found


def script(found: list[Step], port: str) -> str:
    """All of it in one shell; what starts a server is waited for."""
    parts = ["trap 'kill $(jobs -p) 2>/dev/null' EXIT", "exec 2>&1"]
    for number, step in enumerate(found):
        parts.append(f"printf '\\036{number}\\n'")
        parts.append(step.command.replace(PORT, port))
        if step.command.endswith("&"):
            parts.append(
                f"until (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null; do sleep 0.02; done"
            )
    return "\n".join(parts)


def matches(shown: list[str], printed: list[str]) -> bool:
    """Line by line; `…` in a line is anything, a line of its own any lines."""
    if not shown:
        return not printed
    if shown[0] == "…":
        return any(matches(shown[1:], printed[at:]) for at in range(len(printed) + 1))
    pattern = ".*".join(map(re.escape, shown[0].split("…")))
    return (
        bool(printed)
        and re.fullmatch(pattern, printed[0]) is not None
        and matches(shown[1:], printed[1:])
    )


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=SLOW if page.name in LONG else ()) for page in PAGES],
    ids=lambda page: page.name,
)
def test_every_console_block_prints_what_it_shows(page: Path, tmp_path: Path) -> None:
    found = steps(page.read_text("utf-8"))
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "LC_ALL": "C.UTF-8",
        "SYNCER_DAEMON_LISTEN": "127.0.0.1:0",  # the usual port may be in use
    }
    done = subprocess.run(
        ["bash", "-c", script(found, port)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    printed = {
        int(part.split("\n", 1)[0]): part.split("\n", 1)[1]
        for part in done.stdout.split("\036")[1:]
    }
    for number, step in enumerate(found):
        lines = printed[number].replace(port, PORT).splitlines()
        assert matches(step.shown, lines), (
            f"$ {step.command}\n" + "\n".join(lines) + f"\n--- shown:\n{chr(10).join(step.shown)}"
        )


def test_every_page_that_a_link_names_is_there() -> None:
    for page in [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *sorted((ROOT / "docs").glob("*.md")),
    ]:
        for target in LINK.findall(page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_readme_fits_on_a_screen_or_two() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 75


def test_the_blocks_are_found() -> None:
    """A page without a run is not tested by accident."""
    assert len(steps((ROOT / "docs" / "tour.md").read_text("utf-8"))) >= 12
    assert matches(["a … c", "…", "z"], ["a b c", "x", "y", "z"])
    assert not matches(["a"], ["a", "b"])
