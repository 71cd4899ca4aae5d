"""Concepts and datasets, as far as labels need them, and the table of status codes
(wire section 1.2).
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from syncer.emulator import codes
from syncer.emulator.answer import Answer
from syncer.emulator.clarifai.call import ClarifaiCall, missing
from syncer.emulator.clarifai.inputs import dataset, show_input
from syncer.emulator.clarifai.patching import ACTIONS, apply_patch


def list_concepts(call: ClarifaiCall) -> Answer:
    """ListConcepts: those that were posted, and those that annotations brought."""
    id = call.sent.get("id")
    return call.answer_page(
        "concepts",
        [concept for concept in call.app.concepts.values() if id in (None, concept["id"])],
    )


def get_concept(call: ClarifaiCall) -> Answer:
    """GetConcept."""
    held = call.app.concepts.get(call.sent["concept_id"])
    return (
        missing("concept_id", call.sent["concept_id"]) if held is None else Answer.of(concept=held)
    )


def post_concepts(call: ClarifaiCall) -> Answer:
    """PostConcepts: one that exists fails the request."""
    concepts = call.sent.get("concepts", [])
    if (refused := call.bad_count(concepts, "concepts")) is not None:
        return refused
    ids = [concept.get("id", "") for concept in concepts]
    if not all(ids):
        return Answer.of(codes.BAD_CONCEPT, "a concept needs an id")
    taken = [id for place, id in enumerate(ids) if id in call.app.concepts or id in ids[:place]]
    if taken:
        return Answer.of(codes.BAD_CONCEPT, f"duplicate concept: '{taken[0]}' exists already")
    for concept in concepts:
        id = concept["id"]
        call.app.concepts[id] = {
            "name": id,
            **concept,
            "app_id": call.app.app_id,
            "created_at": call.at,
        }
    return Answer.of(concepts=[call.app.concepts[id] for id in ids])


def patch_concepts(call: ClarifaiCall) -> Answer:
    """PatchConcepts."""
    concepts, action = call.sent.get("concepts", []), call.sent.get("action", "")
    if (refused := call.bad_count(concepts, "concepts")) is not None:
        return refused
    if action not in ACTIONS:
        return Answer.of(
            codes.INVALID_REQUEST, f"unknown action '{action}': use one of {', '.join(ACTIONS)}"
        )
    for concept in concepts:
        if concept.get("id") not in call.app.concepts:
            return missing("concept_id", concept.get("id", ""))
    for concept in concepts:
        call.app.concepts[concept["id"]] = apply_patch(
            call.app.concepts[concept["id"]], concept, action, call.switches
        )
    return Answer.of(concepts=[call.app.concepts[concept["id"]] for concept in concepts])


def search_concepts(call: ClarifaiCall) -> Answer:
    """PostConceptsSearches: by name, with `*` for anything."""
    query = call.sent.get("concept_query", {})
    pattern = query.get("name", "*").lower()
    rows = [
        concept
        for concept in call.app.concepts.values()
        if fnmatchcase(concept["name"].lower(), pattern)
    ]
    page = call.page(len(rows), sent=call.sent.get("pagination", {}))
    return page if isinstance(page, Answer) else Answer.of(concepts=[rows[place] for place in page])


# --- datasets -------------------------------------------------------------------------


def list_datasets(call: ClarifaiCall) -> Answer:
    """ListDatasets: those that inputs were put into."""
    app, id = call.app, call.sent.get("id")
    return call.answer_page(
        "datasets",
        [
            {
                "id": name,
                "created_at": held.created_at,
                "modified_at": held.created_at,
                "app_id": app.app_id,
                "user_id": app.owner,
            }
            for name, held in app.datasets.items()
            if id in (None, name)
        ],
    )


def list_dataset_inputs(call: ClarifaiCall) -> Answer:
    """ListDatasetInputs."""
    held = call.app.datasets.get(call.sent["dataset_id"])
    if held is None:
        return missing("dataset_id", call.sent["dataset_id"])
    rows = list(held.inputs.items())
    page = call.page(len(rows))
    if isinstance(page, Answer):
        return page
    return Answer.of(
        dataset_inputs=[
            {"created_at": rows[n][1], "input": show_input(call.app, rows[n][0])} for n in page
        ]
    )


def get_dataset_input(call: ClarifaiCall) -> Answer:
    """GetDatasetInput."""
    held, id = call.app.datasets.get(call.sent["dataset_id"]), call.sent["input_id"]
    if held is None or id not in held.inputs:
        return missing("input_id", id)
    return Answer.of(
        dataset_input={"created_at": held.inputs[id], "input": show_input(call.app, id)}
    )


def post_dataset_inputs(call: ClarifaiCall) -> Answer:
    """PostDatasetInputs: inputs that exist into a dataset, which is made where it was
    not named before.
    """
    ids = [row.get("input", {}).get("id", "") for row in call.sent.get("dataset_inputs", [])]
    if (refused := call.bad_count(ids, "dataset_inputs")) is not None:
        return refused
    for id in ids:
        if id not in call.app.inputs:
            return missing("input_id", id)
    held = dataset(call.app, call.sent["dataset_id"], call.at)
    for id in ids:
        held.inputs.setdefault(id, call.at)
    return Answer.of(
        dataset_inputs=[
            {"created_at": held.inputs[id], "input": show_input(call.app, id)} for id in ids
        ]
    )


def delete_dataset_inputs(call: ClarifaiCall) -> Answer:
    """DeleteDatasetInputs: the inputs themselves stay."""
    held = call.app.datasets.get(call.sent["dataset_id"])
    if held is None:
        return missing("dataset_id", call.sent["dataset_id"])
    for id in call.sent.get("input_ids", ()):
        held.inputs.pop(id, None)
    return Answer.of()


# --- status codes ---------------------------------------------------------------------


def list_status_codes(_: ClarifaiCall) -> Answer:
    """ListStatusCodes: those that the emulator knows."""
    return Answer.of(statuses=[codes.status(code) for code in codes.CODES])


def get_status_code(call: ClarifaiCall) -> Answer:
    """GetStatusCode: the answer's own status is the one that was asked for."""
    text = call.sent["status_code_id"]
    code = codes.NUMBERS.get(text, int(text) if text.isascii() and text.isdigit() else 0)
    if code not in codes.CODES:
        return missing("status_code_id", text)
    return Answer({"status": codes.status(code)})
