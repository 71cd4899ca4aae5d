"""`syncer pull clarifai` as users run it: every option, every way out, every form of
output. Real processes, real sockets.
"""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pytest

from tests.support.mixed import Annotation, write_mixed
from tests.support.processes import ENVIRONMENT, EmulatorProcess, command, emulator
from tests.support.pulls import Key, held, keyed, pages_done, pull, pull_arguments, wrong
from tests.support.stand_in import settings_of

BY_WORKFLOW = {
    "id": "by-workflow",
    "input_id": "input-000001",
    "worker": {"workflow": {"version": {"id": "flow-1"}}},
}
IN_DATASET = ["input-000002", "input-000005", "input-000007"]


@pytest.fixture(scope="module")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    """An app `mixed` of 601 annotations of every kind and maker, three of its inputs in
    the dataset `train`; `wide` is of 1,200 inputs.
    """
    log = tmp_path_factory.mktemp("load") / "mixed.jsonl"
    wide = log.with_name("wide.jsonl")
    write_mixed(log, 600, seed=11, each=5)
    write_mixed(wide, 2400, seed=12, each=1)
    with log.open("ab") as out:
        out.write(orjson.dumps(BY_WORKFLOW) + b"\n")
    with emulator(
        "--rps", "0", "--load", f"me/mixed={log}", "--load", f"me/wide={wide}"
    ) as running:
        body = {"dataset_inputs": [{"input": {"id": id}} for id in IN_DATASET]}
        post(running, "/v2/users/me/apps/mixed/datasets/train/inputs", body)
        yield running


def post(remote: EmulatorProcess, path: str, body: Any) -> None:
    """As somebody else, who is no part of this."""
    request = urllib.request.Request(
        remote.url + path,
        json.dumps(body).encode(),
        {"Authorization": "Key another"},
        method="POST",
    )
    urllib.request.urlopen(request, timeout=10).close()


def chosen(remote: EmulatorProcess, wanted: Callable[[Annotation], bool]) -> dict[Key, bytes]:
    """What the emulator holds and a selection should find."""
    names = {(row["input_id"], row["id"]) for row in remote.held("mixed") if wanted(row)}
    return {key: line for key, line in held(remote, "mixed").items() if key in names}


def by_hand(row: Annotation) -> bool:
    """Not made by a model or a workflow: what a list shows if nothing else is asked."""
    return "model_version_id" not in row and "workflow" not in row.get("worker", {})


PAIRS = [("input-000003", "a-3-1"), ("input-000004", "a-4-2"), ("input-000004", "level-4")]
CALLERS = ("emulator-user", "emulator-collaborator")
"""Of whom `me` is one: the owner of the app or not, and the other made nothing."""
SINCE, UNTIL = "2024-04-20T00:00:00Z", "2024-05-10T12:00:00+02:00"
SELECTIONS: dict[str, tuple[list[str], Callable[[Annotation], bool]]] = {
    "everything that people made": ([], by_hand),
    "--all": (["--all"], lambda row: True),
    "--input-id": (
        ["--input-id", "input-000001", "--input-id", "input-000000 ä/&?"],
        lambda row: by_hand(row) and row["input_id"] in ("input-000001", "input-000000 ä/&?"),
    ),
    "--annotation-id": (
        [
            word
            for input_id, id in PAIRS
            for word in ("--input-id", input_id, "--annotation-id", id)
        ],
        lambda row: (row["input_id"], row["id"]) in PAIRS,
    ),
    "--by-user": (
        ["--by-user", "ann", "--by-user", "bob"],
        lambda row: row.get("user_id") in ("ann", "bob"),
    ),
    "--by-user me": (["--by-user", "me"], lambda row: row.get("user_id") in CALLERS),
    "--by-model-version": (
        ["--by-model-version", "version-1"],
        lambda row: row.get("model_version_id") == "version-1",
    ),
    "--by-workflow-version": (
        ["--by-workflow-version", "flow-1"],
        lambda row: row["id"] == "by-workflow",
    ),
    "two makers": (
        ["--by-user", "ann", "--by-model-version", "version-0"],
        lambda row: row.get("user_id") == "ann" or row.get("model_version_id") == "version-0",
    ),
    "--task": (["--task", "task-1"], lambda row: row.get("task_id") == "task-1"),
    "--dataset": (
        ["--dataset", "train"],
        lambda row: by_hand(row) and row["input_id"] in IN_DATASET,
    ),
    "--status by name": (
        ["--status", "ANNOTATION_PENDING"],
        lambda row: row["status"]["code"] == 24151,
    ),
    "--status by number": (["--status", "24157"], lambda row: row["status"]["code"] == 24157),
    "--since": (
        ["--since", SINCE],
        lambda row: row["modified_at"] >= "2024-04-20T00:00:00.000000000Z",
    ),
    "--since and --until": (
        ["--since", SINCE, "--until", UNTIL],
        lambda row: (
            "2024-04-20T00:00:00.000000000Z"
            <= row["modified_at"]
            <= "2024-05-10T10:00:00.000000000Z"
        ),
    ),
    "--status of inputs": (
        ["--status", "24151", "--input-id", "input-000001", "--input-id", "input-000002"],
        lambda row: (
            row["status"]["code"] == 24151 and row["input_id"] in ("input-000001", "input-000002")
        ),
    ),
    "--input-level drop": (
        ["--input-level", "drop"],
        lambda row: by_hand(row) and not row.get("input_level"),
    ),
}


@pytest.mark.parametrize("name", SELECTIONS)
def test_a_selection_brings_exactly_what_it_names_byte_for_byte(
    name: str, remote: EmulatorProcess, tmp_path: Path
) -> None:
    options, wanted = SELECTIONS[name]
    expected = chosen(remote, wanted)
    assert 0 < len(expected)
    code, summary, _ = pull(remote.url, "mixed", tmp_path / "out.jsonl", "--rps", "1000", *options)
    assert (code, summary["written"], summary["unreadable"]) == (0, len(expected), 0)
    if settings_of()["search-hits"] == "once":
        assert summary["duplicates"] == 0
    assert keyed((tmp_path / "out.jsonl").read_bytes().splitlines()) == expected


def test_with_inputs_every_input_stands_beside_each_of_its_annotations(
    remote: EmulatorProcess, tmp_path: Path
) -> None:
    post(
        remote,
        "/v2/users/me/apps/bare/inputs",
        {"inputs": [{"id": f"i-{number}"} for number in range(3)]},
    )
    code, _, _ = pull(remote.url, "mixed", tmp_path / "out.jsonl", "--with-inputs", "--rps", "1000")
    state = remote.get("/_emulator/state?user=me&app=mixed&form=answered")
    inputs = {row["id"]: row for row in state["inputs"]}
    rows = [orjson.loads(line) for line in (tmp_path / "out.jsonl").read_bytes().splitlines()]
    assert code == 0
    assert keyed([orjson.dumps(row["annotation"]) for row in rows]) == chosen(remote, by_hand)
    assert all(row["input"] == inputs[row["annotation"]["input_id"]] for row in rows)
    code, _, _ = pull(
        remote.url, "bare", tmp_path / "bare.parquet", "--with-inputs", "--input-level", "drop"
    )
    bare = pl.read_parquet(tmp_path / "bare.parquet")
    assert (code, bare["input_id"].to_list(), bare["annotation_id"].to_list()) == (
        0,
        ["i-0", "i-1", "i-2"],
        [None] * 3,
    )


# --- outputs --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options", "format_"),
    [
        ("out.jsonl", (), "jsonl"),
        ("out.parquet", (), "parquet"),
        ("parts/", (), "parquet"),
        ("out.delta", (), "delta"),
        ("table", ("--format", "delta"), "delta"),
        ("labels.txt", ("--format", "jsonl"), "jsonl"),
    ],
)
def test_an_output_holds_what_the_emulator_holds_in_whatever_form(
    name: str, options: tuple[str, ...], format_: str, remote: EmulatorProcess, tmp_path: Path
) -> None:
    out = str(tmp_path / name) + ("/" if name.endswith("/") else "")
    code, summary, stderr = pull(remote.url, "mixed", out, "--all", "--rps", "1000", *options)
    assert (code, summary["out"], stderr.startswith("fetched 601: written 601 to ")) == (
        0,
        out,
        True,
    )
    assert wrong(tmp_path / name, format_, held(remote, "mixed")) == []


def test_gzip_and_csv(remote: EmulatorProcess, tmp_path: Path) -> None:
    for name in ("out.jsonl.gz", "out.csv", "out.csv.gz"):
        assert pull(remote.url, "mixed", tmp_path / name, "--all", "--rps", "1000")[0] == 0
    expected = held(remote, "mixed")
    assert keyed(gzip.decompress((tmp_path / "out.jsonl.gz").read_bytes()).splitlines()) == expected
    table = pl.read_csv(tmp_path / "out.csv", infer_schema_length=None)
    assert keyed([text.encode() for text in table["annotation"]]) == expected
    assert (
        gzip.decompress((tmp_path / "out.csv.gz").read_bytes())
        == (tmp_path / "out.csv").read_bytes()
    )


def test_standard_output_gives_lines_and_nothing_else_and_leaves_no_state(
    remote: EmulatorProcess, tmp_path: Path
) -> None:
    done = subprocess.run(
        pull_arguments(remote.url, "mixed", "-", "--all", "--rps", "1000"),
        env=ENVIRONMENT,
        capture_output=True,
        cwd=tmp_path,
        timeout=60,
    )
    assert (done.returncode, keyed(done.stdout.splitlines())) == (0, held(remote, "mixed"))
    assert done.stderr.startswith(b"fetched 601: written 601 to -")
    assert list(tmp_path.iterdir()) == []


def test_whoever_reads_standard_output_may_leave(remote: EmulatorProcess, tmp_path: Path) -> None:
    """As `| head -1` does: a message, no traceback."""
    arguments = pull_arguments(remote.url, "mixed", "-", "--all", "--rps", "1000")
    process = subprocess.Popen(
        arguments, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    stderr = process.stderr.read()
    process.stderr.close()
    assert (process.wait(30), b"Traceback" in stderr) == (1, False), stderr


def test_an_empty_app_makes_an_empty_output_with_its_columns(
    remote: EmulatorProcess, tmp_path: Path
) -> None:
    for name in ("out.jsonl", "out.csv", "out.parquet", "out.delta"):
        code, summary, _ = pull(remote.url, "nothing", tmp_path / name)
        assert (code, summary["fetched"]) == (0, 0)
    assert (tmp_path / "out.jsonl").read_bytes() == b""
    assert (
        pl.read_csv(tmp_path / "out.csv").columns
        == pl.read_parquet(tmp_path / "out.parquet").columns
    )
    assert (
        pl.read_delta(str(tmp_path / "out.delta")).columns
        == pl.read_parquet(tmp_path / "out.parquet").columns
    )


# --- ways out -------------------------------------------------------------------------


def test_bad_usage_exits_2_before_anything_is_asked_or_written(
    remote: EmulatorProcess, tmp_path: Path
) -> None:
    before = remote.get("/_emulator/report")["requests"]
    for options, said in (
        (["--annotation-id", "a"], "each annotation needs the input it belongs to"),
        (["--input-id", ""], "an empty argument follows --input-id"),
        (["--since", "yesterday"], "it must be a time like"),
        (["--dataset", "d", "--input-id", "i"], "--dataset cannot be combined with --input-id"),
        (["--status", "24151", "--by-user", "ann"], "cannot be combined with --by-user"),
        (["--status", "ANNOTATION_PENDIN"], "did you mean ANNOTATION_PENDING?"),
        (["--format", "xml"], "xml"),
    ):
        code, answer, _ = pull(remote.url, "mixed", tmp_path / "out.jsonl", *options)
        assert (code, said in answer["error"]) == (2, True), answer
    for out, said in (
        ("out.txt", "its ending does not name a format"),
        ("-", "both want standard output"),
    ):
        code, answer, _ = pull(remote.url, "mixed", out)
        assert (code, said in answer["error"]) == (2, True), answer
    assert remote.get("/_emulator/report")["requests"] == before
    assert list(tmp_path.iterdir()) == []


def test_a_refused_token_exits_2_and_the_same_command_with_a_better_one_does(
    remote: EmulatorProcess, tmp_path: Path
) -> None:
    code, answer, stderr = pull(
        remote.url, "mixed", tmp_path / "out.jsonl", CLARIFAI_PAT="refused-token"
    )
    assert (
        code,
        "refused the credentials" in answer["error"],
        "refused-token" in json.dumps(answer) + stderr,
    ) == (2, True, False)
    assert pull(remote.url, "mixed", tmp_path / "out.jsonl", "--rps", "1000")[0] == 0


def test_what_does_not_exist_is_told_by_its_ids_and_exits_3(
    remote: EmulatorProcess, tmp_path: Path
) -> None:
    options = [
        "--input-id",
        "input-000003",
        "--annotation-id",
        "a-3-1",
        "--input-id",
        "input-000003",
        "--annotation-id",
        "nope",
    ]
    code, summary, stderr = pull(remote.url, "mixed", tmp_path / "out.jsonl", *options)
    assert (code, summary["written"], summary["unreadable"]) == (3, 1, 1)
    why = {
        "left-out": "there is no such annotation",
        "refused": "CONN_DOES_NOT_EXIST: Resource does not exist: annotation_id 'nope' not found",
    }[settings_of()["absent-ids"]]
    assert f"syncer: annotation nope of input input-000003: {why}" in stderr


@contextmanager
def under_way(
    remote: EmulatorProcess, out: Path, *options: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A pull of `wide` that noted a page and is far from done; killed at the end."""
    arguments = pull_arguments(remote.url, "wide", out, "--rps", "20", *options)
    process = subprocess.Popen(
        arguments, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    while not any(pages_done(path.parent) for path in out.parent.rglob("pull.json")):
        time.sleep(0.005)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_behind_the_summary_does_not_change_the_exit_code(
    remote: EmulatorProcess, tmp_path: Path, number: signal.Signals
) -> None:
    arguments = pull_arguments(
        remote.url, "mixed", tmp_path / "out.parquet", "--rps", "1000", "--json"
    )
    with subprocess.Popen(
        arguments, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        summary = json.loads(process.stdout.readline())
        process.send_signal(number)
        assert (process.wait(30), "error" in summary) == (0, False)


def test_a_second_process_is_told_who_holds_the_state(
    remote: EmulatorProcess, tmp_path: Path
) -> None:
    with under_way(remote, tmp_path / "out.jsonl") as first:
        # it is not done before the second one has begun
        first.send_signal(signal.SIGSTOP)
        code, answer, _ = pull(remote.url, "wide", tmp_path / "out.jsonl")
    assert (code, f"process {first.pid}" in answer["error"]) == (1, True)


def test_another_pull_in_the_same_state_is_refused_until_the_first_is_done(
    remote: EmulatorProcess, tmp_path: Path
) -> None:
    with under_way(remote, tmp_path / "out.jsonl"):
        pass
    for options in (["--all"], ["--input-id", "i"], ["--format", "csv"]):
        code, answer, _ = pull(remote.url, "wide", tmp_path / "out.jsonl", *options)
        assert (
            code,
            "belongs to another pull that is not done" in answer["error"],
            "--state" in answer["error"],
        ) == (1, True, True)
    assert pull(remote.url, "wide", tmp_path / "out.jsonl", "--rps", "1000")[0] == 0
    assert (
        pull(remote.url, "wide", tmp_path / "out.jsonl", "--all", "--rps", "1000")[1]["written"]
        == 2400
    )


def test_without_state_a_pull_has_its_own_folder_and_an_older_output_stays_until_the_new_is_whole(
    remote: EmulatorProcess, tmp_path: Path
) -> None:
    config = tmp_path / "syncer.toml"
    config.write_text(f'[state]\ndir = "{tmp_path}/states"\n[push]\nrequests_per_second = 1000\n')
    (tmp_path / "out.jsonl").write_bytes(b"older\n")
    out = tmp_path / "out.jsonl"
    base = command(
        "pull",
        "clarifai",
        "--base-url",
        remote.url,
        "--app-id",
        "wide",
        "-c",
        str(config),
        "--out",
        str(out),
    )
    process = subprocess.Popen([*base, "--rps", "20"], env=ENVIRONMENT, stderr=subprocess.DEVNULL)
    while not any(pages_done(folder) for folder in (tmp_path / "states").glob("pull-*")):
        time.sleep(0.005)
    process.kill()
    process.wait()
    assert out.read_bytes() == b"older\n"
    for options in ([], ["--all"]):
        subprocess.run(
            [*base, *options], env=ENVIRONMENT, check=True, capture_output=True, timeout=60
        )
    assert wrong(out, "jsonl", held(remote, "wide")) == []
    assert len(list((tmp_path / "states").iterdir())) == 2
    assert not (tmp_path / "out.jsonl.part").exists()


def test_an_output_that_cannot_be_written_exits_1_with_its_name(
    remote: EmulatorProcess, tmp_path: Path
) -> None:
    (tmp_path / "folder.jsonl").mkdir()
    for out in (tmp_path / "absent" / "out.jsonl", tmp_path / "folder.jsonl", Path("/dev/full")):
        options = ["--format", "jsonl", "--state", str(tmp_path / "state")]
        code, answer, _ = pull(remote.url, "mixed", out, *options)
        assert (code in (1, 2), str(out) in answer["error"]) == (True, True), answer


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_keeps_what_came_and_the_same_command_carries_on(
    number: signal.Signals, exit_code: int, remote: EmulatorProcess, tmp_path: Path
) -> None:
    with under_way(remote, tmp_path / "out.jsonl", "--all", "--json") as process:
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=30)
    summary = json.loads(stdout)
    assert (process.returncode, b"run the same command again to carry on" in stderr) == (
        exit_code,
        True,
    )
    assert 0 < summary["written"] < 2400
    assert summary["error"].startswith("interrupted; what is written is kept")
    code, finished, _ = pull(remote.url, "wide", tmp_path / "out.jsonl", "--all", "--rps", "1000")
    assert (code, finished["written"]) == (0, 2400)
    assert wrong(tmp_path / "out.jsonl", "jsonl", held(remote, "wide")) == []


def test_an_outage_is_waited_for_and_no_token_shows_anywhere(tmp_path: Path) -> None:
    """A minute of 503 pages would be more than any number of attempts; here it is made
    of short pauses.
    """
    log, config = tmp_path / "mixed.jsonl", tmp_path / "syncer.toml"
    write_mixed(log, 300, seed=1)
    config.write_text("[retry]\nbase_seconds = 0.01\ncap_seconds = 0.02\nmax_attempts = 3\n")
    with emulator("--rps", "0", "--load", f"me/app={log}", "--faults", "html=1") as remote:
        arguments = pull_arguments(
            remote.url, "app", tmp_path / "out.jsonl", "--all", "--rps", "1000", "-c", str(config)
        )
        process = subprocess.Popen(
            [*arguments, "-v"], env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        while remote.get("/_emulator/report").get("fault html", 0) < 40:
            time.sleep(0.01)
        remote.post("/_emulator/faults", {"faults": ""})
        stdout, stderr = process.communicate(timeout=30)
        assert (
            process.returncode,
            wrong(tmp_path / "out.jsonl", "jsonl", held(remote, "app")),
        ) == (0, []), stderr
    token = ENVIRONMENT["CLARIFAI_PAT"].encode()
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(token in content for content in [stdout, stderr, *written])
    assert os.stat(tmp_path / "out.jsonl.state").st_mode & 0o777 == 0o700  # noqa: PTH116
