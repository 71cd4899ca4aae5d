"""The plan: what is wanted, beside what the remote holds, as a change log."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import anyio.to_thread
import orjson

from syncer.config import Loaded
from syncer.core.deletions import MaxDelete
from syncer.core.ports.pull import Found, Listing, Unit
from syncer.engine.advice import PARTLY_COMPARED
from syncer.errors import SyncerError, UsageError
from syncer.jobs.compare.groups import RecordedGroups, hold_rows
from syncer.jobs.compare.parts import PartFiles, Recorded
from syncer.jobs.limiters import Limiters
from syncer.jobs.lines import line_options
from syncer.jobs.origins import clarifai_origin
from syncer.jobs.plan.output import PlanFile
from syncer.jobs.plan.planned import CHANGES, Planned
from syncer.jobs.plan.side_file import name_destination
from syncer.jobs.plan.wishes import WishReader, check_wishes, fold_wishes
from syncer.jobs.signals import Listen, ignore, until_signal
from syncer.jobs.wiring import Origin, wire
from syncer.remotes.clarifai.listing import AnnotationListing, DatasetInputs
from syncer.remotes.clarifai.owner import TokenOwner
from syncer.remotes.clarifai.planning import PlanRules, PlanStep, plan_input
from syncer.remotes.clarifai.selection import Selection
from syncer.sources.wish_file import make_wish_id

EVERYTHING = Selection(all_makers=True, input_level=True)
READINGS = 3
"""So often is read what differs: the first answers may be old ones."""


@dataclass(frozen=True, slots=True)
class Planning:
    """The work of a plan: what is wanted, where, and what may be planned."""

    loaded: Loaded
    limiters: Limiters
    wanted: Sequence[str]
    out: Path | None
    """None: only counted."""
    rules: PlanRules
    input_ids: frozenset[str] = frozenset()
    """Only these inputs; none: all that are named."""
    dataset_id: str = ""
    """Only inputs of this dataset; "": of any or none."""
    any_user: bool = False
    max_delete: MaxDelete = field(default_factory=lambda: MaxDelete.parse("50%"))

    async def run(self, *, signals: Listen = ignore) -> Planned:
        """Plan. Raises UsageError, OutputError; what stops a run later is in what it
        returns.
        """
        self._check()
        planned, interrupted = Planned(), list[int]()
        dataset = await self._list_dataset(planned, interrupted, signals)
        if dataset is None:
            return planned
        with tempfile.TemporaryDirectory(prefix="syncer-plan-") as name:
            parts, size = await self._read(Path(name), dataset, planned)
            rules = await self._find_rules(planned, interrupted, signals)
            if rules is None:
                return planned
            with PlanFile(self.out) as file:
                for reading in range(1, READINGS + 1):
                    again = _new_parts(Path(name, f"reading-{reading}"), size)
                    last = reading == READINGS
                    await self._compare(
                        parts, None if last else again, rules, planned, file, interrupted, signals
                    )
                    if planned.is_cut_short:
                        return planned
                    parts = again
                self._finish(rules, planned, file)
        return planned

    def _check(self) -> None:
        if not self.wanted:
            raise UsageError("nothing is wanted: name change logs, folders, or tables of a pull")
        for name in self.wanted:
            if self.out is not None and _is_within(self.out, Path(name)):
                raise UsageError(
                    f"--out {self.out} is in what is wanted ({name}), and would be read as a wish:"
                    " name another place"
                )

    async def _list_dataset(
        self, planned: Planned, interrupted: list[int], signals: Listen
    ) -> Collection[str] | None:
        """The inputs of the dataset, none where none is named; None where that was cut
        short.
        """
        if not self.dataset_id:
            return ()
        origin = clarifai_origin(self.loaded, self.limiters, Selection(dataset_id=self.dataset_id))
        assert isinstance(origin.listing, AnnotationListing)
        dataset = DatasetInputs(origin.listing)
        await _ask(origin, dataset, _take_nothing, planned, interrupted, signals)
        return None if planned.is_cut_short else dataset.ids

    async def _find_rules(
        self, planned: Planned, interrupted: list[int], signals: Listen
    ) -> PlanRules | None:
        """The rules, with the one user whose annotations are deleted where nobody said
        whose; None where asking for that was cut short. Raises UsageError where the
        service does not tell who it is.
        """
        if not self.rules.delete or self.rules.users or self.any_user:
            return self.rules
        origin = clarifai_origin(self.loaded, self.limiters, EVERYTHING)
        assert origin.probe is not None
        owner = TokenOwner(origin.probe)
        await _ask(origin, owner, _take_nothing, planned, interrupted, signals)
        if planned.is_cut_short:
            return None
        if not owner.id:
            raise UsageError(
                "--delete deletes only what the token's own user made, and the service does not"
                f" tell who that is ({owner.reason}): say whose with --by-user, or --any-user"
            )
        planned.notes.append(
            f"--delete: only what {owner.id} made is deleted, the user whose token this is;"
            " --by-user or --any-user says otherwise"
        )
        return replace(self.rules, deleted_of=owner.id)

    async def _read(
        self, folder: Path, dataset: Collection[str], planned: Planned
    ) -> tuple[PartFiles, int]:
        """All that is wanted, by input. Raises UsageError, before any annotation is
        asked for.
        """
        config = self.loaded.config
        spool = folder / "stdin"
        spool.mkdir()
        reader = WishReader(line_options(config), spool, Path(config.state.shared_dir))
        size = reader.sizes(list(self.wanted))
        read, wanted = _new_parts(folder / "read", size), _new_parts(folder / "wanted", size)
        await reader.read(list(self.wanted), read.put)
        read.write()

        def is_in_scope(id: str) -> bool:
            is_named = not self.input_ids or id in self.input_ids
            return is_named and (not self.dataset_id or id in dataset)

        inputs, left_out = await anyio.to_thread.run_sync(check_wishes, read, wanted, is_in_scope)
        if not inputs and self.rules.delete:
            raise UsageError("nothing is wanted, and --delete would delete all of it: no plan")
        planned.ignored, planned.out_of_scope = reader.ignored, left_out
        planned.notes += reader.notes
        return wanted, size

    async def _compare(
        self,
        parts: PartFiles,
        again: PartFiles | None,
        rules: PlanRules,
        planned: Planned,
        file: PlanFile,
        interrupted: list[int],
        signals: Listen,
    ) -> None:
        """Read the remote once. What differs goes to `again`; None: into the plan."""
        origin = clarifai_origin(self.loaded, self.limiters, EVERYTHING)
        assert isinstance(origin.listing, AnnotationListing)
        groups = RecordedGroups(parts, origin.listing, None)

        async def deliver(unit: Unit, found: Found) -> None:
            held = hold_rows(found)
            unread = {problem.input_id: problem.reason for problem in found.problems}
            for input_id, recorded in groups.recorded.pop(unit.cursor).items():
                steps = (
                    None
                    if input_id in unread
                    else _plan_input(input_id, recorded, held.get(input_id, {}), rules)
                )
                if again is not None and (steps is None or not _is_settled(steps)):
                    for one in recorded:
                        again.put(input_id, one)
                elif steps is None:
                    planned.add_unread(input_id, unread[input_id])
                else:
                    _add(input_id, steps, planned, file)

        await _ask(origin, groups, deliver, planned, interrupted, signals)
        if again is not None:
            again.write()

    def _finish(self, rules: PlanRules, planned: Planned, file: PlanFile) -> None:
        """Put the plan in its place, unless it deletes too much."""
        self._estimate(planned)
        if not self.max_delete.allows(planned.deletes, of=planned.held):
            planned.error = SyncerError(
                f"the plan deletes {planned.deletes:,} of {planned.held:,} annotations, and"
                f" --max-delete is {self.max_delete}: no plan was written. Look at the samples;"
                " where this is meant, give a larger --max-delete"
            )
            return
        counts = {
            name: getattr(planned, name)
            for name in ("compared", "same", "posts", "patches", "deletes", "extra", "unreadable")
        }
        file.place(
            {
                "destination": name_destination(self.loaded.config),
                "scope": {
                    "input_ids": sorted(self.input_ids),
                    "dataset": self.dataset_id,
                    "users": sorted(self.rules.users),
                    "concepts": sorted(self.rules.concepts),
                },
                "options": {
                    "exact": self.rules.exact,
                    "delete": rules.delete,
                    "deleted_of": rules.deleted_of,
                    "any_user": self.any_user,
                    "max_delete": str(self.max_delete),
                },
                "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
                "complete": not planned.unreadable,
                "counts": counts,
            }
        )
        planned.out = None if self.out is None else str(self.out)

    def _estimate(self, planned: Planned) -> None:
        push = self.loaded.config.push
        for action, count in planned.by_action.items():
            batches = math.ceil(count / push.batch_size)
            # what is not a post is looked at first
            planned.requests += batches if action == "post" else 2 * batches
        if isinstance(push.requests_per_second, int | float):
            planned.estimated_seconds = round(planned.requests / push.requests_per_second, 1)


def _plan_input(
    input_id: str,
    recorded: list[Recorded],
    held: dict[str, dict[str, object]],
    rules: PlanRules,
) -> list[PlanStep]:
    named, nameless = fold_wishes(input_id, recorded)
    return plan_input(
        input_id,
        {id: orjson.loads(body) for id, body in named.items()},
        [orjson.loads(body) for body in nameless],
        held,
        rules,
        partial(_make_id, input_id),
    )


async def _ask(
    origin: Origin,
    listing: Listing,
    deliver: Callable[[Unit, Found], Awaitable[None]],
    planned: Planned,
    interrupted: list[int],
    signals: Listen,
) -> None:
    """Read a listing to its end, and note what stops that."""
    async with wire(origin, lambda _: None, listing=listing, leaves=PARTLY_COMPARED) as engine:
        try:
            await until_signal(lambda: engine.run("", deliver), engine.drain, interrupted, signals)
        except SyncerError as error:
            planned.error = error
        if interrupted and not engine.complete:
            planned.interrupted = interrupted[0]


async def _take_nothing(_: Unit, __: Found) -> None:
    """Of what has no units."""


def _new_parts(folder: Path, size: int) -> PartFiles:
    folder.mkdir()
    return PartFiles.for_bytes(folder, size)


def _is_within(file: Path, other: Path) -> bool:
    """Whether it is the other file, or in that folder."""
    here, there = file.resolve(), other.resolve()
    return here == there or (other.is_dir() and here.is_relative_to(there))


def _make_id(input_id: str, content: bytes, number: int) -> str:
    return make_wish_id(orjson.dumps(input_id) + content, number)


def _is_settled(steps: Sequence[PlanStep]) -> bool:
    """Whether another look would change nothing that is planned."""
    return not any(step.kind in (*CHANGES, "unchangeable") for step in steps)


def _add(input_id: str, steps: Sequence[PlanStep], planned: Planned, file: PlanFile) -> None:
    for step in steps:
        planned.add(input_id, step)
        if step.change is not None:
            file.add(step.change)
