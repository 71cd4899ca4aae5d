"""The names that a project has for its inputs."""

from __future__ import annotations

from functools import partial

import orjson

from syncer.core.ports.pull import Done, Flow, Found, Row, Unit, Units
from syncer.remotes.annotell.asking import all_pages, need
from syncer.remotes.annotell.asks import Asks


class InputNames:
    """The external id of each input of a project that has one, by its uuid.

    Implements `syncer.core.ports.pull.Listing`.
    """

    repeats = False

    def __init__(self, base_url: str, project: str, batch: str, *, paged: bool) -> None:
        """`paged`: Kognic's way."""
        self._asks = Asks(base_url)
        self._project = project
        self._batch = batch
        self._paged = paged

    def units(self, after: str, done: Done | None = ()) -> Units:
        """All of them at once."""
        yield Unit("the inputs of the project", "1", self._flow)

    def _flow(self) -> Flow:
        what = f"the inputs of project {self._project}"
        if self._paged:
            page = partial(self._asks.inputs_page, self._project, self._batch)
            inputs = yield from all_pages(page, lambda known: known.internal_id, what)
        else:
            asked = self._asks.inputs(self._project, self._batch)
            inputs = (yield from need(asked, what)).data
        return Found(
            [
                Row((known.internal_id, known.external_id), orjson.dumps(known.external_id))
                for known in inputs
                if known.external_id
            ]
        )
