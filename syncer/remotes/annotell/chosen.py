"""The inputs and annotations that a selection means, where the service has no filter
for it and they have to be asked for first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from syncer.core.ports.pull import Asking
from syncer.errors import Stopped
from syncer.remotes.annotell.answers import Unwrapped
from syncer.remotes.annotell.asking import all_pages, need, refusal
from syncer.remotes.annotell.asks import UUIDS_MAX, Asks, ListedScene
from syncer.remotes.flows import cut, one

UNCLEAR = (400, 413, 414, 422, 431)
"""HTTP statuses that refuse a list of ids perhaps for one of them, or for its length.
"""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Ids that are wanted, and those of which it is unknown, each with its reason."""

    ids: tuple[str, ...]
    unclear: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Statuses:
    """Inputs in one of these statuses.

    `asked`: the status of each input of the project.
    """

    asked: Callable[[], Asking[Mapping[str, str]]]
    wanted: tuple[str, ...]

    def choose(self) -> Asking[Chosen]:
        """The inputs."""
        statuses = yield from self.asked()
        return Chosen(tuple(uuid for uuid, status in statuses.items() if status in self.wanted))


def statuses_of_inputs(
    asks: Asks, project: str, batch: str, *, paged: bool
) -> Asking[Mapping[str, str]]:
    """The status of each input of a project by its uuid: no version of the API has a
    filter for it (wire, 1c). `paged`: Kognic's way.
    """
    what = f"the inputs of project {project}"
    if paged:
        inputs = yield from all_pages(
            partial(asks.inputs_page, project, batch), lambda known: known.internal_id, what
        )
    else:
        inputs = (yield from need(asks.inputs(project, batch), what)).data
    return {known.internal_id: known.status for known in inputs}


def request_inputs(asks: Asks, project: str, batch: str, statuses: Sequence[str]) -> Asking[Chosen]:
    """The request inputs of a project, those of scenes in one of the statuses where any
    is given.
    """
    what = f"the inputs of project {project}"
    inputs = yield from all_pages(
        partial(asks.list_requested_inputs, project, batch), lambda known: known.uuid, what
    )
    if not statuses:
        return Chosen(tuple(known.uuid for known in inputs))
    scenes = yield from _Scenes(asks, project).of(sorted({known.scene_uuid for known in inputs}))
    wanted = [known.uuid for known in inputs if scenes.statuses.get(known.scene_uuid) in statuses]
    unclear = {
        known.uuid: (
            f"the status of its scene {known.scene_uuid} is not known:"
            f" {scenes.unclear[known.scene_uuid]}"
        )
        for known in inputs
        if known.scene_uuid in scenes.unclear
    }
    return Chosen(tuple(wanted), unclear)


class _Scenes:
    """The statuses of scenes.

    One that is missing makes the service refuse all that were asked for with it: it is
    found by halving.
    """

    def __init__(self, asks: Asks, project: str) -> None:
        self.statuses: dict[str, str] = {}
        self.unclear: dict[str, str] = {}
        self._asks = asks
        self._what = f"the scenes of project {project}"
        self._absent = ""

    def of(self, uuids: list[str]) -> Asking[_Scenes]:
        """Ask for these.

        Raises Stopped if the service refuses all that is asked for, or knows none of
        them.
        """
        for chunk in cut(uuids, UUIDS_MAX):
            yield from self._ask(chunk)
            if not self.statuses and self.unclear:  # of a whole chunk, each by itself
                raise Stopped(refusal(self._what, next(iter(self.unclear.values()))))
        if uuids and not self.statuses:
            # The project lists inputs of them: so it is the address that is not known.
            raise Stopped(refusal(self._what, f"it knows none of them ({self._absent})"))
        return self

    def _ask(self, uuids: list[str]) -> Asking[None]:
        answer = yield from one(self._asks.scenes(uuids))
        if isinstance(answer, Unwrapped):
            self._note(uuids, answer.data)
        elif len(uuids) > 1 and (answer.missing or answer.code in UNCLEAR):
            for half in cut(uuids, -(-len(uuids) // 2)):
                yield from self._ask(half)
        elif answer.missing:
            self._absent = answer.reason
        elif answer.code in UNCLEAR:
            self.unclear[uuids[0]] = answer.reason
        else:
            raise Stopped(refusal(self._what, answer.reason))

    def _note(self, uuids: list[str], scenes: Sequence[ListedScene]) -> None:
        """Known by their ids: a success that leaves one out does not say that it is
        missing.
        """
        told = {scene.uuid: scene.status for scene in scenes}
        self.statuses.update((uuid, told[uuid]) for uuid in uuids if uuid in told)
        self.unclear.update(
            (uuid, "the answer leaves it out") for uuid in uuids if uuid not in told
        )


def choose_completed(asks: Asks, request_id: str) -> Asking[Chosen]:
    """The annotation completed last of each input of a request, where it has one."""
    what = f"the inputs of request {request_id}"
    inputs = yield from all_pages(
        partial(asks.request_inputs, request_id), lambda known: known.id, what
    )
    unclear = {
        f"of input {known.id}": "it is completed, but the service names no annotation of it"
        for known in inputs
        if known.status == "completed" and not known.last_completed_annotation_id
    }
    return Chosen(
        tuple(id for known in inputs if (id := known.last_completed_annotation_id)), unclear
    )
