"""Names that the path of a URL changes: whatever is there under them comes, or it is
told at once why it cannot be asked for.
"""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import anyio.to_thread
import orjson
import pytest

import syncer
from syncer.emulator import Emulator
from syncer.emulator.annotell.documents import image
from syncer.emulator.answer import Answer, ItemFault, Request
from syncer.errors import Stopped, UsageError
from syncer.remotes.annotell import ChangeListing, ProjectListing, index
from syncer.remotes.annotell.asks import Asks
from tests.e2e.test_annotell_pull import pulled
from tests.support.processes import ENVIRONMENT, command, emulator
from tests.support.pulls import keyed
from tests.support.stand_in import running

NAMES = [
    ".",
    "..",
    "a/b",
    "../..",
    "a/../b",
    "a//b",
    "a\nb",
    "%2e%2e",
    "a?b",
    "a#b",
    "a b",
    "a,b",
    "a;b",
    "a\\b",
    "é",
    "\u2028",
    "x" * 300,
]
PATHS = ("kept", "normalised")
STEPS = (".", "..", "../..", "a/../b", "a//b")
"""Names that mean another place in a path."""
CHANGED = ("a/b",)
"""What something on the way may take for two names."""
PAIRS = [(f"i{input_id}", id) for input_id in NAMES for id in NAMES[:4]] + [
    (input_id, "..") for input_id in NAMES
]


def labels(folder: Path) -> Path:
    log = folder / "labels.jsonl"
    log.write_bytes(
        b"".join(
            orjson.dumps({"id": id, "input_id": input_id, "data": {}}) + b"\n"
            for input_id, id in PAIRS
        )
    )
    return log


def add_dataset(url: str, name: str, input_id: str) -> None:
    body = orjson.dumps({"dataset_inputs": [{"input": {"id": input_id}}]})
    path = f"/v2/users/me/apps/app/datasets/{quote(name, safe='')}/inputs"
    urllib.request.urlopen(
        urllib.request.Request(url + path, body, {"Authorization": "Key t"}), timeout=10
    ).close()


@pytest.mark.anyio
@pytest.mark.parametrize("path", PATHS)
async def test_labels_are_found_under_any_name_one_or_many_of_them(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(
        rps=0, faults=f"url-path={path}", load=(f"me/app={labels(tmp_path)}",)
    ) as server:
        app = syncer.Clarifai(app_id="app", base_url=server.url, token="t")

        async def pull(**selection: Any) -> set[tuple[str, str]]:
            done = await syncer.pull(
                app, "out.jsonl", syncer.Selection(**selection), requests_per_second=1000
            )
            assert done.unreadable == 0
            return set(keyed((tmp_path / "out.jsonl").read_bytes().splitlines()))

        assert await pull() == set(PAIRS)
        assert await pull(pairs=tuple(PAIRS)) == set(PAIRS)
        for pair in PAIRS[::7]:
            assert await pull(pairs=(pair,)) == {pair}
        for name in NAMES:
            assert await pull(input_ids=(name,)) == {(name, "..")}


@pytest.mark.anyio
@pytest.mark.parametrize("path", PATHS)
async def test_a_dataset_comes_or_it_is_told_why_not(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    loads = (f"me/app={labels(tmp_path)}",)
    async with running(rps=0, load=loads, needs="url-path=kept") as server:
        for name in NAMES:
            if name not in STEPS:
                await anyio.to_thread.run_sync(add_dataset, server.url, name, name)
        server.set_faults(f"url-path={path}")
        app = syncer.Clarifai(app_id="app", base_url=server.url, token="t")
        for name in NAMES:
            pulling = syncer.pull(
                app,
                "out.jsonl",
                syncer.Selection(dataset_id=name),
                state=f"state-{NAMES.index(name)}",
            )
            if name in STEPS:
                with pytest.raises(UsageError, match="the path of a URL cannot hold"):
                    await pulling
            elif path == "normalised" and name in CHANGED:
                with pytest.raises(
                    Stopped,
                    match=r"the inputs of dataset .*'/' in a name may have been changed on the way",
                ):
                    await pulling
            else:
                await pulling
                assert set(keyed((tmp_path / "out.jsonl").read_bytes().splitlines())) == {
                    (name, "..")
                }


@pytest.mark.anyio
@pytest.mark.parametrize("path", PATHS)
async def test_labels_are_read_back_under_any_name_when_an_answer_was_lost(
    path: str, tmp_path: Path
) -> None:
    log = labels(tmp_path)
    async with running(
        rps=0, faults=f"url-path={path},reset-after=0.4", seed=3, needs="id-scope=input"
    ) as server:
        app = syncer.Clarifai(app_id="app", base_url=server.url, token="t")
        config = tmp_path / "syncer.toml"
        config.write_text(
            "[push]\nbatch_size = 5\n[retry]\nbase_seconds = 0.01\ncap_seconds = 0.02\nmax_attempts"
            " = 60\n"
        )
        done = await syncer.push(
            log, app, state=tmp_path / "state", config=config, requests_per_second=1000
        )
        assert (done.applied, done.dead) == (len(PAIRS), 0)
        assert done.reconciled > 0
        assert set(server.annotations("me", "app")) == set(PAIRS)


def test_what_cannot_be_asked_for_at_all_is_bad_usage_and_nothing_is_asked(tmp_path: Path) -> None:
    with emulator("--rps", "0") as remote:
        addresses = (
            "--base-url",
            remote.url,
            "--out",
            str(tmp_path / "out.jsonl"),
            "--state",
            str(tmp_path / "state"),
        )
        clarifai, annotell = (
            ("pull", "clarifai", *addresses),
            ("pull", "annotell", *addresses, "--auth-url", remote.url),
        )
        secrets = {"ANNOTELL_CLIENT_ID": "any", "ANNOTELL_CLIENT_SECRET": "any"}
        before = remote.get("/_emulator/report").get("requests", 0)
        for arguments, said in (
            (
                (*clarifai, "--app-id", "app", "--user-id", "."),
                "user_id: the path of a URL cannot hold '.'",
            ),
            (
                (*clarifai, "--app-id", "app", "--dataset", ".."),
                "--dataset: the path of a URL cannot hold '..'",
            ),
            ((*clarifai, "--app-id", "app", "--input-id", "\udcff"), "can be written as UTF-8"),
            ((*annotell, "--project", ".."), "project: the path of a URL cannot hold '..'"),
        ):
            done = subprocess.run(
                command(*arguments),
                env={**ENVIRONMENT, **secrets},
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (
                2,
                True,
                False,
            ), done.stderr
        assert remote.get("/_emulator/report").get("requests", 0) == before


@pytest.mark.anyio
@pytest.mark.parametrize(
    "selection",
    [
        {"project": "p", "batch": "."},
        {"input_uuids": ("..",), "annotation_types": ("t",)},
        {"project": "p", "annotation_types": ("..",)},
    ],
)
async def test_names_that_no_path_can_hold_are_bad_usage(
    selection: dict[str, Any], tmp_path: Path
) -> None:
    remote = syncer.Annotell(
        base_url="http://127.0.0.1:9",
        auth_url="http://127.0.0.1:9",
        client_id="any",
        client_secret="any",
    )
    with pytest.raises(UsageError, match="the path of a URL cannot hold"):
        await syncer.pull(
            remote,
            tmp_path / "out.jsonl",
            syncer.DocumentSelection(**selection),
            state=tmp_path / "state",
        )


@pytest.mark.anyio
async def test_an_app_whose_name_no_path_can_hold_is_bad_usage_of_a_push_too(
    tmp_path: Path,
) -> None:
    (tmp_path / "log.jsonl").write_bytes(b'{"op":"post","annotation":{"id":"a","input_id":"i"}}\n')
    app = syncer.Clarifai(app_id="..", base_url="http://127.0.0.1:9", token="t")
    with pytest.raises(UsageError, match=r"app_id: the path of a URL cannot hold '\.\.'"):
        await syncer.push(tmp_path / "log.jsonl", app, state=tmp_path / "state")


@pytest.mark.anyio
async def test_an_id_that_no_url_has_room_for_is_told_and_not_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    long = "x" * 9000
    (tmp_path / "labels.jsonl").write_bytes(
        b"".join(
            orjson.dumps({"id": "a", "input_id": id, "data": {}}) + b"\n" for id in ("i", long, "j")
        )
    )
    asked: list[int] = []
    async with running(rps=0, load=("me/app=labels.jsonl",)) as server:
        answer = server.clarifai.answer

        def measured(request: Request, item_fault: ItemFault) -> Answer:
            asked.append(request.url_length)
            return answer(request, item_fault)

        server.clarifai.answer = measured  # type: ignore[method-assign]
        app = syncer.Clarifai(app_id="app", base_url=server.url, token="t")
        for selection in (
            syncer.Selection(input_ids=("i", long, "j")),
            syncer.Selection(pairs=(("i", "a"), (long, "a"), ("j", "a"))),
            syncer.Selection(),
        ):
            done = await syncer.pull(app, "out.jsonl", selection, requests_per_second=1000)
            assert (done.written, done.unreadable) == (2, 1)
    assert max(asked) < 8_190


# --- Annotell -------------------------------------------------------------------------


def projects() -> dict[str, Any]:
    """For each name a project of that name, with an input of that name and an
    annotation of a type of that name.
    """
    return {
        "projects": [
            {
                "project": name,
                "annotationTypes": [name],
                "inputs": [
                    {
                        "internalId": name,
                        "annotations": [{"annotationType": name, "content": image(name)}],
                    }
                ],
            }
            for name in NAMES
        ]
    }


@pytest.mark.anyio
@pytest.mark.parametrize("path", PATHS)
async def test_documents_come_under_any_name_or_it_is_told_why_not(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(rps=0, faults=f"url-path={path}") as server:
        server.annotell.projects.add(projects())
        remote = syncer.Annotell(
            base_url=server.url, auth_url=server.url, client_id="any", client_secret="any"
        )

        async def pull(number: int, **selection: Any) -> tuple[list[str], int]:
            chosen = syncer.DocumentSelection(**selection)
            done = await syncer.pull(
                remote, "out.jsonl", chosen, state=f"state-{number}", requests_per_second=1000
            )
            return [
                json.loads(line)["input_uuid"]
                for line in (tmp_path / "out.jsonl").read_bytes().splitlines()
            ], done.unreadable

        for number, name in enumerate(NAMES):
            by_project, by_type = (
                {"project": name},
                {"input_uuids": (name,), "annotation_types": (name,)},
            )
            if name in STEPS:
                for selection in (by_project, by_type):
                    with pytest.raises(UsageError, match="the path of a URL cannot hold"):
                        await pull(number, **selection)
            elif path == "normalised" and name in CHANGED:
                with pytest.raises(Stopped, match="'/' in a name may have been changed on the way"):
                    await pull(number, **by_project)
                assert await pull(100 + number, **by_type) == ([], 1)
            else:
                assert await pull(number, **by_project) == ([name], 0)
                assert await pull(100 + number, **by_type) == ([name], 0)
            assert await pull(200 + number, input_uuids=(name,)) == (
                ([], 1) if "," in name else ([name], 0)
            )


TYPES = ("t", "..", "a/b", "é")


def of_types() -> dict[str, Any]:
    """A project with an input of each name, each with an annotation of every type."""
    shown = [{"annotationType": kind, "content": image(kind)} for kind in TYPES]
    inputs = [{"internalId": name, "annotations": shown} for name in NAMES]
    return {"projects": [{"project": "p", "annotationTypes": list(TYPES), "inputs": inputs}]}


async def changed(
    server: Emulator, types: tuple[str, ...] = (), known: Sequence[bytes] = ()
) -> tuple[list[bytes], list[str]]:
    """The lines and the problems of a pull of what has changed."""
    project = ProjectListing(Asks(server.url), "p", annotation_types=types)
    found, _ = await pulled(server, ChangeListing(project, index(known)))
    return [row.line for part in found for row in part.rows], [
        problem.what for part in found for problem in part.problems
    ]


@pytest.mark.anyio
async def test_a_type_that_no_path_can_hold_is_told_and_the_others_come() -> None:
    async with running(rps=0, needs="url-path=kept") as server:
        server.annotell.projects.add(of_types())
        found, _ = await pulled(server, syncer.DocumentSelection(project="p"))
        assert len([row for part in found for row in part.rows]) == 3 * len(NAMES)
        assert [problem.what for part in found for problem in part.problems] == ["type .."]
        lines, problems = await changed(server)
        assert (len(lines), problems) == (3 * len(NAMES), ["type .."])


@pytest.mark.anyio
async def test_a_type_that_was_changed_on_the_way_ends_a_pull_and_the_others_come_by_name() -> None:
    async with running(rps=0, faults="url-path=normalised") as server:
        server.annotell.projects.add(of_types())
        why = r"type a/b: .*'/' in a name may have been changed on the way"
        with pytest.raises(Stopped, match=why):
            await pulled(server, syncer.DocumentSelection(project="p"))
        with pytest.raises(Stopped, match=why):
            await changed(server)
        lines, problems = await changed(server, ("t", "..", "é"))
        assert (len(lines), problems) == (2 * len(NAMES), ["type .."])


@pytest.mark.anyio
@pytest.mark.parametrize("path", PATHS)
async def test_a_mirror_buries_nothing_whose_name_may_have_been_changed_on_the_way(
    path: str,
) -> None:
    async with running(rps=0, faults=f"url-path={path}") as server:
        server.annotell.projects.add(of_types())
        scenes = server.annotell.projects.by_name["p"].scenes
        mirror, _ = await changed(server, ("t", "é"))
        plain, left = {"a?b", "a#b", "a b", "a,b", "é"}, {".", "x" * 300}
        scenes[:] = [scene for scene in scenes if scene.uuid in left]
        lines, problems = await changed(server, ("t", "é"), mirror)
        assert {line["input_uuid"] for line in map(json.loads, lines) if line["deleted"]} == plain
        assert len(problems) == 2 * (len(NAMES) - len(plain) - len(left))
