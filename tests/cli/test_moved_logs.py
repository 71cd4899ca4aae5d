"""What users do to their logs between pushes: nothing is applied twice, nothing is left
out, and what is unclear is asked.
"""

from __future__ import annotations

import io
import json
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli, Ran
from tests.support.processes import ENVIRONMENT, EmulatorProcess, emulator, push_arguments

X = [
    {"op": "delete", "annotation": {"input_id": "img-1"}},
    {"op": "post", "annotation": {"id": "a-1", "input_id": "img-1"}},
]
Y = [{"op": "post", "annotation": {"id": "a-2", "input_id": "img-1"}}]
NEW = [{"op": "post", "annotation": {"id": "a-3", "input_id": "img-1"}}]


def text(*changes: dict[str, Any]) -> str:
    return "".join(json.dumps(change) + "\n" for change in changes)


@pytest.fixture(scope="module")
def remote() -> Iterator[EmulatorProcess]:
    with emulator("--rps", "0") as running:
        yield running


@dataclass
class Bench:
    """A folder `logs`, a state, and an app of the folder's name."""

    cli: Cli
    remote: EmulatorProcess
    folder: Path
    monkeypatch: pytest.MonkeyPatch

    def __call__(self, name: str, *arguments: str, stdin: str | None = None) -> Ran:
        """A command of syncer in this process."""
        if stdin is not None:
            self.monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        where = (
            ("--base-url", self.remote.url, "--app-id", self.folder.name)
            if name in ("push", "verify")
            else ()
        )
        quiet = ("--no-progress",) if name == "push" else ()
        return self.cli(name, *arguments, *where, *quiet, "--state", "state", "--json")

    def push(self, *arguments: str, stdin: str | None = None) -> dict[str, Any]:
        """A push that comes to its end."""
        done = self("push", *arguments, stdin=stdin)
        assert done.code == 0, done.err
        summary: dict[str, Any] = done.json()
        assert summary["read"] == sum(
            summary[part] for part in ("applied", "skipped", "ignored", "dead", "pending")
        )
        return summary

    def held(self) -> list[str]:
        return sorted(held["id"] for held in self.remote.held(self.folder.name))


@pytest.fixture
def bench(
    cli: Cli, remote: EmulatorProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Bench:
    """logs/x.jsonl and logs/y.jsonl are pushed: first the delete of an input, then a
    label of another log on it.
    """
    monkeypatch.setenv("CLARIFAI_PAT", "a-token")
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "x.jsonl").write_text(text(*X))
    (tmp_path / "logs" / "y.jsonl").write_text(text(*Y))
    made = Bench(cli, remote, tmp_path, monkeypatch)
    assert made.push("logs")["applied"] == 3
    assert made.held() == ["a-1", "a-2"]
    return made


def gzipped(path: Path, *, keep: bool = False) -> None:
    subprocess.run(["gzip", *(["-k"] if keep else []), str(path)], check=True)


def swapped(one: Path, other: Path) -> None:
    one.rename(one.with_name("t"))
    other.rename(one)
    one.with_name("t").rename(other)


OPERATIONS: dict[str, Callable[[Path], object]] = {
    "gzip": lambda logs: gzipped(logs / "x.jsonl"),
    "gzip -k": lambda logs: gzipped(logs / "x.jsonl", keep=True),
    "gzip, gunzip": lambda logs: (
        gzipped(logs / "x.jsonl"),
        subprocess.run(["gunzip", str(logs / "x.jsonl.gz")], check=True),
    ),
    "mv": lambda logs: (logs / "x.jsonl").rename(logs / "z.jsonl"),
    "mv x-1": lambda logs: (logs / "x.jsonl").rename(logs / "x-1.jsonl"),
    "ln": lambda logs: (logs / "a.jsonl").hardlink_to(logs / "x.jsonl"),
    "ln, rm": lambda logs: (
        (logs / "a.jsonl").hardlink_to(logs / "x.jsonl"),
        (logs / "x.jsonl").unlink(),
    ),
    "ln -s": lambda logs: (logs / "a.jsonl").symlink_to(logs / "x.jsonl"),
    "cp -p, rm": lambda logs: (
        shutil.copy2(logs / "x.jsonl", logs / "z.jsonl"),
        (logs / "x.jsonl").unlink(),
    ),
    "mv into a folder": lambda logs: (
        (logs / "old").mkdir(),
        (logs / "x.jsonl").rename(logs / "old" / "x.jsonl"),
    ),
    "touch": lambda logs: (logs / "x.jsonl").touch(),
    "swap": lambda logs: (
        (logs / "x.jsonl").rename(logs / "t"),
        (logs / "y.jsonl").rename(logs / "x.jsonl"),
        (logs / "t").rename(logs / "y.jsonl"),
    ),
}


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_whatever_is_done_to_a_log_its_delete_does_not_run_again(
    bench: Bench, operation: Callable[[Path], object]
) -> None:
    operation(bench.folder / "logs")
    assert bench.push("logs")["applied"] == 0
    assert bench.held() == ["a-1", "a-2"]
    assert bench.push("logs")["applied"] == 0
    assert bench.push()["applied"] == 0


@pytest.mark.parametrize(
    "spelling",
    [
        ["logs/x.jsonl", "./logs/../logs/x.jsonl"],
        ["{}/logs/x.jsonl"],
        ["logs/x.jsonl", "logs"],
        ["link/x.jsonl"],
        ["link"],
    ],
)
def test_a_log_is_the_same_by_whatever_spelling_of_its_path(
    bench: Bench, spelling: list[str]
) -> None:
    (bench.folder / "link").symlink_to("logs")
    assert bench.push(*(name.format(bench.folder) for name in spelling))["applied"] == 0
    assert bench.held() == ["a-1", "a-2"]


def test_a_folder_that_was_renamed_is_carried_on(bench: Bench) -> None:
    (bench.folder / "logs").rename(bench.folder / "archive")
    done = bench("push", "archive")
    assert (done.code, done.json()["applied"]) == (0, 0)
    assert "archive/x.jsonl is the log that was logs/x.jsonl" in done.err
    assert [log["path"] for log in bench("status").json()["logs"]] == [
        "archive/x.jsonl",
        "archive/y.jsonl",
    ]


def test_after_a_rotation_neither_the_rest_of_the_old_log_nor_the_new_one_is_left_out(
    bench: Bench,
) -> None:
    logs = bench.folder / "logs"
    with (logs / "x.jsonl").open("a") as file:
        file.write(text({"op": "post", "annotation": {"id": "rest", "input_id": "img-1"}}))
    (logs / "x.jsonl").rename(logs / "x.jsonl.1")
    (logs / "x.jsonl").write_text(
        text({"op": "delete", "annotation": {"input_id": "img-1", "id": "rest"}}, *NEW)
    )
    assert bench.push("logs/x.jsonl")["applied"] == 3
    assert bench.held() == ["a-1", "a-2", "a-3"]
    gzipped(logs / "x.jsonl.1")
    summary = bench.push("logs")
    assert (summary["applied"], summary["read"]) == (0, 6)
    assert bench.held() == ["a-1", "a-2", "a-3"]


def as_before(logs: Path) -> None:
    """Whatever x.jsonl is now, it is x.jsonl again."""
    x, packed = logs / "x.jsonl", logs / "x.jsonl.gz"
    if not x.exists() and packed.exists():
        subprocess.run(["gunzip", str(packed)], check=True)
    if not x.exists():
        next(path for path in logs.rglob("*.jsonl") if path.name != "y.jsonl").rename(x)
    for left in (packed, logs / "a.jsonl"):
        left.unlink(missing_ok=True)
    if (logs / "old").exists():
        (logs / "old").rmdir()


def test_one_thing_after_the_other_is_done_to_a_log(bench: Bench) -> None:
    logs = bench.folder / "logs"
    for operation in (*OPERATIONS.values(), *OPERATIONS.values()):
        operation(logs)
        assert bench.push("logs")["applied"] == 0
        as_before(logs)
        summary = bench.push("logs")
        assert (summary["applied"], summary["read"]) == (0, 3)
    assert bench.held() == ["a-1", "a-2"]
    assert len(bench("status").json()["logs"]) == 2


def test_a_rotation_to_a_name_that_does_not_begin_with_the_logs_does_not_bring_its_delete_back(
    bench: Bench,
) -> None:
    logs = bench.folder / "logs"
    (logs / "x.jsonl").rename(logs / "x-1.jsonl")
    (logs / "x.jsonl").write_text(text(*NEW))
    assert bench.push("logs")["applied"] == 1
    assert bench.held() == ["a-1", "a-2", "a-3"]


def test_letters_have_the_name_that_their_log_has_by_now_and_are_told_from_those_of_the_new_one(
    bench: Bench,
) -> None:
    log = bench.folder / "logs" / "x.jsonl"
    with log.open("a") as file:
        file.write("no change\n")
    assert bench("push", "logs").code == 3
    log.rename(bench.folder / "logs" / "x.jsonl.1")
    log.write_text(text(*NEW, *NEW) + "no change either\n")
    assert bench("push", "logs").code == 3
    letters = [json.loads(line) for line in bench("dead", "list").out.splitlines()]
    assert [(letter["source"], letter["line"], letter["change"]) for letter in letters] == [
        ("logs/x.jsonl.1", 3, "no change"),
        ("logs/x.jsonl", 3, "no change either"),
    ]
    assert bench("dead", "drop", "logs/x.jsonl:3").code == 0
    assert [json.loads(line)["source"] for line in bench("dead", "list").out.splitlines()] == [
        "logs/x.jsonl.1"
    ]
    assert bench("dead", "drop", "logs/x.jsonl.1:3").code == 0
    assert bench.push("logs")["ignored"] == 2


# --- what is unclear ------------------------------------------------------------------


def moved_untold(bench: Bench) -> None:
    """As tools do that keep neither times nor inodes."""
    logs = bench.folder / "logs"
    (logs / "z.jsonl").write_text((logs / "x.jsonl").read_text() + text(*NEW))
    (logs / "x.jsonl").unlink()


def test_what_may_be_a_known_log_is_asked_before_anything_is_sent(bench: Bench) -> None:
    moved_untold(bench)
    before = bench.remote.get("/_emulator/report")
    done = bench("push", "logs")
    error = done.json()["error"]
    assert done.code == 1
    for part in ("logs/z.jsonl", "logs/x.jsonl", "--moved same", "--moved new", "Nothing was sent"):
        assert part in error
    assert bench.remote.get("/_emulator/report") == before
    assert bench.held() == ["a-1", "a-2"]


def test_same_carries_on_and_new_applies_all(bench: Bench) -> None:
    moved_untold(bench)
    assert bench.push("logs", "--moved", "same")["applied"] == 1
    assert bench.held() == ["a-1", "a-2", "a-3"]
    assert bench.push("logs")["applied"] == 0


def test_new_applies_all_and_leaves_what_is_known_of_the_old_log(bench: Bench) -> None:
    moved_untold(bench)
    assert bench.push("logs", "--moved", "new")["applied"] == 3
    assert bench.held() == ["a-1", "a-3"]
    assert [(log["path"], log["applied"]) for log in bench("status").json()["logs"]] == [
        ("logs/x.jsonl", 2),
        ("logs/y.jsonl", 1),
        ("logs/z.jsonl", 3),
    ]
    assert bench.push("logs")["applied"] == 0


def test_a_log_that_came_by_stdin_before_is_asked_about(bench: Bench) -> None:
    piped = text({"op": "delete", "annotation": {"input_id": "img-1"}}, *NEW)
    assert bench.push("-", stdin=piped)["applied"] == 2
    assert bench.push("-", stdin=piped)["applied"] == 0
    (bench.folder / "piped.jsonl").write_text(piped + text(*Y))
    done = bench("push", "piped.jsonl")
    assert (done.code, "the stdin of an earlier push" in done.json()["error"]) == (1, True)
    done = bench("push", "-", stdin=piped + text(*Y))
    assert (
        done.code,
        "- begins with all that was applied of the stdin of an earlier push"
        in done.json()["error"],
    ) == (1, True)
    assert bench.push("piped.jsonl", "--moved", "same")["applied"] == 1
    assert bench.held() == ["a-2", "a-3"]


def test_a_stdin_that_broke_off_within_a_line_is_carried_on(bench: Bench) -> None:
    piped = text({"op": "delete", "annotation": {"input_id": "img-1"}}, *NEW, *Y)
    broken = bench("push", "-", stdin=piped[:-9])
    assert (broken.code, broken.json()["applied"]) == (1, 2)
    other = bench("push", "-", stdin=piped[:-30] + " " + piped[-30:])
    assert (other.code, "--moved same" in other.json()["error"]) == (1, True)
    assert bench.push("-", stdin=piped)["applied"] == 1
    assert bench.held() == ["a-2", "a-3"]


def test_another_copy_is_a_log_of_its_own_and_that_is_said(bench: Bench) -> None:
    shutil.copy2(bench.folder / "logs" / "y.jsonl", bench.folder / "copy.jsonl")
    done = bench("push", "copy.jsonl")
    assert (done.code, done.json()["applied"]) == (0, 1)
    assert (
        "copy.jsonl begins with all that was read of logs/y.jsonl, which is still there: it is a"
        " log of its own" in done.err
    )


def test_moved_takes_same_or_new_and_nothing_else(bench: Bench) -> None:
    done = bench("push", "logs", "--moved", "old")
    assert done.code == 2
    assert "--moved" in done.json()["error"]


def test_a_log_that_was_replaced_is_given_another_name_and_the_new_one_is_applied(
    bench: Bench,
) -> None:
    (bench.folder / "logs" / "x.jsonl").write_text(text(*NEW))
    done = bench("push", "logs")
    assert done.code == 1
    assert "syncer state move logs/x.jsonl logs/x.jsonl.old" in done.json()["error"]
    moved = bench("state", "move", "logs/x.jsonl", "logs/x.jsonl.old")
    assert (moved.code, moved.json()) == (
        0,
        {"moved": "logs/x.jsonl", "to": "logs/x.jsonl.old", "is_there": False},
    )
    assert bench.push("logs")["applied"] == 1
    assert bench.held() == ["a-1", "a-2", "a-3"]
    done = bench("push")
    assert (done.code, "logs/x.jsonl.old is gone, and was applied to its end" in done.err) == (
        0,
        True,
    )
    (bench.folder / "logs" / "found.jsonl").write_text(text(*X))
    assert "logs/x.jsonl.old" in bench("push", "logs").json()["error"]


# --- state move, state forget ---------------------------------------------------------


def test_a_log_is_moved_in_the_state_to_where_its_file_is(bench: Bench) -> None:
    moved_untold(bench)
    assert bench("state", "move", "logs/x.jsonl", "logs/z.jsonl").json() == {
        "moved": "logs/x.jsonl",
        "to": "logs/z.jsonl",
        "is_there": True,
    }
    assert bench.push("logs")["applied"] == 1


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (
            ("nowhere.jsonl", "logs/z.jsonl"),
            2,
            "does not know the log nowhere.jsonl; it knows: logs/x.jsonl, logs/y.jsonl",
        ),
        (("logs/x.jsonl", "logs/y.jsonl"), 1, "the state knows logs/y.jsonl as a log of its own"),
        (
            ("logs/x.jsonl", "other.jsonl"),
            1,
            "other.jsonl does not hold all that was applied of logs/x.jsonl: it was replaced",
        ),
        (("logs/x.jsonl", "logs"), 2, "logs is not a file"),
        (("logs/x.jsonl", "-"), 2, "the new name of a log is a path"),
        (("logs/*.jsonl", "z.jsonl"), 2, "2 logs match logs/*.jsonl"),
    ],
)
def test_a_move_that_cannot_be_right_is_refused(
    bench: Bench, arguments: tuple[str, str], code: int, said: str
) -> None:
    (bench.folder / "other.jsonl").write_text(text(*NEW))
    before = bench("status").json()
    done = bench("state", "move", *arguments)
    assert done.code == code
    assert said in done.json()["error"]
    assert bench("status").json() == before


def waiting(bench: Bench) -> None:
    """logs/y.jsonl has two waiting changes and a dead letter."""
    with (bench.folder / "logs" / "y.jsonl").open("a") as file:
        file.write(
            "no change\n"
            + text(
                {"op": "post", "annotation": {"id": "w-1", "input_id": "i"}},
                {"op": "delete", "annotation": {"id": "w-1", "input_id": "i"}},
            )
        )
    (bench.folder / "syncer.toml").write_text(
        "[retry]\nbase_seconds = 0.02\ncap_seconds = 0.1\ngive_up_seconds = 0.3\n"
    )
    bench.remote.post("/_emulator/faults", {"faults": "error=1"})
    try:
        assert bench("push", "logs").code == 1
    finally:
        bench.remote.post("/_emulator/faults", {"faults": ""})


def test_logs_with_waiting_changes_or_letters_are_forgotten_only_by_force_and_it_is_said_how_many(
    bench: Bench,
) -> None:
    waiting(bench)
    before = bench("status").json()["logs"]
    done = bench("state", "forget", "logs/*.jsonl")
    assert done.code == 2
    assert "logs/y.jsonl has 2 waiting changes and 1 dead letter" in done.json()["error"]
    assert bench("status").json()["logs"] == before
    done = bench("state", "forget", "logs/*.jsonl", "--force")
    assert (done.code, done.json()) == (
        0,
        {"forgotten": ["logs/x.jsonl", "logs/y.jsonl"], "waiting": 2, "dead": 1},
    )
    assert "with 2 waiting changes and 1 dead letter" in done.err
    assert bench("status").json()["logs"] == []


@pytest.mark.parametrize("name", ["-", "*", "spool/*"])
def test_what_came_by_stdin_is_forgotten_by_its_name_or_a_pattern(bench: Bench, name: str) -> None:
    for n in range(2):
        bench.push("-", stdin=text({"op": "post", "annotation": {"id": f"s-{n}", "input_id": "i"}}))
    done = bench("state", "forget", name)
    assert done.code == 0
    assert done.json()["forgotten"] == (["logs/x.jsonl", "logs/y.jsonl"] if name == "*" else []) + [
        "-",
        "-",
    ]
    assert "-" not in [log["path"] for log in bench("status").json()["logs"]]


@pytest.mark.parametrize(
    "name", ["logs/x.jsonl", "./logs/x.jsonl", "{}/logs/x.jsonl", "logs/[x].jsonl", "x*"]
)
def test_a_log_is_forgotten_by_any_name_that_means_it(bench: Bench, name: str) -> None:
    assert bench("state", "forget", name.format(bench.folder)).json()["forgotten"] == [
        "logs/x.jsonl"
    ]


def test_a_name_that_no_log_has_forgets_nothing(bench: Bench) -> None:
    for names in (("logs/x.jsonl", "nowhere.jsonl"), ("nowhere*",), ()):
        assert bench("state", "forget", *names).code == 2
    assert len(bench("status").json()["logs"]) == 2


def test_a_log_whose_name_has_the_signs_of_a_pattern_is_forgotten_by_its_name(bench: Bench) -> None:
    for name in ("a[1].jsonl", "a1.jsonl"):
        (bench.folder / name).write_text(
            text({"op": "post", "annotation": {"id": name, "input_id": "i"}})
        )
    bench.push("a[1].jsonl", "a1.jsonl")
    assert bench("state", "forget", "a[1].jsonl").json()["forgotten"] == ["a[1].jsonl"]


# --- known logs that are gone ---------------------------------------------------------


def test_a_log_that_was_applied_to_its_end_and_is_gone_is_noted(bench: Bench) -> None:
    gzipped(bench.folder / "logs" / "y.jsonl")
    bench.push("logs")
    for name in ("x.jsonl", "y.jsonl.gz"):
        (bench.folder / "logs" / name).unlink()
    done = bench("push")
    assert done.code == 0
    assert "logs/x.jsonl, logs/y.jsonl.gz are gone, and were applied to their end" in done.err


def test_letters_and_counts_of_logs_that_are_gone_are_those_of_a_push_of_all_logs(
    bench: Bench,
) -> None:
    log = bench.folder / "logs" / "x.jsonl"
    log.write_text(log.read_text() + "no change\n")
    assert bench("push", "logs").code == 3
    log.unlink()
    done = bench("push")
    counts = {name: done.json()[name] for name in ("read", "applied", "skipped", "dead", "pending")}
    assert (done.code, counts) == (
        3,
        {"read": 4, "applied": 0, "skipped": 3, "dead": 1, "pending": 0},
    )
    done = bench("push", "logs")
    assert (done.code, done.json()["read"], done.json()["dead"]) == (
        0,
        1,
        0,
    ), "the logs of the folder are others"


def test_several_logs_that_are_not_whole_or_gone_before_their_end_are_all_named(
    bench: Bench,
) -> None:
    logs = bench.folder / "logs"
    for name in ("x.jsonl", "y.jsonl"):
        with (logs / name).open("a") as file:
            file.write('{"op":"post","annotation":{"id":"half","input')
    assert (
        "everything before them is done. Push again when they are whole"
        in bench("push", "logs").json()["error"]
    )
    shutil.rmtree(logs)
    error = bench("push").json()["error"]
    assert (
        "name their files under the new name, or give up what was not read: `syncer state forget"
        " logs/x.jsonl logs/y.jsonl`" in error
    )


def test_a_log_that_is_gone_before_its_end_lets_the_others_go_and_is_named(bench: Bench) -> None:
    logs = bench.folder / "logs"
    with (logs / "x.jsonl").open("a") as file:
        file.write('{"op":"post","annotation":{"id":"half","input')
    assert bench("push", "logs").code == 1
    (logs / "x.jsonl").unlink()
    with (logs / "y.jsonl").open("a") as file:
        file.write(text(*NEW))
    done = bench("push")
    assert done.code == 1
    assert done.json()["applied"] == 1
    assert (
        "a log is gone before its end: logs/x.jsonl (read up to line 2). Everything else is done."
        in done.json()["error"]
    )
    assert bench.held() == ["a-1", "a-2", "a-3"]
    assert bench("state", "forget", "logs/x.jsonl").code == 0
    assert bench("push").code == 0


def test_the_rest_of_a_log_that_was_rotated_away_is_named_by_a_name_that_forgets_it_alone(
    bench: Bench,
) -> None:
    log = bench.folder / "logs" / "x.jsonl"
    with log.open("a") as file:
        file.write('{"op":"post","annotation":{"id":"half","input')
    bench("push", "logs/x.jsonl")
    log.rename(bench.folder / "logs" / "x.jsonl.1")
    log.write_text(text(*NEW))
    assert bench("push", "logs/x.jsonl").code == 1
    log.rename(bench.folder / "logs" / "x.jsonl.1")
    log.write_text(text({"op": "post", "annotation": {"id": "a-4", "input_id": "img-1"}}))
    done = bench("push", "logs/x.jsonl")
    assert done.code == 1
    assert (
        "a log is gone before its end: logs/x.jsonl.1.old (read up to line 2)"
        in done.json()["error"]
    )
    assert bench("state", "forget", "logs/x.jsonl.1.old").json()["forgotten"] == [
        "logs/x.jsonl.1.old"
    ]
    assert bench.push("logs/x.jsonl")["applied"] == 0
    assert bench.held() == ["a-1", "a-2", "a-3", "a-4"]


def test_verify_names_logs_that_are_gone_and_compares_what_the_others_name(bench: Bench) -> None:
    (bench.folder / "logs" / "z.jsonl").write_text(
        text({"op": "post", "annotation": {"id": "z", "input_id": "img-2"}})
    )
    bench.push("logs")
    (bench.folder / "logs" / "x.jsonl").unlink()
    done = bench("verify")
    assert done.code == 3
    assert (done.json()["compared"], done.json()["same"], done.json()["gone"]) == (
        2,
        2,
        ["logs/x.jsonl"],
    )
    assert "logs/x.jsonl is gone" in done.err
    (bench.folder / "logs" / "z.jsonl").write_text(
        text({"op": "post", "annotation": {"id": "other", "input_id": "img-2"}})
    )
    assert bench("verify", "logs/z.jsonl").code == 1, "another log than the one that was pushed"


def test_verify_takes_the_logs_that_push_takes(bench: Bench) -> None:
    logs = bench.folder / "logs"
    gzipped(logs / "y.jsonl", keep=True)
    (logs / "x.jsonl").rename(logs / "x.jsonl.1")
    (logs / "x.jsonl").write_text(text(*NEW))
    bench.push("logs")
    for named in ((), ("logs",), ("logs/x.jsonl", "logs/y.jsonl.gz")):
        done = bench("verify", *named)
        assert (done.code, done.json()["compared"], done.json()["same"]) == (0, 3, 3), done.err


def test_a_dry_run_counts_a_log_and_its_compressed_copy_once(bench: Bench) -> None:
    gzipped(bench.folder / "logs" / "x.jsonl", keep=True)
    done = bench("push", "logs", "--dry-run")
    assert (done.code, done.json()["read"]) == (0, 3)


# --- many logs ------------------------------------------------------------------------


def test_the_number_of_logs_is_not_bounded_by_open_files(bench: Bench) -> None:
    many = bench.folder / "many"
    many.mkdir()
    for n in range(300):
        (many / f"{n}.jsonl").write_text(
            text({"op": "post", "annotation": {"id": f"m-{n}", "input_id": "many"}})
        )
    arguments = push_arguments(
        bench.remote.url, bench.folder.name, bench.folder / "state", [str(many)]
    )
    limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (48, 48))  # noqa: E731
    done = subprocess.run(
        arguments, env=ENVIRONMENT, capture_output=True, preexec_fn=limit, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["applied"] == 300
