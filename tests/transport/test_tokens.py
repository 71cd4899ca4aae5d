"""A token that may be replaced while requests go."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from syncer.core.ports.wire import NoReply, Reply, Request
from syncer.core.token import is_token
from syncer.errors import UsageError
from syncer.transport.http import HttpTransport
from syncer.transport.tokens import LOOK_SECONDS, FixedToken, TokenFile, TokenTransport
from tests.support.turns import UNPACED, CountedTurn

pytestmark = pytest.mark.anyio


class Held:
    """A file with a token, and a clock."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "token"
        self.now = 100.0
        self.told: list[str] = []
        self._written = 0
        self.write("first")
        self.tokens = TokenFile(self.path, self.read, self.told.append, clock=lambda: self.now)

    def write(self, token: str) -> None:
        self.path.write_text(token)
        self._written += 1
        os.utime(self.path, ns=(self._written, self._written))

    def read(self) -> str:
        """Return what the file holds, as the places of the config do."""
        text = self.path.read_text() if self.path.exists() else ""
        if not is_token(text):
            raise UsageError("no token")
        return text


@pytest.fixture
def held(tmp_path: Path) -> Held:
    return Held(tmp_path)


class Service:
    """A service that takes one token."""

    hidden_retries = 0

    def __init__(self, good: str) -> None:
        self.good = good
        self.keys: list[str] = []

    async def send_with(
        self, headers: Mapping[str, str], request: Request, turn: object
    ) -> Reply | NoReply:
        self.keys.append(headers["Authorization"])
        return Reply(200 if self.keys[-1] == f"Key {self.good}" else 401, b"")


def to(service: Service, tokens: Any) -> TokenTransport:
    return TokenTransport(
        cast(HttpTransport, service), "Key", tokens, lambda reply: reply.status == 401
    )


GET = Request("GET", "/")


# --- the file -------------------------------------------------------------------------


def test_a_file_that_has_changed_is_read_again_within_a_second(held: Held) -> None:
    held.write("second")
    assert held.tokens.token() == "first"
    held.now += LOOK_SECONDS
    assert held.tokens.token() == "second"
    assert held.told == ["second"]


async def test_a_file_whose_token_was_refused_is_read_again_at_once(held: Held) -> None:
    held.write("second")
    assert await held.tokens.fetch("first") == "second"
    assert held.tokens.token() == "second"


async def test_the_token_that_was_refused_replaces_nothing(held: Held) -> None:
    assert await held.tokens.fetch("first") == ""
    assert held.told == []


async def test_requests_that_were_under_way_when_it_was_replaced_are_told_so(held: Held) -> None:
    held.write("second")
    assert await held.tokens.fetch("first") == "second"
    assert await held.tokens.fetch("first") == "second"
    assert held.told == ["second"]


@pytest.mark.parametrize("text", ["", "two words", "\n"])
async def test_what_is_no_token_changes_nothing(held: Held, text: str) -> None:
    held.write(text)
    assert await held.tokens.fetch("first") == ""
    held.now += LOOK_SECONDS
    assert held.tokens.token() == "first"


@pytest.mark.parametrize("refused", [True, False])
async def test_a_part_of_a_token_is_used_until_it_is_refused_or_a_second_has_passed(
    held: Held, refused: bool
) -> None:
    held.write("sec")
    assert await held.tokens.fetch("first") == "sec"
    held.write("second")
    assert held.tokens.token() == "sec"
    if refused:
        assert await held.tokens.fetch("sec") == "second"
    else:
        held.now += LOOK_SECONDS
    assert held.tokens.token() == "second"


def test_a_file_that_is_gone_for_a_while_changes_nothing(held: Held) -> None:
    held.path.unlink()
    held.now += LOOK_SECONDS
    assert held.tokens.token() == "first"
    held.write("second")
    held.now += LOOK_SECONDS
    assert held.tokens.token() == "second"


def test_a_file_without_a_token_is_refused_at_the_start(held: Held) -> None:
    held.write("")
    with pytest.raises(UsageError):
        TokenFile(held.path, held.read, held.told.append)


def test_no_token_is_shown(held: Held) -> None:
    shown = repr(held.tokens) + repr(FixedToken("hush")) + repr(to(Service(""), held.tokens))
    assert "first" not in shown
    assert "hush" not in shown


# --- requests -------------------------------------------------------------------------


async def test_a_request_whose_token_was_refused_goes_again_in_another_turn(held: Held) -> None:
    service, turn = Service("second"), CountedTurn()
    transport = to(service, held.tokens)
    held.write("second")
    assert await transport.send(GET, turn) == Reply(200, b"")
    assert (service.keys, turn.gone) == (["Key first", "Key second"], [True])
    assert transport.hidden_retries == 1


async def test_a_request_goes_again_once_only(held: Held) -> None:
    service = Service("third")
    held.write("second")
    reply = await to(service, held.tokens).send(GET, UNPACED)
    assert (reply, len(service.keys)) == (Reply(401, b""), 2)


@pytest.mark.parametrize("fixed", [True, False])
async def test_a_refused_token_that_has_no_successor_is_said_at_once(
    held: Held, fixed: bool
) -> None:
    service = Service("second")
    reply = await to(service, FixedToken("first") if fixed else held.tokens).send(GET, UNPACED)
    assert (reply, service.keys) == (Reply(401, b""), ["Key first"])


async def test_a_request_goes_with_the_token_of_when_its_turn_has_come(held: Held) -> None:
    class LongTurn(CountedTurn):
        """A turn for which the file is written once more meanwhile."""

        async def another(self, *, gone: bool) -> None:
            held.write("third")
            held.now += LOOK_SECONDS

    service = Service("third")
    held.write("second")
    assert await to(service, held.tokens).send(GET, LongTurn()) == Reply(200, b"")
    assert service.keys == ["Key first", "Key third"]
