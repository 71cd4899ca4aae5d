"""`syncer plan`, from its options to its files and exit codes."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from syncer import files
from tests.cli.conftest import Cli
from tests.support.processes import EmulatorProcess, command, emulator, started, until

Annotation = dict[str, Any]
COUNTS = [
    *("compared", "same", "posts", "patches", "deletes", "extra", "ignored", "out_of_scope"),
    *("unreadable", "unchangeable", "requests", "estimated_seconds", "out", "samples"),
]
INPUT_LONG = "x" * 5000


def label(id: str, input_id: str = "i", concept: str = "x", **more: Any) -> Annotation:
    data = {"concepts": [{"id": concept, "value": 1}]}
    return {"id": id, "input_id": input_id, "data": data, **more}


HELD = [
    label("same"),
    label("differs", concept="y"),
    label("extra"),
    label("bobs", user_id="bob"),
    label("model", model_version_id="m"),
    label("elsewhere", "k"),
]
WANTED = [label("same"), label("differs"), label("missing"), label("other", "j", "z")]


def write(name: str, *annotations: Annotation) -> str:
    Path(name).write_text("".join(f"{json.dumps(one)}\n" for one in annotations))
    return name


@pytest.fixture(scope="module")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    """An app that holds labels. Nothing here sends any."""
    held = tmp_path_factory.mktemp("remote") / "held.jsonl"
    held.write_text("".join(f"{json.dumps({'op': 'post', 'annotation': one})}\n" for one in HELD))
    with emulator(
        "--rps",
        "0",
        "--load",
        f"me/app={held}",
        "--faults",
        "url-limit=4096",
        needs="token-user=shown",
    ) as running:
        yield running


@pytest.fixture
def place(
    cli: Cli, remote: EmulatorProcess, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[None]:
    """The app, named by the environment."""
    monkeypatch.setenv("CLARIFAI_API_BASE", remote.url)
    monkeypatch.setenv("CLARIFAI_PAT", "a-token")
    monkeypatch.setenv("CLARIFAI_APP_ID", "app")
    yield
    assert len(remote.held("app")) == len(HELD)


def ids(plan: str) -> dict[str, list[str]]:
    """The ids of a plan's changes, by op."""
    found: dict[str, list[str]] = {}
    for line in Path(plan).read_text().splitlines():
        change = json.loads(line)
        found.setdefault(change["op"], []).append(change["annotation"]["id"])
    return found


@pytest.mark.usefixtures("place")
def test_both_ways_to_ask_for_json_give_one_object_of_one_shape(cli: Cli) -> None:
    wanted = write("wanted.jsonl", *WANTED)
    came = cli("plan", wanted, "--out", "plan.jsonl", "--json")
    value = came.json()
    assert (came.code, list(value)) == (0, COUNTS)
    assert {name: value[name] for name in COUNTS[:6]} == {
        "compared": 4,
        "same": 1,
        "posts": 2,
        "patches": 1,
        "deletes": 0,
        "extra": 2,
    }
    assert value["out"] == "plan.jsonl"
    assert [list(sample) for sample in value["samples"]] == [
        ["mark", "input_id", "id", "fields", "before", "after"]
    ] * 3
    assert cli("plan", wanted, "--out", "plan.jsonl", "--format", "json").json() == value


@pytest.mark.usefixtures("place")
def test_a_check_writes_nothing_and_ends_with_4_where_there_is_something_to_change(
    cli: Cli,
) -> None:
    wanted, same = write("wanted.jsonl", *WANTED), write("same.jsonl", WANTED[0])
    assert cli("plan", wanted, "--check", "--out", "plan.jsonl").code == 4
    extras = cli("plan", same, "--check", "--json")
    assert (extras.code, extras.json()["extra"]) == (0, 3)
    assert cli("plan", wanted, "--dry-run", "--out", "plan.jsonl").code == 0
    assert not list(Path().glob("*plan.jsonl*"))


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("scope", "planned", "out_of_scope"),
    [
        (("--input-id", "i"), {"patch": ["differs"], "post": ["missing"], "delete": ["extra"]}, 1),
        (("--input-id", "j"), {"post": ["other"]}, 3),
        (("--input-id", "j", "--input-id", "k"), {"post": ["other"]}, 3),
        (("--concept", "x"), {"post": ["missing"], "delete": ["extra"]}, 2),
        (("--concept", "z"), {"post": ["other"]}, 3),
        (("--concept", "unknown"), {}, 4),
    ],
)
def test_the_scope_says_what_counts(
    cli: Cli, scope: tuple[str, ...], planned: dict[str, list[str]], out_of_scope: int
) -> None:
    """Neither what is out of it nor what others or models made is touched."""
    wanted = write("wanted.jsonl", *WANTED)
    deleting = ("--delete", "--by-user", "emulator-user")
    came = cli("plan", wanted, "--out", "plan.jsonl", *scope, *deleting, "--json")
    assert came.code == 0, came.err
    assert (ids("plan.jsonl"), came.json()["out_of_scope"]) == (planned, out_of_scope)


@pytest.mark.usefixtures("place")
def test_a_deletion_for_which_nobody_says_whose_is_of_the_tokens_own_user(cli: Cli) -> None:
    wanted = write("wanted.jsonl", *WANTED)
    came = cli("plan", wanted, "--out", "plan.jsonl", "--delete", "--json")
    assert (came.code, ids("plan.jsonl")["delete"], came.json()["extra"]) == (0, ["extra"], 1)
    assert "only what emulator-user made is deleted" in came.err


def test_what_the_service_does_not_tell_ends_it_with_2_and_a_way_out(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLARIFAI_PAT", "a-token")
    wanted = write("wanted.jsonl", *WANTED)
    with emulator("--rps", "0", needs="token-user=missing") as running:
        place = ("--base-url", running.url, "--app-id", "app")
        came = cli("plan", wanted, "--out", "plan.jsonl", "--delete", *place, "--json")
    assert came.code == 2
    assert "say whose with --by-user, or --any-user" in came.json()["error"]
    assert not list(tmp_path.glob("plan*"))


@pytest.mark.usefixtures("place")
def test_an_input_that_cannot_be_read_is_told_and_nothing_is_planned_there(cli: Cli) -> None:
    wanted = write("wanted.jsonl", *WANTED, label("a", INPUT_LONG))
    came = cli("plan", wanted, "--out", "plan.jsonl", "--delete", "--any-user", "--json")
    value = came.json()
    assert (came.code, value["unreadable"], value["posts"], value["deletes"]) == (3, 1, 2, 2)
    assert [one["input_id"] for one in value["samples"] if one["mark"] == "!"] == [INPUT_LONG]
    assert INPUT_LONG not in Path("plan.jsonl").read_text()
    assert json.loads(Path("plan.jsonl.meta.json").read_bytes())["complete"] is False
    # 4 would say that there is nothing worse
    assert cli("plan", wanted, "--check").code == 4


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("options", "code", "why"),
    [
        (("--out", "wanted.jsonl"), 2, "--out wanted.jsonl is in what is wanted"),
        (("--out", "link.jsonl"), 2, "--out link.jsonl is in what is wanted"),
        (("more", "--out", "more/plan.jsonl"), 2, "is in what is wanted (more)"),
        (("--out", "-"), 2, "--out is -, and this is written to a file only: name one"),
        (("--out", "/dev/null"), 2, "--out /dev/null: it must be a file in a folder that exists"),
        (("--out", "more"), 2, "--out more: it must be a file in a folder that exists"),
        (("--out", "no/plan.jsonl"), 2, "it must be a file in a folder that exists"),
        ((), 2, "name the plan to write"),
        (("--out", "p.jsonl", "--max-delete", "x"), 2, "--max-delete is neither"),
        (("--out", "p.jsonl", "--delete", "--any-user", "--max-delete", "1"), 1, "deletes 2 of 4"),
        (("nowhere.jsonl", "--out", "p.jsonl"), 2, "there is no change log nowhere.jsonl"),
        (("--out", "p.jsonl", "--dataset", "none"), 1, "inputs of dataset none"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_leaves_nothing(
    cli: Cli, options: tuple[str, ...], code: int, why: str
) -> None:
    write("wanted.jsonl", *WANTED)
    Path("link.jsonl").symlink_to("wanted.jsonl")
    Path("more").mkdir()
    write("more/wanted.jsonl", WANTED[0])
    before = {path: path.read_bytes() for path in Path().rglob("*.jsonl")}
    came = cli("plan", "wanted.jsonl", *options, "--json")
    assert came.code == code, came.err
    assert why in came.json()["error"]
    assert {path: path.read_bytes() for path in Path().rglob("*.json*")} == before


@pytest.mark.usefixtures("place")
def test_markdown_fits_a_comment_and_its_markup_is_its_own(cli: Cli) -> None:
    wanted = write(
        "wanted.jsonl",
        *(label(f"{'<b>' * 400}{n}", concept=f"|{n}{'*' * 900}") for n in range(100)),
    )
    came = cli("plan", wanted, "--dry-run", "--format", "md")
    assert came.code == 0
    assert len(came.out) < 60_000
    assert came.out.startswith("### syncer plan\n\ncompared 100: 0 the same, 100 posts")
    assert "<b>" not in came.out.replace("\\<b\\>", "")


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("form", ["rows.parquet", "rows.jsonl", "rows.delta"])
def test_what_a_pull_wrote_is_what_is_wanted_and_nothing_is_left_to_change(
    cli: Cli, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulled = cli("pull", "clarifai", "--out", form, "--state", "pulling", "--no-progress", "--json")
    assert pulled.code == 0, pulled.err
    monkeypatch.chdir(tmp_path)
    same = cli("plan", form, "--out", "plan.jsonl", "--delete", "--any-user", "--exact", "--json")
    assert same.code == 0, same.err
    value = same.json()
    assert (value["same"], value["posts"], value["patches"], value["deletes"]) == (5, 0, 0, 0)
    monkeypatch.setenv("CLARIFAI_APP_ID", "empty")
    other = cli("plan", form, "--out", "plan.jsonl", "--json").json()
    assert (other["posts"], other["compared"]) == (5, 5)


@pytest.mark.usefixtures("place")
def test_a_file_that_another_plan_is_writing_is_left_to_it(cli: Cli) -> None:
    wanted = write("wanted.jsonl", *WANTED)
    with files.open_part(Path(".plan.jsonl.part")) as part:
        part.write(b"of the other one")
        part.flush()
        came = cli("plan", wanted, "--out", "plan.jsonl")
        assert (came.code, "is being written by another plan" in came.err) == (1, True)
        assert Path(".plan.jsonl.part").read_bytes() == b"of the other one"


def test_a_plan_that_is_killed_leaves_the_old_one_and_begins_again(tmp_path: Path) -> None:
    wanted, out = tmp_path / "wanted.jsonl", tmp_path / "plan.jsonl"
    write(str(wanted), *(label(f"a{n}", f"i{n}") for n in range(500)))
    with emulator("--rps", "0", "--latency", "0.3") as remote:
        place = ("--base-url", remote.url, "--app-id", "app", "--rps", "1000")
        planning = command("plan", str(wanted), "--out", str(out), *place)
        for old in (b"", b"an old plan\n"):
            out.write_bytes(old)
            for ending in (signal.SIGKILL, signal.SIGTERM):
                process = started(planning)
                assert until(process, lambda: any(tmp_path.glob(".plan.jsonl*")))
                process.send_signal(ending)
                process.communicate()
                assert process.returncode in (-ending, 143)
                assert out.read_bytes() == old
                assert not (tmp_path / "plan.jsonl.meta.json").exists()
        process = started(planning)
        process.communicate()
    assert process.returncode == 0
    assert len(ids(str(out))["post"]) == 500
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "plan.jsonl",
        "plan.jsonl.meta.json",
        "wanted.jsonl",
    ]
