"""The official clients' ways to fetch annotations, run by the interpreter of their own
environment (clarifai.lock).

    drive.py json URL APP
        clarifai-grpc over JSON: ListAnnotations page by page, each annotation written
        as a line of JSON
    drive.py sdk ADDRESS
        clarifai's list_annotations, which answers of gRPC are read by; only counted
    drive.py pyspark ADDRESS
        the same, each made into the row that clarifai-pyspark 0.0.4 makes of it
    drive.py serve COUNT
        a gRPC server of so many annotations with boxes; prints its address

`sdk` and `pyspark` cannot ask the emulator: in them http:// means gRPC without TLS.
Each prints how many annotations there were.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from concurrent import futures
from itertools import count
from pathlib import Path
from typing import Any

from clarifai_grpc.grpc.api import resources_pb2, service_pb2, service_pb2_grpc
from clarifai_grpc.grpc.api.status import status_code_pb2, status_pb2
from google.protobuf.json_format import MessageToJson

PAT = "any-token"
PER_PAGE = 1000
PER_PAGE_WHERE_NONE_IS_ASKED_FOR = 128


def over_json(url: str, app: str) -> int:
    """As the API guide shows it, page after page."""
    from clarifai_grpc.channel.clarifai_channel import ClarifaiChannel

    stub = service_pb2_grpc.V2Stub(ClarifaiChannel.get_json_channel(base_url=url))
    user_app_id = resources_pb2.UserAppIDSet(user_id="me", app_id=app)
    rows = 0
    with Path(os.devnull).open("w", encoding="utf-8") as out:
        for page in count(1):
            request = service_pb2.ListAnnotationsRequest(
                user_app_id=user_app_id, page=page, per_page=PER_PAGE
            )
            answer = stub.ListAnnotations(request, metadata=(("authorization", f"Key {PAT}"),))
            if not answer.annotations:
                return rows
            for annotation in answer.annotations:
                out.write(
                    MessageToJson(annotation, preserving_proto_field_name=True, indent=None) + "\n"
                )
                rows += 1
    return rows


def listed(address: str) -> Iterator[Any]:
    """What the SDK's list_annotations yields."""
    from clarifai.client.input import Inputs

    return Inputs(
        user_id="me", app_id="app", base_url=f"http://{address}", pat=PAT
    ).list_annotations()


def by_the_sdk(address: str) -> int:
    """Only counted."""
    return sum(1 for _ in listed(address))


def by_pyspark(address: str) -> int:
    """Rows as `export_annotations_to_dataframe` makes them, without Spark."""
    rows = [
        {
            "annotation": str(annotation.data),
            "annotation_id": annotation.id,
            "annotation_user_id": annotation.user_id,
            "input_id": annotation.input_id,
            "annotation_created_at": float(
                f"{annotation.created_at.seconds}.{annotation.created_at.nanos}"
            ),
            "annotation_modified_at": float(
                f"{annotation.modified_at.seconds}.{annotation.modified_at.nanos}"
            ),
        }
        for annotation in listed(address)
    ]
    return len(rows)


class Service(service_pb2_grpc.V2Servicer):
    """Lists of one app."""

    def __init__(self, rows: int) -> None:
        fine = status_pb2.Status(code=status_code_pb2.SUCCESS)
        made = [annotation(number) for number in range(rows)]
        size = PER_PAGE_WHERE_NONE_IS_ASKED_FOR
        self.pages = [
            service_pb2.MultiAnnotationResponse(status=fine, annotations=made[start : start + size])
            for start in range(0, rows, size)
        ]
        self.end = service_pb2.MultiAnnotationResponse(status=fine)

    def ListAnnotations(self, request: Any, context: Any) -> Any:  # noqa: N802 - the service's own name
        return self.pages[request.page - 1] if request.page <= len(self.pages) else self.end


def annotation(number: int) -> Any:
    """A box, as the emulator holds them in the same benchmark."""
    box = resources_pb2.BoundingBox(top_row=0.1, left_col=0.2, bottom_row=0.5, right_col=0.75)
    made = resources_pb2.Annotation(
        id=f"{number:032x}", input_id=f"input-{number // 10:08}", user_id="emulator-user"
    )
    region = made.data.regions.add(
        id=f"r{number}", region_info=resources_pb2.RegionInfo(bounding_box=box)
    )
    region.data.concepts.add(id="tree", name="tree", value=1, app_id="app")
    made.status.code = status_code_pb2.ANNOTATION_SUCCESS
    made.created_at.FromJsonString("2025-02-28T09:41:55.568082659Z")
    made.modified_at.CopyFrom(made.created_at)
    return made


def serve(rows: str) -> int:
    """Until its end is told by a signal."""
    import grpc

    server = grpc.server(
        futures.ThreadPoolExecutor(2), options=[("grpc.max_send_message_length", -1)]
    )
    service_pb2_grpc.add_V2Servicer_to_server(Service(int(rows)), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(f"127.0.0.1:{port}", flush=True)
    server.wait_for_termination()
    return int(rows)


if __name__ == "__main__":
    ways: dict[str, Callable[..., int]] = {
        "json": over_json,
        "sdk": by_the_sdk,
        "pyspark": by_pyspark,
        "serve": serve,
    }
    print(ways[sys.argv[1]](*sys.argv[2:]))
