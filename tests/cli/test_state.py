"""`syncer state check|export|repair` on states of real pushes and pulls: what is
damaged is told, kept, and never taken for applied.
"""

from __future__ import annotations

import json
import random
import re
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.bench import Bench
from tests.cli.conftest import Cli
from tests.support.processes import ENVIRONMENT, EmulatorProcess, command, emulator, push, started

CONFIG = "[retry]\nbase_seconds = 0.02\ncap_seconds = 0.1\ngive_up_seconds = 0.5\n"


def post(id: str, value: float = 1, input_id: str = "i") -> dict[str, Any]:
    return {
        "op": "post",
        "annotation": {
            "id": id,
            "input_id": input_id,
            "data": {"concepts": [{"id": "x", "value": value}]},
        },
    }


def patch(id: str, value: float) -> dict[str, Any]:
    return {**post(id, value), "op": "patch", "action": "overwrite"}


@pytest.fixture(scope="module")
def remote() -> Iterator[EmulatorProcess]:
    with emulator("--rps", "0") as running:
        yield running


class StateBench(Bench):
    """With what `state` tells, and damage."""

    def push(self, *logs: str, stdin: bytes | None = None) -> tuple[int, dict[str, Any], str]:
        config = ("-c", str(self.folder / "syncer.toml"))
        return push(
            self.remote.url,
            self.folder.name,
            self.state,
            logs or (str(self.log),),
            *config,
            stdin=stdin,
        )

    def tell(self, name: str, *options: str, state: Path | None = None) -> tuple[int, Any, str]:
        """`syncer state`: exit code, JSON, stderr."""
        done = self.cli("state", name, "--state", str(state or self.state), "--json", *options)
        assert "Traceback" not in done.err
        lines = [json.loads(line) for line in done.out.splitlines()]
        return done.code, lines if name == "export" and not options else lines[0], done.err

    def damage(self, name: str, at: int) -> None:
        """Flip a bit."""
        path = self.state / name
        content = bytearray(path.read_bytes())
        content[at] ^= 1
        path.write_bytes(content)


@pytest.fixture
def bench(cli: Cli, remote: EmulatorProcess, tmp_path: Path) -> StateBench:
    """A state with something of everything: applied, dead (line 3 and 4), and waiting
    (lines 6 and 7) since the remote is down.
    """
    made = StateBench(cli, remote, tmp_path)
    (tmp_path / "syncer.toml").write_text(CONFIG)
    made.faults("")
    made.write(post("a"), post("b"), b"no change", patch("missing", 1), patch("a", 0.5))
    assert made.push()[0] == 3
    made.write(post("c"), patch("c", 0.25))
    made.faults("error=1")
    assert made.push()[0] == 1
    made.faults("")
    return made


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "lock"
    }


def frame_at(bench: StateBench, number: int) -> int:
    """Where the frame of this number begins (from the end where negative)."""
    data = (bench.state / "journal").read_bytes()
    starts = [0, *[at + 1 for at, byte in enumerate(data) if byte == 10]][:-1]
    return starts[number]


# --- check ----------------------------------------------------------------------------


def test_a_whole_state_is_told_whole_and_left_as_it_is(bench: StateBench) -> None:
    before = content(bench.state)
    code, told, _ = bench.tell("check")
    assert (code, told) == (
        0,
        {"state": str(bench.state), "whole": True, "locked_by": None, "damages": [], "notes": []},
    )
    assert content(bench.state) == before
    assert bench.cli("state", "check", "--state", str(bench.state)).out == f"{bench.state}: whole\n"


def test_each_damage_is_told_with_file_and_byte_and_what_it_means(bench: StateBench) -> None:
    journal, letters = frame_at(bench, -2), 0
    bench.damage("journal", journal + 30)
    bench.damage("dead.jsonl", letters + 40)
    before = content(bench.state)
    code, told, stderr = bench.tell("check")
    assert code == 1
    assert [(Path(damage["file"]).name, damage["byte"]) for damage in told["damages"]] == [
        ("journal", journal),
        ("dead.jsonl", letters),
    ]
    assert all(damage["what"] and damage["means"] for damage in told["damages"])
    assert told["error"] in stderr
    assert f"syncer state repair --state {bench.state}" in told["error"]
    assert content(bench.state) == before
    plain = bench.cli("state", "check", "--state", str(bench.state))
    assert plain.code == 1
    assert f"{bench.state / 'journal'}: damaged at byte {journal} (" in plain.out
    code, summary, stderr = bench.push()
    assert code == 1
    assert f"journal: damaged at byte {journal} (" in summary["error"]


def test_a_torn_tail_is_no_damage_but_is_noted(bench: StateBench) -> None:
    with (bench.state / "journal").open("ab") as file:
        file.write(b"0123")
    code, told, _ = bench.tell("check")
    assert (code, told["whole"]) == (0, True)
    assert "torn (4 bytes, never synced)" in told["notes"][0]


def test_a_folder_without_a_state_is_told(bench: StateBench, tmp_path: Path) -> None:
    for name in ("check", "export", "repair"):
        code, told, _ = bench.tell(name, "--quiet", state=tmp_path / "nowhere")
        assert code == 2
        assert "no state at" in told["error"]
    assert not (tmp_path / "nowhere").exists()


def test_a_state_of_a_newer_version_is_neither_checked_nor_repaired(bench: StateBench) -> None:
    from syncer.journal import frames

    header = b'[{"format":"syncer-journal","version":9,"new":"thing"}]'
    (bench.state / "journal").write_bytes(frames.encode(header, 0))
    before = content(bench.state)
    for name in ("check", "repair"):
        code, told, _ = bench.tell(name)
        assert code == 1
        assert "version 9, and this syncer reads syncer-journal version 1" in told["error"]
    assert content(bench.state) == before


# --- export ---------------------------------------------------------------------------


def kinds(records: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [record for record in records if record.get("record") == kind]


def test_an_export_holds_logs_what_waits_with_its_line_and_the_dead(bench: StateBench) -> None:
    code, records, _ = bench.tell("export")
    assert code == 0
    (state,) = kinds(records, "state")
    assert (state["destination"]["app_id"], state["certain"]) == (bench.folder.name, True)
    (log,) = kinds(records, "log")
    assert (log["read"], log["applied"], log["dead"], log["pending"]) == (7, 3, 2, 2)
    waiting = kinds(records, "waiting")
    assert [(record["line"], record["op"], record["id"]) for record in waiting] == [
        (6, "post", "c"),
        (7, "patch", "c"),
    ]
    assert [json.loads(record["change"])["annotation"]["id"] for record in waiting] == ["c", "c"]
    assert [record["line"] for record in kinds(records, "dead")] == [3, 4]


def test_an_export_to_a_file_is_for_its_owner_only(bench: StateBench) -> None:
    out = bench.folder / "out.jsonl"
    code, told, _ = bench.tell("export", "--out", str(out))
    assert (code, told) == (0, {"out": str(out), "records": len(out.read_text().splitlines())})
    assert out.stat().st_mode & 0o777 == 0o600
    code, told, _ = bench.tell("export", "--out", str(bench.folder / "no" / "where"))
    assert code == 1
    assert "cannot be written" in told["error"]


@pytest.mark.parametrize("name", ["journal", "lock", "export.jsonl"])
def test_an_export_into_the_state_itself_is_refused(bench: StateBench, name: str) -> None:
    before = {path.name: path.read_bytes() for path in bench.state.iterdir() if path.is_file()}
    code, told, _ = bench.tell("export", "--out", str(bench.state / name))
    assert (code, "within the state folder" in told["error"]) == (2, True)
    assert {
        path.name: path.read_bytes() for path in bench.state.iterdir() if path.is_file()
    } == before


@pytest.mark.proof
def test_a_pull_is_not_let_into_the_state_of_a_push_nor_a_push_into_that_of_a_pull(
    bench: StateBench, pulled: Path
) -> None:
    place = ("--base-url", bench.remote.url, "--app-id", "a")
    to = ("--out", str(bench.folder / "x.jsonl"), "--state", str(bench.state))
    pull = subprocess.run(
        command("pull", "clarifai", *place, *to), env=ENVIRONMENT, capture_output=True
    )
    assert (pull.returncode, b"holds the state of a push" in pull.stderr) == (1, True)
    code, told, _ = push(bench.remote.url, "a", pulled, [str(bench.log)])
    assert (code, "holds the state of a pull" in told["error"]) == (1, True)
    for asked in (("dead", "list"), ("state", "forget", "x")):
        done = subprocess.run(
            command(*asked, "--state", str(pulled)), env=ENVIRONMENT, capture_output=True, text=True
        )
        assert (
            done.returncode,
            f"`syncer state export --state {pulled}` shows what it knows" in done.stderr,
        ) == (2, True)


def test_an_export_of_a_damaged_state_holds_what_can_be_read(bench: StateBench) -> None:
    bench.damage("journal", frame_at(bench, 1) + 30)
    bench.damage("dead.jsonl", 40)
    code, records, _ = bench.tell("export")
    assert code == 1
    assert "syncer state repair" in records[-1]["error"]
    assert sorted(record["line"] for record in kinds(records, "waiting")) == [6, 7]
    assert [(record["line"], record["certain"]) for record in kinds(records, "dead")] == [
        (4, False)
    ]
    assert len(kinds(records, "damage")) == 2


# --- repair ---------------------------------------------------------------------------


def test_a_repair_of_a_whole_state_does_nothing(bench: StateBench) -> None:
    before = content(bench.state)
    code, told, _ = bench.tell("repair")
    assert (code, told["damages"], told["quarantine"], told["set_aside"], told["unknown"]) == (
        0,
        [],
        None,
        [],
        [],
    )
    assert content(bench.state) == before


@pytest.mark.parametrize("number", [0, 1, 2, -2])
def test_a_damaged_journal_is_set_aside_and_the_same_push_ends_with_what_the_log_gives(
    bench: StateBench, number: int
) -> None:
    bench.damage("journal", frame_at(bench, number) + 20)
    before = content(bench.state)
    code, told, _ = bench.tell("repair")
    assert code == 0
    assert told["unknown"]
    quarantine = Path(told["quarantine"])
    assert (quarantine / "journal").read_bytes() == before["journal"]
    assert (quarantine / "dead.jsonl").read_bytes() == before["dead.jsonl"]
    assert quarantine.stat().st_mode & 0o777 == 0o700
    if number:
        assert bench.tell("check")[:1] == (0,)
    code, summary, stderr = bench.push()
    assert code == 3, stderr
    assert bench.held() == {"a": 0.5, "b": 1, "c": 0.25}
    assert (
        summary["read"]
        == sum(summary[name] for name in ("applied", "skipped", "ignored", "dead", "pending"))
        == 7
    )
    assert bench.tell("check")[0] == 0


def test_lines_that_are_asked_again_are_named(bench: StateBench) -> None:
    bench.damage("journal", frame_at(bench, 2) + 20)
    _, told, _ = bench.tell("repair")
    named = rf"{re.escape(str(bench.log))}: what became of lines 1 to [57] is not certain"
    assert re.search(named, "\n".join(told["unknown"])), told
    plain = bench.cli("state", "repair", "--state", str(bench.state)).out
    assert plain == f"{bench.state}: whole; nothing was done\n"


def test_a_lost_dead_letter_stays_counted_and_is_listed_as_lost(bench: StateBench) -> None:
    bench.damage("dead.jsonl", 40)
    _, told, _ = bench.tell("repair")
    assert any("lost 1 dead letter of" in sentence for sentence in told["unknown"])
    letters = [
        json.loads(line)
        for line in bench.cli(
            "dead", "list", "--state", str(bench.state), "--json"
        ).out.splitlines()
    ]
    assert [letter["line"] for letter in letters] == [4, 0]
    assert "quarantine" in letters[1]["reason"]
    code, summary, _ = bench.push()
    assert (code, summary["dead"], summary["read"]) == (3, 2, 7)
    assert bench.cli("dead", "drop", f"{bench.log}:0", "--state", str(bench.state)).code == 0
    assert bench.cli("status", "--state", str(bench.state), "--json").json()["dead"] == 1


def test_a_state_in_use_is_not_repaired_but_can_be_checked(bench: StateBench) -> None:
    bench.faults("hang=1")
    arguments = command(
        "push",
        str(bench.log),
        "--base-url",
        bench.remote.url,
        "--app-id",
        bench.folder.name,
        "--state",
        str(bench.state),
    )
    pushing = started([*arguments, "--no-progress"])
    try:
        while bench.tell("check")[1]["locked_by"] is None:
            assert pushing.poll() is None
        code, told, _ = bench.tell("check")
        assert (code, told["locked_by"]) == (0, pushing.pid)
        code, told, _ = bench.tell("repair")
        assert code == 1
        assert f"process {pushing.pid} is using it" in told["error"]
    finally:
        pushing.kill()
        pushing.communicate()


# --- stdin ----------------------------------------------------------------------------


def test_a_damaged_spool_is_told_and_the_same_input_again_mends_it(bench: StateBench) -> None:
    text = b"".join(json.dumps(post(f"s{n}", n / 8)).encode() + b"\n" for n in range(8))
    bench.faults("error=1")
    assert bench.push("-", stdin=text)[0] == 1
    bench.faults("")
    (spool,) = (bench.state / "spool").iterdir()
    spool.write_bytes(spool.read_bytes().replace(b'"s7"', b'"s8"'))
    code, told, _ = bench.tell("check")
    assert code == 1
    assert [(damage["file"], damage["byte"]) for damage in told["damages"]] == [(str(spool), 0)]
    assert bench.push("-", stdin=text)[0] == 0
    assert {id for id in bench.held() if id.startswith("s")} == {f"s{n}" for n in range(8)}
    assert bench.tell("check")[0] == 0


def test_a_repair_sets_a_damaged_spool_aside(bench: StateBench) -> None:
    text = json.dumps(post("s")).encode() + b"\n"
    bench.push("-", stdin=text)
    (spool,) = (bench.state / "spool").iterdir()
    spool.write_bytes(b"rotten")
    code, told, _ = bench.tell("repair")
    assert (code, told["set_aside"]) == (0, [spool.name])
    assert (Path(told["quarantine"]) / spool.name).read_bytes() == b"rotten"
    assert bench.tell("check")[0] == 0
    assert bench.push("-", stdin=text)[0] == 0


# --- pulls ----------------------------------------------------------------------------


@pytest.fixture
def pulled(bench: StateBench, tmp_path: Path) -> Path:
    """The state of a search that was interrupted after some pages."""
    log = tmp_path / "many.jsonl"
    log.write_text("".join(json.dumps(post(f"m{n}", input_id=f"in{n}")) + "\n" for n in range(600)))
    assert bench.push(str(log))[0] == 0
    bench.faults("search-hits=repeated,slow=1")
    pulling = started(pull_command(bench, tmp_path))
    checkpoint = tmp_path / "pull" / "pull.json"
    while not (checkpoint.exists() and json.loads(checkpoint.read_bytes())["pages"] >= 2):
        assert pulling.poll() is None, pulling.communicate()
    pulling.kill()
    pulling.communicate()
    # A page that was under way is rolled back, which would undo a damage, too.
    with closing(sqlite3.connect(tmp_path / "pull" / "seen.sqlite")) as seen:
        seen.execute("select count(*) from seen")
    # What is left of one that had not begun would stay until the next page.
    (tmp_path / "pull" / "seen.sqlite-journal").unlink(missing_ok=True)
    bench.faults("search-hits=repeated")
    return tmp_path / "pull"


def pull_command(bench: StateBench, folder: Path) -> list[str]:
    where = (
        "--base-url",
        bench.remote.url,
        "--app-id",
        bench.folder.name,
        "--state",
        str(folder / "pull"),
        "--out",
        str(folder / "out.jsonl"),
    )
    return command("pull", "clarifai", *where, "--status", "24150", "--json", "--no-progress")


def carried_on(bench: StateBench, folder: Path) -> tuple[int, list[str]]:
    """The same pull again: exit code, and the ids that were written."""
    done = subprocess.run(
        pull_command(bench, folder), env=ENVIRONMENT, capture_output=True, timeout=120
    )
    out = folder / "out.jsonl"
    return done.returncode, sorted(
        json.loads(line)["id"] for line in out.read_text().splitlines()
    ) if out.exists() else []


WANTED = sorted(["a", "b", "c", *(f"m{n}" for n in range(600))])


@pytest.mark.proof
def test_a_pull_in_the_middle_is_whole_and_exported(bench: StateBench, pulled: Path) -> None:
    assert bench.tell("check", state=pulled)[1]["whole"] is True
    code, records, _ = bench.tell("export", state=pulled)
    assert code == 0
    (pull,) = kinds(records, "pull")
    assert pull["pages"] >= 2
    assert carried_on(bench, bench.folder) == (0, WANTED)


@pytest.mark.proof
@pytest.mark.parametrize("name", ["pull.json", "seen.sqlite"])
def test_a_damaged_pull_is_set_aside_and_starts_from_the_beginning(
    bench: StateBench, pulled: Path, name: str
) -> None:
    path = pulled / name
    rotten = path.read_bytes()
    half = len(rotten) // 2
    path.write_bytes(rotten[:half] + random.Random(1).randbytes(len(rotten) - half))
    assert bench.tell("check", state=pulled)[0] == 1
    assert carried_on(bench, bench.folder)[0] == 1
    code, told, _ = bench.tell("repair", state=pulled)
    assert code == 0
    assert "starts from the beginning" in told["unknown"][0]
    assert sorted(told["set_aside"]) == sorted(
        each.name for each in Path(told["quarantine"]).iterdir()
    )
    assert name in told["set_aside"]
    assert carried_on(bench, bench.folder) == (0, WANTED)
