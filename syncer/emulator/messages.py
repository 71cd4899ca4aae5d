"""The messages that labels travel in, as the service's protos have them (clarifai-grpc 12.6.0): a table, and no code.

A field is `name`, `name:type`, `[]` where it is repeated, `!` where it is shown though it has its default (`cl_show_if_empty`), and
`=1` where it has another default in JSON (`cl_default_float`). No type: a string. A message that begins with `...` has more fields
than are told here; what they hold is let pass unread.
"""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "Annotation": (
        "id input_id data:Data annotation_info:struct user_id model_version_id embed_model_version_id status:Status created_at:time "
        "modified_at:time trusted:bool input_level:bool consensus_info:struct task_id worker:Worker"
    ),
    "Data": (
        "image:Image video:Video concepts:Concept[] metadata:struct geo:Geo colors:Color[] clusters:Cluster[] embeddings:Embedding[] "
        "regions:Region[] frames:Frame[] text:Text audio:Audio tracks:Track[] time_segments:TimeSegment[] hits:Hit[] heatmaps:Image[] "
        "parts:Part[] ndarray:NDArray int_value:long float_value:double bytes_value:bytes bool_value:bool string_value struct_value:struct"
    ),
    "Region": "id region_info:RegionInfo data:Data value:float track_id",
    "RegionInfo": ("bounding_box:BoundingBox mask:Mask polygon:Polygon point:Point span:Span token:Token keypoint_locations:Point[]"),
    "BoundingBox": "top_row:float! left_col:float! bottom_row:float! right_col:float!",
    "Point": "row:float! col:float! z:float visibility:PointVisibility",
    "Polygon": "points:Point[]",
    "Mask": "image:Image",
    "Span": "char_start:int! char_end:int! raw_text",
    "Token": "char_start:int! char_end:int! raw_text",
    "Frame": "frame_info:FrameInfo data:Data id",
    "FrameInfo": "index:int! time:long! number:int!",
    "TimeSegment": "id data:Data time_info:TimeInfo",
    "TimeInfo": "num_frames:int begin_time:float end_time:float",
    "Track": "id data:Data time_info:TimeInfo quality:float",
    "Concept": (
        "id name value:float!=1 created_at:time language app_id definition vocab_id visibility:Visibility user_id "
        "keypoint_info:KeypointInfo extra_info:ConceptExtraInfo metadata:struct image:Image"
    ),
    "ConceptExtraInfo": "is_rankable:bool",
    "KeypointInfo": "keypoint_names[] skeleton:KeypointEdge[]",
    "KeypointEdge": "k1:int k2:int",
    "Visibility": "gettable:Gettable",
    "Text": "raw url allow_duplicate_url:bool hosted:HostedURL text_info:TextInfo",
    "TextInfo": "char_count:int encoding",
    "Image": ("url base64:bytes allow_duplicate_url:bool hosted:HostedURL image_info:ImageInfo hosted_image_info:any decoded_bytes:bytes"),
    "ImageInfo": "width:int height:int format color_mode mode",
    "HostedURL": "prefix suffix sizes[] crossorigin",
    "Video": ("url base64:bytes allow_duplicate_url:bool thumbnail_url hosted:HostedURL hosted_thumbnail:HostedURL video_info:VideoInfo"),
    "VideoInfo": "width:int height:int fps:float video_format bit_rate:int frame_count:int duration_seconds:float",
    "Audio": "url base64:bytes allow_duplicate_url:bool hosted:HostedURL audio_info:AudioInfo",
    "AudioInfo": "audio_format sample_rate:int duration_seconds:float bit_rate:int",
    "Geo": "geo_point:GeoPoint geo_limit:GeoLimit geo_box:GeoBoxedPoint[]",
    "GeoPoint": "longitude:float! latitude:float!",
    "GeoLimit": "type value:float!",
    "GeoBoxedPoint": "geo_point:GeoPoint",
    "Color": "raw_hex w3c:W3C value:float!",
    "W3C": "hex name",
    "Cluster": "id count:int score:float hits:Hit[] projection:float[]",
    "Embedding": "vector:float[] num_dimensions:int",
    "Hit": "score:float! input:Input annotation:Annotation user_id app_id",
    "Part": "data:Data id",
    "NDArray": "buffer:bytes shape:int[] dtype",
    "Status": (
        "code:StatusCode description details stack_trace[] percent_completed:int time_remaining:int req_id internal_details "
        "redirect_info:any developer_notes http_status_code:int"
    ),
    "Worker": "user:User model:Model workflow:Workflow",
    "User": "... id",
    "Model": "... id name app_id! user_id model_version:ModelVersion",
    "ModelVersion": "... id app_id user_id",
    "Workflow": "... id app_id user_id version:WorkflowVersion",
    "WorkflowVersion": "... id workflow_id app_id user_id",
    "Input": "id data:Data created_at:time modified_at:time status:Status dataset_ids[] settings:InputSettings",
    "InputSettings": "worker:Worker sample_rate_ms:int sample_rate_frame:int pinned_concepts:Concept[]",
    "DatasetInput": "created_at:time input:Input",
    "UserAppIDSet": "user_id app_id",
    "Pagination": "page:int per_page:int",
    "TimeRange": "start_time:time end_time:time",
    "Search": "... query:Query id name as_of:time",
    "Query": "... filters:Filter[] ranks:any[]",
    "Filter": "negate:bool annotation:Annotation input:Input last_updated_time_range:TimeRange",
    "ConceptQuery": "... name language",
    # --- requests -------------------------------------------------------------------------------------------------
    "PostAnnotationsRequest": "user_app_id:UserAppIDSet annotations:Annotation[]",
    "PatchAnnotationsRequest": "user_app_id:UserAppIDSet annotations:Annotation[] action delete_if_empty_data:bool",
    "ListAnnotationsRequest": (
        "user_app_id:UserAppIDSet ids[] input_ids[] user_ids[] model_version_ids[] workflow_version_ids[] statuses:Status[] "
        "list_all_annotations:bool return_model_output:bool page:int per_page:int task_id"
    ),
    "GetAnnotationRequest": "user_app_id:UserAppIDSet annotation_id input_id",
    "DeleteAnnotationRequest": "user_app_id:UserAppIDSet annotation_id input_id",
    "DeleteAnnotationsRequest": "user_app_id:UserAppIDSet ids[] input_ids[]",
    "PatchAnnotationsStatusRequest": (
        "user_app_id:UserAppIDSet user_ids[] task_id status_codes:StatusCode[] action status_code:StatusCode"
    ),
    "PostAnnotationsSearchesRequest": "user_app_id:UserAppIDSet searches:Search[] pagination:Pagination",
    "PatchAnnotationsSearchesRequest": "user_app_id:UserAppIDSet searches:Search[] action",
    "ListAnnotationWorkersRequest": "user_app_id:UserAppIDSet page:int per_page:int additional_fields[] trusted_only:bool",
    "PostInputsRequest": (
        "user_app_id:UserAppIDSet inputs:Input[] inputs_add_job_id input_id_conflict_resolution:InputIDConflictResolution"
    ),
    "PatchInputsRequest": "user_app_id:UserAppIDSet inputs:Input[] action",
    "ListInputsRequest": "user_app_id:UserAppIDSet page:int per_page:int status:Status ids[]",
    "StreamInputsRequest": "user_app_id:UserAppIDSet per_page:int last_id order_by_id:bool descending:bool",
    "GetInputRequest": "user_app_id:UserAppIDSet input_id",
    "GetInputCountRequest": "user_app_id:UserAppIDSet",
    "DeleteInputRequest": "user_app_id:UserAppIDSet input_id",
    "DeleteInputsRequest": "user_app_id:UserAppIDSet ids[]",
    "PostInputsSearchesRequest": "user_app_id:UserAppIDSet searches:Search[] pagination:Pagination only_count:bool",
    "ListConceptsRequest": "user_app_id:UserAppIDSet page:int per_page:int id",
    "GetConceptRequest": "user_app_id:UserAppIDSet concept_id",
    "PostConceptsRequest": "user_app_id:UserAppIDSet concepts:Concept[]",
    "PatchConceptsRequest": "user_app_id:UserAppIDSet concepts:Concept[] action",
    "PostConceptsSearchesRequest": "user_app_id:UserAppIDSet concept_query:ConceptQuery extra_info:any pagination:Pagination",
    "ListDatasetsRequest": "... user_app_id:UserAppIDSet page:int per_page:int search id",
    "ListDatasetInputsRequest": "user_app_id:UserAppIDSet dataset_id page:int per_page:int",
    "GetDatasetInputRequest": "user_app_id:UserAppIDSet dataset_id input_id",
    "PostDatasetInputsRequest": "user_app_id:UserAppIDSet dataset_id dataset_inputs:DatasetInput[] search:Search",
    "DeleteDatasetInputsRequest": "user_app_id:UserAppIDSet dataset_id input_ids[]",
    "ListStatusCodesRequest": "",
    "GetStatusCodeRequest": "status_code_id",
    "AnyRequest": "... user_app_id:UserAppIDSet",  # of operations that labels do not need
}

ENUMS: dict[str, dict[str, int]] = {
    "PointVisibility": {"NOT_SET": 0, "VISIBLE": 1, "NOT_VISIBLE": 2, "NOT_PRESENT": 3},
    "Gettable": {"UNKNOWN_VISIBILITY": 0, "PRIVATE": 10, "ORG": 30, "PUBLIC": 50},
    "InputIDConflictResolution": {"INPUT_ID_CONFLICT_RESOLUTION_NOT_SET": 0, "SKIP": 1, "SUFFIX": 2},
}
"""Enums but the status codes, which are in `codes`."""

STRUCTS = frozenset(field.partition(":")[0] for fields in MESSAGES.values() for field in fields.split() if field.endswith(":struct"))
"""Names of the members whose keys are the users' own."""
