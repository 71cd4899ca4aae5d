"""The script that many write: asyncio.gather, eight requests at a time, and a batch
that failed is sent again, five times in all.

    push_naive.py URL APP LOG FAILED

Failed is whatever is not HTTP 2xx with the status SUCCESS. It reads no more of an
answer than that, but for two things that one learns soon: 429 is waited out for as long
as it says, and not counted; and where a batch is told that an id is taken (40010), an
earlier try has got through, and it is done.
"""

from __future__ import annotations

import asyncio
import sys

import aiohttp
from changes import TOKEN, Change, Failed, batches, changes

SUCCESS, DUPLICATE = 10000, 40010
TOO_MANY = 429
ATTEMPTS = 5
AT_ONCE = 8


async def main(url: str, app: str, log: str, failed: str) -> int:
    """All posts, then all patches."""
    named, slots = Failed(failed), asyncio.Semaphore(AT_ONCE)
    address = f"{url}/v2/users/me/apps/{app}/annotations"
    async with aiohttp.ClientSession(headers={"Authorization": f"Key {TOKEN}"}) as session:

        async def send(method: str, action: dict[str, str], batch: list[Change]) -> None:
            body = {**action, "annotations": [change["annotation"] for change in batch]}
            why: object = None
            attempt = 0
            while attempt < ATTEMPTS:
                await asyncio.sleep(0.5 * 2 ** (attempt - 1) if attempt else 0)
                try:
                    async with slots, session.request(method, address, json=body) as response:
                        if response.status == TOO_MANY:
                            await asyncio.sleep(float(response.headers["Retry-After"]))
                            continue
                        code = (await response.json())["status"]["code"]
                        if code == DUPLICATE or (code == SUCCESS and response.ok):
                            return
                        why = f"{response.status} {code}"
                except (
                    aiohttp.ClientError,
                    TimeoutError,
                    ValueError,
                    KeyError,
                    TypeError,
                ) as error:
                    why = repr(error)
                attempt += 1
            named.add(batch, why)

        await asyncio.gather(*(send("POST", {}, batch) for batch in batches(changes(log, "post"))))
        await asyncio.gather(
            *(send("PATCH", {"action": "merge"}, batch) for batch in batches(changes(log, "patch")))
        )
    return named.code()


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))
