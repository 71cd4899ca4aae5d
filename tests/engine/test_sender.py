"""What follows from each answer, read-backs included: told by what the service is
asked, what it holds, and what became dead letters.
"""

from __future__ import annotations

from itertools import pairwise

import pytest

from syncer.core.limits import Limits
from syncer.core.outcome import (
    Exists,
    Halt,
    InDoubt,
    Refused,
    Rejected,
    Retriable,
)
from syncer.errors import Stopped
from tests.engine.answers import BROKEN, IN_DOUBT, ONE, each, only, posts, reasons, while_with
from tests.support.fakes import LOST, UNREACHED, Play, Service, busy
from tests.support.lines import delete, delete_all, holds, patch, post
from tests.support.pushing import Pushing, Settings

# --- items ----------------------------------------------------------------------------


def test_what_an_answer_rejects_is_dead_at_once_with_its_code_and_the_rest_is_not() -> None:
    pushing = Pushing()
    pushing.service.plays("post", only("a1", Rejected("no such concept", 21204)))
    pushing.push(posts(4))
    (letter,) = pushing.letters
    assert (letter.id, letter.reason, letter.code, letter.attempts) == (
        "a1",
        "no such concept",
        21204,
        1,
    )
    assert pushing.counts() == (3, 0, 1, 0)
    assert pushing.service.kinds() == ["post"]


def test_an_item_that_fails_each_time_is_dead_after_the_attempts_that_are_allowed() -> None:
    pushing = Pushing()
    pushing.service.always("post", only("a1", Retriable("not now", 21350)))
    process = pushing.push(posts(4))
    assert reasons(pushing) == [("a1", "not now", 4)]
    assert pushing.service.kinds() == ["post"] * 4
    assert process.engine.sender.retries == 3


def test_waits_between_attempts_grow_up_to_their_cap() -> None:
    pushing = Pushing()
    pushing.service.always("post", each(Retriable("not now")))
    settings = Settings(
        Limits(batch_size=1, linger_seconds=0.0, max_attempts=40), backoff=(0.5, 20.0)
    )
    pushing.push(posts(1), settings)
    waits = [later.at - earlier.at for earlier, later in pairwise(pushing.service.asked)]
    assert max(waits[:2]) <= 0.5 * 4 + 0.1
    assert 10.0 < max(waits) <= 20.1
    assert len(waits) == 39


def test_an_item_in_doubt_is_read_back_before_it_is_sent_again() -> None:
    pushing = Pushing()
    pushing.service.plays("post", only("a1", InDoubt("the answer does not mention it")))
    pushing.push(posts(4))
    assert pushing.service.kinds() == ["post", "look-up", "post"]
    assert [
        keys for _, keys in [(asked.kind, asked.keys) for asked in pushing.service.asked[1:]]
    ] == [(("i", "a1"),)] * 2
    assert pushing.counts() == (4, 0, 0, 0)


def test_what_is_found_when_it_is_read_back_is_not_sent_again() -> None:
    pushing = Pushing()
    pushing.service.plays("post", LOST)
    process = pushing.push(posts(3))
    assert pushing.service.kinds() == ["post", "look-up"]
    assert process.engine.sender.reconciled == 3
    assert process.engine.sender.retries == 0
    assert pushing.counts() == (3, 0, 0, 0)


def test_a_post_in_doubt_whose_id_is_there_with_other_content_is_dead_and_left_as_it_is() -> None:
    pushing = Pushing()
    pushing.service.held["i", "a0"] = holds("somebody else's")
    pushing.service.plays("post", IN_DOUBT)
    pushing.push(posts(2))
    ((id, reason, _),) = reasons(pushing)
    assert (id, reason[:8]) == ("a0", "id taken")
    assert pushing.service.held == {("i", "a0"): holds("somebody else's"), ("i", "a1"): holds()}


@pytest.mark.parametrize("line", [patch("a"), delete("a"), delete_all()])
def test_a_patch_or_a_delete_in_doubt_is_simply_sent_again(line: bytes) -> None:
    pushing = Pushing()
    pushing.service.held["i", "a"] = holds("before")
    verb = {b"pat": "overwrite", b"del": "delete"}[line[7:10]]
    verb = "delete_input" if b'"id"' not in line else verb
    pushing.service.plays(verb, LOST)
    pushing.push([line])
    assert "look-up" not in pushing.service.kinds()
    assert pushing.service.kinds().count(verb) == 2
    assert pushing.counts() == (1, 0, 0, 0)


def test_a_patch_that_answers_leave_out_is_read_back() -> None:
    pushing = Pushing()
    pushing.service.held["i", "a"] = holds("patched")
    pushing.service.always(
        "overwrite", each(InDoubt("the answer does not mention it", omitted=True))
    )
    pushing.push([patch("a")])
    assert pushing.service.kinds() == ["overwrite", "look-up"]
    assert pushing.counts() == (1, 0, 0, 0)


@pytest.mark.parametrize("action", ["overwrite", "merge", "remove"])
def test_a_patch_that_answers_leave_out_and_that_is_never_seen_is_dead_in_the_end(
    action: str,
) -> None:
    pushing = Pushing()
    pushing.service.held["i", "a"] = holds("before")
    pushing.service.always(action, each(InDoubt("the answer does not mention it", omitted=True)))
    pushing.push([patch("a", action=action)])
    assert reasons(pushing) == [("a", "the answer does not mention it", 4)]


# --- posts whose id is taken ----------------------------------------------------------


def test_a_post_whose_id_is_there_with_the_same_content_is_applied() -> None:
    pushing = Pushing()
    pushing.service.held["i", "a1"] = holds()
    process = pushing.push(posts(3))
    assert pushing.counts() == (3, 0, 0, 0)
    assert process.engine.sender.reconciled == 1
    assert pushing.service.kinds() == ["post", "look-up"]


def test_a_post_whose_id_is_there_with_other_content_is_dead_and_left_as_it_is() -> None:
    pushing = Pushing()
    pushing.service.held["i", "a1"] = holds("before")
    pushing.push(posts(3))
    ((id, reason, attempts),) = reasons(pushing)
    assert (id, reason[:8], attempts) == ("a1", "id taken", 1)
    assert pushing.service.held["i", "a1"] == holds("before")


def test_a_post_refused_as_a_duplicate_and_never_found_is_tried_again_and_dead_in_the_end() -> None:
    pushing = Pushing()
    pushing.service.always("post", each(Exists("duplicate", 40010)))
    pushing.push([post("a")])
    assert reasons(pushing) == [
        ("a", "refused as a duplicate, but not found when read back: duplicate", 4)
    ]


def test_a_post_perhaps_refused_as_a_duplicate_and_not_there_is_dead_for_what_was_said() -> None:
    pushing = Pushing()
    pushing.service.plays("post", each(Exists("bad box", 21200, certain=False)))
    pushing.push([post("a")])
    assert reasons(pushing) == [("a", "bad box", 1)]
    assert pushing.service.kinds() == ["post", "look-up", "inputs"]


def test_of_a_batch_refused_as_duplicate_what_exists_is_settled_and_the_rest_goes_at_once() -> None:
    pushing = Pushing()
    pushing.service.held["i", "a1"] = holds()
    pushing.service.plays("post", Refused("duplicate", 40010, duplicate=True))
    pushing.push(posts(4))
    assert pushing.service.kinds() == ["post", "look-up", "post"]
    assert [id for _, id in pushing.service.asked[2].keys] == ["a0", "a2", "a3"]
    assert pushing.service.asked[2].at - pushing.service.asked[0].at < 0.2
    assert pushing.counts() == (4, 0, 0, 0)


def test_a_batch_refused_as_a_duplicate_of_what_is_not_there_is_halved_until_one_is_left() -> None:
    pushing = Pushing()
    pushing.service.always("post", while_with("a1", Refused("duplicate", 40010, duplicate=True)))
    pushing.push(posts(4))
    ((id, reason, attempts),) = reasons(pushing)
    assert (id, reason, attempts) == (
        "a1",
        "refused as a duplicate, but not found when read back: duplicate",
        4,
    )
    assert pushing.counts() == (3, 0, 1, 0)


def test_patches_are_never_read_as_duplicates() -> None:
    pushing = Pushing()
    pushing.service.held["i", "a"] = holds("before")
    pushing.service.always("overwrite", Refused("duplicate concept", 40010, duplicate=True))
    pushing.push([patch("a")])
    assert reasons(pushing) == [("a", "duplicate concept", 1)]
    assert pushing.service.kinds() == ["overwrite"]


# --- whole requests -------------------------------------------------------------------


def test_a_refused_batch_is_halved_at_once_until_only_the_one_that_is_refused_is_dead() -> None:
    pushing = Pushing()
    pushing.service.always("post", while_with("a5", Refused("a bad concept", 21204)))
    pushing.push(posts(8), Settings(Limits(batch_size=8, linger_seconds=0.0)))
    assert reasons(pushing) == [("a5", "a bad concept", 1)]
    assert [len(asked.keys) for asked in pushing.service.asked] == [8, 4, 4, 2, 2, 1, 1]
    assert pushing.time.now < 1.0


def test_a_batch_that_is_too_large_is_not_taken_for_a_size_that_went_through() -> None:
    """Half of it is tried next, and half of that."""
    pushing = Pushing()
    pushing.service.always(
        "post",
        lambda changes: Refused("too large", 413, too_large=True) if len(changes) > 4 else None,
    )
    pushing.push(posts(16), Settings(Limits(batch_size=16, linger_seconds=0.0)))
    assert [len(asked.keys) for asked in pushing.service.asked[:3]] == [16, 8, 4]
    assert pushing.counts() == (16, 0, 0, 0)


def test_what_is_too_large_is_known_for_all_that_comes_later() -> None:
    pushing = Pushing()
    pushing.service.always(
        "post",
        lambda changes: Refused("too large", 413, too_large=True) if len(changes) > 4 else None,
    )
    pushing.push(posts(64), Settings(Limits(batch_size=16, linger_seconds=0.0), concurrency=1))
    assert [len(asked.keys) for asked in pushing.service.asked].count(16) == 1
    assert pushing.counts() == (64, 0, 0, 0)


def test_a_change_that_is_too_large_by_itself_is_dead_at_once_and_what_to_look_at_is_told() -> None:
    pushing = Pushing()
    pushing.service.always("post", while_with("a1", Refused("HTTP 413", 413, too_large=True)))
    pushing.push(posts(4))
    ((id, reason, attempts),) = reasons(pushing)
    assert (id, attempts) == ("a1", 1)
    assert reason.startswith("HTTP 413; it was alone in a request of about ")
    assert pushing.counts() == (3, 0, 1, 0)


@pytest.mark.parametrize(
    "part", [None, Refused("a bad concept", 21204), each(Rejected("a bad concept", 21204))]
)
def test_whatever_the_service_says_of_a_large_request_others_as_large_need_not_wait_any_more(
    part: Play | None,
) -> None:
    pushing = Pushing(Service(latency_seconds=1.0))
    pushing.service.always("post", part)
    pushing.push(
        [post(f"a{number}", data="x" * 100_000) for number in range(18)],
        Settings(Limits(batch_size=2)),
    )
    first, second, third = (asked.at for asked in pushing.service.asked[:3])
    assert second - first >= 1.0
    assert third - second < 0.5


def test_a_throttle_is_no_attempt_and_the_same_batch_goes_again_after_the_pause() -> None:
    pushing = Pushing()
    pushing.service.plays("post", *[busy(7)] * 20)
    process = pushing.push(posts(4), ONE)
    assert pushing.letters == []
    assert pushing.counts() == (4, 0, 0, 0)
    assert process.engine.turns.throttled == 20


def test_refused_connections_are_no_attempts() -> None:
    pushing = Pushing()
    pushing.service.plays("post", *[UNREACHED] * 20)
    pushing.push(posts(4))
    assert pushing.letters == []
    assert pushing.counts() == (4, 0, 0, 0)
    assert "look-up" not in pushing.service.kinds()


def test_an_outage_of_answers_is_no_attempt_of_anything() -> None:
    pushing = Pushing()
    for kind in ("post", "look-up", "inputs"):
        pushing.service.plays(kind, *[BROKEN] * 10)
    pushing.push(posts(8), ONE)
    assert pushing.letters == []
    assert pushing.counts() == (8, 0, 0, 0)


def test_a_change_whose_request_fails_while_all_else_is_well_is_dead_in_the_end_it_alone() -> None:
    pushing = Pushing()
    pushing.service.always("post", while_with("a5", IN_DOUBT))
    pushing.push(posts(8), Settings(Limits(batch_size=8, linger_seconds=0.0, max_attempts=4)))
    assert reasons(pushing) == [("a5", "HTTP 502", 4)]
    assert pushing.counts() == (7, 0, 1, 0)


@pytest.mark.parametrize("line", [patch("a"), delete("a")])
def test_a_last_change_that_fails_alone_is_an_attempt_once_the_service_was_asked_whether_it_is_well(
    line: bytes,
) -> None:
    pushing = Pushing()
    pushing.service.held["i", "a"] = holds("before")
    kind = "delete" if b"delete" in line else "overwrite"
    pushing.service.always(kind, BROKEN)
    pushing.push([line])
    assert reasons(pushing) == [("a", "HTTP 500", 4)]
    assert pushing.service.kinds() == [kind, "inputs"] * 4


def test_where_the_service_is_not_well_when_asked_nothing_was_an_attempt() -> None:
    pushing = Pushing()
    pushing.service.held["i", "a"] = holds("before")
    pushing.service.always("overwrite", BROKEN)
    pushing.service.always("inputs", BROKEN)
    process = pushing.push([patch("a")])
    assert isinstance(process.error, Stopped)
    assert pushing.letters == []
    assert pushing.counts() == (0, 0, 0, 1)


def test_a_halt_keeps_the_batch_and_no_attempt_is_counted() -> None:
    pushing = Pushing()
    pushing.service.plays("post", Halt("the hourly limit is reached", 11006, "account"))
    process = pushing.push(posts(3))
    assert "the hourly limit is reached" in str(process.error)
    assert pushing.counts() == (0, 0, 0, 0)
    assert pushing.push(posts(3)).error is None
    assert pushing.counts() == (3, 0, 0, 0)


def test_a_halt_that_answers_a_look_up_ends_the_run_and_what_was_asked_for_stays_in_doubt() -> None:
    pushing = Pushing()
    pushing.service.plays("post", LOST)
    pushing.service.plays("look-up", Halt("the hourly limit is reached", 11006, "account"))
    process = pushing.push(posts(3))
    assert isinstance(process.error, Stopped)
    assert pushing.push(posts(3)).error is None
    assert pushing.service.kinds() == ["post", "look-up", "look-up"]
    assert pushing.counts() == (3, 0, 0, 0)
