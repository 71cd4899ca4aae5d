"""Lines of change logs."""

from __future__ import annotations

import orjson


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


def holds(data: object = "new") -> object:
    """What an annotation holds that was posted, or patched, with this."""
    return {"metadata": {"is": data}}
