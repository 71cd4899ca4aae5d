"""What other converters read of the labels that others wrote, recorded.

    python -m tests.field.oracles.record        makes each `read_*.json` again

Each `read_*.py` runs in the environment of its lock.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.clients.environments import python_of

HERE = Path(__file__).parent
DATA = HERE.parents[3] / "shared" / "data"
LOCKS = {
    "read_boxes.py": "converters",
    "read_coco.py": "evaluators",
    "read_datumaro.py": "datumaro",
}


def main() -> None:
    for script, lock in LOCKS.items():
        python = python_of(lock, HERE)
        done = subprocess.run(
            [str(python), str(HERE / script), str(DATA)], capture_output=True, check=True
        )
        (HERE / script).with_suffix(".json").write_bytes(done.stdout)


if __name__ == "__main__":
    main()
