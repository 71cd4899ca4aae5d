"""Posts that are refused in words that do not say why: those of an input that is being
processed wait for it, the others are dead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import anyio
import pytest

from syncer.core.change import Change
from syncer.core.limits import Limits
from syncer.core.outcome import Exists, Outcome, Refused, Verdict
from syncer.engine import refusals
from tests.engine.answers import BROKEN, each, posts, reasons, while_with
from tests.support.fakes import Play
from tests.support.lines import patch, post
from tests.support.pushing import Process, Pushing, Settings

ITEM: Outcome = Exists("invalid", 24155, certain=False)
WHOLE = Refused("invalid", 11102)
READY_AFTER = 0.3
WHOLE_AT_ONCE = Settings(Limits(batch_size=8, linger_seconds=0.0))


@pytest.mark.parametrize("refuse", [lambda _: WHOLE, each(ITEM)])
def test_they_wait_for_an_input_that_is_being_processed(
    refuse: Callable[[Sequence[Change]], Verdict],
) -> None:
    pushing = Pushing()
    service = pushing.service
    service.processing.add("i")
    service.always("post", lambda changes: refuse(changes) if service.processing else None)

    async def ready(_: Process) -> None:
        await anyio.sleep(READY_AFTER)
        service.processing.clear()

    pushing.push(posts(4), meanwhile=ready)
    assert pushing.counts() == (4, 0, 0, 0)


def test_one_that_was_sent_before_its_input_was_ready_goes_once_more() -> None:
    """It is ready by the time that the question about it is answered."""
    pushing = Pushing()
    pushing.service.processing.add("i")
    asked = 0

    def refuse(_: object) -> Verdict | None:
        nonlocal asked
        asked += 1
        if asked == 2:
            pushing.service.processing.clear()
        return WHOLE if asked < 3 else None

    pushing.service.always("post", refuse)
    pushing.push([post("a")])
    assert pushing.service.kinds() == ["post", "inputs", "post", "inputs", "post"]
    assert pushing.counts() == (1, 0, 0, 0)


def test_one_that_is_refused_though_its_input_is_ready_is_dead_for_what_was_said() -> None:
    pushing = Pushing()
    pushing.service.processing.add("i")
    asked = 0

    def refuse(_: object) -> Verdict:
        nonlocal asked
        asked += 1
        if asked == 2:
            pushing.service.processing.clear()
        return WHOLE

    pushing.service.always("post", refuse)
    pushing.push([post("a")])
    assert reasons(pushing) == [("a", "invalid", 3)]
    assert pushing.service.kinds() == ["post", "inputs"] * 3


def test_one_whose_input_became_ready_between_two_looks_goes_once_more() -> None:
    """Another was seen to be processed, this one never: its post was early, too."""
    pushing = Pushing()
    pushing.service.processing.add("other")
    early = {"b": 1}

    def refuse(changes: Sequence[Change]) -> Verdict | None:
        ids = {change.id for change in changes}
        if "b" in ids and early["b"]:
            early["b"] -= 1
            return WHOLE
        if "a" in ids and pushing.service.processing:
            return WHOLE
        return None

    async def ready(_: Process) -> None:
        await anyio.sleep(READY_AFTER)
        pushing.service.processing.clear()

    pushing.service.always("post", refuse)
    one_each = Settings(Limits(batch_size=1, linger_seconds=0.0))
    pushing.push([post("a", "other"), post("b")], one_each, meanwhile=ready)
    assert pushing.counts() == (2, 0, 0, 0)


def test_nobody_asks_for_an_input_that_took_the_label_beside() -> None:
    pushing = Pushing()
    pushing.service.always("post", while_with("a5", WHOLE))
    pushing.push(posts(8), WHOLE_AT_ONCE)
    assert reasons(pushing) == [("a5", "invalid", 1)]
    assert "inputs" not in pushing.service.kinds()


def test_an_input_that_is_forgotten_among_others_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(refusals, "INPUTS_MAX", 2)
    pushing = Pushing()
    pushing.service.always("post", while_with("a3", WHOLE))
    lines = [post(f"a{number}", input_id) for number, input_id in enumerate("ijki")]
    pushing.push(lines, WHOLE_AT_ONCE)
    assert reasons(pushing) == [("a3", "invalid", 1)]
    assert [asked.keys for asked in pushing.service.of("inputs")] == [(("i", ""),)]


@pytest.mark.parametrize(("answer", "attempts"), [(Refused("no such filter", 400), 1), (BROKEN, 2)])
def test_where_inputs_cannot_be_asked_for_they_are_dead_if_that_is_refused_and_wait_if_it_failed(
    answer: Play, attempts: int
) -> None:
    pushing = Pushing()
    pushing.service.always("post", WHOLE)
    pushing.service.plays("inputs", answer)
    pushing.push([post("a")])
    assert reasons(pushing) == [("a", "invalid", attempts)]


def test_a_patch_is_not_refused_for_an_input() -> None:
    pushing = Pushing()
    pushing.service.always("overwrite", WHOLE)
    pushing.push([patch("a")])
    assert pushing.service.kinds() == ["overwrite"]
