"""The questions find out how the stand-in behaves, for each value of its switches."""

from __future__ import annotations

import json
import random
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest

from syncer.emulator import Emulator, read_profile
from syncer.emulator.settings import FAULTS as KINDS
from syncer.emulator.settings import SWITCHES
from syncer.errors import UsageError
from syncer.jobs.limiters import Limiters
from syncer.jobs.probe.job import Probing
from syncer.jobs.probe.limits import BEYOND_THE_LIMIT, NEVER
from syncer.jobs.probe.line import REQUESTS_MAX
from syncer.jobs.probe.probed import Probed
from syncer.jobs.probe.profile import write_profile
from syncer.jobs.signals import Take
from tests.support.emulated import (
    APP_ID,
    TOKEN,
    URL,
    USER,
    EmulatedTransport,
    Killed,
    configure,
    emulate,
    opening,
    write_empty_log,
)
from tests.support.virtual import VirtualTime

DEFAULTS = {name: values[0] for name, values in SWITCHES.items()}
SMALL = frozenset(
    [
        "inputs",
        "no-input-code",
        "pending-input",
        "post",
        "duplicate-id",
        "duplicate-code",
        "id-scope",
        "id-charset",
        "id-length",
        "caller",
        "unknown-fields",
        "answer",
        "answer-order",
        "failed-item",
        "patch-code",
        "mixed-http",
        "failed-http",
        "float32",
        "masks",
        "region-merge",
        "remove-without-ids",
        "patch-missing",
        "read-lag",
        "delete-lag",
        "list-order",
        "items-over",
        "per-page",
        "search-hits",
        "search-times",
        "search-window",
        "search-window-size",
    ]
)
"""What nobody sees where no label is small enough."""
HIDES: tuple[tuple[dict[str, str], frozenset[str]], ...] = (
    ({"duplicate-id": "request"}, frozenset({"duplicate-code"})),
    ({"duplicate-id": "replace"}, frozenset({"duplicate-code", "id-scope"})),
    ({"inputs": "make", "pending-input": "accept"}, frozenset({"no-input-code"})),
    ({"inputs": "make", "input-lag": "0"}, frozenset({"no-input-code"})),
    ({"input-lag": "0"}, frozenset({"pending-input"})),
    ({"post": "atomic"}, frozenset({"duplicate-code", "no-input-code"})),
    (
        {"answer": "none"},
        frozenset(
            [
                "duplicate-code",
                "no-input-code",
                "answer-order",
                "failed-item",
                "patch-code",
                "mixed-http",
            ]
        ),
    ),
    ({"answer": "bare", "failed-item": "ids"}, frozenset({"failed-item"})),
    ({"answer": "bare", "failed-item": "whole"}, frozenset({"failed-item"})),
    ({"answer": "extra"}, frozenset({"failed-http"})),
    ({"answer": "doubled"}, frozenset({"failed-http"})),
    ({"search-window": "none"}, frozenset({"search-window-size"})),
    ({"body-limit": "100"}, SMALL),
)
"""Which switches hide which: the first set to these values, the others do not show."""


def visible(set_to: Mapping[str, str]) -> dict[str, str | None]:
    """What a probe is to find out; None: that it cannot."""
    settings = {**DEFAULTS, **set_to}
    hidden = {*NEVER, *BEYOND_THE_LIMIT}
    for by, what in HIDES:
        if all(settings[name] == value for name, value in by.items()):
            hidden |= what
    return {name: None if name in hidden else value for name, value in settings.items()}


def probing(transport: EmulatedTransport, **options: bool) -> Probing:
    """A probe over this transport."""
    return Probing(configure(), Limiters(), open_app=opening(transport), **options)


def run(transport: EmulatedTransport, **options: bool) -> Probed:
    """A whole probe."""
    job = probing(transport, **options)
    probed = VirtualTime().run(lambda: job.run(lambda told: None))
    assert probed is not None
    return probed


def probe(
    set_to: Mapping[str, str], folder: Path, *, faults: str = "", seed: int = 0
) -> tuple[Probed, EmulatedTransport]:
    """A probe of a stand-in that is set so."""
    spec = ",".join([*(f"{name}={value}" for name, value in set_to.items()), faults])
    loads = (write_empty_log(folder),) if set_to.get("apps") == "loaded" else ()
    transport = EmulatedTransport(emulate(spec, seed=seed, load=loads))
    return run(transport), transport


def found(probed: Probed) -> dict[str, str | None]:
    """What it found out."""
    assert probed.error is None
    return {each.switch: each.value for each in probed.in_order()}


def is_clean(transport: EmulatedTransport) -> bool:
    """Whether nothing is left in any app."""
    return all(
        not app.inputs and not app.annotations for app in transport.emulator.clarifai._apps.values()
    )


EACH = [(name, value) for name, values in SWITCHES.items() for value in values]
FAULTS = ",".join(f"{name}=0.0042" for name in KINDS if name != "slow")
"""All kinds that change an answer, in one of twenty requests."""


def settings_of(rng: random.Random, count: int) -> dict[str, str]:
    """So many switches, none of them as it is by default."""
    return {name: rng.choice(SWITCHES[name][1:]) for name in rng.sample(sorted(SWITCHES), count)}


def name_settings(set_to: dict[str, str]) -> str:
    """As `--faults` would have them."""
    return ",".join(f"{name}={value}" for name, value in set_to.items())


@pytest.mark.parametrize(("name", "value"), EACH)
def test_a_probe_finds_each_value_of_each_switch_and_leaves_nothing(
    name: str, value: str, tmp_path: Path
) -> None:
    probed, transport = probe({name: value}, tmp_path)
    assert found(probed) == visible({name: value})
    assert is_clean(transport)
    assert probed.requests == len(transport.sent) <= REQUESTS_MAX


PAIRS = [settings_of(random.Random(seed), 2) for seed in range(40)]


@pytest.mark.parametrize("set_to", PAIRS, ids=name_settings)
def test_a_probe_finds_two_switches_that_are_set_at_once(
    set_to: dict[str, str], tmp_path: Path
) -> None:
    probed, transport = probe(set_to, tmp_path)
    assert found(probed) == visible(set_to)
    assert is_clean(transport)


LIMITS = [(name, value) for name in BEYOND_THE_LIMIT for value in SWITCHES[name]]


ENDS = ("huge", "11004")
"""Throttles that end each run, where they come by themselves."""


@pytest.mark.parametrize(
    ("name", "value", "faults"),
    [
        (name, value, faults)
        for name, value in LIMITS
        for faults in ("", *([FAULTS] if value not in ENDS else []))
    ],
)
def test_a_probe_that_finds_the_limit_finds_how_it_throttles(
    name: str, value: str, faults: str
) -> None:
    transport = EmulatedTransport(emulate(f"{name}={value},{faults}", rps=15, seed=1))
    probed = run(transport, find_limit=True)
    expected = visible({name: value}) | {each: DEFAULTS[each] for each in BEYOND_THE_LIMIT}
    expected[name] = value
    if value == "huge":
        expected["rate-rule"] = None
    assert found(probed) == expected
    assert len(transport.sent) == probed.requests <= REQUESTS_MAX
    assert is_clean(transport)


@pytest.mark.parametrize("rule", SWITCHES["rate-rule"])
@pytest.mark.parametrize("at", [0.0, 0.2, 0.4, 0.6, 0.8])
def test_a_rule_is_found_at_any_moment_of_a_second(rule: str, at: float) -> None:
    transport = EmulatedTransport(emulate(f"rate-rule={rule}", rps=15))

    async def main() -> Probed:
        await anyio.sleep(at)
        return await probing(transport, find_limit=True).run(lambda told: None)

    probed = VirtualTime().run(main)
    assert probed is not None
    assert found(probed)["rate-rule"] == rule


def test_a_limit_that_does_not_show_is_said_to_be_unknown() -> None:
    transport = EmulatedTransport(emulate(""))
    probed = run(transport, find_limit=True)
    assert {found(probed)[each] for each in BEYOND_THE_LIMIT} == {None}
    assert "a burst of 38 requests was not throttled" in {each.seen for each in probed.told}


@pytest.mark.parametrize("seed", range(20))
def test_a_probe_finds_them_with_faults_on_the_way(seed: int, tmp_path: Path) -> None:
    set_to = settings_of(random.Random(seed), 1)
    set_to.pop("throttle-code", None)  # one of them ends each run
    probed, transport = probe(set_to, tmp_path, faults=FAULTS, seed=seed)
    assert found(probed) == visible(set_to)
    assert is_clean(transport)
    assert probed.requests <= REQUESTS_MAX


@pytest.mark.parametrize("seed", range(3))
def test_a_stand_in_that_is_like_a_profile_has_the_same_profile(seed: int, tmp_path: Path) -> None:
    set_to = settings_of(random.Random(seed), 8) | {"body-limit": "none"}
    first, _ = probe(set_to, tmp_path)
    write_profile(tmp_path / "profile.json", first.profile())
    like = read_profile(tmp_path / "profile.json")
    loads = (write_empty_log(tmp_path),)
    transport = EmulatedTransport(emulate("", load=loads, like=like))
    again = run(transport)
    assert again.profile() == first.profile()


def test_a_profile_holds_nothing_of_the_users(tmp_path: Path) -> None:
    set_to = {"failed-item": "whole", "masks": "url", "duplicate-id": "item", "post": "atomic"}
    probed, transport = probe(set_to, tmp_path)
    text = json.dumps(probed.profile())
    private = [TOKEN, URL, URL.partition("//")[2], USER, APP_ID, "emulator-user"]
    paths = {word for sent in transport.sent for word in sent.path.split("/")}
    assert [word for word in private if word in text] == []
    run_names = {word for word in paths if word.startswith(("syncer-probe-", "probe-"))}
    assert run_names
    assert [word for word in run_names if word in text] == []


# --- an app that is not empty ---------------------------------------------------------


def hold(emulator: Emulator, *names: str) -> None:
    """The app holds these inputs."""
    app = emulator.clarifai.app(USER, APP_ID)
    for name in names:
        app.inputs[name] = {"id": name, "status": {"code": 30000}}


def test_an_app_with_other_inputs_is_refused_before_anything_is_written() -> None:
    transport = EmulatedTransport(emulate(""))
    hold(transport.emulator, "a-photo")
    probed = run(transport)
    assert probed.exit_code == 1
    assert "--among-others" in str(probed.error)
    assert {sent.method for sent in transport.sent} == {"GET"}


def test_other_inputs_are_left_alone_where_they_are_allowed() -> None:
    transport = EmulatedTransport(emulate(""))
    others = ["a-photo", "syncer-probe-notes", "zebra"]
    hold(transport.emulator, *others)
    probed = run(transport, among_others=True)
    assert found(probed) == visible({})
    assert sorted(transport.emulator.clarifai.app(USER, APP_ID).inputs) == others


def test_what_an_earlier_run_left_is_named_and_stays() -> None:
    transport = EmulatedTransport(emulate(""))
    hold(transport.emulator, "syncer-probe-0a1b2c-1")
    probed = run(transport)
    assert probed.exit_code == 0
    assert probed.earlier == ["syncer-probe-0a1b2c-1"]
    assert list(transport.emulator.clarifai.app(USER, APP_ID).inputs) == ["syncer-probe-0a1b2c-1"]


# --- runs that end early --------------------------------------------------------------


@pytest.mark.parametrize("after", [4, 7, 12, 30, 55, 70])
@pytest.mark.parametrize("faults", ["", "body-limit=100,input-lag=2", "error=0.1"])
def test_clean_leaves_nothing_of_a_run_that_was_killed(after: int, faults: str) -> None:
    transport = EmulatedTransport(emulate(faults, seed=after))
    transport.dies_after = after
    with pytest.raises(Killed):
        run(transport)
    transport.dies_after = None
    hold(transport.emulator, "a-photo")
    cleaned = VirtualTime().run(lambda: probing(transport).clean())
    assert cleaned is not None
    assert (cleaned.exit_code, cleaned.left) == (0, [])
    assert list(transport.emulator.clarifai.app(USER, APP_ID).inputs) == ["a-photo"]


@pytest.mark.parametrize("after", [1, 4, 7, 12, 30, 55, 62])
def test_an_interrupted_run_removes_what_it_made(after: int) -> None:
    transport = EmulatedTransport(emulate(""))
    heard: list[Take] = []

    @contextmanager
    def listen(take: Take) -> Iterator[None]:
        heard.append(take)
        yield

    transport.at_request = after, lambda: heard[0](signal.SIGINT)
    probed = VirtualTime().run(lambda: probing(transport).run(lambda told: None, signals=listen))
    assert probed is not None
    assert (probed.exit_code, probed.left) == (130, [])
    assert is_clean(transport)
    assert not probed.whole


def test_an_outage_stops_a_run_and_what_is_left_is_named() -> None:
    transport = EmulatedTransport(emulate(""))
    transport.at_request = 20, lambda: transport.emulator.set_faults("reset-before=1")
    probed = run(transport)
    assert probed.exit_code == 1
    assert "outage" in str(probed.error)
    assert transport.emulator.clarifai.app(USER, APP_ID).inputs.keys() <= set(probed.left)


def test_an_account_limit_stops_a_run_with_the_words_of_a_check() -> None:
    transport = EmulatedTransport(emulate("throttle-code=11004,throttle=1"))
    probed = run(transport)
    assert probed.exit_code == 1
    assert "settle that with the service" in str(probed.error)
    assert probed.requests == 1


def test_a_service_where_nothing_is_plain_never_costs_more_than_a_run_may() -> None:
    transport = EmulatedTransport(emulate("error=0.4,partial=0.4", seed=3))
    probed = run(transport)
    assert len(transport.sent) <= REQUESTS_MAX
    assert is_clean(transport)
    assert probed.exit_code == 0


# --- profiles that are wrong ----------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not JSON"),
        ("[]", "not a profile of `syncer probe`"),
        ("{}", "not a profile of `syncer probe`"),
        ('{"format":"syncer-probe","version":2}', "of version 2"),
        ('{"format":"syncer-probe","version":1}', '"switches" must be an object'),
        (
            '{"format":"syncer-probe","version":1,"switches":{"duplicate-di":"item"}}',
            "did you mean duplicate-id?",
        ),
        (
            '{"format":"syncer-probe","version":1,"switches":{"post":"both"}}',
            "it is one of partial, atomic",
        ),
        ('{"format":"syncer-probe","version":1,"switches":{"post":null}}', "is None"),
    ],
)
def test_a_profile_that_is_wrong_is_refused_with_the_reason(
    text: str, why: str, tmp_path: Path
) -> None:
    (tmp_path / "p.json").write_text(text)
    with pytest.raises(UsageError) as refused:
        read_profile(tmp_path / "p.json")
    assert "p.json" in str(refused.value)
    assert why in str(refused.value)


def test_faults_go_over_a_profile() -> None:
    emulator = emulate("post=atomic", like="post=partial,answer=none")
    switches = emulator.clarifai.service.switches
    assert (switches["post"], switches["answer"]) == ("atomic", "none")
    emulator.set_faults("error=0.1")
    switches = emulator.clarifai.service.switches
    assert (switches["post"], switches["answer"]) == ("partial", "none")
