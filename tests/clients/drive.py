"""Run by the interpreter of an official client: does what standard input lists, and
prints what came of each as JSON.

It is a script of its own, so that it imports nothing but the client: `python drive.py
annotell|kognic URL < calls.json`, where calls are [[path of the method, keyword
arguments], …]. A result is {"value": …} or {"error": [class, message]}.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import warnings
from collections.abc import Iterator
from datetime import datetime
from enum import Enum
from typing import Any


def client_of(flavour: str, url: str) -> Any:
    """The official client, all its hosts at this address."""
    auth = ("some-client", "some-secret")
    if flavour == "annotell":
        from annotell.input_api.input_api_client import InputApiClient

        return InputApiClient(auth=auth, host=url, auth_host=url)
    from kognic.io.client import KognicIOClient

    others = ("order_execution", "annotation_integration", "workspace", "project_management")
    return KognicIOClient(
        auth=auth, host=url, auth_host=url, **{f"{name}_api_host": url for name in others}
    )


def plain(value: Any) -> Any:
    """What a client gives, as JSON has it."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, Iterator)):
        return [plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if dataclasses.is_dataclass(value):
        return {
            field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
    if hasattr(type(value), "model_fields"):
        return {name: plain(getattr(value, name)) for name in type(value).model_fields}
    if hasattr(value, "__fields__"):
        return {name: plain(getattr(value, name)) for name in value.__fields__}
    return plain(vars(value)) if hasattr(value, "__dict__") else value


def result_of(client: Any, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Call a method by its path."""
    called = client
    for name in method.split("."):
        called = getattr(called, name)
    try:
        return {"value": plain(called(**arguments))}
    except Exception as error:
        return {"error": [type(error).__name__, str(error)]}


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # of what a client has deprecated
    made = client_of(*sys.argv[1:])
    json.dump([result_of(made, *call) for call in json.load(sys.stdin)], sys.stdout)
