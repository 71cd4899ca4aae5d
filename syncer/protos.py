"""The messages that labels travel in, as the service's protos have them (clarifai-grpc
12.6.0), as a table.

The code that compares labels and the code that stores them read their types here. A
field is `name`, `name:type`, `[]` where it is repeated, `{}` where it is a map from
strings, `!` where it is shown though it has its default (`cl_show_if_empty`), and `=1`
where it has another default in JSON (`cl_default_float`). No type: a string. A message
that begins with `...` has more fields than are listed here: who made a label is the
service's own to say.
"""

from __future__ import annotations

from dataclasses import dataclass

MESSAGES: dict[str, str] = {
    "Annotation": (
        "id input_id data:Data annotation_info:struct user_id model_version_id"
        " embed_model_version_id status:Status created_at:time modified_at:time trusted:bool"
        " input_level:bool consensus_info:struct task_id worker:Worker"
    ),
    "Data": (
        "image:Image video:Video concepts:Concept[] metadata:struct geo:Geo colors:Color[]"
        " clusters:Cluster[] embeddings:Embedding[] regions:Region[] frames:Frame[] text:Text"
        " audio:Audio tracks:Track[] time_segments:TimeSegment[] hits:Hit[] heatmaps:Image[]"
        " parts:Part[] ndarray:NDArray int_value:int64 float_value:double bytes_value:bytes"
        " bool_value:bool string_value struct_value:struct"
    ),
    "Region": "id region_info:RegionInfo data:Data value:float track_id",
    "RegionInfo": (
        "bounding_box:BoundingBox mask:Mask polygon:Polygon point:Point span:Span token:Token"
        " keypoint_locations:Point[]"
    ),
    "BoundingBox": "top_row:float! left_col:float! bottom_row:float! right_col:float!",
    "Point": "row:float! col:float! z:float visibility:PointVisibility",
    "Polygon": "points:Point[]",
    "Mask": "image:Image",
    "Span": "char_start:uint32! char_end:uint32! raw_text",
    "Token": "char_start:uint32! char_end:uint32! raw_text",
    "Frame": "frame_info:FrameInfo data:Data id",
    "FrameInfo": "index:uint32! time:uint64! number:uint32!",
    "TimeSegment": "id data:Data time_info:TimeInfo",
    "TimeInfo": "num_frames:uint32 begin_time:float end_time:float",
    "Track": "id data:Data time_info:TimeInfo quality:float",
    "Concept": (
        "id name value:float!=1 created_at:time language app_id definition vocab_id"
        " visibility:Visibility user_id keypoint_info:KeypointInfo extra_info:ConceptExtraInfo"
        " metadata:struct image:Image"
    ),
    "ConceptExtraInfo": "is_rankable:bool",
    "KeypointInfo": "keypoint_names[] skeleton:KeypointEdge[]",
    "KeypointEdge": "k1:uint32 k2:uint32",
    "Visibility": "gettable:Gettable",
    "Text": "raw url allow_duplicate_url:bool hosted:HostedURL text_info:TextInfo",
    "TextInfo": "char_count:int32 encoding",
    "Image": (
        "url base64:bytes allow_duplicate_url:bool hosted:HostedURL image_info:ImageInfo"
        " hosted_image_info:ImageInfo{} decoded_bytes:bytes"
    ),
    "ImageInfo": "width:int32 height:int32 format color_mode mode",
    "HostedURL": "prefix suffix sizes[] crossorigin",
    "Video": (
        "url base64:bytes allow_duplicate_url:bool thumbnail_url hosted:HostedURL"
        " hosted_thumbnail:HostedURL video_info:VideoInfo"
    ),
    "VideoInfo": (
        "width:int32 height:int32 fps:float video_format bit_rate:int32 frame_count:int32"
        " duration_seconds:float"
    ),
    "Audio": "url base64:bytes allow_duplicate_url:bool hosted:HostedURL audio_info:AudioInfo",
    "AudioInfo": "audio_format sample_rate:int32 duration_seconds:float bit_rate:int32",
    "Geo": "geo_point:GeoPoint geo_limit:GeoLimit geo_box:GeoBoxedPoint[]",
    "GeoPoint": "longitude:float! latitude:float!",
    "GeoLimit": "type value:float!",
    "GeoBoxedPoint": "geo_point:GeoPoint",
    "Color": "raw_hex w3c:W3C value:float!",
    "W3C": "hex name",
    "Cluster": "id count:uint32 score:float hits:Hit[] projection:float[]",
    "Embedding": "vector:float[] num_dimensions:uint32",
    "Hit": "score:float! input:Input annotation:Annotation user_id app_id",
    "Part": "data:Data id",
    "NDArray": "buffer:bytes shape:uint32[] dtype",
    "Status": (
        "code:StatusCode description details stack_trace[] percent_completed:uint32"
        " time_remaining:uint32 req_id internal_details redirect_info:RedirectInfo developer_notes"
        " http_status_code:uint32"
    ),
    "RedirectInfo": "url resource_type old_resource_id new_resource_id",
    "Worker": "user:User model:Model workflow:Workflow",
    "User": "... id",
    "Model": "... id name app_id! user_id model_version:ModelVersion",
    "ModelVersion": "... id app_id user_id",
    "Workflow": "... id app_id user_id version:WorkflowVersion",
    "WorkflowVersion": "... id workflow_id app_id user_id",
    "Input": (
        "id data:Data created_at:time modified_at:time status:Status dataset_ids[]"
        " settings:InputSettings"
    ),
    "InputSettings": (
        "worker:Worker sample_rate_ms:uint32 sample_rate_frame:uint32 pinned_concepts:Concept[]"
    ),
}
"""Annotation, and everything that it can hold."""

ENUMS: dict[str, dict[str, int]] = {
    "PointVisibility": {"NOT_SET": 0, "VISIBLE": 1, "NOT_VISIBLE": 2, "NOT_PRESENT": 3},
    "Gettable": {"UNKNOWN_VISIBILITY": 0, "PRIVATE": 10, "ORG": 30, "PUBLIC": 50},
}
"""Enums but the status codes."""

STRUCTS = frozenset(
    field.partition(":")[0]
    for fields in MESSAGES.values()
    for field in fields.split()
    if field.endswith(":struct")
)
"""Names of the members whose keys are the users' own."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a message, as the table has it."""

    name: str
    type: str
    """A scalar, `struct`, `time`, an enum or another message."""
    repeated: bool = False
    map: bool = False
    shown: bool = False
    default: float | None = None
    """In JSON, where it is another than the type's."""


def fields(text: str) -> list[Field]:
    """The fields of a message, from its entry in a table."""
    return [_field(part) for part in text.split() if part != "..."]


def _field(text: str) -> Field:
    text, _, default = text.partition("=")
    name, _, type_ = text.removesuffix("!").removesuffix("[]").removesuffix("{}").partition(":")
    return Field(
        name,
        type_ or "string",
        "[]" in text,
        "{}" in text,
        text.endswith("!"),
        float(default) if default else None,
    )
