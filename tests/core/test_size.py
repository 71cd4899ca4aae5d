"""How large a request may be is learnt on the way, with few requests more than whoever
knows it needs, and without a victim.
"""

from __future__ import annotations

import random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from syncer.core.limits import Limits
from syncer.core.size import PATIENCE, SMALL, SizeLimit
from tests.support.ways import Way, least, posts, sent

MOST = Limits().batch_bytes_max
KB, MB = 1 << 10, 1 << 20
BRIEFLY = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate, Phase.shrink),
)
ways = st.sampled_from(["413", "cut"])


# --- the value ------------------------------------------------------------------------


def learnt(fits: int, fails: int) -> SizeLimit:
    size = SizeLimit(MOST)
    size.passed(fits)
    size.refused(fails)
    return size


def test_at_first_nothing_but_the_own_bound_holds() -> None:
    assert SizeLimit(MOST).bound == MOST


def test_what_is_refused_for_its_size_is_believed_at_once_and_half_of_it_is_tried() -> None:
    size = SizeLimit(MOST)
    size.refused(MB)
    assert size.bound == MB // 2


def test_what_is_cut_off_is_not_tried_again_before_the_remote_has_said_something() -> None:
    size = SizeLimit(MOST)
    assert size.cut(MB, 1.0)
    assert size.bound == 0
    size.heard(1.0)
    assert size.bound == 0
    size.heard(1.1)
    assert size.bound == MOST


def test_what_is_cut_off_must_be_cut_off_twice_where_nothing_else_speaks_of_a_limit() -> None:
    size = SizeLimit(MOST)
    for now in (1.0, 2.0):
        assert size.bound == MOST
        size.cut(MB, now)
        size.heard(now + 0.5)
    assert size.bound == MB // 2


def test_many_that_are_cut_off_at_once_are_one_sign() -> None:
    size = SizeLimit(MOST)
    for n in range(9):
        size.cut(MB + n, 1.0 + n)
    size.heard(20.0)
    assert size.bound == MOST


def test_a_size_that_goes_through_after_all_clears_what_was_suspected() -> None:
    size = SizeLimit(MOST)
    size.cut(MB, 1.0)
    size.heard(2.0)
    size.passed(MB)
    size.cut(MB + 1, 3.0)
    size.heard(4.0)
    assert size.bound == MOST


def test_a_smaller_one_that_goes_through_says_nothing_of_what_was_cut_off() -> None:
    size = SizeLimit(MOST)
    size.cut(MB, 1.0)
    size.passed(KB)
    assert size.bound == 0


def test_what_went_through_before_the_remote_was_heard_again_was_no_strike() -> None:
    size = SizeLimit(MOST)
    size.cut(MB, 1.0)
    size.passed(MB)
    size.heard(1.5)
    for now in (2.0, 3.0):
        size.cut(MB, now)
        size.heard(now + 0.5)
    assert size.bound == MOST


def test_a_size_that_went_through_before_is_not_in_question() -> None:
    size = SizeLimit(MOST)
    size.passed(MB)
    assert not size.cut(MB, 1.0)
    assert size.bound == MOST


def test_a_way_that_has_become_narrower_is_noticed_when_it_cuts_off_three_times_in_a_row() -> None:
    size = SizeLimit(MOST)
    size.passed(MB)
    for now in (1.0, 2.0, 3.0):
        assert size.bound == MOST
        size.cut(MB, now)
        size.heard(now + 0.5)
    assert size.bound < MB


def test_while_a_larger_one_is_tried_no_other_goes() -> None:
    size = learnt(MB, 2 * MB)
    tried = size.bound
    assert MB < tried < 2 * MB
    size.goes(tried)
    assert size.bound == 0
    size.over(tried)
    assert size.bound == tried


@pytest.mark.parametrize(
    ("fits", "size", "waits"),
    [(0, SMALL, False), (0, SMALL + 1, True), (MB, 2 * MB, False), (MB, 2 * MB + 1, True)],
)
def test_where_nothing_speaks_of_a_limit_others_wait_only_for_what_is_much_larger_than_before(
    fits: int, size: int, waits: bool
) -> None:
    limit = SizeLimit(MOST)
    limit.passed(fits)
    limit.goes(size)
    assert limit.bound == (0 if waits else MOST)


def test_where_something_speaks_of_a_limit_others_wait_for_all_that_is_larger_than_before() -> None:
    limit = SizeLimit(MOST)
    limit.passed(MB)
    limit.cut(MB + KB, 1.0)
    limit.heard(1.5)
    limit.goes(MB)
    assert limit.bound == MOST
    limit.goes(MB + 1)
    assert limit.bound == 0


def test_while_what_is_known_to_fit_is_under_way_a_larger_one_may_go() -> None:
    size = learnt(MB, 2 * MB)
    size.goes(MB)
    assert size.bound > MB


def test_once_the_limit_is_known_well_what_fits_goes_beside_a_trial() -> None:
    size = learnt(MB, MB + 10 * KB)
    size.goes(MB + KB)
    assert size.bound == MB


def test_after_many_requests_a_larger_one_is_tried_and_later_each_time_that_it_fails() -> None:
    size = learnt(MB, MB + 10 * KB)
    for patience in (PATIENCE, 2 * PATIENCE, 4 * PATIENCE):
        for _ in range(patience):
            assert size.bound == MB
            size.passed(MB)
        assert size.bound == 2 * MB + 20 * KB
        size.refused(2 * MB)


def test_a_trial_that_goes_through_lifts_the_limit() -> None:
    size = learnt(MB, MB + 10 * KB)
    size.passed(2 * MB)
    assert size.bound == MOST


def test_a_refusal_of_what_went_through_before_takes_that_back() -> None:
    size = learnt(MB, MB)
    assert size.bound < MB


# --- a backlog on such a way ----------------------------------------------------------


@pytest.mark.parametrize("how", ["413", "cut"])
@pytest.mark.parametrize("limit", [30_000, 45_000, 100 * KB, 256 * KB, MB, 2 * MB])
def test_2000_posts_of_20_kb_take_less_than_half_as_many_requests_again_as_they_need(
    how: str, limit: int
) -> None:
    sizes = [20_000] * 2_000
    result = sent(posts(sizes), Way(limit, how))  # type: ignore[arg-type]
    assert (result.applied, result.dead) == (2_000, 0)
    assert result.requests < 1.5 * least(sizes, limit)
    assert result.seconds < 120


@BRIEFLY
@given(
    how=ways,
    limit=st.integers(8 * KB, 3 * MB),
    seed=st.integers(0, 1_000),
    at_once=st.integers(1, 40),
    spread=st.floats(0, 1),
)
def test_whatever_the_limit_everything_goes_through_and_nothing_dies(
    how: str, limit: int, seed: int, at_once: int, spread: float
) -> None:
    rng = random.Random(seed)
    largest = limit - 100
    typical = (
        rng.randrange(50, largest) if spread < 0.5 else rng.randrange(50, 1 + min(largest, 3_000))
    )
    sizes = [
        min(largest, max(20, int(typical * rng.uniform(1 - spread, 1 + spread))))
        for _ in range(400)
    ]
    result = sent(posts(sizes), Way(limit, how, rng.choice([0.01, 0.1, 0.5])), at_once=at_once)  # type: ignore[arg-type]
    assert (result.applied, result.dead) == (400, 0)
    assert result.requests < 1.5 * least(sizes, limit) + 40


@BRIEFLY
@given(
    start=st.floats(0, 30),
    seconds=st.floats(0.01, 900),
    size=st.integers(100, 40_000),
    at_once=st.integers(1, 40),
)
def test_an_outage_is_not_taken_for_a_limit(
    start: float, seconds: float, size: int, at_once: int
) -> None:
    result = sent(
        posts([size] * 1_000),
        Way(1 << 40, "cut", outages=[(start, start + seconds)]),
        at_once=at_once,
    )
    assert (result.applied, result.dead) == (1_000, 0)
    assert result.backlog._batches.size.bound == MOST


def test_where_not_one_label_goes_through_a_refusal_is_the_end_and_a_cut_tried_as_usual() -> None:
    sizes = [20_000] * 30
    refused, cut = sent(posts(sizes), Way(10_000, "413")), sent(posts(sizes), Way(10_000, "cut"))
    assert (refused.applied, refused.dead, cut.applied, cut.dead) == (0, 30, 0, 30)
    assert refused.requests < 45
    assert len([1 for _, size, _ in cut.sizes if size < 20_002]) == 30 * Limits().max_attempts


def test_one_label_that_is_too_large_dies_alone() -> None:
    sizes = [1_000] * 700 + [500_000] + [1_000] * 700
    for how, requests in (("413", 20), ("cut", 40)):
        result = sent(posts(sizes), Way(256 * KB, how))  # type: ignore[arg-type]
        assert (result.applied, result.dead) == (1_400, 1)
        assert result.requests < requests


def test_a_limit_that_is_lifted_is_noticed() -> None:
    sizes = [20_000] * 10_000
    result = sent(posts(sizes), Way(256 * KB, "cut", later_limit=(20.0, 1 << 40)), at_once=2)
    assert result.applied == 10_000
    assert result.sizes[-2][1] > 2_000_000


@pytest.mark.parametrize("how", ["413", "cut"])
def test_a_limit_that_comes_in_the_middle_is_learnt(how: str) -> None:
    sizes = [20_000] * 4_000
    result = sent(posts(sizes), Way(1 << 40, how, later_limit=(1.5, 256 * KB)), at_once=2)  # type: ignore[arg-type]
    assert (result.applied, result.dead) == (4_000, 0)
    assert result.requests < 1.5 * least(sizes, 256 * KB)
