from __future__ import annotations

import random
import tracemalloc

from syncer.core.id_set import IdSet


def test_it_holds_just_what_was_put_in() -> None:
    rng = random.Random(7)
    ids = [f"img-{rng.getrandbits(40)}" for _ in range(20_000)]
    held = IdSet(ids[:10_000])
    assert len(held) == 10_000
    assert all(id in held for id in ids[:10_000])
    assert not any(id in held for id in ids[10_000:])


def test_what_is_put_in_again_is_told() -> None:
    held = IdSet()
    assert held.add("a")
    assert not held.add("a")
    assert held.add("A")
    assert len(held) == 2


def test_any_text_can_be_put_in() -> None:
    odd = ["", "\n", "\ud800", "é", "x" * 100_000]
    held = IdSet(odd)
    assert all(id in held for id in odd)
    assert 7 not in held


def test_an_id_takes_some_twenty_bytes_whatever_its_length() -> None:
    tracemalloc.start()
    held = IdSet()
    before, _ = tracemalloc.get_traced_memory()
    for number in range(60_000):
        held.add(f"a-folder/and-another/img-{number:020}.jpg")
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (after - before) / 60_000 < 26, (after - before) / 60_000
