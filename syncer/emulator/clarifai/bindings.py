"""Methods and paths to operations: every binding of wire sections 1.1 and 1.2."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from syncer.emulator import codes
from syncer.emulator.answer import Answer
from syncer.emulator.clarifai import annotations as labels
from syncer.emulator.clarifai import concepts, inputs, reads, searches
from syncer.emulator.clarifai.call import ClarifaiCall
from syncer.emulator.clarifai.messages import MESSAGES

Operation = Callable[[ClarifaiCall], Answer]

LONG, SHORT = "/v2/users/{user_id}/apps/{app_id}", "/v2"
_LONG_PATH = re.compile(r"/v2/users/([^/]+)/apps/([^/]+)(/.+)")


def nothing(_: ClarifaiCall) -> Answer:
    """An honest empty list: labels need none of it, so nothing of it is ever there."""
    return Answer.of()


def not_implemented(_: ClarifaiCall) -> Answer:
    """Refuse what labels do not need, rather than pretend it."""
    return Answer.of(codes.NOT_IMPLEMENTED, "the emulator does what labels need")


@dataclass(frozen=True, slots=True)
class Binding:
    """An operation at a method and path.

    `member`: the list that its answers show though it is empty.
    """

    rpc: str
    method: str
    paths: tuple[str, ...]
    member: str
    operation: Operation

    @property
    def message(self) -> str:
        """The name of its request."""
        name = f"{self.rpc}Request"
        return name if name in MESSAGES else "AnyRequest"


# Paths: `A` stands for both forms, `U` for the one with user and app, `V` for the short
# one, `W` for a user without an app.
_TABLE: tuple[tuple[str, str, str, str, Operation], ...] = (
    ("PostAnnotations", "POST", "A/annotations", "annotations", labels.post),
    ("PatchAnnotations", "PATCH", "A/annotations", "annotations", labels.patch),
    ("ListAnnotations", "GET", "A/annotations", "annotations", reads.list_annotations),
    ("GetAnnotation", "GET", "A/inputs/{input_id}/annotations/{annotation_id}", "", reads.get),
    (
        "DeleteAnnotation",
        "DELETE",
        "A/inputs/{input_id}/annotations/{annotation_id}",
        "",
        labels.delete_one,
    ),
    ("DeleteAnnotations", "DELETE", "A/inputs/annotations A/annotations", "", labels.delete),
    (
        "PatchAnnotationsStatus",
        "PATCH",
        "U/task/{task_id}/annotations/status",
        "",
        labels.patch_status,
    ),
    (
        "PostAnnotationsSearches",
        "POST",
        "A/annotations/searches",
        "hits",
        searches.search_annotations,
    ),
    (
        "PatchAnnotationsSearches",
        "PATCH",
        "A/annotations/searches",
        "hits",
        searches.search_annotations,
    ),
    ("ListAnnotationWorkers", "GET", "A/annotations/workers", "workers", reads.workers),
    (
        "PostTrackAnnotationsSearches",
        "POST",
        "A/inputs/{input_id}/track_annotations/searches",
        "annotations",
        nothing,
    ),
    (
        "StreamAnnotations",
        "POST",
        "A/inputs/{input_id}/track_annotations/searches/stream",
        "",
        not_implemented,
    ),
    (
        "StreamLivestreamAnnotations",
        "POST",
        "A/inputs/{input_id}/annotations/stream/live",
        "",
        not_implemented,
    ),
    (
        "ListAnnotationTracks",
        "GET",
        "A/inputs/{input_id}/annotation_tracks",
        "annotation_tracks",
        nothing,
    ),
    (
        "PostAnnotationTracks",
        "POST",
        "A/inputs/{input_id}/annotation_tracks",
        "annotation_tracks",
        not_implemented,
    ),
    (
        "PatchAnnotationTracks",
        "PATCH",
        "A/inputs/{input_id}/annotation_tracks",
        "annotation_tracks",
        not_implemented,
    ),
    (
        "DeleteAnnotationTracks",
        "DELETE",
        "U/annotation_tracks V/inputs/{input_id}/annotation_tracks",
        "",
        not_implemented,
    ),
    ("PostInputs", "POST", "A/inputs", "inputs", inputs.post),
    ("PatchInputs", "PATCH", "A/inputs", "inputs", inputs.patch),
    ("ListInputs", "GET", "A/inputs", "inputs", inputs.list_inputs),
    ("StreamInputs", "GET", "A/inputs/stream", "inputs", inputs.stream),
    ("GetInput", "GET", "A/inputs/{input_id}", "", inputs.get),
    ("GetInputCount", "GET", "A/inputs/status", "", inputs.count),
    ("DeleteInput", "DELETE", "A/inputs/{input_id}", "", inputs.delete_one),
    ("DeleteInputs", "DELETE", "A/inputs", "", inputs.delete),
    ("PostInputsSearches", "POST", "A/inputs/searches", "hits", searches.search_inputs),
    ("ListInputsAddJobs", "GET", "A/inputs/jobs/add", "inputs_add_jobs", nothing),
    ("GetInputsAddJob", "GET", "A/inputs/jobs/add/{id}", "", not_implemented),
    ("PostInputsDataSources", "POST", "A/inputs/data_sources", "inputs_add_jobs", not_implemented),
    ("PostInputsUploads", "POST", "A/inputs/uploads", "inputs_add_jobs", not_implemented),
    ("ListConcepts", "GET", "A/concepts", "concepts", concepts.list_concepts),
    ("GetConcept", "GET", "A/concepts/{concept_id}", "", concepts.get_concept),
    ("PostConcepts", "POST", "A/concepts", "concepts", concepts.post_concepts),
    ("PatchConcepts", "PATCH", "A/concepts", "concepts", concepts.patch_concepts),
    ("PostConceptsSearches", "POST", "A/concepts/searches", "concepts", concepts.search_concepts),
    ("ListDatasets", "GET", "A/datasets W/datasets", "datasets", concepts.list_datasets),
    (
        "ListDatasetInputs",
        "GET",
        "A/datasets/{dataset_id}/inputs",
        "dataset_inputs",
        concepts.list_dataset_inputs,
    ),
    (
        "GetDatasetInput",
        "GET",
        "A/datasets/{dataset_id}/inputs/{input_id}",
        "",
        concepts.get_dataset_input,
    ),
    (
        "PostDatasetInputs",
        "POST",
        "A/datasets/{dataset_id}/inputs",
        "dataset_inputs",
        concepts.post_dataset_inputs,
    ),
    (
        "DeleteDatasetInputs",
        "DELETE",
        "A/datasets/{dataset_id}/inputs",
        "",
        concepts.delete_dataset_inputs,
    ),
    (
        "PostDatasetVersions",
        "POST",
        "A/datasets/{dataset_id}/versions",
        "dataset_versions",
        not_implemented,
    ),
    (
        "PutDatasetVersionExports",
        "PUT",
        "A/datasets/{dataset_id}/versions/{dataset_version_id}/exports",
        "exports",
        not_implemented,
    ),
    ("PostBulkOperations", "POST", "A/bulk_operations", "", not_implemented),
    ("ListBulkOperations", "GET", "A/bulk_operations", "", nothing),
    ("GetBulkOperation", "GET", "A/bulk_operations/{id}", "", not_implemented),
    ("CancelBulkOperations", "PATCH", "A/bulk_operations", "", not_implemented),
    ("DeleteBulkOperations", "DELETE", "A/bulk_operations", "", not_implemented),
    (
        "PutTaskAssignments",
        "PUT",
        "U/tasks/{task_id}/assignments",
        "task_assignments",
        not_implemented,
    ),
    ("ListNextTaskAssignments", "GET", "A/tasks/{task_id}/assignments", "inputs", nothing),
    ("GetUser", "GET", "W", "", reads.get_user),
    ("ListStatusCodes", "GET", "V/status_codes", "", concepts.list_status_codes),
    ("GetStatusCode", "GET", "V/status_codes/{status_code_id}", "", concepts.get_status_code),
)
_FORMS = {"A": (LONG, SHORT), "U": (LONG,), "V": (SHORT,), "W": ("/v2/users/{user_id}",)}


def _spelt(paths: str) -> tuple[str, ...]:
    return tuple(form + path[1:] for path in paths.split() for form in _FORMS[path[0]])


BINDINGS = tuple(
    Binding(rpc, method, _spelt(paths), member, run) for rpc, method, paths, member, run in _TABLE
)

_EXACT: dict[tuple[str, str], Binding] = {}
_PATTERNS: dict[tuple[str, int], list[tuple[re.Pattern[str], Binding]]] = {}
for _binding in BINDINGS:
    for _path in _binding.paths:
        _rest = _path.removeprefix(LONG) if _path.startswith(LONG) else _path
        if "{" not in _rest:
            _EXACT[_binding.method, _path] = _binding
        else:
            _pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", _path))
            _PATTERNS.setdefault((_binding.method, _path.count("/")), []).append(
                (_pattern, _binding)
            )


def find(method: str, path: str) -> tuple[Binding, dict[str, str]] | None:
    """The binding of a request, and what its path names (user_id and app_id among it),
    unquoted.
    """
    long = _LONG_PATH.fullmatch(path)
    exact = _EXACT.get((method, path if long is None else LONG + long[3]))
    if exact is not None:
        return exact, {} if long is None else {
            "user_id": unquote(long[1]),
            "app_id": unquote(long[2]),
        }
    for pattern, binding in _PATTERNS.get((method, path.count("/")), ()):
        if (match := pattern.fullmatch(path)) is not None:
            return binding, {name: unquote(value) for name, value in match.groupdict().items()}
    return None
