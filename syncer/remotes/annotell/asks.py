"""The questions of the API: paths, quoted through and through, and what their answers
are read as (wire, section 1).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from syncer.core.outcome import Refused
from syncer.core.ports.pull import Ask, Row
from syncer.core.ports.push import LookUpFailure
from syncer.core.ports.wire import NoReply, Reply, Request
from syncer.remotes.annotell import documents
from syncer.remotes.annotell.answers import Cursor, Unwrapped, read_probe, unwrap
from syncer.remotes.annotell.documents import Item, ItemPage
from syncer.remotes.paths import URL_BYTES_MOST, fitting, segment, unfit_for_path

URL_BYTES_MAX = 4_000
"""The bytes of a whole URL: what many servers take."""
UUIDS_MAX = 100
"""Asked for at once; kognic-io 2.19.0 does so for lists of uuids
(tools/input_creation.py).
"""

T = TypeVar("T")
AnswerReader = Callable[[Reply | NoReply], T | LookUpFailure]


class Input(msgspec.Struct, rename="camel", gc=False):
    """An input with its status: `Input` of annotell-input-api 1.3.1, input_entry.py."""

    internal_id: str
    status: str
    external_id: str | None = None


class RequestedInput(msgspec.Struct, rename="camel", gc=False):
    """An input as kognic-io 2.19.0 has it (model/input/input.py): a scene in a request,
    without a status.
    """

    uuid: str
    scene_uuid: str


class ListedScene(msgspec.Struct, rename="camel", gc=False):
    """kognic-io 2.19.0: model/scene/scene_entry.py."""

    uuid: str
    status: str


class RequestInput(msgspec.Struct, rename="camel", gc=False):
    """kognic-io 2.19.0: model/input/request_input.py."""

    id: str
    status: str = ""
    last_completed_annotation_id: str | None = None


_TEXTS = msgspec.json.Decoder(list[str])
_INPUTS = msgspec.json.Decoder(list[Input])
_REQUESTED = msgspec.json.Decoder(list[RequestedInput])
_SCENES = msgspec.json.Decoder(list[ListedScene])
_REQUEST_INPUTS = msgspec.json.Decoder(list[RequestInput])


class Asks:
    """The questions of one API.

    `iso_cuboids`: cuboids turned as in ISO 8855 (Kognic only).
    """

    def __init__(self, base_url: str, *, iso_cuboids: bool = False) -> None:
        self._base_url = base_url
        self._iso = [("useDefaultCartesian", "true")] * iso_cuboids
        self._iso_by_id = [("isoBoxes", "true")] * iso_cuboids

    # --- annotations ------------------------------------------------------------------

    def exports_of(self, uuids: Sequence[str]) -> Ask[list[Row]] | Refused:
        """A1: the annotations of these inputs, in the answer.

        No uuid would ask for all that the organisation has: never asked.
        """
        assert uuids
        if any("," in uuid for uuid in uuids):
            return Refused(
                "a comma in an id stands for two ids where annotations are asked for by inputs"
                " alone: name an annotation type"
            )
        return _get(["/v1/annotations"], [("inputs", ",".join(uuids))], documents.read_exports)

    def chunk(self, uuids: Sequence[str]) -> list[str]:
        """As many of the first as `exports_of` may ask for; at least one, and one with
        a comma by itself.
        """
        first = list(uuids[:UUIDS_MAX])
        room = URL_BYTES_MAX - len(self._base_url) - len("/v1/annotations?inputs=")
        size = fitting((len(segment(uuid)) + len("%2C") for uuid in first), room)
        commas = [place for place, uuid in enumerate(first[:size]) if "," in uuid]
        return first[: max(1, commas[0]) if commas else size]

    def annotations(
        self, project: str, batch: str, annotation_type: str, cursor: Cursor | None
    ) -> Ask[ItemPage] | Refused:
        """A3: a page of what is finished in a project or batch."""
        cursors = [] if cursor is None else [("cursorId", str(cursor))]
        return _get(
            [*_of_type(project, batch, annotation_type), "/search"],
            [*cursors, *self._iso],
            documents.read_page,
        )

    def all_annotations(
        self, project: str, batch: str, annotation_type: str
    ) -> Ask[ItemPage] | Refused:
        """A2: the same in one list, as before version 1.2."""
        return _get(_of_type(project, batch, annotation_type), self._iso, documents.read_list)

    def single(self, item: Item) -> Ask[Row] | Refused:
        """A5: one annotation by input (scene, in Kognic's words) and type, in the
        answer.
        """
        path = [
            "/v1/annotations/inputs/",
            item.input_uuid,
            "/annotation-type/",
            item.annotation_type or "",
        ]
        return _get(path, self._iso, documents.read_single)

    def of_request_input(self, uuid: str) -> Ask[ItemPage] | Refused:
        """A6: the annotation of a request input."""
        return _get(["/v2/inputs/", uuid, "/annotation"], self._iso, documents.read_one)

    def of_scene(self, uuid: str) -> Ask[ItemPage] | Refused:
        """A7: the annotations of a scene."""
        return _get(["/v2/scenes/", uuid, "/annotations"], self._iso, documents.read_list)

    def by_id(self, id: str) -> Ask[ItemPage] | Refused:
        """A8: an annotation by its id, delivered or preliminary."""
        path = [neighbour(self._base_url, "annotation-integration") + "/v1/annotations/", id]
        return _get(path, self._iso_by_id, documents.read_signed)

    # --- what there is ----------------------------------------------------------------

    def annotation_types(self, project: str, batch: str) -> Ask[Unwrapped[list[str]]] | Refused:
        """The types of a project or batch."""
        of_batch = ["/batches/", batch] if batch else []
        return _get(["/v1/projects/", project, *of_batch, "/annotation-types"], [], _reader(_TEXTS))

    @staticmethod
    def probe() -> Ask[object]:
        """Ask whether the service is there.

        The projects are listed for everybody (wire, 1c); what they are does not matter.
        """
        return Ask(Request("GET", "/v1/projects"), read_probe)

    def inputs(self, project: str, batch: str) -> Ask[Unwrapped[list[Input]]] | Refused:
        """All inputs that are not invalidated, in one list (annotell-input-api; `False`
        is how it writes it).
        """
        query = [("project", project), *[("batch", batch)] * bool(batch), ("invalidated", "False")]
        return _get(["/v1/inputs"], query, _reader(_INPUTS))

    def inputs_page(
        self, project: str, batch: str, cursor: Cursor | None
    ) -> Ask[Unwrapped[list[Input]]]:
        """The same by pages (kognic-io since 1.0.2)."""
        body = {
            "project": project,
            **({"batch": batch} if batch else {}),
            "includeInvalidated": False,
        }
        return _post("/v1/inputs/fetch", body, cursor, _reader(_INPUTS, paged=True))

    def list_requested_inputs(
        self, project: str, batch: str, cursor: Cursor | None
    ) -> Ask[Unwrapped[list[RequestedInput]]]:
        """A page of a project's request inputs."""
        body: dict[str, object] = {"project": project, **({"batch": batch} if batch else {})}
        return _post("/v2/inputs/query", body, cursor, _reader(_REQUESTED, paged=True))

    def scenes(self, uuids: Sequence[str]) -> Ask[Unwrapped[list[ListedScene]]]:
        """Scenes with their status; refused with 404 where one of them is missing."""
        return _post("/v2/scenes/query", {"sceneUuids": list(uuids)}, None, _reader(_SCENES))

    def request_inputs(
        self, request_id: str, cursor: Cursor | None
    ) -> Ask[Unwrapped[list[RequestInput]]] | Refused:
        """A page of a request's inputs, with the id of what was completed last."""
        cursors = [] if cursor is None else [("cursorId", str(cursor))]
        path = neighbour(self._base_url, "order-execution") + "/v2/request-inputs"
        return _get(
            [path], [*cursors, ("requestId", request_id)], _reader(_REQUEST_INPUTS, paged=True)
        )


def neighbour(base_url: str, service: str) -> str:
    """The base URL of another of Kognic's services, empty where it is the same one.

    They stand beside `input.app.kognic.com` (kognic-io 2.19.0: model/hosts.py); a host
    of another name, a proxy or an emulator, serves all.
    """
    parts = urlsplit(base_url)
    if not parts.netloc.startswith("input."):
        return ""
    return f"{parts.scheme}://{service}.{parts.netloc.removeprefix('input.')}"


def neighbours(base_url: str) -> frozenset[str]:
    """All base URLs beside this one that questions go to."""
    return frozenset(
        filter(
            None,
            (
                neighbour(base_url, service)
                for service in ("annotation-integration", "order-execution")
            ),
        )
    )


def _of_type(project: str, batch: str, annotation_type: str) -> list[str]:
    of_batch = ["/batch/", batch] if batch else []
    return ["/v1/annotations/projects/", project, *of_batch, "/annotation-type/", annotation_type]


def _reader(decoder: msgspec.json.Decoder[T], *, paged: bool = False) -> AnswerReader[Unwrapped[T]]:
    return lambda reply: unwrap(reply, decoder, paged=paged)


def _get(
    path: Sequence[str], query: Sequence[tuple[str, str]], read: AnswerReader[T]
) -> Ask[T] | Refused:
    """A question, unless something in its path cannot stand there.

    Every second part of the path is a name.
    """
    if (why := next(filter(None, map(unfit_for_path, path[1::2])), None)) is not None:
        return Refused(why)
    url = "".join([segment(part) if place % 2 else part for place, part in enumerate(path)])
    url += "?" + urlencode(query, quote_via=quote, safe="") if query else ""
    if len(url) > URL_BYTES_MOST:
        return Refused(
            f"its id makes a URL of {len(url):,} bytes, and servers take {URL_BYTES_MOST:,}"
        )
    return Ask(Request("GET", url), read)


def _post(
    path: str, body: dict[str, object], cursor: Cursor | None, read: AnswerReader[T]
) -> Ask[T]:
    """Every page repeats the body; the cursor stands in the query (wire, 1b)."""
    query = (
        ""
        if cursor is None
        else "?" + urlencode({"cursorId": str(cursor)}, quote_via=quote, safe="")
    )
    return Ask(Request("POST", path + query, json.dumps(body).encode()), read)
