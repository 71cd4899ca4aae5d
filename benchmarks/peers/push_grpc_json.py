"""clarifai-grpc over its JSON channel (clarifai.lock), 128 annotations a request, one
request after the other.

    push_grpc_json.py URL APP LOG FAILED

The channel tries nothing again; what a call raises, or answers other than SUCCESS,
names its batch, but for answers of 429, which are waited out for a second.
"""

from __future__ import annotations

import sys
import time

from changes import TOKEN, Failed, batches, changes
from clarifai_grpc.channel.clarifai_channel import ClarifaiChannel
from clarifai_grpc.channel.errors import ApiError
from clarifai_grpc.grpc.api import resources_pb2, service_pb2, service_pb2_grpc
from clarifai_grpc.grpc.api.status import status_code_pb2
from google.protobuf.json_format import ParseDict

THROTTLED = (status_code_pb2.CONN_THROTTLED,)


def main(url: str, app: str, log: str, failed: str) -> int:
    """All posts."""
    named = Failed(failed)
    stub = service_pb2_grpc.V2Stub(ClarifaiChannel.get_json_channel(base_url=url))
    place = resources_pb2.UserAppIDSet(user_id="me", app_id=app)
    for batch in batches(changes(log, "post")):
        annotations = [ParseDict(row["annotation"], resources_pb2.Annotation()) for row in batch]
        request = service_pb2.PostAnnotationsRequest(user_app_id=place, annotations=annotations)
        while True:
            try:
                answer = stub.PostAnnotations(
                    request, metadata=(("authorization", f"Key {TOKEN}"),)
                )
                code: object = answer.status.code
            except ApiError as error:
                code = error
            if code not in THROTTLED:
                break
            time.sleep(1)
        if code != status_code_pb2.SUCCESS:
            named.add(batch, code)
    return named.code()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
