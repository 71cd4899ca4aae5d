"""The SDK's `upload_annotations` and `patch_annotations` (clarifai.lock), used as its
own `Dataset` uses them.

    push_sdk.py ADDRESS APP LOG FAILED

Four threads and 128 a batch; what comes back as failed is uploaded again, twice. Other
than in `Dataset`, only while something does come back, and what comes back at last is
named. `patch_annotations` gives nothing back. What a call raises names its batch.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from changes import TOKEN, Change, Failed, batches, changes
from clarifai.client.input import Inputs
from clarifai_grpc.grpc.api import resources_pb2
from google.protobuf.json_format import ParseDict

THREADS = 4
RETRIES = 2
"""MAX_RETRIES of its constants."""

Call = Callable[[list[Any]], list[Any] | None]


def uploaded(call: Call, rows: list[Change], named: Failed) -> list[Change]:
    """Send all in batches; the rows that came back."""

    def one(batch: list[Change]) -> list[Change]:
        annotations = [
            ParseDict(change["annotation"], resources_pb2.Annotation()) for change in batch
        ]
        of_annotation = dict(zip(map(id, annotations), batch, strict=True))
        try:
            returned = call(annotations)
        except Exception as error:
            named.add(batch, error)
            return []
        return [of_annotation[id(annotation)] for annotation in returned or ()]

    with ThreadPoolExecutor(THREADS) as threads:
        return [row for returned in threads.map(one, batches(rows)) for row in returned]


def main(address: str, app: str, log: str, failed: str) -> int:
    """All posts, then all patches."""
    named = Failed(failed)
    inputs = Inputs(user_id="me", app_id=app, base_url=f"http://{address}", pat=TOKEN)
    rows = changes(log, "post")
    for _ in range(1 + RETRIES):
        rows = uploaded(partial(inputs.upload_annotations, show_log=False), rows, named)
    named.add(rows, "returned as failed")
    uploaded(partial(inputs.patch_annotations, action="merge"), changes(log, "patch"), named)
    return named.code()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
