"""Pictures of masks that the service shows as addresses, fetched as bytes."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import islice

import orjson

from syncer.core.address import address_fault
from syncer.core.outcome import Failed, Refused, Throttled
from syncer.core.ports.pull import Ask, Done, Flow, Found, Problem, Row, Unit, Units
from syncer.core.ports.push import LookUpFailure
from syncer.core.ports.wire import NoReply, Reply, Request
from syncer.remotes.flows import each
from syncer.remotes.replies import good, no_reply

AT_ONCE = 16
PICTURE_BYTES_MAX = 12 << 20
"""More does not fit into a change of 16 MiB."""


def list_addresses(annotation: Mapping[str, object]) -> Iterator[str]:
    """Yield the address of each mask that is shown without its bytes."""
    waiting: list[object] = [annotation.get("data")]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            if (address := find_address(value.get("mask"))) is not None:
                yield address
            waiting += [value.get(name) for name in ("regions", "frames", "data", "region_info")]


def find_address(mask: object) -> str | None:
    """Return where the picture of a mask is, if that is what is shown of it."""
    image = mask.get("image") if isinstance(mask, dict) else None
    if not isinstance(image, dict) or image.get("base64"):
        return None
    address = image.get("url")
    if not isinstance(address, str) or not address.isascii():
        return None
    return None if address_fault(address, base=False) else address


class Pictures:
    """Pictures at these addresses: rows of address and bytes. No token goes along.

    Implements `syncer.core.ports.pull.Listing`.
    """

    repeats = False

    def __init__(self, addresses: Iterable[str]) -> None:
        self._addresses = addresses

    def units(self, after: str, done: Done | None = ()) -> Units:
        """Some of them in each; a cursor is the number of those up to there."""
        number = int(after or 0)
        addresses = islice(self._addresses, number, None)
        while part := list(islice(addresses, AT_ONCE)):
            number += len(part)
            yield Unit(f"{len(part)} pictures of masks", str(number), partial(_fetch, part))


def _fetch(addresses: list[str]) -> Flow:
    asks = [Ask(Request("GET", address), read_picture, "storage") for address in addresses]
    found = Found([])
    for address, answer in zip(addresses, (yield from each(asks)), strict=True):
        if isinstance(answer, Refused):
            found.problems.append(Problem("the picture of a mask", answer.reason))
        else:
            line = {"address": address, "base64": b64encode(answer).decode()}
            found.rows.append(Row((address,), orjson.dumps(line)))
    return found


def read_picture(reply: Reply | NoReply) -> bytes | LookUpFailure:
    """Return the bytes of a picture."""
    if isinstance(reply, NoReply):
        return no_reply(reply)
    text = f"its address answered HTTP {reply.status}"
    if good(reply):
        if not reply.body:
            return Refused("its address answered nothing")
        if len(reply.body) > PICTURE_BYTES_MAX:
            return Refused("it is too large for a change")
        return reply.body
    if reply.status == 429:
        return Throttled(text)
    if reply.status >= 500 or reply.status == 408:
        return Failed(text, in_doubt=False)
    return Refused(text, reply.status)
