"""A destination of dlt (dlt.lock) with 128 rows a batch, as its guide shows them.

    push_dlt.py URL APP LOG FAILED

Retries are dlt's own, as they come: its `requests` five times for broken connections,
429 and 5xx; what the destination raises, dlt tries again from the batch that failed,
five times, then the run ends with an error and the next one carries on. The rows come
through an incremental resource, so that a further run does not read them anew. Items
that the service refuses for good are written to a file and are done; where one failed
for now (24152), the batch is raised for. A batch or an item that is told that its id is
taken (40010) is done.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = (
    "false"  # read when dlt is imported: a benchmark talks to this machine only
)

import dlt
from changes import BATCH, TOKEN, Change, Failed, changes
from dlt.pipeline.exceptions import PipelineStepFailed
from dlt.sources.helpers import requests

SUCCESS, MIXED, FAILURE, DUPLICATE, FAILED_FOR_NOW = 10000, 10010, 10020, 40010, 24152
STORED = (24150, 24250)


def destination(url: str, app: str, named: Failed) -> Any:
    """One that posts and patches."""
    address = f"{url}/v2/users/me/apps/{app}/annotations"
    session = requests.Client(
        raise_for_status=False
    ).session  # the code of a refusal is in the body

    @dlt.destination(batch_size=BATCH, name="labels")
    def labels(rows: list[Change], table: Any) -> None:
        body: dict[str, Any] = {"annotations": [row["annotation"] for row in rows]}
        if table["name"] == "patch":
            body["action"] = "merge"
        method = "PATCH" if table["name"] == "patch" else "POST"
        answer = session.request(
            method, address, json=body, headers={"Authorization": f"Key {TOKEN}"}
        ).json()
        code = answer["status"]["code"]
        if code in (SUCCESS, DUPLICATE):
            return
        if code not in (MIXED, FAILURE):
            raise RuntimeError(f"code {code}")
        codes = [item["status"]["code"] for item in answer["annotations"]]
        if FAILED_FOR_NOW in codes:
            raise RuntimeError(f"{codes.count(FAILED_FOR_NOW)} items failed for now")
        pairs = zip(rows, codes, strict=True)
        named.add((row for row, item in pairs if item not in (*STORED, DUPLICATE)), code)

    return labels


def resource(log: str, op: str) -> Any:
    """Changes of one kind."""

    @dlt.resource(name=op, max_table_nesting=0)
    def rows(number: Any = dlt.sources.incremental("line")) -> Iterator[Change]:  # noqa: B008 - as dlt wants it
        done = -1 if number.last_value is None else number.last_value
        yield from (
            {**change, "line": line} for line, change in enumerate(changes(log, op)) if line > done
        )

    return rows


def main(url: str, app: str, log: str, failed: str) -> int:
    """All posts, then all patches."""
    named = Failed(failed)
    home = str(Path(failed).parent / "pipelines")
    pipeline = dlt.pipeline(
        "labels",
        destination=destination(url, app, named),
        dataset_name="labels",
        pipelines_dir=home,
    )
    try:
        for op in ("post", "patch"):
            if changes(log, op):
                pipeline.run(resource(log, op))
    except PipelineStepFailed as error:
        print(str(error)[:500], file=sys.stderr)
        return 1
    return named.code()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
