"""A process that pulls made-up rows into an output, and says how far it is as the lane
does.

    python -m tests.sinks.running OUT CHECKPOINT PAGES SIZE [DIES_AT]
        dies of SIGKILL at its DIES_AT-th sync
"""

from __future__ import annotations

import io
import json
import os
import resource
import signal
import sys
from pathlib import Path

from syncer.sinks.choose import output_sink
from tests.sinks.made import LAYOUT, annotation, row


def main(out: str, checkpoint: Path, pages: int, size: int, dies_at: int | None) -> None:
    """Carry the pull on, and print the peak of memory in MiB."""
    if dies_at is not None:
        die_at_sync(dies_at)
    state = (
        json.loads(checkpoint.read_text()) if checkpoint.exists() else {"position": "", "pages": 0}
    )
    sink = output_sink(out, LAYOUT, stdout=io.BytesIO())
    sink.open(state["position"])
    for page in range(state["pages"], pages):
        state = {
            "position": sink.write(
                page, [row(annotation(page * size + number)) for number in range(size)]
            ),
            "pages": page + 1,
        }
        fresh = checkpoint.with_suffix(".new")
        fresh.write_text(json.dumps(state))
        fresh.replace(checkpoint)
    sink.close()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


def die_at_sync(number: int) -> None:
    """Before it, so that what was written is not acknowledged."""
    real, left = os.fsync, number

    def fsync(file: int) -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        real(file)

    os.fsync = fsync


if __name__ == "__main__":
    main(
        sys.argv[1],
        Path(sys.argv[2]),
        int(sys.argv[3]),
        int(sys.argv[4]),
        int(sys.argv[5]) if len(sys.argv) > 5 else None,
    )
