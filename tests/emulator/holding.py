"""What the official client sees of values: each is held, and comes back, as its type on
the wire is.
"""

from __future__ import annotations

import struct
from typing import Any

from clarifai_grpc.grpc.api.resources_pb2 import (
    Annotation,
    Concept,
    Data,
    Frame,
    FrameInfo,
    Geo,
    GeoPoint,
    Image,
    Mask,
    Point,
    Region,
    RegionInfo,
    Span,
    TimeInfo,
    TimeSegment,
)

from tests.emulator.official import Client
from tests.emulator.seen import post

LEAST, MOST = -(1 << 63), (1 << 63) - 1
BEYOND = (1 << 53) + 1
"""The first integer that a double does not hold."""


def shown(client: Client, **data: Any) -> Any:
    """The data of an annotation that was sent as JSON, as the answer has it."""
    answer = client.send(
        "POST", "/annotations", {"annotations": [{"id": "a", "input_id": "i1", "data": data}]}
    )
    client.send("DELETE", "/inputs/i1/annotations/a")
    return (
        answer["annotations"][0].get("data", {})
        if answer["annotations"]
        else answer["status"]["code"]
    )


def check_whatever_is_sent_comes_back_equal(client: Client) -> None:
    """One of each type, at its limits; compared as protos."""
    metadata: dict[str, Any] = {
        "double": 1e300,
        "one": 1,
        "yes": True,
        "text": "1",
        "none": None,
        "list": [1, "1", True, None, {}],
        "0": 0.1,
    }
    sent = Data(
        int_value=LEAST, float_value=0.1, bytes_value=b"\xfb\xff", bool_value=True, string_value="1"
    )
    sent.metadata.update(metadata)
    sent.struct_value.update({"deep": metadata})
    sent.concepts.add(id="tree", name="tree", value=0.1, app_id="animals")
    sent.geo.CopyFrom(Geo(geo_point=GeoPoint(longitude=-0.1, latitude=89.99999)))
    sent.frames.add(id="f", frame_info=FrameInfo(time=(1 << 64) - 1, number=(1 << 32) - 1))
    sent.time_segments.add(
        id="t", time_info=TimeInfo(begin_time=1e-45, end_time=3e38, num_frames=7)
    )
    sent.regions.add(
        id="r",
        value=1 / 3,
        region_info=RegionInfo(
            point=Point(row=0.7, visibility=3),
            span=Span(char_end=5),
            mask=Mask(image=Image(base64=b"\0\xff\xfe")),
        ),
    )
    (annotation,) = post(client, Annotation(id="a", input_id="i1", data=sent)).annotations
    assert annotation.data == sent


def check_coordinates_are_held_with_32_bits_and_doubles_with_64(client: Client) -> None:
    near = struct.unpack("<f", struct.pack("<f", 0.123456789012))[0]
    data = shown(
        client,
        float_value=0.123456789012,
        geo={"geo_point": {"longitude": 0.123456789012}},
        metadata={"k": 0.123456789012},
    )
    assert (data["float_value"], data["metadata"]["k"]) == (0.123456789012, 0.123456789012)
    longitude = data["geo"]["geo_point"]["longitude"]
    assert longitude != 0.123456789012
    assert struct.unpack("<f", struct.pack("<f", longitude))[0] == near


def check_integers_of_64_bits_are_exact_and_texts(client: Client) -> None:
    for sent in (BEYOND, str(BEYOND)):
        data = shown(client, int_value=sent, frames=[{"frame_info": {"time": sent}}])
        assert (data["int_value"], data["frames"][0]["frame_info"]["time"]) == (
            str(BEYOND),
            str(BEYOND),
        )
    assert (
        shown(client, int_value=1e3)["int_value"]
        == shown(client, int_value="1e3")["int_value"]
        == "1000"
    )
    assert "int_value" not in shown(client, int_value=0, bool_value=True)


def check_integers_out_of_range_are_refused(client: Client) -> None:
    for most in (MOST + 1, str(LEAST - 1), 1.5, "1.5", "x", True):
        assert shown(client, int_value=most) == 11100
    for most in (1 << 64, -1):
        assert shown(client, frames=[{"frame_info": {"time": str(most)}}]) == 11100
    for most in (1 << 32, -1):
        assert shown(client, regions=[{"region_info": {"span": {"char_end": most}}}]) == 11100
    assert shown(client, image={"image_info": {"width": 1 << 31}}) == 11100


def check_numbers_of_metadata_are_doubles_and_nothing_else_becomes_one(client: Client) -> None:
    metadata = shown(
        client,
        metadata={
            "big": BEYOND,
            "yes": True,
            "one": 1,
            "text": "1",
            "none": None,
            "in": [[BEYOND]],
        },
    )["metadata"]
    assert (metadata["big"], metadata["in"]) == (1 << 53, [[1 << 53]])
    assert [metadata[name] for name in ("yes", "one", "text", "none")] == [True, 1, "1", None]
    assert type(metadata["yes"]) is bool


def check_bytes_come_back_in_one_form(client: Client) -> None:
    for sent in ("-_8=", "-_8", "+/8", "+/9"):
        assert shown(client, bytes_value=sent)["bytes_value"] == "+/8="


def check_a_map_keeps_its_keys(client: Client) -> None:
    image = Image(url="http://127.0.0.1/x")
    image.hosted_image_info["small_one"].width = 7
    (annotation,) = post(
        client, Annotation(id="a", input_id="i1", data=Data(image=image))
    ).annotations
    assert annotation.data.image == image


def check_what_is_nested_is_held_as_well(client: Client) -> None:
    inner = Data(
        concepts=[Concept(id="tree", name="tree", app_id="animals", value=0.1)], int_value=MOST
    )
    sent = Data(
        frames=[Frame(id="f", data=Data(regions=[Region(id="r", data=inner)]))],
        time_segments=[TimeSegment(id="t", data=inner)],
    )
    (annotation,) = post(client, Annotation(id="a", input_id="i1", data=sent)).annotations
    assert annotation.data == sent
