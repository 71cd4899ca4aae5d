"""Move the labels of an app in parts, each by a process of its own: inputs are parted
by a hash of their ids, and each part has its share of the request limit.

    python examples/migrate/shards.py OLD NEW PARTS

Tokens are in OLD_PAT and NEW_PAT, the address is that of CLARIFAI_API_BASE. Run it
again to carry on after anything. On several machines run `move` of one part on each.
"""

import asyncio
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from zlib import crc32

import syncer

LIMIT = float(os.environ.get("LIMIT", "15"))
"""Requests a second that all parts together may make, of each app."""


def remote(app_id: str, variable: str) -> syncer.Clarifai:
    """An app, with the token of this environment variable."""
    return syncer.Clarifai(app_id=app_id, token=os.environ[variable])


async def list_inputs(app: syncer.Clarifai) -> list[str]:
    """The ids of all inputs that users have labelled."""
    found: dict[str, None] = {}
    async with syncer.pages(app, syncer.Selection(input_level=False)) as pages:
        async for page in pages:
            found.update((row.key[0], None) for row in page.rows)
    return list(found)


def move(old: str, new: str, part: int, parts: int, input_ids: list[str]) -> str:
    """Move the labels of one part of the inputs."""
    done = asyncio.run(
        syncer.migrate(
            remote(old, "OLD_PAT"),
            remote(new, "NEW_PAT"),
            input_ids=input_ids,
            ids="new",  # an id may be on inputs of two parts
            job=f"part-{part + 1}-of-{parts}",
            requests_per_second=LIMIT / parts,
        )
    )
    return done.sentence


def main(old: str, new: str, parts: int) -> None:
    inputs: list[list[str]] = [[] for _ in range(parts)]
    for id in asyncio.run(list_inputs(remote(old, "OLD_PAT"))):
        inputs[crc32(id.encode()) % parts].append(id)
    with ProcessPoolExecutor(parts) as pool:
        jobs = [
            pool.submit(move, old, new, part, parts, ids) for part, ids in enumerate(inputs) if ids
        ]
        for job in jobs:
            print(job.result())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
