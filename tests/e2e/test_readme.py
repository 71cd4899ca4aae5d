"""The README's tour, run to the letter."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def test_the_tour_of_the_readme_does_what_it_says(tmp_path: Path) -> None:
    """Every command of it, in one shell; the first push leaves a dead letter, the second sends nothing."""
    tour = README.read_text().split("## Five minutes")[1].split("## The change log")[0]
    setup, push = re.findall(r"```sh\n(.*?)```", tour, re.DOTALL)
    (tmp_path / "changes.jsonl").write_text(re.findall(r"```json\n(.*?)```", tour, re.DOTALL)[0])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    setup = setup.replace(". .venv/bin/activate\n", "").replace("8850", port)
    wait = f"until (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null; do sleep 0.05; done\n"
    script = f"trap 'kill %1' EXIT\n{setup}{wait}{push}"
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env={"PATH": path, "HOME": str(tmp_path)}, capture_output=True, text=True, timeout=60
    )
    assert "read 4: applied 3, skipped 0, ignored 0, dead 1, pending 0" in done.stderr
    assert 'changes.jsonl:4: patch img-7/a-1: a patch needs an "action"' in done.stdout
    assert "read 4: applied 0, skipped 3, ignored 0, dead 1, pending 0; 0 requests" in done.stderr
