"""Which files a pull of the same [state] dir wrote, by what its checkpoint says; and
which folders hold a state.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from syncer.config import load
from syncer.errors import StateError, UsageError
from syncer.jobs.compare.logs import logs_to_compare
from syncer.jobs.dry_run import dry_run
from syncer.jobs.limiters import Limiters
from syncer.jobs.ours import OnDisk
from syncer.jobs.push import PushLane
from syncer.jobs.push_parts import push_parts
from syncer.journal import checkpoint
from syncer.journal.checkpoint import Checkpoint
from syncer.journal.journal import Journal
from tests.journal.made import HERE
from tests.support.lines import post


def pulled(state: Path, one: Checkpoint, name: str = "pull-0123") -> None:
    """The state of a pull within a [state] dir."""
    folder = state / name
    folder.mkdir(parents=True)
    checkpoint.write(folder, one)


def is_pulled(state: Path, path: Path) -> bool:
    return OnDisk(state).is_pulled(str(path), path.stat())


def test_an_output_is_known_by_its_place_before_it_is_whole_and_after_it_was_edited(
    tmp_path: Path,
) -> None:
    path, other = tmp_path / "out.jsonl", tmp_path / "other.jsonl"
    for one in (path, other):
        one.write_bytes(b"{}\n")
    pulled(tmp_path / "state", Checkpoint("job", out=str(path)))
    assert (is_pulled(tmp_path / "state", path), is_pulled(tmp_path / "state", other)) == (
        True,
        False,
    )


def test_a_whole_output_is_known_wherever_it_was_moved_or_copied_to_with_its_times(
    tmp_path: Path,
) -> None:
    moved = tmp_path / "moved.jsonl"
    moved.write_bytes(b"{}\n")
    status = moved.stat()
    pulled(
        tmp_path / "state",
        Checkpoint("job", out="/gone", wrote=(status.st_size, status.st_mtime_ns), done=True),
    )
    assert is_pulled(tmp_path / "state", moved)
    moved.write_bytes(b"{} \n")
    assert not is_pulled(tmp_path / "state", moved)


def test_an_output_of_an_older_version_is_known_by_the_name_of_its_job(tmp_path: Path) -> None:
    """That is where its place was noted."""
    path = tmp_path / "out of it.jsonl"
    path.write_bytes(b"{}\n")
    old = msgspec.to_builtins(Checkpoint(f"annotations of x: {{}} as jsonl to {path}", done=True))
    for name in ("out", "wrote"):
        del old[name]
    assert checkpoint.decode(checkpoint.encode(msgspec.convert(old, Checkpoint))).out == ""
    pulled(tmp_path / "state", msgspec.convert(old, Checkpoint))
    assert is_pulled(tmp_path / "state", path)


def test_a_pull_of_which_nothing_can_be_known_stops_the_walk_with_the_way_out(
    tmp_path: Path,
) -> None:
    """Its output might bring back what was deleted."""
    path = tmp_path / "out.jsonl"
    path.write_bytes(b"{}\n")
    pulled(tmp_path / "state", Checkpoint("job", out=str(path)))
    (tmp_path / "state" / "pull-0123" / "pull.json").write_bytes(b"rotten")
    with pytest.raises(
        StateError, match=r"pull\.json: .* or remove that folder; or name the logs one by one"
    ):
        is_pulled(tmp_path / "state", path)


LANES = """\
[[destinations]]
name = "prod"
base_url = "http://127.0.0.1:1"
app_id = "app"
token_env = "PROD_PAT"
"""


def test_a_lane_leaves_out_what_pulls_of_the_dir_around_its_state_wrote(tmp_path: Path) -> None:
    path, config = tmp_path / "logs" / "out.jsonl", tmp_path / "syncer.toml"
    path.parent.mkdir()
    path.write_bytes(post("a") + b"\n")
    pulled(tmp_path / "state", Checkpoint("job", out=str(path)))
    config.write_text(f'{LANES}[state]\ndir = "{tmp_path}/state"\n')
    lane = load(config, {"PROD_PAT": "token"}, {}).lane("prod")
    logs, left_out = [str(path.parent)], r"holds no change log .*\(written by a pull"
    with pytest.raises(UsageError, match=left_out):
        dry_run(lane, logs, None)
    with pytest.raises(UsageError, match=left_out):
        logs_to_compare(lane, logs, tmp_path / "spool", None)
    with push_parts(lane, Limiters()) as parts, pytest.raises(UsageError, match=left_out):
        PushLane(parts, logs)


def test_a_state_without_pulls_knows_of_none(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"{}\n")
    assert not is_pulled(tmp_path / "none", path)


# --- folders with a state -------------------------------------------------------------


def is_state(folder: Path) -> bool:
    return OnDisk(folder / "none").is_state(str(folder), {path.name for path in folder.iterdir()})


def test_a_state_is_known_by_its_lock_and_what_that_guards_and_by_its_journal_alone(
    tmp_path: Path,
) -> None:
    Journal.open(tmp_path, HERE).close()
    assert is_state(tmp_path)
    (tmp_path / "lock").unlink()
    assert is_state(tmp_path)


@pytest.mark.parametrize("file", ["dead.jsonl", "posted.bits", "pull.json", "parts", "seen.sqlite"])
def test_a_file_that_users_may_call_so_makes_a_state_only_where_there_is_a_lock(
    file: str, tmp_path: Path
) -> None:
    (tmp_path / file).touch()
    assert not is_state(tmp_path)
    (tmp_path / "lock").touch()
    assert is_state(tmp_path)


@pytest.mark.parametrize("file", ["lock", "journal"])
def test_a_lock_that_guards_nothing_and_a_journal_of_something_else_make_no_state(
    file: str, tmp_path: Path
) -> None:
    (tmp_path / file).write_bytes(b"Dear diary")
    assert not is_state(tmp_path)
