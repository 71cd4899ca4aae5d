"""A process that writes outputs of every kind into a folder whose file system may lack
calls, each in two parts, twice.

    python -m tests.sinks.on_lame FOLDER WORK RUN
        prints what each output notes; RUN tells one run's rows from another's
"""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

from syncer.errors import OutputError
from syncer.sinks.choose import output_sink
from tests.sinks.made import KINDS, LAYOUT, annotation, row

PAGES, SIZE = 3, 4


def main(folder: str, work: Path, run: int) -> None:
    """Write and tell."""
    told: dict[str, list[str]] = {}
    for kind in KINDS:
        here = work / kind.name.strip("/")
        here.mkdir(exist_ok=True)
        notes: list[str] = []
        try:
            position = ""
            # each page by another sink, as if each were another process
            for page in range(PAGES):
                sink = output_sink(f"{folder}/{kind.name}", LAYOUT, stdout=io.BytesIO(), work=here)
                sink.open(position)
                position = sink.write(
                    page,
                    [row(annotation(run * 1000 + page * SIZE + number)) for number in range(SIZE)],
                )
                if page < PAGES - 1:
                    sink.abandon()
                else:
                    sink.close()
                notes += sink.notes
        except OutputError as error:
            notes.append(f"failed: {error}")
        told[kind.name] = notes
        left = [path.name for path in here.iterdir()]
        assert left == [], left
    print(json.dumps(told))


if __name__ == "__main__":
    os.umask(0o022)
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
