"""The outcome of a plan: its counts, and samples of what it would do."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Literal

import orjson

from syncer.errors import SyncerError, exit_code
from syncer.printable import counted
from syncer.remotes.clarifai.expected import JsonObject
from syncer.remotes.clarifai.planning import PlanStep, StepKind, list_concepts

PlanMark = Literal["+", "*", "-", "!"]
MARKS: dict[StepKind, PlanMark] = {"post": "+", "patch": "*", "delete": "-", "unchangeable": "!"}
SAMPLES_MAX = 20
SHOWN_MAX = 200
COUNTS = (
    "compared",
    "same",
    "posts",
    "patches",
    "deletes",
    "extra",
    "ignored",
    "out_of_scope",
    "unreadable",
    "unchangeable",
    "requests",
    "estimated_seconds",
    "out",
)
CHANGES: tuple[StepKind, ...] = ("post", "patch", "delete")
LEGEND = (
    "+ will be created, * will be changed, - will be deleted, ! could not be read, or cannot be"
    " changed"
)


@dataclass(frozen=True, slots=True)
class PlanSample:
    """An example of what is planned."""

    mark: PlanMark
    input_id: str
    id: str
    fields: tuple[str, ...]
    before: object
    after: object

    def sentence(self) -> str:
        """One line for people."""
        name = f"{self.input_id}/{self.id}" if self.id else self.input_id
        text = f"{self.mark} {name}" + (f": {', '.join(self.fields)}" if self.fields else "")
        sides = [_shorten(side) for side in (self.before, self.after) if side is not None]
        return text + (f"  {' → '.join(sides)}" if sides else "")


@dataclass(slots=True)
class Planned:
    """The outcome of a plan."""

    compared: int = 0
    same: int = 0
    posts: int = 0
    patches: int = 0
    deletes: int = 0
    extra: int = 0
    ignored: int = 0
    out_of_scope: int = 0
    unreadable: int = 0
    """Inputs that could not be read."""
    unchangeable: int = 0
    """Annotations that differ where nothing can be changed."""
    held: int = 0
    """What the remote holds within the scope."""
    by_action: Counter[str] = field(default_factory=Counter)
    """Changes by what goes together in a request: an op, of patches the action."""
    requests: int = 0
    """That a push of the plan would make, looks included."""
    estimated_seconds: float = 0.0
    out: str | None = None
    by_concept: dict[StepKind, Counter[str]] = field(
        default_factory=lambda: {kind: Counter() for kind in CHANGES}
    )
    samples: list[PlanSample] = field(default_factory=list)
    error: SyncerError | None = None
    interrupted: int | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def is_cut_short(self) -> bool:
        """Whether it ended before everything was compared."""
        return self.error is not None or self.interrupted is not None

    @property
    def changes(self) -> int:
        """The number of changes that are planned."""
        return self.posts + self.patches + self.deletes

    def exit_code(self, *, check: bool) -> int:
        """4 where `--check` found changes, 3 where something could not be read."""
        return exit_code(
            self.error, self.interrupted, self.unreadable, self.changes if check else 0
        )

    def add(self, input_id: str, step: PlanStep) -> None:
        """Count what was found of an annotation."""
        kind = step.kind
        self.compared += kind in ("same", "post", "patch", "unchangeable")
        self.held += kind in ("same", "patch", "delete", "extra")
        name = {"post": "posts", "patch": "patches", "delete": "deletes"}.get(kind, kind)
        setattr(self, name, getattr(self, name) + 1)
        if kind == "patch" and step.unchangeable:
            self.unchangeable += 1
        if step.change is not None:
            self.by_action[str(step.change.get("action", step.change["op"]))] += 1
            self.by_concept[kind].update(list_concepts(step.after or step.before or {}))
        if (mark := MARKS.get(kind)) is not None:
            fields = (*step.fields, *(f"{name} (cannot be changed)" for name in step.unchangeable))
            if kind == "unchangeable":
                fields = tuple(f"{name} (cannot be changed)" for name in step.unchangeable)
            self._show(PlanSample(mark, input_id, step.id, fields, *_pick_sides(step)))

    def add_unread(self, input_id: str, reason: str) -> None:
        """Count an input that could not be read."""
        self.unreadable += 1
        self._show(PlanSample("!", input_id, "", (reason,), None, None))

    def _show(self, sample: PlanSample) -> None:
        if sum(one.mark == sample.mark for one in self.samples) < SAMPLES_MAX:
            self.samples.append(sample)

    def summarize(self) -> dict[str, object]:
        """Return the counts and the samples, as JSON has them."""
        counts: dict[str, object] = {name: getattr(self, name) for name in COUNTS}
        return counts | {"samples": [asdict(sample) for sample in self.samples]}

    def sentences(self) -> list[str]:
        """Return the lines for people."""
        lines = [sample.sentence() for sample in self.samples]
        for kind, concepts in self.by_concept.items():
            if concepts:
                most = ", ".join(f"{id} {count:,}" for id, count in concepts.most_common(20))
                lines.append(f"{kind} by concept: {most}")
        return [*lines, self.total(), LEGEND]

    def total(self) -> str:
        """One line with all counts."""
        return (
            f"compared {self.compared:,}: {self.same:,} the same,"
            f" {counted(self.posts, 'post')}, {counted(self.patches, 'patch', 'patches')},"
            f" {counted(self.deletes, 'delete')}; {self.extra:,} extra at the remote,"
            f" {self.unchangeable:,} that cannot be changed, {self.out_of_scope:,} out of scope,"
            f" {self.ignored:,} ignored, {counted(self.unreadable, 'unreadable input')}; about"
            f" {counted(self.requests, 'request')}, {self.estimated_seconds:,.0f} s"
        )


def _pick_sides(step: PlanStep) -> tuple[object, object]:
    """Return before and after: of a patch only the members that differ."""
    if step.kind != "patch":
        return _pick_labels(step.before), _pick_labels(step.after)
    names = {name.partition(".")[0] for name in step.fields}
    return tuple(  # type: ignore[return-value]  # there are two
        {name: side[name] for name in names if name in side} if side is not None else None
        for side in (step.before, step.after)
    )


def _pick_labels(side: JsonObject | None) -> object:
    return None if side is None else side.get("data", {})


def _shorten(side: object) -> str:
    text = orjson.dumps(side).decode()
    return text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}…"
