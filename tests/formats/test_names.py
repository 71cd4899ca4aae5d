"""Paths of images, made comparable, and what of them becomes an id."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer.errors import UsageError
from syncer.formats.concepts import Concepts
from syncer.formats.faults import ImportRefused
from syncer.formats.ids import IdSpelling, is_odd
from syncer.formats.images import ImageOptions, Images, InputRule
from syncer.formats.labels import Picture
from syncer.formats.maps import read_map
from syncer.formats.names import canonicalize, keys_of, locate

PATHS = st.text(st.sampled_from("ab1.%2?#=&:/\\é -\ud800"), max_size=20)


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        ("a/b.jpg", "a/b.jpg"),
        ("a\\b.jpg", "a/b.jpg"),
        ("C:\\data\\b.jpg", "data/b.jpg"),
        ("./a//b.jpg", "a/b.jpg"),
        ("e\u0301.jpg", "\u00e9.jpg"),
        ("a%20b%2520.jpg", "a b%20.jpg"),
        ("caf%e9.jpg", "caf%e9.jpg"),
        ("/data/upload/29/example.png", "data/upload/29/example.png"),
        ("/data/local-files/?d=day%201/a.jpg", "day 1/a.jpg"),
        ("http://ls.example/data/local-files/?x=1&d=a/b.jpg", "a/b.jpg"),
        ("http://ls.example/data/local-files/?d=a%2Fb.jpg", "a/b.jpg"),
        ("s3://bucket/a/b.jpg", "a/b.jpg"),
        ("s3://bucket/a#1.jpg", "a#1.jpg"),
        ("https://cdn.example/a/b.JPG?X-Amz-Signature=x/y.z", "a/b.JPG"),
        ("https://cdn.example/a/b.jpg#t=1", "a/b.jpg"),
        ("https://cdn.example/show?id=7", "show?id=7"),
        ("file:///a/b.jpg", "a/b.jpg"),
        ("http://[half/b.jpg", "b.jpg"),
        ("what?.jpg", "what?.jpg"),
        ("data:image/png;base64,AAAA", ""),
        ("", ""),
        (".", ""),
    ],
)
def test_a_path_is_relative_and_decoded_once(path: str, canonical: str) -> None:
    assert canonicalize(path) == canonical


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("s3://one/a/1.jpg", "s3://two/a/1.jpg"),
        ("s3://one/a/1.jpg", "gs://one/a/1.jpg"),
        ("https://one.example/1.jpg", "https://two.example/1.jpg"),
        ("https://h/show?id=1", "https://h/show?id=2"),
        ("s3://one/a#1.jpg", "s3://one/a#2.jpg"),
        ("s3://one/a/1.jpg", "s3://one/a//1.jpg"),
        ("http://h/data/local-files/?d=a/1.jpg", "http://h/data/local-files/?d=b/1.jpg"),
        ("a%e9.jpg", "a%e8.jpg"),
        ("\ud800.jpg", "\ud801.jpg"),
        ("a/1.jpg", "b/1.jpg"),
    ],
)
def test_two_images_are_never_taken_for_one(one: str, other: str) -> None:
    """Wrong: labels of two images go to one input, and nobody is told."""
    assert locate(one) != locate(other)
    images = Images(ImageOptions(input_map={locate(one): "x", locate(other): "x"}))
    images.place(Picture(one))
    with pytest.raises(ImportRefused, match="are both input x"):
        images.place(Picture(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://h/a/1.jpg", "https://h/a/1.jpg?sig=2"),
        ("http://ls.example/data/local-files/?d=a/1.jpg", "a/1.jpg"),
        ("./a/1.jpg", "a\\1.jpg"),
    ],
)
def test_one_image_is_known_again(one: str, other: str) -> None:
    assert locate(one) == locate(other)


def test_two_stores_with_one_key_are_told_apart_by_a_map(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("name,input_id\ns3://one/k/1.jpg,a\ns3://two/k/1.jpg,b\n")
    ids = read_map(tmp_path / "m.csv", "--input-map", locate)
    images = Images(ImageOptions("path", ids))
    placed = [images.place(Picture(f"s3://{store}/k/1.jpg")) for store in ("one", "two")]
    assert [one and one.input_id for one in placed] == ["a", "b"]
    plain = Images(ImageOptions("path"))
    plain.place(Picture("s3://one/k/1.jpg"))
    with pytest.raises(
        ImportRefused, match=r"s3://one/k/1.jpg and s3://two.*: give an --input-map"
    ):
        plain.place(Picture("s3://two/k/1.jpg"))


@pytest.mark.parametrize(
    ("path", "stem"),
    [
        ("a/b.jpg", "b"),
        ("a.b.jpg", "a.b"),
        ("scan.0001", "scan.0001"),
        ("scan.0001.tif", "scan.0001"),
        ("2026.10.05 drive", "2026.10.05 drive"),
        ("v1.2-final", "v1.2-final"),
        ("clip.3gp", "clip"),
        ("a.x1y2z3w4", "a.x1y2z3w4"),
        (".jpg", ".jpg"),
        ("plain", "plain"),
    ],
)
def test_the_stem_loses_an_ending_and_no_number(path: str, stem: str) -> None:
    """Wrong: scan.0001 and scan.0002 come to one input, or to ids that say less."""
    assert keys_of(path)[2] == stem


@given(PATHS, st.sampled_from(("path", "name", "stem")))
def test_no_path_makes_a_traceback_or_an_id_that_is_empty(path: str, rule: InputRule) -> None:
    for spelling in (IdSpelling(), IdSpelling("word", 16)):
        placed = Images(ImageOptions(rule, spelling=spelling)).place(Picture(path))
        assert placed is None or (placed.input_id and placed.input_id.encode())
        if placed is not None and spelling.length:
            assert not is_odd(placed.input_id)
            assert len(placed.input_id) <= 16


@pytest.mark.parametrize(
    ("name", "id"),
    [
        ("cat-1_b", "cat-1_b"),
        ("cat 1", "cat-1-140a874ab5ae"),
        ("größe/xl", "gr-e-xl-2a933cc8fae6"),
        ("写真", "0f37d099b781"),
    ],
)
def test_ids_that_a_strict_service_refuses_are_spelt_the_same_way_each_time(
    name: str, id: str
) -> None:
    assert IdSpelling("word").spell(name) == id
    assert IdSpelling().spell(name) == name
    concepts = Concepts("name", spelling=IdSpelling("word"))
    assert concepts.identify(name) == id


@given(st.text(max_size=40), st.text(max_size=40))
def test_two_names_are_not_spelt_alike(one: str, other: str) -> None:
    spelling = IdSpelling("word", 20)
    assert (spelling.spell(one) == spelling.spell(other)) == (one == other)
    assert spelling.spell(spelling.spell(one)) == spelling.spell(one)


def test_what_the_user_or_the_service_named_is_left_as_it_is() -> None:
    options = ImageOptions(input_map={"a b": "x y"}, spelling=IdSpelling("word"))
    images = Images(options)
    placed = [images.place(Picture("a b.jpg")), images.place(Picture("", input_id="c d"))]
    assert [one and one.input_id for one in placed] == ["x y", "c d"]
    assert images.odd == 0


def test_a_map_is_read_as_label_files_are(tmp_path: Path) -> None:
    """Wrong: a name is not found that the map has as the label file has it."""
    (tmp_path / "m.json").write_text(json.dumps({"x\\a%20b.jpg": "1", "./c.jpg": 2}))
    images = Images(ImageOptions(input_map=read_map(tmp_path / "m.json", "--input-map", locate)))
    placed = [images.place(Picture(path)) for path in ("x/a%20b.jpg", "c.jpg")]
    assert [one and one.input_id for one in placed] == ["1", "2"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("name;input_id\na;1\n", "names one column, and two are needed"),
        ('{"a": "1", "a": "2"}', "a stands there twice"),
        ("name,input_id\na,1\na,2\n", "a stands there twice"),
        ('{"a": {"b": 1}}', "the value of a is not text"),
        ('{"a": ', "it is not JSON"),
        ('name,input_id\n"' + "x" * 200_000 + '",1\n', "it is not CSV"),
    ],
)
def test_a_map_that_cannot_be_meant_is_refused(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "m").write_text(text)
    with pytest.raises(UsageError, match=why):
        read_map(tmp_path / "m", "--input-map", locate)
