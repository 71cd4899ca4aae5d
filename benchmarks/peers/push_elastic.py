"""elasticsearch-py's `streaming_bulk` (elastic.lock), one request after the other, as
its guide shows it: another service's protocol, to the same server, for what a good bulk
helper costs.

    push_elastic.py URL APP LOG FAILED

What is refused with 429 is sent again by the helper itself, ten times.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from changes import BATCH, Failed, changes
from elasticsearch import Elasticsearch
from elasticsearch.helpers import streaming_bulk

ATTEMPTS = 10


def main(url: str, app: str, log: str, failed: str) -> int:
    """All posts."""
    named = Failed(failed)
    rows = changes(log, "post")

    def actions() -> Iterator[dict[str, Any]]:
        for row in rows:
            annotation = row["annotation"]
            yield {"_index": app, "_id": annotation["id"], "_source": annotation}

    done = streaming_bulk(
        Elasticsearch(url),
        actions(),
        chunk_size=BATCH,
        max_retries=ATTEMPTS,
        raise_on_error=False,
        raise_on_exception=False,
    )
    for row, (stored, result) in zip(rows, done, strict=True):
        if not stored:
            named.add([row], result)
    return named.code()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
