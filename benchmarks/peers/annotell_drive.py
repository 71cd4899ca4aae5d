"""Fetches all documents of a project as users of each client do, and stores them: a
line of JSON a document.

    annotell_drive.py project FLAVOUR URL PROJECT TYPE OUT
        annotell, kognic or syncer: a project's documents of one annotation type
    annotell_drive.py inputs  FLAVOUR URL PROJECT TYPE OUT
        annotell or syncer: the guide's recipe, all inputs with the status "created"

syncer-64 is syncer with 64 documents at a time in place of its 32.

It is a script of its own, run by the interpreter of the client's environment: it
imports nothing but that client. It prints the seconds from making the client to the
closed file; importing it is not among them. The clients of Annotell and Kognic give
contents as objects (the oldest one: of exports), one after another; each is written as
it comes.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ID, SECRET = "some-client", "some-secret"
Made = Callable[[], Iterator[tuple[str, Any]]]


def annotell(way: str, url: str, project: str, kind: str) -> Made:
    """annotell-input-api: (uuid of the input, content) of each annotation."""
    from annotell.input_api.input_api_client import InputApiClient

    def documents() -> Iterator[tuple[str, Any]]:
        client = InputApiClient(auth=(ID, SECRET), host=url, auth_host=url)
        if way == "project":
            for annotation in client.annotation.get_project_annotations(project, kind):
                yield annotation.input_uuid, annotation.content
            return
        inputs = client.input.get_inputs(project)
        created = [one.uuid for one in inputs if one.status == "created"]
        for uuid, exported in client.annotation.get_annotations(input_uuids=created).items():
            for annotation in exported:
                yield uuid, getattr(annotation, "export_content", None) or annotation.content

    return documents


def kognic(way: str, url: str, project: str, kind: str) -> Made:
    """kognic-io: the same, of a project only."""
    from kognic.io.client import KognicIOClient

    others = ("order_execution", "annotation_integration", "workspace", "project_management")
    hosts = {f"{name}_api_host": url for name in others}

    def documents() -> Iterator[tuple[str, Any]]:
        client = KognicIOClient(auth=(ID, SECRET), host=url, auth_host=url, **hosts)
        for annotation in client.annotation.get_project_annotations(project, kind):
            yield annotation.scene_uuid, annotation.content

    return documents


def stored(documents: Made, out: str) -> None:
    """Write every document as it comes."""
    with Path(out).open("w", encoding="utf-8") as lines:
        lines.writelines(
            json.dumps({"input_uuid": uuid, "content": content}) + "\n"
            for uuid, content in documents()
        )


def syncer_stored(
    way: str, concurrency: int | None, url: str, project: str, kind: str
) -> Callable[[str], None]:
    """`syncer.pull`, which syncs file and folder to the disk as well."""
    import anyio.lowlevel

    import syncer
    import syncer.jobs.origins  # what the first call would import

    asyncio.run(anyio.lowlevel.checkpoint())  # and what anyio does at its first use
    remote = syncer.Annotell(base_url=url, auth_url=url, client_id=ID, client_secret=SECRET)
    asked = {"annotation_types": (kind,)} if way == "project" else {"input_statuses": ("created",)}
    select = syncer.DocumentSelection(project=project, **asked)
    pull = syncer.pull  # imports what it needs
    return lambda out: asyncio.run(
        _nothing(pull(remote, out, select, state=f"{out}.state", concurrency=concurrency))
    )


async def _nothing(pull: Any) -> None:
    await pull


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # of what a client has deprecated
    chosen, flavour, *where, path = sys.argv[1:]
    name, _, at_once = flavour.partition("-")
    if name == "syncer":
        store = syncer_stored(chosen, int(at_once) if at_once else None, *where)
    else:
        made = (annotell if flavour == "annotell" else kognic)(chosen, *where)
        store = lambda out: stored(made, out)  # noqa: E731
    gc.collect()  # what importing left behind is no client's work
    begun = time.perf_counter()
    store(path)
    print(time.perf_counter() - begun)
