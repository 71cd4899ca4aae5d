"""A gRPC server for the SDK, which speaks nothing else: each call is one request to the
emulator, by clarifai-grpc's own converters.

    grpc_bridge.py URL        prints its address

What the emulator's faults are in gRPC:

    a connection that breaks, before or     UNAVAILABLE
    after it was applied, or amid the answer
    an answer of a proxy, HTML with 502,    UNAVAILABLE (gRPC's own table of HTTP
    503 or 504                              statuses)
    the gateway's envelope                  that code of gRPC, NOT_FOUND
    {"code": 5, "message": …}
    an answer without a body                an empty message
    JSON with a status, whatever its HTTP   the message with that status, as the
    status (429, 500, 200)                  service does

Nothing is sent twice on the way: every call has a connection of its own.
"""

from __future__ import annotations

import sys
from concurrent import futures
from typing import Any

import grpc
import requests
from clarifai_grpc.channel.custom_converters.custom_dict_to_message import dict_to_protobuf
from clarifai_grpc.channel.custom_converters.custom_message_to_dict import protobuf_to_dict
from clarifai_grpc.grpc.api import service_pb2, service_pb2_grpc

STATUS_OF = {code.value[0]: code for code in grpc.StatusCode}
PATIENCE_SECONDS = 180


class Bridge(service_pb2_grpc.V2Servicer):
    """What `upload_annotations` and `patch_annotations` call."""

    def __init__(self, url: str) -> None:
        self.url = url

    def PostAnnotations(self, request: Any, context: Any) -> Any:  # noqa: N802 - the service's own name
        return self._forwarded("POST", request, context)

    def PatchAnnotations(self, request: Any, context: Any) -> Any:  # noqa: N802 - the service's own name
        return self._forwarded("PATCH", request, context)

    def _forwarded(self, method: str, request: Any, context: Any) -> Any:
        app = request.user_app_id
        body = protobuf_to_dict(request, use_integers_for_enums=False, ignore_show_empty=True)
        headers = {"Authorization": dict(context.invocation_metadata())["authorization"]}
        address = f"{self.url}/v2/users/{app.user_id}/apps/{app.app_id}/annotations"
        try:
            response = requests.request(
                method, address, json=body, headers=headers, timeout=PATIENCE_SECONDS
            )
        except requests.RequestException as error:
            context.abort(grpc.StatusCode.UNAVAILABLE, f"Socket closed: {type(error).__name__}")
        if not response.content:
            return service_pb2.MultiAnnotationResponse()
        if "json" not in response.headers.get("Content-Type", ""):
            context.abort(
                grpc.StatusCode.UNAVAILABLE,
                f"Received http2 header with status: {response.status_code}",
            )
        answer = response.json()
        if "status" not in answer:
            context.abort(STATUS_OF[answer["code"]], answer["message"])
        return dict_to_protobuf(
            service_pb2.MultiAnnotationResponse, answer, ignore_unknown_fields=True
        )


def serve(url: str) -> None:
    """Until its end is told by a signal."""
    server = grpc.server(futures.ThreadPoolExecutor(16))
    service_pb2_grpc.add_V2Servicer_to_server(Bridge(url), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(f"127.0.0.1:{port}", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    serve(sys.argv[1])
