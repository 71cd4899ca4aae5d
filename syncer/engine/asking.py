"""Questions to the remote that settle what an answer left open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from typing import TypeVar

from syncer.core.change import Change, Key
from syncer.core.outcome import Failed, Halt, Refused, Throttled
from syncer.core.ports import Found, Inputs, Listed, LookUpFailure, NoReply, Remote, Reply, Request
from syncer.engine.turns import Draining, Turns
from syncer.errors import SyncerError

T = TypeVar("T")


class Asker:
    """Asks within the rate, again after a throttle, and remembers why the run cannot go on."""

    def __init__(self, remote: Remote, turns: Turns) -> None:
        self.error: SyncerError | None = None
        """Why the run cannot go on, once that is known."""
        self._remote = remote
        self._turns = turns

    async def ask(self, request: Request, read: Callable[[Reply | NoReply], T | LookUpFailure], *, taken: bool) -> T | LookUpFailure:
        """What `read` makes of the answer. `taken`: the first turn has been taken already."""
        while True:
            if not taken:
                try:
                    await self._turns.take()
                except Draining:
                    return Failed("the run is ending", in_doubt=False)
                except SyncerError as error:
                    self.error = error
                    return Failed(str(error), in_doubt=False)
            taken = False
            answer = await self._turns.ask(request, read)
            if isinstance(answer, Halt):
                self.error = self._turns.halted(answer)
            if not isinstance(answer, Throttled):
                return answer

    async def found(self, changes: Sequence[Change], *, taken: bool) -> Found | LookUpFailure:
        """What the remote holds of these changes' annotations."""
        return await self.ask(self._remote.look_up(changes), partial(self._remote.found, changes), taken=taken)

    async def inputs(self, input_ids: Sequence[str], *, taken: bool) -> Inputs | LookUpFailure:
        """How these inputs are."""
        return await self.ask(self._remote.inputs_look_up(input_ids), partial(self._remote.inputs_found, input_ids), taken=taken)

    async def annotations_of(self, changes: Sequence[Change]) -> list[int] | LookUpFailure:
        """How many annotations each of these whole-input deletes deletes."""
        counts: list[int] = []
        rest, size_max = list(changes), len(changes)
        while rest:
            size = min(size_max, self._remote.look_up_size(rest[:size_max]))
            listed = await self._listed([change.input_id for change in rest[:size]])
            if isinstance(listed, Refused) and size > 1:  # perhaps its URL is too long for something on the way
                size_max = size // 2
                continue
            if not isinstance(listed, set):
                return listed
            by_input = Counter(input_id for input_id, _ in listed)
            counts += [by_input[change.input_id] for change in rest[:size]]
            rest = rest[size:]
        return counts

    async def _listed(self, input_ids: Sequence[str]) -> set[Key] | LookUpFailure:
        """Every annotation of these inputs that a delete of them deletes: pages until an empty one."""
        keys: set[Key] = set()
        for page in count(1):
            request = self._remote.inputs_list(input_ids, page)
            listed = await self.ask(request, partial(self._remote.inputs_listed, input_ids), taken=False)
            if not isinstance(listed, Listed):
                return listed
            if not listed.rows:
                break
            keys.update(listed.keys)
        return keys
