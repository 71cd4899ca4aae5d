"""The checks of the official client can fail: an emulator that departs from the wire is
caught, each departure by the check named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from syncer.emulator import codes
from syncer.emulator.answer import Answer
from syncer.emulator.clarifai import annotations as labels
from syncer.emulator.clarifai import call, forms, messages, patching, reads, wire
from syncer.emulator.clarifai import part as clarifai
from syncer.emulator.clarifai.store import AnnotationKey, App
from tests.emulator import holding, reading, writing
from tests.emulator.official import Client, emulated
from tests.emulator.seen import MADE_BY_A_MODEL, Check, needs_loaded

Mutant = Callable[[pytest.MonkeyPatch], None]
SHOWN = forms.render_body


@pytest.fixture(autouse=True)
def _readers_anew() -> Iterator[None]:
    """Readers are made once from their tables; a mutant changes the tables."""
    wire.messages.cache_clear()
    yield
    wire.messages.cache_clear()


def field(message: str, old: str, new: str) -> Mutant:
    """Another form of one field."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        assert old in messages.MESSAGES[message]
        patch.setitem(wire.MESSAGES, message, wire.MESSAGES[message].replace(old, new))

    return plant


def scalar(kind: str, read: Callable[[Any], Any]) -> Mutant:
    """Another reading of a type."""
    return lambda patch: patch.setitem(wire._SCALARS, kind, read)  # type: ignore[arg-type]


def instead(owner: object, name: str, value: object) -> Mutant:
    """Another function."""
    return lambda patch: patch.setattr(owner, name, value)


def times_in_microseconds(nanoseconds: int) -> str:
    return wire.time_of(nanoseconds)[:-4] + "Z"


def everything_of_an_input(app: App, input_id: str, lag: int = 0) -> int:
    return sum(app.delete(key) for key in list(app.annotations) if key[0] == input_id)


def first_page(self: call.ClarifaiCall, number_of_all: int, *, sent: Any = None) -> range:
    return range(number_of_all)


def every_pair(call: call.ClarifaiCall, keys: list[AnnotationKey]) -> None:
    """Any id of any of the inputs, not pair by pair."""
    for input_id, _ in keys:
        for _, id in keys:
            call.app.delete((input_id, id))


def untrusted_too(row: Any) -> bool:
    return True


MUTANTS: dict[str, tuple[Mutant, Check]] = {
    "a missing concept value is 0": (
        field("Concept", "value:float!=1", "value:float!"),
        writing.check_a_concept_without_value_is_there_and_one_with_zero_is_not,
    ),
    "a concept value of 0 is left out": (
        field("Concept", "value:float!=1", "value:float"),
        writing.check_a_concept_without_value_is_there_and_one_with_zero_is_not,
    ),
    "coordinates of 0 are left out": (
        field("BoundingBox", "top_row:float!", "top_row:float"),
        writing.check_a_missing_coordinate_is_zero_and_shown,
    ),
    "64-bit integers are numbers": (scalar("uint64", int), writing.check_times_of_frames_are_texts),
    "64-bit integers are doubles": (
        scalar("uint64", lambda sent: str(int(float(sent)))),
        holding.check_integers_of_64_bits_are_exact_and_texts,
    ),
    "64-bit integers have no limits": (
        scalar("int64", lambda sent: str(int(sent))),
        holding.check_integers_out_of_range_are_refused,
    ),
    "doubles are coordinates": (
        field("Data", "float_value:double", "float_value:float"),
        holding.check_coordinates_are_held_with_32_bits_and_doubles_with_64,
    ),
    "metadata is held as it is sent": (
        scalar("struct", lambda sent: sent),
        holding.check_numbers_of_metadata_are_doubles_and_nothing_else_becomes_one,
    ),
    "bytes are held as they are sent": (
        scalar("bytes", str),
        holding.check_bytes_come_back_in_one_form,
    ),
    "maps are messages": (
        field("Image", "hosted_image_info:ImageInfo{}", "hosted_image_info:ImageInfo"),
        holding.check_a_map_keeps_its_keys,
    ),
    "coordinates are doubles": (
        field("GeoPoint", "longitude:float!", "longitude:double"),
        writing.check_coordinates_are_float32,
    ),
    "camelCase is not known": (
        instead(wire, "camel", lambda name: name),
        writing.check_camel_case_and_numeric_texts_are_taken,
    ),
    "times are cut to microseconds": (
        instead(call, "time_of", times_in_microseconds),
        writing.check_times_have_nine_digits,
    ),
    "codes are names": (
        instead(
            forms,
            "render_body",
            lambda body, switches, *rest: SHOWN(body, {**switches, "enums": "name"}, *rest),
        ),
        writing.check_codes_are_integers,
    ),
    "merge appends items that have an id": (
        instead(patching, "_merge_list", lambda held, sent, replace: held + sent),
        writing.check_merge_changes_and_adds_concepts,
    ),
    "overwrite keeps what it does not name": (
        lambda patch: patch.setattr(
            labels,
            "apply_patch",
            lambda held, sent, action, switches: patching.apply_patch(
                held, sent, "merge", switches
            ),
        ),
        writing.check_overwrite_replaces_all_data,
    ),
    "remove empties the list": (
        instead(patching, "_remove_from_list", lambda held, sent, append: []),
        writing.check_remove_takes_away_by_id,
    ),
    "an annotation that became empty stays": (
        field("PatchAnnotationsRequest", " delete_if_empty_data:bool", ""),
        writing.check_remove_deletes_what_has_become_empty_where_that_is_asked_for,
    ),
    "no ids delete nothing": (
        instead(App, "delete_of_input", lambda app, input_id, lag=0: 0),
        reading.check_without_ids_all_of_the_inputs_go_but_the_input_level_ones,
    ),
    "no ids delete the input-level one too": (
        instead(App, "delete_of_input", everything_of_an_input),
        reading.check_without_ids_all_of_the_inputs_go_but_the_input_level_ones,
    ),
    "pairs are every id of every input": (
        instead(labels, "_delete", every_pair),
        reading.check_pairs_are_deleted,
    ),
    "what is missing is a failure of another kind": (
        instead(reads, "missing", lambda kind, id: Answer.of(codes.FAILURE)),
        reading.check_a_missing_annotation_is_not_found,
    ),
    "a taken id is replaced": (
        instead(App, "taken", lambda app, key, scope: False),
        writing.check_an_id_that_exists_is_refused_and_what_is_there_stays,
    ),
    "one bad item is told as a success": (
        instead(
            call.ClarifaiCall,
            "items",
            lambda self, member, items, failed: Answer.of(**{member: items}),
        ),
        writing.check_a_bad_item_fails_alone,
    ),
    "129 annotations are taken": (
        instead(call, "ITEMS_MAX", 1000),
        writing.check_a_request_holds_1_to_128_annotations,
    ),
    "pages are ignored": (
        instead(call.ClarifaiCall, "page", first_page),
        reading.check_pages_hold_per_page_and_end_with_an_empty_one,
    ),
    "an empty list is not shown": (
        instead(clarifai.Clarifai, "_finish", lambda self, answer, found: answer),
        reading.check_ids_need_as_many_input_ids,
    ),
    "lists show what models made": (
        instead(reads, "_filter", lambda call: untrusted_too),
        reading.check_the_six_lists_of_the_guide,
    ),
    "filters of workers are all to be met": (
        field("ListAnnotationsRequest", " model_version_ids[]", ""),
        reading.check_worker_filters_are_alternatives,
    ),
    "the ends of a time range are left out": (
        lambda patch: patch.setattr(
            "syncer.emulator.clarifai.searches._in_time",
            lambda call, wanted, held: not wanted.get("last_updated_time_range"),
        ),
        reading.check_a_search_finds_by_status_time_and_concept,
    ),
    "an input has no annotation of its own": (
        lambda patch: patch.setattr(
            "syncer.emulator.clarifai.inputs.dress",
            lambda call, level: call.app.delete((level["input_id"], level["id"])),
        ),
        reading.check_an_input_comes_with_its_input_level_annotation,
    ),
    "me is a user of that name": (
        instead(clarifai, "OWNER", "me"),
        reading.check_me_is_the_owner_of_the_token,
    ),
}


def run(check: Check, folder: Path) -> None:
    """The check before an emulator of its own."""
    with emulated(load={"alice/loaded": MADE_BY_A_MODEL}, folder=folder) as server:
        check(Client(server.url, app_id="loaded" if needs_loaded(check) else "animals"))


@pytest.mark.parametrize("name", MUTANTS)
def test_a_departure_from_the_wire_is_caught_where(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plant, check = MUTANTS[name]
    run(check, tmp_path)
    plant(monkeypatch)
    wire.messages.cache_clear()
    with pytest.raises(AssertionError):
        run(check, tmp_path)
