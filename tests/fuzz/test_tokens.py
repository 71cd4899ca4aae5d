"""Whatever an auth server answers: a token that a header can hold, a refusal, or why
there is none; no secret in any message.
"""

from __future__ import annotations

import json
import math
import random

import anyio
from hypothesis import given
from hypothesis import strategies as st

from syncer.core.ports.wire import NoReply, Reply, Request
from syncer.transport.oauth import TRIES_MAX, Tokens
from tests.fuzz.outside import FUZZED, STATUSES, dumped, mangled, trees

SECRET = "client-s3cret"
GRANT = {
    "access_token": "acc3ss-token",
    "token_type": "bearer",
    "expires_in": 3600,
    "refresh_token": "r3fresh-token",
}
LIVES = (
    st.sampled_from([0, -1, 60, "60", 10**400, -(10**400), "1e999", "nan", "-inf", None, [], True])
    | st.floats(min_value=1)
    | st.floats(max_value=0)
)
GRANTS = st.builds(
    lambda token, life, refresh: dumped(
        {**GRANT, "access_token": token, "expires_in": life, "refresh_token": refresh}
    ),
    st.sampled_from(["t", "t t", "", "é", "\ud800", "a\r\nb", 7, None]) | st.text(max_size=5),
    LIVES,
    st.sampled_from(["r", "\ud800", "", 7, None]),
)
BODIES = (
    GRANTS
    | st.just(dumped(GRANT)).flatmap(mangled)
    | st.sampled_from(
        [b'{"error":"invalid_client"}', b'{"error":"client-s3cret r3fresh-token"}', b"<html>", b""]
    )
    | trees("access_token", "expires_in", "refresh_token", "error").map(dumped)
    | st.binary(max_size=30)
)
ANSWERS = st.builds(Reply, STATUSES, BODIES) | st.just(NoReply("reset", sent=True))


@FUZZED
@given(st.lists(ANSWERS, min_size=1, max_size=8), st.integers(1, 4), st.booleans())
def test_any_answers_end_in_a_token_a_refusal_or_a_reason(
    answers: list[Reply | NoReply], times: int, refused: bool
) -> None:
    asked = 0

    async def ask(headers: dict[str, str], request: Request) -> Reply | NoReply:
        nonlocal asked
        assert all(value.isascii() and value.isprintable() for value in headers.values())
        asked += 1
        return answers[(asked - 1) % len(answers)]

    async def sleep(seconds: float) -> None:
        assert 0 <= seconds < 60

    async def run() -> None:
        tokens = Tokens("client", SECRET, clock=lambda: 1000.0, sleep=sleep, rng=random.Random(1))
        last = ""
        for _ in range(times):
            before = asked
            found = await tokens.access(ask, refused=last if refused else "")
            assert asked - before <= 4 * TRIES_MAX
            if isinstance(found, str):
                last = found
                assert found.isascii()
                assert found.isprintable()
                assert found
            elif isinstance(found, Reply):
                assert found.status in (401, 429)
                assert found.status == 429 or not any(
                    word in found.body.decode() for word in (SECRET, "t0ken", "r3fresh")
                )
            else:
                assert not found.sent
                assert not any(word in found.reason for word in (SECRET, "acc3ss", "r3fresh"))
            assert not any(word in repr(tokens) for word in (SECRET, "acc3ss", "r3fresh"))

    anyio.run(run)


@FUZZED
@given(LIVES)
def test_a_token_whose_life_makes_no_sense_is_used_until_it_is_refused(life: object) -> None:
    asked = 0

    async def ask(headers: dict[str, str], request: Request) -> Reply:
        nonlocal asked
        asked += 1
        return Reply(200, json.dumps({"access_token": "t", "expires_in": life}).encode())

    async def run() -> None:
        tokens = Tokens("client", SECRET, clock=lambda: 1000.0, rng=random.Random(1))
        assert await tokens.access(ask) == "t"
        try:
            seconds = float(life)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            seconds = float("nan")
        expired = math.isfinite(seconds) and seconds <= 0
        assert (tokens.at_hand() == "") == expired

    anyio.run(run)
