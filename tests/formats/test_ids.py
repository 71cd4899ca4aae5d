"""Ids of annotations: the same each time, and each once."""

from __future__ import annotations

from collections import Counter
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from syncer.formats.ids import AnnotationIds, read_number

OWN_IDS = st.sampled_from(["", "0", "7", "07", "7.0", "-1", "99999999", "100000000", "a", "７"])
LABELS = st.lists(st.tuples(st.sampled_from(["cat", "dog"]), OWN_IDS, st.booleans()))


@given(LABELS)
def test_a_label_is_new_once_by_either_way(labels: list[tuple[str, str, bool]]) -> None:
    """Numbers are looked for by a bit of their own, other ids by digests."""
    ids = AnnotationIds("coco")
    before: Counter[tuple[str, str]] = Counter()
    named: set[str] = set()
    for input_id, own_id, is_plain in labels:
        count = before[input_id, own_id]
        if is_plain and own_id:
            key = ids.make_key(input_id.encode(), own_id.encode())
            assert ids.claim(key, read_number(own_id)) is not bool(count)
            if count:
                continue
            id = key.hex()
        else:
            id, number = ids.name_label(input_id, own_id, b"what it looks like")
            assert number == count
        assert id not in named
        named.add(id)
        before[input_id, own_id] += 1
    ids.close()


NUMBERS = st.integers(0, 9) | st.sampled_from([-1, 99_999, 100_000_000, 2**53])


@given(st.lists(st.lists(st.tuples(st.sampled_from([b"cat", b"dog"]), NUMBERS), max_size=6)))
def test_labels_are_claimed_many_at_once_as_they_are_one_by_one(
    runs: list[list[tuple[bytes, int]]],
) -> None:
    single, many = AnnotationIds("coco"), AnnotationIds("coco")
    for run in runs:
        numbers = [number for _, number in run]
        keys = [many.make_key(name, b"%d" % number) for name, number in run]
        told = list(map(single.claim, keys, numbers))
        said: list[bool] = []
        while len(said) < len(run):
            at = len(said)
            said += [True] * many.claim_all(keys[at:], numbers[at:])
            said += [False] * (len(said) < len(run))
        assert said == told
    single.close()
    many.close()


def test_a_run_is_claimed_up_to_the_first_label_that_another_is_like() -> None:
    ids = AnnotationIds("coco")
    keys = [ids.make_key(b"cat", own_id) for own_id in (b"1", b"2", b"100000000", b"2", b"3")]
    assert ids.claim_all(keys, [1, 2, 100_000_000, 2, 3]) == 3
    assert ids.claim_all(keys[4:], [3]) == 1
    assert ids.claim_all(keys, [1, 2, 100_000_000, 2, 3]) == 0
    ids.close()


def test_numbers_of_many_labels_are_spooled_and_found_again() -> None:
    ids = AnnotationIds("coco")
    with patch("syncer.formats.ids._SPOOLED_BYTES", 64):
        first = [ids.name_label("cat", str(number), b"")[0] for number in range(20)]
        again = [ids.name_label("cat", str(number), b"") for number in range(20)]
        third = ids.name_label("cat", "7", b"")
        assert ids.name_label("cat", "20", b"")[1] == 0
        assert ids.name_label("dog", "20", b"")[1] == 0
    ids.close()
    assert [number for _, number in again] == [1] * 20
    assert third[1] == 2
    assert len({*first, *(id for id, _ in again), third[0]}) == 41
