"""A target of the Singer SDK (singer.lock) with a batch sink of 128 rows, as its guide
shows it.

    push_singer.py URL APP LOG FAILED

Its rows are Singer messages on stdin; here they are made from the log first. A batch
that fails is sent again five times, as long as each answer of 429 asks for; what is
refused after that is named.
"""

from __future__ import annotations

import io
import json
import sys
import time
from typing import Any, ClassVar

import requests
from changes import BATCH, TOKEN, Change, Failed, changes
from singer_sdk import Target
from singer_sdk import typing as th
from singer_sdk.sinks import BatchSink

SUCCESS, TOO_MANY, ATTEMPTS = 10000, 429, 5
ADDRESS, SESSION = "", requests.Session()
NAMED: Failed


class LabelSink(BatchSink):
    """Posts the rows of a batch."""

    max_size = BATCH

    def process_batch(self, context: dict[str, Any]) -> None:
        """Post them, and again where the service cannot take them now."""
        rows: list[Change] = context["records"]
        body = {"annotations": [json.loads(row["annotation"]) for row in rows]}
        why: object = None
        attempt = 0
        while attempt < ATTEMPTS:
            answer = SESSION.post(ADDRESS, json=body, headers={"Authorization": f"Key {TOKEN}"})
            if answer.status_code == TOO_MANY:
                time.sleep(float(answer.headers["Retry-After"]))
                continue
            why = answer.json()["status"]["code"]
            if why == SUCCESS:
                return
            attempt += 1
        NAMED.add(rows, why)


class LabelTarget(Target):
    """One stream."""

    name = "target-labels"
    config_jsonschema: ClassVar[dict[str, Any]] = th.PropertiesList().to_dict()
    default_sink_class = LabelSink


def messages(log: str) -> io.StringIO:
    """The log as a tap writes it: annotations as text, since targets nest nothing."""
    schema = th.PropertiesList(
        th.Property("n", th.IntegerType), th.Property("annotation", th.StringType)
    ).to_dict()
    out = io.StringIO()
    head = {"type": "SCHEMA", "stream": "labels", "schema": schema, "key_properties": ["n"]}
    out.write(json.dumps(head) + "\n")
    for row in changes(log, "post"):
        record = {"n": row["n"], "annotation": json.dumps(row["annotation"])}
        out.write(json.dumps({"type": "RECORD", "stream": "labels", "record": record}) + "\n")
    out.seek(0)
    return out


def main(url: str, app: str, log: str, failed: str) -> int:
    """All posts."""
    global ADDRESS, NAMED
    ADDRESS, NAMED = f"{url}/v2/users/me/apps/{app}/annotations", Failed(failed)
    LabelTarget(config={}).listen(messages(log))
    return NAMED.code()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
