"""JSON that is sent to the emulator, read so that all that is taken can be answered."""

from __future__ import annotations

from typing import Any

import orjson

DEPTH_MAX = 100
"""Objects and lists within each other. The service's own bound is not known. The
readers of protobuf's JSON stop here (json_format.Parse of Python, which the official
client is built on), so a service that answered with more could not be read by its own
client.
"""


class Unreadable(Exception):
    """A body that is not JSON, or nested too deep to be answered. Says why."""


def read_json(body: bytes) -> Any:
    """Return the value. Raises Unreadable."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Unreadable("not JSON") from None
    if body.count(b"{") + body.count(b"[") > DEPTH_MAX and _is_deep(value):
        raise Unreadable(f"nested more than {DEPTH_MAX} deep")
    return value


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEPTH_MAX):
        within = [each.values() if type(each) is dict else each for each in level]
        level = [each for values in within for each in values if type(each) in (dict, list)]
        if not level:
            return False
    return True
