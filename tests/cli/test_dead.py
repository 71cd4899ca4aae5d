"""`syncer dead`: real pushes to a real emulator; every step is conserved, and the
remote ends as the log says.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.bench import Bench
from tests.cli.conftest import Cli
from tests.support.processes import (
    ENVIRONMENT,
    EmulatorProcess,
    command,
    emulator,
    push,
    push_arguments,
)

CONFIG = "[retry]\nbase_seconds = 0.02\ncap_seconds = 0.1\nmax_attempts = 2\n"


def post(id: str | None, input_id: str, value: float = 1) -> dict[str, Any]:
    """A post of one concept."""
    ids = {"input_id": input_id} if id is None else {"id": id, "input_id": input_id}
    return {
        "op": "post",
        "annotation": {**ids, "data": {"concepts": [{"id": "x", "value": value}]}},
    }


def patch(id: str, input_id: str, value: float, action: str = "overwrite") -> dict[str, Any]:
    """A patch of the one concept."""
    annotation = {
        "id": id,
        "input_id": input_id,
        "data": {"concepts": [{"id": "x", "value": value}]},
    }
    return {"op": "patch", "action": action, "annotation": annotation}


class DeadBench(Bench):
    """With what `dead` and `status` tell."""

    def config(self, more: str = "") -> None:
        """Write the config."""
        (self.folder / "syncer.toml").write_text(CONFIG + more)

    def push(self, *logs: str) -> tuple[int, dict[str, Any]]:
        """Push; the exit code and the summary.

        Nothing is lost on the way, here and in `status`.
        """
        code, summary, stderr = push(
            self.remote.url, self.app, self.state, logs, "-c", str(self.folder / "syncer.toml")
        )
        assert "Traceback" not in stderr
        assert summary["read"] == sum(
            summary[name] for name in ("applied", "skipped", "ignored", "dead", "pending")
        ), summary
        self.status()
        return code, summary

    def dead(self, *arguments: str) -> tuple[int, Any, str]:
        """`syncer dead`: exit code, JSON (a list for `list`), stderr."""
        options = ("--state", str(self.state), "-c", str(self.folder / "syncer.toml"), "--json")
        done = self.cli("dead", *arguments, *options)
        assert "Traceback" not in done.err
        if arguments[0] == "list":
            return done.code, [json.loads(line) for line in done.out.splitlines()], done.err
        return done.code, done.json(), done.err

    def letters(self) -> list[dict[str, Any]]:
        """What `dead list` shows."""
        code, letters, _ = self.dead("list")
        assert code == 0
        return list(letters)

    def status(self) -> dict[str, Any]:
        """`syncer status`, checked: read = applied + ignored + dead + pending, and as
        many letters as are counted.
        """
        status: dict[str, Any] = self.cli("status", "--state", str(self.state), "--json").json()
        assert status["dead"] == len(self.letters())
        for log in status["logs"]:
            assert log["read"] == log["applied"] + log["ignored"] + log["dead"] + log["pending"]
        return status


@pytest.fixture(scope="module")
def remote() -> Iterator[EmulatorProcess]:
    """One emulator for all tests; each has an app of its own."""
    with emulator("--rps", "0") as running:
        yield running


@pytest.fixture
def bench(cli: Cli, remote: EmulatorProcess, tmp_path: Path) -> DeadBench:
    """A remote that refuses annotations of unknown inputs, until told otherwise."""
    made = DeadBench(cli, remote, tmp_path)
    made.config()
    made.faults("inputs=must-exist")
    return made


def test_letters_are_sent_again_by_the_next_push_once_the_cause_is_mended(bench: DeadBench) -> None:
    bench.write(post("a", "i"), post("b", "j"), post(None, "k"))
    code, summary = bench.push(str(bench.log))
    assert (code, summary["dead"], bench.held()) == (3, 3, {})
    made = bench.letters()[2]["id"]
    bench.faults("")
    assert bench.dead("retry", "--all")[:2] == (0, {"queued": 3, "refused": []})
    status = bench.status()
    assert (status["dead"], status["pending"]) == (0, 3)
    code, summary = bench.push()
    assert (code, summary["read"], summary["applied"], summary["dead"]) == (0, 3, 3, 0)
    assert bench.held() == {"a": 1, "b": 1, made: 1}
    code, summary = bench.push(str(bench.log))
    assert (code, summary["requests"], summary["skipped"]) == (0, 0, 3)


def test_a_letter_that_dies_again_is_listed_again_with_attempts_that_began_anew(
    bench: DeadBench,
) -> None:
    bench.write(post("a", "i"))
    bench.push(str(bench.log))
    first = bench.letters()[0]
    for _ in range(2):
        assert bench.dead("retry", f"{bench.log}:1")[1]["queued"] == 1
        assert bench.push()[0] == 3
        assert [(letter["line"], letter["attempts"]) for letter in bench.letters()] == [
            (1, first["attempts"])
        ]
    bench.faults("")
    bench.dead("retry", "--code", str(first["code"]))
    assert bench.push()[0] == 0
    assert bench.held() == {"a": 1}


def test_a_letter_whose_annotation_was_changed_later_is_refused_by_name_unless_forced(
    bench: DeadBench,
) -> None:
    bench.faults("")
    bench.write(
        post("a", "i", 0.25),
        patch("missing", "i", 1),
        patch("gone", "i", 0.5),
        post("gone", "i", 0.75),
    )
    code, _ = bench.push(str(bench.log))
    assert code == 3
    assert [(letter["line"], letter["superseded"]) for letter in bench.letters()] == [
        (2, False),
        (3, True),
    ]
    code, answer, stderr = bench.dead("retry", "--all")
    assert (code, answer["queued"]) == (3, 1)
    assert [(refused["source"], refused["line"]) for refused in answer["refused"]] == [
        (str(bench.log), 3)
    ]
    assert "superseded" in answer["refused"][0]["reason"]
    assert f"{bench.log}:3" in stderr
    assert bench.dead("retry", f"{bench.log}:3")[0] == 3
    assert bench.dead("retry", f"{bench.log}:3", "--force")[:2] == (0, {"queued": 1, "refused": []})
    bench.push()
    assert bench.held() == {"a": 0.25, "gone": 0.5}


def test_a_letter_goes_before_the_later_changes_of_its_annotation_that_already_wait(
    bench: DeadBench,
) -> None:
    """The patches would be dead without the post: they wait while the remote is down,
    and the post comes back before them.
    """
    bench.write(post("a", "i", 0.25))
    bench.push(str(bench.log))
    bench.write(patch("a", "i", 0.5), patch("a", "i", 0.75))
    bench.faults("error=1")
    arguments = push_arguments(
        bench.remote.url,
        bench.app,
        bench.state,
        [str(bench.log)],
        "-c",
        str(bench.folder / "syncer.toml"),
    )
    pushing = subprocess.Popen(
        arguments, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while bench.status()["pending"] < 2:
        assert pushing.poll() is None
        time.sleep(0.02)
    pushing.terminate()
    pushing.wait(30)
    assert bench.dead("retry", "--all")[1]["queued"] == 1
    assert bench.status()["pending"] == 3
    bench.faults("")
    code, summary = bench.push()
    assert (code, summary["dead"], summary["read"]) == (0, 0, 3)
    assert bench.held() == {"a": 0.75}


def test_dropped_letters_count_as_ignored_from_then_on(bench: DeadBench) -> None:
    bench.write(post("a", "i"), b"no change", post("b", "j"))
    bench.push(str(bench.log))
    assert bench.dead("drop", f"{bench.log}:2")[:2] == (0, {"dropped": 1, "refused": []})
    status = bench.status()
    assert (status["ignored"], status["dead"]) == (1, 2)
    assert [letter["line"] for letter in bench.letters()] == [1, 3]
    assert bench.dead("drop", "--all")[:2] == (0, {"dropped": 2, "refused": []})
    code, summary = bench.push()
    assert (code, summary["ignored"], summary["dead"], summary["read"]) == (0, 3, 0, 3)
    assert bench.dead("drop", "--all")[:2] == (0, {"dropped": 0, "refused": []})


def test_a_bad_line_is_sent_once_the_config_allows_it_and_refused_with_its_reason_before(
    bench: DeadBench,
) -> None:
    bench.faults("")
    merge = patch("a", "i", 1, "merge")
    merge["annotation"]["data"] = {"metadata": {"tags": ["no id"]}}
    bench.write(post("a", "i", 0.5), merge, b"no change")
    bench.push(str(bench.log))
    assert [letter["superseded"] for letter in bench.letters()] == [False, False]
    code, answer, _ = bench.dead("retry", "--all")
    assert (code, answer["queued"], len(answer["refused"])) == (3, 0, 2)
    assert "lists_without_ids" in answer["refused"][0]["reason"]
    assert "not JSON" in answer["refused"][1]["reason"]
    bench.config('[push]\nlists_without_ids = "send"\n')
    code, answer, _ = bench.dead("retry", "--all")
    assert (code, answer["queued"], [refused["line"] for refused in answer["refused"]]) == (
        3,
        1,
        [3],
    )
    assert bench.push()[1]["dead"] == 1
    assert bench.remote.held(bench.app)[0]["data"]["metadata"] == {"tags": ["no id"]}


def test_a_line_of_which_only_a_part_was_kept_is_refused(bench: DeadBench) -> None:
    bench.write(
        b'{"op":"post","annotation":{"id":"a"},"filler":"' + b"x" * 70_000 + b'"}',
        b'{"op":"post","annotation":{"id":"\xff"}}',
    )
    bench.push(str(bench.log))
    code, answer, _ = bench.dead("retry", "--all")
    assert (code, answer["queued"]) == (3, 0)
    assert [
        "only a part of the line was kept" in refused["reason"] for refused in answer["refused"]
    ] == [True, True]
    assert len(bench.letters()[0]["change"]) == 64 << 10


def test_letters_are_named_by_their_source_as_shown_by_the_path_and_for_stdin_by_a_dash(
    bench: DeadBench,
) -> None:
    bench.write(b"bad one", b"bad two")
    bench.push("changes.jsonl")
    push(bench.remote.url, bench.app, bench.state, ["-"], stdin=b"bad three\n")
    assert {letter["source"] for letter in bench.letters()} == {"changes.jsonl", "-"}
    assert bench.dead("show", f"{bench.log}:1")[1]["change"] == "bad one"
    assert bench.dead("show", "-:1")[1]["change"] == "bad three"
    assert bench.dead("drop", "changes.jsonl:2", f"{bench.folder}/x/../changes.jsonl:1", "-:1")[
        1
    ] == {"dropped": 3, "refused": []}


def test_a_selector_without_a_letter_is_a_usage_error_that_says_how_to_list_and_changes_nothing(
    bench: DeadBench,
) -> None:
    bench.write(b"bad one")
    bench.push(str(bench.log))
    for arguments in (
        ("retry", f"{bench.log}:7"),
        ("drop", f"{bench.log}:1", f"{bench.log}:7"),
        ("retry", "--code", "77"),
        ("drop", "--code", "77"),
        ("show", "other.jsonl:1"),
    ):
        code, answer, _ = bench.dead(*arguments)
        assert (code, "syncer dead list --state" in answer["error"]) == (2, True)
    for wrong in (
        ("retry",),
        ("drop",),
        ("retry", "--all", "--code", "7"),
        ("drop", "--all", "x:1"),
        ("show", "x"),
        ("retry", "x:y"),
    ):
        assert bench.dead(*wrong)[0] == 2
    assert len(bench.letters()) == 1


def test_beside_a_running_push_letters_are_listed_but_not_changed(bench: DeadBench) -> None:
    bench.faults("")
    bench.write(b"bad one", *(post(f"p-{n}", f"i-{n}") for n in range(2000)))
    arguments = push_arguments(
        bench.remote.url, bench.app, bench.state, [str(bench.log)], "--rps", "5"
    )
    pushing = subprocess.Popen(
        arguments, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while not bench.held():
            assert pushing.poll() is None
            time.sleep(0.02)
        for arguments in (["retry", "--all"], ["drop", "--all"]):
            code, answer, _ = bench.dead(*arguments)
            assert (code, f"process {pushing.pid} is using it" in answer["error"]) == (1, True)
        status = bench.status()
        assert (status["locked_by"], status["dead"]) == (pushing.pid, 1)
    finally:
        pushing.kill()
        pushing.wait()
    assert bench.dead("drop", "--all")[0] == 0
    assert bench.push()[1]["applied"] > 0
    assert len(bench.held()) == 2000


def test_list_has_exactly_the_fields_that_scripts_rely_on_and_selects_by_code(
    bench: DeadBench,
) -> None:
    bench.write(post("a", "i"), b"no change")
    bench.push(str(bench.log))
    letter = bench.letters()[1]
    fields = (
        "source line op input_id id reason code attempts first_failed_at last_failed_at superseded"
        " change"
    )
    assert list(letter) == fields.split()
    assert json.loads(letter["change"]) == post("a", "i")
    code = str(letter["code"])
    assert bench.dead("list", "--code", code)[1] == [letter]
    assert bench.dead("list", "--code", "77")[1] == []
    assert bench.dead("show", f"{bench.log}:1")[1] == letter


def test_show_prints_all_of_a_letter_for_people_and_nothing_that_a_terminal_obeys(
    bench: DeadBench,
) -> None:
    bench.write(post("a", "i"), b"\x1b[2J no change")
    bench.push(str(bench.log))
    options = ("--state", str(bench.state))
    shown = bench.cli("dead", "show", f"{bench.log}:1", *options)
    assert shown.out.startswith(f"{bench.log}:1: post i/a\n")
    assert '      "input_id": "i"' in shown.out
    assert all(
        word in shown.out
        for word in ("reason", "code", "attempts", "first failed at", "superseded       no")
    )
    for arguments in (("show", f"{bench.log}:2"), ("list",)):
        assert "\x1b" not in bench.cli("dead", *arguments, *options).out
    assert "\\x1b[2J no change" in bench.cli("dead", "show", f"{bench.log}:2", *options).out


def test_a_list_that_nobody_reads_to_its_end_ends_quietly(bench: DeadBench) -> None:
    bench.write(*(b"bad line %d" % n for n in range(5000)))
    bench.push(str(bench.log))
    line = " ".join(command("dead", "list", "--state", str(bench.state))) + " | head -1"
    done = subprocess.run(line, shell=True, env=ENVIRONMENT, capture_output=True, timeout=60)
    assert done.stdout.startswith(f"{bench.log}:1: ".encode())
    assert b"Traceback" not in done.stderr
    assert b"Broken" not in done.stderr


def test_a_copied_state_can_be_mended_without_any_config_of_its_destination(
    bench: DeadBench,
) -> None:
    bench.write(post("a", "i"))
    bench.push(str(bench.log))
    shutil.copytree(bench.state, bench.folder / "copy")
    assert bench.cli("dead", "drop", "--all", "--state", "copy", "--json").json() == {
        "dropped": 1,
        "refused": [],
    }


def test_a_log_that_is_forgotten_takes_its_letters_along(bench: DeadBench) -> None:
    bench.write(post("a", "i"))
    bench.push(str(bench.log))
    assert (
        bench.cli("state", "forget", str(bench.log), "--force", "--state", str(bench.state)).code
        == 0
    )
    assert bench.letters() == []
    bench.faults("")
    assert bench.push(str(bench.log))[1]["applied"] == 1
