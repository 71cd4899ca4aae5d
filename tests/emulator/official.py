"""The emulator in this process, and clarifai-grpc's official JSON client before it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from anyio.from_thread import start_blocking_portal
from clarifai_grpc.channel.clarifai_channel import ClarifaiChannel
from clarifai_grpc.grpc.api import resources_pb2, service_pb2, service_pb2_grpc
from google.protobuf import json_format
from google.protobuf.message import Message

from syncer.emulator import Emulator
from tests.support.stand_in import running

TOKEN = "a-personal-access-token"
RESPONSES = {method.name: method.output_type.name for method in service_pb2._V2.methods}


def response_class(rpc: str) -> type[Message]:
    """The message that an RPC is answered with."""
    name = RESPONSES[rpc]
    found: type[Message] = getattr(service_pb2, name, None) or getattr(
        sys.modules["clarifai_grpc.grpc.api.status.status_pb2"], name
    )
    return found


@contextmanager
def emulated(
    faults: str = "",
    *,
    needs: str = "",
    load: dict[str, list[dict[str, Any]]] | None = None,
    folder: Path | None = None,
) -> Iterator[Emulator]:
    """An emulator that listens, without a limit of requests.

    `needs`: switches that go over the profile of these tests. `load`: change-log lines
    by USER/APP, written into `folder`.
    """
    loads = []
    for number, (app, lines) in enumerate((load or {}).items()):
        assert folder is not None
        file = folder / f"load-{number}.jsonl"
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
        loads.append(f"{app}={file}")
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(
            running(rps=0, faults=faults, needs=needs, load=tuple(loads))
        ) as server,
    ):
        yield server


class Client:
    """The official client of one app.

    Every answer is read by Google's own JSON parser too, which lets no unknown field
    pass.
    """

    def __init__(self, url: str, user_id: str = "alice", app_id: str = "animals") -> None:
        channel = ClarifaiChannel.get_json_channel(base_url=url)
        channel.session.hooks["response"].append(self._keep)
        self.url = url
        self.stub = service_pb2_grpc.V2Stub(channel)
        self.app = resources_pb2.UserAppIDSet(user_id=user_id, app_id=app_id)
        self.session = channel.session
        self.raw: Any = None
        """The last answer as JSON."""
        self.http_status = 0

    def _keep(self, response: requests.Response, **_: object) -> None:
        self.raw, self.http_status = response.json(), response.status_code

    def __call__(self, rpc: str, **fields: Any) -> Any:
        """Call an RPC by its name."""
        request = getattr(service_pb2, f"{rpc}Request")(**fields)
        if "user_app_id" in request.DESCRIPTOR.fields_by_name:
            request.user_app_id.CopyFrom(self.app)
        answer = getattr(self.stub, rpc)(request, metadata=(("authorization", f"Key {TOKEN}"),))
        strict = json_format.ParseDict(self.raw, response_class(rpc)(), ignore_unknown_fields=False)
        assert strict == answer, (
            f"{rpc}: the official parser and Google's read the answer differently"
        )
        return answer

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """The same app with other means than the official client's: curl, say.

        The JSON of the answer.
        """
        base = f"{self.url}/v2/users/{self.app.user_id}/apps/{self.app.app_id}"
        headers = {"Authorization": f"Key {TOKEN}"}
        return self.session.request(
            method, base + path, data=None if body is None else json.dumps(body), headers=headers
        ).json()
