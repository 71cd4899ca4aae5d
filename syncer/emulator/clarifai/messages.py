"""The messages of requests, as the service's protos have them: a table that is written
as that of `syncer.protos` is.
"""

from __future__ import annotations

from syncer import protos

MESSAGES: dict[str, str] = {
    **protos.MESSAGES,
    "DatasetInput": "created_at:time input:Input",
    "UserAppIDSet": "user_id app_id",
    "Pagination": "page:uint32 per_page:uint32",
    "TimeRange": "start_time:time end_time:time",
    "Search": "... query:Query id name as_of:time",
    "Query": "... filters:Filter[] ranks:any[]",
    "Filter": "negate:bool annotation:Annotation input:Input last_updated_time_range:TimeRange",
    "ConceptQuery": "... name language",
    # --- requests ---------------------------------------------------------------------
    "PostAnnotationsRequest": "user_app_id:UserAppIDSet annotations:Annotation[]",
    "PatchAnnotationsRequest": (
        "user_app_id:UserAppIDSet annotations:Annotation[] action delete_if_empty_data:bool"
    ),
    "ListAnnotationsRequest": (
        "user_app_id:UserAppIDSet ids[] input_ids[] user_ids[] model_version_ids[]"
        " workflow_version_ids[] statuses:Status[] list_all_annotations:bool"
        " return_model_output:bool page:uint32 per_page:uint32 task_id"
    ),
    "GetAnnotationRequest": "user_app_id:UserAppIDSet annotation_id input_id",
    "DeleteAnnotationRequest": "user_app_id:UserAppIDSet annotation_id input_id",
    "DeleteAnnotationsRequest": "user_app_id:UserAppIDSet ids[] input_ids[]",
    "PatchAnnotationsStatusRequest": (
        "user_app_id:UserAppIDSet user_ids[] task_id status_codes:StatusCode[] action"
        " status_code:StatusCode"
    ),
    "PostAnnotationsSearchesRequest": (
        "user_app_id:UserAppIDSet searches:Search[] pagination:Pagination"
    ),
    "PatchAnnotationsSearchesRequest": "user_app_id:UserAppIDSet searches:Search[] action",
    "ListAnnotationWorkersRequest": (
        "user_app_id:UserAppIDSet page:uint32 per_page:uint32 additional_fields[] trusted_only:bool"
    ),
    "PostInputsRequest": (
        "user_app_id:UserAppIDSet inputs:Input[] inputs_add_job_id"
        " input_id_conflict_resolution:InputIDConflictResolution"
    ),
    "PatchInputsRequest": "user_app_id:UserAppIDSet inputs:Input[] action",
    "ListInputsRequest": "user_app_id:UserAppIDSet page:uint32 per_page:uint32 status:Status ids[]",
    "StreamInputsRequest": (
        "user_app_id:UserAppIDSet per_page:uint32 last_id order_by_id:bool descending:bool"
    ),
    "GetInputRequest": "user_app_id:UserAppIDSet input_id",
    "GetInputCountRequest": "user_app_id:UserAppIDSet",
    "DeleteInputRequest": "user_app_id:UserAppIDSet input_id",
    "DeleteInputsRequest": "user_app_id:UserAppIDSet ids[]",
    "PostInputsSearchesRequest": (
        "user_app_id:UserAppIDSet searches:Search[] pagination:Pagination only_count:bool"
    ),
    "ListConceptsRequest": "user_app_id:UserAppIDSet page:uint32 per_page:uint32 id",
    "GetConceptRequest": "user_app_id:UserAppIDSet concept_id",
    "PostConceptsRequest": "user_app_id:UserAppIDSet concepts:Concept[]",
    "PatchConceptsRequest": "user_app_id:UserAppIDSet concepts:Concept[] action",
    "PostConceptsSearchesRequest": (
        "user_app_id:UserAppIDSet concept_query:ConceptQuery extra_info:any pagination:Pagination"
    ),
    "ListDatasetsRequest": "... user_app_id:UserAppIDSet page:uint32 per_page:uint32 search id",
    "ListDatasetInputsRequest": "user_app_id:UserAppIDSet dataset_id page:uint32 per_page:uint32",
    "GetDatasetInputRequest": "user_app_id:UserAppIDSet dataset_id input_id",
    "PostDatasetInputsRequest": (
        "user_app_id:UserAppIDSet dataset_id dataset_inputs:DatasetInput[] search:Search"
    ),
    "DeleteDatasetInputsRequest": "user_app_id:UserAppIDSet dataset_id input_ids[]",
    "GetUserRequest": "user_app_id:UserAppIDSet additional_fields[]",
    "ListStatusCodesRequest": "",
    "GetStatusCodeRequest": "status_code_id",
    # of operations that labels do not need
    "AnyRequest": "... user_app_id:UserAppIDSet",
}

ENUMS: dict[str, dict[str, int]] = {
    **protos.ENUMS,
    "InputIDConflictResolution": {
        "INPUT_ID_CONFLICT_RESOLUTION_NOT_SET": 0,
        "SKIP": 1,
        "SUFFIX": 2,
    },
}
"""Enums but the status codes, which are in `codes`."""
