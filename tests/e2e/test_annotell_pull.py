"""Annotell's lists through the real engine and over real sockets: every fault and every
unknown leaves what the service holds.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any, Literal

import anyio
import pytest

from syncer.config.models import Retry
from syncer.core.backoff import Backoff
from syncer.core.facts import OPEN
from syncer.core.pace import Concurrency, Pace
from syncer.core.ports.pull import Found, Listing, Unit
from syncer.core.ports.wire import Transport
from syncer.emulator import Emulator
from syncer.emulator.annotell.documents import image, make_uuid
from syncer.emulator.annotell.settings import ANNOTELL_SWITCHES
from syncer.emulator.answer import Answer, ItemFault, Request
from syncer.emulator.waits import FORMS
from syncer.engine.clock import Clock
from syncer.engine.pull import Pull, Way
from syncer.engine.turns import Turns
from syncer.errors import CredentialsRefused, Stopped
from syncer.jobs.destinations import restore_destination
from syncer.remotes.annotell import DocumentSelection, listing, neighbours
from syncer.remotes.annotell.selection import Flavour
from syncer.transport.http import HttpTransport
from syncer.transport.oauth import OAuthTransport, Tokens
from tests.support.cases import first_quick
from tests.support.stand_in import running

pytestmark = pytest.mark.anyio

FAULTS = (
    "error=0.05,html=0.05,reset-before=0.03,reset-after=0.03,"
    "cut=0.05,gateway=0.03,empty=0.03,list-page=7"
)
RETRY = Retry(
    base_seconds=0.001,
    cap_seconds=0.002,
    throttle_seconds=0.01,
    give_up_seconds=20,
    max_attempts=30,
)
TYPES = ("object-detection", "signs")
SWITCHED = [f"{name}={value}" for name, values in ANNOTELL_SWITCHES.items() for value in values]
SOME = DocumentSelection(project="many", annotation_types=TYPES)


def projects(inputs: int) -> dict[str, Any]:
    """A project of so many inputs, each with an annotation of two types, one in seven
    not annotated yet.
    """

    def made(number: int) -> dict[str, Any]:
        name = f"many/{number:03}"
        annotations = (
            [{"annotationType": kind, "content": image(f"{name}/{kind}")} for kind in TYPES]
            if number % 7
            else []
        )
        status = "created" if number % 3 else "processing"
        return {
            "internalId": make_uuid(name),
            "externalId": name,
            "status": status,
            "annotations": annotations,
        }

    return {
        "projects": [
            {
                "project": "many",
                "annotationTypes": list(TYPES),
                "inputs": [made(number) for number in range(inputs)],
            }
        ]
    }


async def pulled(
    server: Emulator,
    selection: DocumentSelection | Listing,
    *,
    flavour: Flavour = "annotell",
    secret: str = "any",
    max_attempts: int = 30,
) -> tuple[list[Found], OAuthTransport]:
    """A whole pull from a server, as it is delivered."""

    def plain(base_url: str | None) -> HttpTransport:
        return HttpTransport(
            base_url=base_url,
            connect_timeout_seconds=5,
            request_timeout_seconds=5,
        )

    found: list[Found] = []

    async def deliver(_: Unit, came_to: Found) -> None:
        found.append(came_to)

    tokens, others = Tokens("id", secret), neighbours(server.url)
    api = OAuthTransport(
        api=plain(server.url),
        auth=plain(server.url),
        tokens=tokens,
        elsewhere=plain(None),
        other_hosts=others,
    )
    async with api, plain(None) as storage:
        now, rng = Clock(), random.Random(1)

        def way(transport: Transport) -> Way:
            pace, destination = Pace(1e6), restore_destination(RETRY, OPEN, now())
            concurrency = Concurrency(32, pace)
            turns = Turns(transport, pace, concurrency, destination, now, rng, lambda _: None)
            return Way(turns, anyio.Semaphore(32))

        ways: Mapping[Literal["api", "storage"], Way] = {"api": way(api), "storage": way(storage)}
        the_list = (
            listing(selection, flavour, server.url)
            if isinstance(selection, DocumentSelection)
            else selection
        )
        engine = Pull(
            the_list,
            ways,
            units_ahead_max=8,
            max_attempts=max_attempts,
            backoff=Backoff(0.001, 0.002, rng),
        )
        with anyio.fail_after(60):
            await engine.run("", deliver)
    return found, api


def held(
    server: Emulator, *, statuses: tuple[str, ...] = ("created", "processing")
) -> dict[tuple[str, str], bytes]:
    """What the service holds: documents by input and type."""
    scenes = [
        scene
        for scene in server.annotell.projects.by_name["many"].scenes
        if scene.shown["status"] in statuses
    ]
    return {
        (scene.uuid, one.annotation_type): one.document
        for scene in scenes
        for one in scene.annotations
    }


def fetched(found: list[Found]) -> dict[tuple[str, ...], bytes]:
    """What came, by key: the bytes of each document, cut out of its line."""
    rows = [row for came_to in found for row in came_to.rows]
    assert len({row.key for row in rows}) == len(rows)
    return {row.key: row.line.partition(b',"content":')[2][:-1] for row in rows}


@pytest.mark.parametrize("seed", range(4))
async def test_with_every_fault_on_every_document_comes_once_byte_for_byte(seed: int) -> None:
    async with running(rps=0, faults=FAULTS, seed=seed) as server:
        server.annotell.projects.add(projects(40))
        found, _ = await pulled(server, SOME)
        assert fetched(found) == held(server)
        assert [problem for came_to in found for problem in came_to.problems] == []
        assert server.counts.keys() >= {
            f"fault {name}" for name in ("error", "html", "cut", "empty")
        }


@pytest.mark.parametrize("switch", SWITCHED)
async def test_what_nobody_knows_of_the_service_changes_nothing(switch: str) -> None:
    async with running(
        rps=0, faults=f"list-page=7,{switch}" if "list-page" not in switch else switch
    ) as server:
        server.annotell.projects.add(projects(20))
        found, _ = await pulled(server, SOME)
        problems = [problem for came_to in found for problem in came_to.problems]
        assert (fetched(found), problems) == (held(server), [])


@pytest.mark.parametrize("form", first_quick([form for form in FORMS if form != "huge"], 3))
async def test_waits_in_every_form_are_waited_for_at_the_api_the_auth_server_and_the_storage(
    form: str,
) -> None:
    async with running(
        rps=0,
        faults=f"throttle=0.15,html=0.05,retry-after={form},error-retry-after=seconds",
        seed=2,
    ) as server:
        server.annotell.projects.add(projects(10))
        found, _ = await pulled(server, SOME)
        assert (fetched(found), [problem for came_to in found for problem in came_to.problems]) == (
            held(server),
            [],
        )
        assert server.counts["fault throttle"] > 2


async def test_a_token_is_fetched_once_and_the_storage_never_sees_it() -> None:
    async with running(rps=0, faults="list-page=7") as server:
        server.annotell.projects.add(projects(40))
        _, api = await pulled(server, SOME)
        assert api.hidden_retries == 1
        assert server.annotell.tokens.granted == {"client_credentials": 1}


@pytest.mark.parametrize("flavour", ["annotell", "kognic"])
async def test_the_guides_use_case_over_the_network(flavour: Flavour) -> None:
    async with running(rps=0, faults=FAULTS, seed=3) as server:
        server.annotell.projects.add(projects(40))
        found, _ = await pulled(
            server,
            DocumentSelection(project="many", annotation_types=TYPES, input_statuses=("created",)),
            flavour=flavour,
        )
        assert fetched(found) == held(server, statuses=("created",))


async def test_the_guides_use_case_by_uuids_as_in_version_1_0() -> None:
    async with running(rps=0) as server:
        server.annotell.projects.add(projects(40))
        found, _ = await pulled(
            server, DocumentSelection(project="many", input_statuses=("created",))
        )
        scenes = [
            scene
            for scene in server.annotell.projects.by_name["many"].scenes
            if scene.shown["status"] == "created"
        ]
        exported = {
            (scene.uuid, str(one.number)): one.export_content
            for scene in scenes
            for one in scene.annotations
        }
        assert {key: json.loads(text) for key, text in fetched(found).items()} == exported


async def test_kognics_other_ways_over_the_network() -> None:
    async with running(rps=0, faults="list-page=7,cursor=text") as server:
        server.annotell.projects.add(projects(20))
        project = server.annotell.projects.by_name["many"]
        ids = tuple(one.id for scene in project.scenes for one in scene.annotations)
        for selection, count in (
            (DocumentSelection(annotation_ids=ids), len(ids)),
            (
                DocumentSelection(
                    input_uuids=tuple(
                        scene.request_input for scene in project.scenes if scene.annotations
                    )
                ),
                len(ids) // 2,
            ),
            (DocumentSelection(request_id=project.request_id), len(ids) // 2),
        ):
            found, _ = await pulled(server, selection, flavour="kognic")
            assert len(fetched(found)) == count
            assert set(fetched(found).values()) <= set(held(server).values())


REFUSED_SCENES = [f"missing-scene={value}" for value in ANNOTELL_SWITCHES["missing-scene"]]
STOPS = {"missing-scene=405", "missing-scene=409", "missing-scene=410"}
"""What does not speak of a scene."""
UNKNOWN = [
    f"unserved={name},unknown-address={form}"
    for name in ("scenes", "second")
    for form in ANNOTELL_SWITCHES["unknown-address"]
]
STOPS |= set(UNKNOWN)


@pytest.mark.parametrize("switches", [*REFUSED_SCENES, *UNKNOWN])
async def test_the_created_scenes_of_a_project_without_types_come_or_it_is_told_why_not(
    switches: str,
) -> None:
    """What is left out is named, or the pull stops: no refusal is read as "no scene has
    that status".
    """
    async with running(rps=0, faults=f"list-page=7,{switches}") as server:
        made = projects(20)
        made["projects"][0] |= {"annotationTypes": []}
        made["projects"][0]["inputs"][3]["status"] = "deleted"
        server.annotell.projects.add(made)
        scenes = [
            scene
            for scene in server.annotell.projects.by_name["many"].scenes
            if scene.shown["status"] == "created"
        ]
        selection = DocumentSelection(project="many", input_statuses=("created",))
        if switches in STOPS:
            with pytest.raises(Stopped, match="HTTP 4"):
                await pulled(server, selection, flavour="kognic", max_attempts=3)
            return
        found, _ = await pulled(server, selection, flavour="kognic")
        came = {key[0] for key in fetched(found)}
        assert came == {scene.request_input for scene in scenes if scene.annotations}
        problems = [problem.what for came_to in found for problem in came_to.problems]
        deleted = server.annotell.projects.by_name["many"].scenes[3].request_input
        assert problems == ([] if switches == "missing-scene=404" else [f"input {deleted}"])


@pytest.mark.parametrize("form", ANNOTELL_SWITCHES["not-found"])
async def test_inputs_without_an_annotation_are_no_problem_where_the_service_says_there_is_none(
    form: str,
) -> None:
    async with running(rps=0, faults=f"not-found={form}") as server:
        made = projects(20)
        made["projects"][0] |= {"annotationTypes": []}
        server.annotell.projects.add(made)
        scenes = server.annotell.projects.by_name["many"].scenes
        if form == "gateway":
            with pytest.raises(Stopped, match="a gateway's, not the service's"):
                await pulled(
                    server, DocumentSelection(project="many"), flavour="kognic", max_attempts=3
                )
            return
        found, _ = await pulled(server, DocumentSelection(project="many"), flavour="kognic")
        assert {key[0] for key in fetched(found)} == {
            scene.request_input for scene in scenes if scene.annotations
        }
        problems = {problem.what for came_to in found for problem in came_to.problems}
        assert problems == (
            set()
            if form == "message"
            else {f"input {scene.request_input}" for scene in scenes if not scene.annotations}
        )


@pytest.mark.parametrize("form", ANNOTELL_SWITCHES["unknown-address"])
async def test_what_is_named_as_completed_is_told_where_the_host_of_annotations_lacks_the_address(
    form: str,
) -> None:
    async with running(rps=0, faults=f"unserved=by-id,unknown-address={form}") as server:
        server.annotell.projects.add(projects(6))
        project = server.annotell.projects.by_name["many"]
        completed = [scene for scene in project.scenes if scene.annotations]
        if form == "gateway":
            with pytest.raises(Stopped, match="a gateway's, not the service's"):
                await pulled(
                    server,
                    DocumentSelection(request_id=project.request_id),
                    flavour="kognic",
                    max_attempts=3,
                )
            return
        found, _ = await pulled(
            server, DocumentSelection(request_id=project.request_id), flavour="kognic"
        )
        assert fetched(found) == {}
        assert sum(len(came_to.problems) for came_to in found) == len(completed)


@pytest.mark.parametrize("place", ANNOTELL_SWITCHES["cursor-place"])
@pytest.mark.parametrize("order", ANNOTELL_SWITCHES["document-order"])
async def test_what_is_there_all_along_comes_though_others_invalidate_while_it_is_listed(
    place: str, order: str
) -> None:
    async with running(
        rps=0, faults=f"list-page=2,cursor-place={place},document-order={order}"
    ) as server:
        server.annotell.projects.add(projects(40))
        rng, scenes = random.Random(order), server.annotell.projects.by_name["many"].scenes
        answer = server.annotell.answer

        def invalidating(request: Request, item_fault: ItemFault) -> Answer:
            if "/search" in request.path and rng.random() < 0.3 and len(scenes) > 25:
                scenes.pop(rng.randrange(len(scenes)))
            return answer(request, item_fault)

        server.annotell.answer = invalidating  # type: ignore[method-assign]
        found, _ = await pulled(server, SOME)
        assert held(server).items() <= fetched(found).items()


async def test_refused_credentials_end_the_pull() -> None:
    async with running(rps=0) as server:
        with pytest.raises(CredentialsRefused, match="invalid_client") as refused:
            await pulled(
                server, DocumentSelection(project="emulator-project"), secret="refused-secret"
            )
        assert "refused-secret" not in str(refused.value)
