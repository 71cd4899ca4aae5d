"""Which lanes another config begins, changes and ends: from two texts to names."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncer.config import Loaded, load
from syncer.daemon.differences import (
    LaneChanges,
    compare_plans,
    find_predecessors,
    list_restart_keys,
    plan_lanes,
)
from syncer.errors import UsageError

LANE = '[[destinations]]\nname = "{0}"\napp_id = "{0}"\ntoken_env = "PAT"\n'
LOG = '[[sources]]\nname = "log-{0}"\nkind = "changelog"\nlane = "{0}"\npath = "{0}"\n'
A, B, C = (LANE.format(name) + LOG.format(name) for name in "abc")
ONLY = '[clarifai]\napp_id = "x"\n'


class Texts:
    """Reads configs."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "syncer.toml"
        self.environment = {"PAT": "a", "OTHER": "b", "CLARIFAI_PAT": "c"}

    def load(self, text: str) -> Loaded:
        self._path.write_text(text)
        return load(self._path, self.environment, {})

    def compare(self, old: str, new: str) -> LaneChanges:
        return compare_plans(plan_lanes(self.load(old)), plan_lanes(self.load(new)))

    def predecessors(self, old: str, new: str) -> dict[str, set[str]]:
        before, after = plan_lanes(self.load(old)), plan_lanes(self.load(new))
        return find_predecessors(before, after, compare_plans(before, after))


@pytest.fixture
def texts(tmp_path: Path) -> Texts:
    return Texts(tmp_path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (A + B, f"# a comment\n\n{B}{A}"),
        (A, LANE.format("a") + LOG.format("a").replace('lane = "a"\n', "")),
        (A, A + "[push]\nbatch_size = 128\n[annotell]\nrequests_per_second = 3\n"),
        (A, A + '[daemon]\ndrain_seconds = 3\nlisten = "127.0.0.1:1"\n'),
        (ONLY, f'{ONLY}base_url = "https://api.clarifai.com/"\n'),
    ],
)
def test_what_says_the_same_in_other_words_changes_nothing(
    old: str, new: str, texts: Texts
) -> None:
    """Neither the order of tables, nor a default that is written out, nor a key that is
    not about lanes.
    """
    assert texts.compare(old, new) == LaneChanges()


@pytest.mark.parametrize(
    "more",
    [
        "[push]\nlinger_seconds = 1\n",
        "[retry]\nmax_attempts = 3\n",
        "[daemon]\ninbox_bytes_max = 5\n",
    ],
)
def test_a_setting_of_all_lanes_changes_all_lanes(more: str, texts: Texts) -> None:
    assert texts.compare(A + B, A + B + more) == LaneChanges(changed=("a", "b"))


@pytest.mark.parametrize(
    "new",
    [
        LANE.format("a"),
        A.replace('path = "a"', 'path = "b"'),
        A + LOG.format("a").replace("log-a", "more"),
        A.replace('"PAT"', '"OTHER"'),
        A.replace("[[sources]]", "requests_per_second = 3\n[[sources]]"),
        A + "poll_seconds = 9\n",
    ],
)
def test_what_is_of_one_lane_changes_that_lane(new: str, texts: Texts) -> None:
    assert texts.compare(B + A, B + new) == LaneChanges(changed=("a",))


def test_lanes_that_come_and_go_are_named_in_the_order_of_the_config(texts: Texts) -> None:
    assert texts.compare(A + B, C + A) == LaneChanges(added=("c",), removed=("b",))
    assert texts.compare(ONLY, A + B) == LaneChanges(added=("a", "b"), removed=("clarifai",))


def test_another_token_in_the_same_place_changes_the_lane_and_another_in_its_file_does_not(
    texts: Texts, tmp_path: Path
) -> None:
    """A file is read again by the lane itself."""
    before = plan_lanes(texts.load(A))
    texts.environment["PAT"] = "rotated"
    assert compare_plans(before, plan_lanes(texts.load(A))).changed == ("a",)
    token = tmp_path / "token"
    token.write_text("first")
    of_file = A.replace("token_env", "token_file").replace("PAT", str(token))
    before = plan_lanes(texts.load(of_file))
    token.write_text("second")
    assert compare_plans(before, plan_lanes(texts.load(of_file))) == LaneChanges()


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (A, A.replace('app_id = "a"', 'app_id = "z"'), "app z: give the new one a name"),
        (A, A.replace("[[sources]]", 'user_id = "you"\n[[sources]]'), "user you, app a: give"),
        (ONLY, LANE.format("clarifai").replace('app_id = "clarifai"', 'app_id = "x"'), "state in"),
        (A, A.replace("PAT", "NOBODY"), "no token"),
        (A, A + LANE.format("b").replace('app_id = "b"\n', ""), None),
    ],
)
def test_a_lane_keeps_its_app_and_its_state_and_has_a_token(
    old: str, new: str, why: str | None, texts: Texts
) -> None:
    """A new lane is checked by what makes it."""
    if why is None:
        assert texts.compare(old, new).added == ("b",)
        return
    with pytest.raises(UsageError, match=why):
        texts.compare(old, new)


def test_a_lane_waits_for_those_that_end_before_it_reads_what_they_read_or_goes_to_their_app(
    texts: Texts,
) -> None:
    swapped = (A + B).replace('path = "a"', "path = 1").replace('path = "b"', 'path = "a"')
    swapped = swapped.replace("path = 1", 'path = "./b"')
    assert texts.predecessors(A + B, swapped) == {"a": {"b"}, "b": {"a"}}
    renamed = A.replace('name = "a"', 'name = "z"').replace('lane = "a"', 'lane = "z"')
    assert texts.predecessors(A + B, renamed + B) == {"z": {"a"}}
    assert texts.predecessors(A + B, A + C + "expected_every_seconds = 3\n") == {"c": set()}


def test_keys_of_the_process_are_named_and_hold_after_a_restart(texts: Texts) -> None:
    old = texts.load(A)
    new = texts.load(
        A + '[daemon]\nlisten = "127.0.0.1:1"\nbody_bytes_max = 9\ndrain_seconds = 3\n'
        '[state]\ndir = "z"\n'
    )
    keys = ("daemon.listen", "daemon.body_bytes_max", "state.dir")
    assert list_restart_keys(old, new) == keys
    assert list_restart_keys(old, old) == ()
