"""The official JSON client against the emulator: it cannot tell it from the service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from syncer.emulator import Emulator
from tests.emulator import holding, reading, writing
from tests.emulator.official import Client, emulated
from tests.emulator.seen import MADE_BY_A_MODEL, Check, checks, needs_loaded

CHECKS = checks(writing, reading, holding)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    folder: Path = tmp_path_factory.mktemp("load")
    with emulated(load={"alice/loaded": MADE_BY_A_MODEL}, folder=folder) as server:
        yield server


@pytest.mark.parametrize(
    "check",
    [check for check in CHECKS if not needs_loaded(check)],
    ids=lambda check: check.__name__.removeprefix("check_"),
)
def test_the_official_client_sees(server: Emulator, check: Check) -> None:
    server.clarifai.forget("alice", "animals")
    check(Client(server.url))


@pytest.mark.parametrize(
    "check",
    [check for check in CHECKS if needs_loaded(check)],
    ids=lambda check: check.__name__.removeprefix("check_"),
)
def test_the_official_client_sees_of_what_was_loaded(server: Emulator, check: Check) -> None:
    check(Client(server.url, app_id="loaded"))
