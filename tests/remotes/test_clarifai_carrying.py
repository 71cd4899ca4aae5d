"""An annotation of one app as another one gets it."""

from __future__ import annotations

from typing import Any

import pytest

from syncer.remotes.clarifai import same_annotation
from syncer.remotes.clarifai.carrying import carry_annotation, carry_input, holds_labels
from syncer.remotes.clarifai.overlay import Unsendable
from tests.support.annotations import PIXEL, rich

OF_THE_SERVICE = {
    "created_at": "2026-01-01T00:00:00Z",
    "worker": {"user": {"id": "ann"}},
    "task_id": "t",
    "status": {"code": 24151, "description": "pending"},
    "consensus_info": {"approved": True},
    "annotation_info": {"by": "hand"},
}


@pytest.mark.parametrize("annotation", rich(), ids=lambda one: one["id"][:9])
def test_what_labels_hold_is_carried_whole(annotation: dict[str, Any]) -> None:
    carried = carry_annotation(annotation).body
    assert same_annotation({"data": annotation["data"]}, carried, exact=True)
    assert same_annotation({"data": carried["data"]}, annotation, exact=True)


def test_what_the_service_sets_is_lost_and_counted_by_kind() -> None:
    carried = carry_annotation({"id": "a", "input_id": "i", **OF_THE_SERVICE, "novelty": 1})
    assert carried.lost == ("task", "owner", "times", "consensus", "novelty (not known)")
    assert carried.body == {
        "data": {},
        "annotation_info": {"by": "hand"},
        "status": {"code": 24151},
    }


def test_all_values_are_written_out_and_of_a_concept_goes_id_name_and_value() -> None:
    region = {
        "id": "r",
        "added": "by the service",
        "region_info": {"bounding_box": {"right_col": 0.5}},
        "data": {"concepts": [{"id": "tree", "name": "Tree", "app_id": "old"}]},
    }
    carried = carry_annotation({"data": {"regions": [region], "concepts": ["odd"]}})
    assert carried.body["data"] == {
        "concepts": ["odd"],
        "regions": [
            {
                "id": "r",
                "region_info": {
                    "bounding_box": {
                        "top_row": 0,
                        "left_col": 0,
                        "bottom_row": 0,
                        "right_col": 0.5,
                    }
                },
                "data": {"concepts": [{"id": "tree", "name": "Tree", "value": 1}]},
            }
        ],
    }
    assert carried.concepts == {"tree": "Tree"}
    assert carry_annotation({"data": {"concepts": [{"id": "x", "value": 0}]}}).concepts == {
        "x": "x"
    }


def test_a_mask_goes_as_bytes_or_not_at_all() -> None:
    def masked(image: dict[str, object]) -> dict[str, object]:
        return {"data": {"regions": [{"region_info": {"mask": {"image": image}}}]}}

    bytes_and_more = masked({"base64": PIXEL, "image_info": {"width": 1}})
    assert carry_annotation(bytes_and_more).body == masked({"base64": PIXEL})
    for image in ({"url": "https://x/y.png"}, {"hosted": {"prefix": "https://x"}}):
        with pytest.raises(Unsendable):
            carry_annotation(masked(image))


def test_an_input_is_made_again_by_its_address_or_its_text() -> None:
    image = {"url": "https://x/y.png", "hosted": {"prefix": "p"}, "image_info": {"width": 3}}
    held = {"id": "i", "data": {"image": image, "metadata": {"n": 1}, "clusters": [{"id": "c"}]}}
    assert carry_input(held) == {"image": {"url": "https://x/y.png"}, "metadata": {"n": 1}}
    assert carry_input({"data": {"text": {"raw": "Hello", "url": "u"}}}) == {
        "text": {"raw": "Hello"}
    }
    assert carry_input({"data": {"image": {"base64": PIXEL}}}) is None
    assert carry_input({"data": {"image": "odd"}}) is None
    assert carry_input({"id": "i"}) is None


def test_input_level_data_is_what_says_more_than_the_medium() -> None:
    assert holds_labels({"data": {"image": {"url": "u"}, "metadata": {"n": 1}}})
    assert not holds_labels({"data": {"image": {"url": "u"}, "metadata": {}}})
    assert not holds_labels({})
