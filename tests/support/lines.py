"""Lines of change logs."""

from __future__ import annotations

import orjson

from tests.support.fakes import digest_of


def post(id: str, input_id: str = "i", data: object = "new") -> bytes:
    """A line that posts an annotation."""
    return orjson.dumps(
        {
            "op": "post",
            "annotation": {"id": id, "input_id": input_id, "data": {"metadata": {"is": data}}},
        }
    )


def patch(
    id: str, input_id: str = "i", data: object = "patched", action: str = "overwrite"
) -> bytes:
    """A line that patches it."""
    line = {
        "op": "patch",
        "action": action,
        "annotation": {"id": id, "input_id": input_id, "data": {"metadata": {"is": data}}},
    }
    return orjson.dumps(line)


def delete(id: str, input_id: str = "i") -> bytes:
    """A line that deletes it."""
    return orjson.dumps({"op": "delete", "annotation": {"id": id, "input_id": input_id}})


def delete_all(input_id: str = "i") -> bytes:
    """A line that deletes all annotations of an input."""
    return orjson.dumps({"op": "delete", "annotation": {"input_id": input_id}})


def planned(line: bytes, was: object = "new") -> bytes:
    """The line as it was planned against an annotation that held this."""
    return orjson.dumps({**orjson.loads(line), "expect": {"digest": digest_of(holds(was))}})


def holds(data: object = "new") -> object:
    """What an annotation holds that was posted, or patched, with this."""
    return {"metadata": {"is": data}}
