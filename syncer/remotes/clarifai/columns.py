"""The columns of annotations and of inputs, each with what it is read from."""

from __future__ import annotations

from syncer.core.ports.pull import Column

ANNOTATION = (
    Column("annotation_id", "string", "The annotation's id."),
    Column(
        "annotation",
        "string",
        "The whole annotation: its JSON, byte for byte as the service gave it.",
    ),
    Column(
        "annotation_user_id",
        "string",
        "Whose it is: `user_id`, else `worker.user.id`; null where a model or a workflow made it.",
    ),
    Column("input_id", "string", "The id of the input that it labels."),
    Column("annotation_created_at", "timestamp", "`created_at`."),
    Column("annotation_modified_at", "timestamp", "`modified_at`."),
    Column(
        "status",
        "int64",
        "`status.code` as a number, also where the service writes its name: 24150 is"
        " ANNOTATION_SUCCESS.",
    ),
    Column("status_description", "string", "`status.description`."),
    Column(
        "input_level",
        "bool",
        "The annotation that its input came with; false where the service leaves it out.",
    ),
    Column(
        "model_version_id",
        "string",
        "The version of the model that made it: `model_version_id`, else"
        " `worker.model.model_version.id`.",
    ),
    Column("task_id", "string", "The labelling task that it was made in."),
    Column(
        "concept_ids",
        "list<string>",
        "Ids of all concepts: those of the data, of its regions, of its frames and their regions,"
        " of its time segments.",
    ),
    Column(
        "concept_values",
        "list<double>",
        "Their values, in the same order; a value that is left out is 1.",
    ),
    Column("region_count", "int64", "How many regions there are, those of frames included."),
    Column("region_id", "string", "The first region's id."),
    Column(
        "region_type",
        "string",
        "Its form: bounding_box, mask, polygon, point, span, token or keypoints.",
    ),
    Column("region_value", "double", "Its confidence."),
    Column("track_id", "string", "Its `track_id`: the same thing over the frames of a video."),
    Column(
        "top_row",
        "double",
        "Its box, from 0 to 1 of the height; null without a box, 0 where a box leaves it out.",
    ),
    Column("left_col", "double", "The same, of the width."),
    Column("bottom_row", "double", "The same, of the height."),
    Column("right_col", "double", "The same, of the width."),
    Column(
        "frame_time_ms",
        "int64",
        "`frame_info.time` of the first frame, in milliseconds; null without a frame, and past"
        " int64.",
    ),
    Column("frame_number", "int64", "`frame_info.number` of the first frame."),
    Column(
        "annotation_info", "string", "`annotation_info`: JSON of the user's own, byte for byte."
    ),
)
INPUT = (
    Column("input_id", "string", "The input's id."),
    Column("input", "string", "The whole input: its JSON, byte for byte as the service gave it."),
    Column("medium", "string", "What its data holds: image, video, audio or text."),
    Column("url", "string", "Where that is, as the input was made with."),
    Column("text", "string", "`data.text.raw`."),
    Column("metadata", "string", "`data.metadata`: JSON of the user's own, byte for byte."),
    Column("dataset_ids", "list<string>", "The datasets that it is in."),
    Column("input_created_at", "timestamp", "`created_at`."),
    Column("input_modified_at", "timestamp", "`modified_at`."),
    Column("input_status", "int64", "`status.code` as a number: 30000 is INPUT_DOWNLOAD_SUCCESS."),
    Column("input_status_description", "string", "`status.description`."),
)
