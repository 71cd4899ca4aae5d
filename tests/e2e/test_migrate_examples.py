"""The example that moves an app in parts, each by a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.processes import ENVIRONMENT, ROOT, emulator

FOLDER = ROOT / "examples" / "migrate"


def test_parts_of_an_app_arrive_within_the_limit_of_all_and_again_nothing_is_sent(
    tmp_path: Path,
) -> None:
    load_old = f"me/old={FOLDER / 'old.jsonl'}"
    with emulator("--rps", "30", "--load", load_old) as server:
        environment = {
            **ENVIRONMENT,
            "OLD_PAT": "of-old",
            "NEW_PAT": "of-new",
            "CLARIFAI_API_BASE": server.url,
            "LIMIT": "20",
        }

        def run() -> list[str]:
            done = subprocess.run(
                [sys.executable, str(FOLDER / "shards.py"), "old", "new", "3"],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                timeout=120,
            )
            assert done.returncode == 0, done.stderr.decode()
            return done.stdout.decode().splitlines()

        said = run()
        assert len(said) == 2
        assert all(line.startswith("all ") or "1 of 1" in line for line in said)
        old, new = ({one["input_id"] for one in server.held(app)} for app in ("old", "new"))
        assert old == new
        assert len([one for one in server.held("new") if not one.get("input_level")]) == 6
        report = server.get("/_emulator/report")
        assert not report.get("throttled", 0), report
        assert run() == said
