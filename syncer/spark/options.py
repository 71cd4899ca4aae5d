"""Options of `spark.read.format("syncer")` as what they mean.

Every option is a string; names are compared without regard to case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal, cast

import orjson

from syncer.api.remotes import Annotell, Clarifai, limits, load_with, rate_section
from syncer.config import Loaded
from syncer.core.ports.pull import Layout
from syncer.errors import UsageError
from syncer.jobs.origins import layout_of
from syncer.remotes.annotell import DocumentSelection
from syncer.remotes.clarifai.selection import Selection, fault, inputs_or_pairs

COMMON = ("remote", "base_url", "config", "rps", "concurrency", "partitions", "tasks", "unreadable")
CLARIFAI = (
    *(
        "app_id",
        "user_id",
        "token",
        "input_ids",
        "annotation_ids",
        "by_user",
        "by_model_version",
        "by_workflow_version",
        "task",
    ),
    *("dataset", "status", "since", "until", "all", "input_level", "with_inputs"),
)
ANNOTELL = (
    *(
        "flavour",
        "auth_url",
        "credentials",
        "client_id",
        "client_secret",
        "project",
        "batch",
        "annotation_types",
        "input_statuses",
    ),
    *("input_uuids", "scene_uuids", "annotation_ids", "request", "iso_cuboids"),
)
OF_REMOTE: Mapping[str, tuple[str, ...]] = {
    "clarifai": COMMON + CLARIFAI,
    "annotell": COMMON + ANNOTELL,
}

NAMES = {
    "pairs": "annotation_ids",
    "user_ids": "by_user",
    "model_version_ids": "by_model_version",
    "workflow_version_ids": "by_workflow_version",
    "task_id": "task",
    "dataset_id": "dataset",
}
"""Options that are called otherwise than the fields of a selection."""


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """The request of one read."""

    remote: Literal["clarifai", "annotell"]
    source: Clarifai | Annotell
    select: Selection | DocumentSelection
    config: str | None
    rps: float | None
    concurrency: int | None
    partitions: int | None
    tasks: int | None
    keep_going: bool
    """Leave out what is listed but cannot be fetched, instead of ending the read."""

    @property
    def layout(self) -> Layout:
        """Its columns."""
        return layout_of(self.select)

    @property
    def rates(self) -> str:
        """The section of the configuration that holds the rate."""
        return rate_section(self.source)

    def load(self, environment: Mapping[str, str]) -> Loaded:
        """The configuration for it, in this environment. Raises UsageError."""
        asked = limits(self.source, self.rps, self.concurrency)
        return load_with(self.source, self.config, asked, environment)


def reading(options: Mapping[str, str]) -> ReadRequest:
    """Parse these options.

    Raises UsageError that names the option, and never quotes a secret.
    """
    options = {name.lower(): value for name, value in options.items()}
    remote = options.get("remote", "clarifai")
    if remote not in OF_REMOTE:
        raise UsageError(f'option remote is "{remote}"; it is clarifai or annotell')
    for name, value in options.items():
        if not value.strip():
            raise UsageError(f"option {name} is empty: give a value, or leave it out")
        if name not in OF_REMOTE[remote]:
            close = get_close_matches(name, OF_REMOTE[remote], 1)
            raise UsageError(
                f"there is no option {name} of {remote}"
                + (f"; did you mean {close[0]}?" if close else "")
            )
    known = _Options(options)
    return ReadRequest(
        remote=cast(Literal["clarifai", "annotell"], remote),
        source=_clarifai(known) if remote == "clarifai" else _annotell(known),
        select=_annotations(known) if remote == "clarifai" else _documents(known),
        config=known.text("config"),
        rps=known.number("rps", float),
        concurrency=known.number("concurrency", int),
        partitions=known.number("partitions", int),
        tasks=known.number("tasks", int),
        keep_going=known.one_of("unreadable", ("fail", "skip")) == "skip",
    )


class _Options:
    """Options, read as what they must be."""

    def __init__(self, options: Mapping[str, str]) -> None:
        self._options = options

    def text(self, name: str) -> str | None:
        return self._options.get(name)

    def number(self, name: str, kind: Callable[[str], Any]) -> Any:
        text = self._options.get(name)
        try:
            value = None if text is None else kind(text)
        except ValueError:
            value = -1
        if value is not None and not 0 < value < float("inf"):
            raise UsageError(
                f'option {name} is "{text}"; it must be a {"whole " if kind is int else ""}number'
                " above 0"
            )
        return value

    def one_of(self, name: str, values: tuple[str, ...]) -> str:
        value = self._options.get(name, values[0]).lower()
        if value not in values:
            raise UsageError(f'option {name} is "{value}"; it is {" or ".join(values)}')
        return value

    def true(self, name: str) -> bool:
        return self.one_of(name, ("false", "true")) == "true"

    def list(self, name: str) -> tuple[str, ...]:
        """Words between commas, or a JSON list of strings."""
        text = self._options.get(name, "").strip()
        if not text.startswith("["):
            words = tuple(word for part in text.split(",") if (word := part.strip()))
            if text and not words:
                raise UsageError(
                    f'option {name} is "{text}", which names nothing: give a value, or leave it out'
                )
            return words
        try:
            values = orjson.loads(text)
        except orjson.JSONDecodeError:
            values = None
        if not isinstance(values, list) or not all(
            isinstance(value, str) and value for value in values
        ):
            raise UsageError(
                f"option {name} begins like a JSON list, but is not a list of non-empty strings"
            )
        if not values:
            raise UsageError(
                f"option {name} is an empty list: name something, or leave it out to read"
                " everything"
            )
        return tuple(values)


def _clarifai(options: _Options) -> Clarifai:
    return Clarifai(
        app_id=options.text("app_id"),
        user_id=options.text("user_id"),
        base_url=options.text("base_url"),
        token=options.text("token"),
    )


def _annotations(options: _Options) -> Selection:
    input_ids, pairs = inputs_or_pairs(
        options.list("input_ids"), options.list("annotation_ids"), _option_of
    )
    chosen = Selection(
        input_ids=input_ids,
        pairs=pairs,
        user_ids=options.list("by_user"),
        model_version_ids=options.list("by_model_version"),
        workflow_version_ids=options.list("by_workflow_version"),
        task_id=options.text("task") or "",
        dataset_id=options.text("dataset") or "",
        status=options.text("status") or "",
        since=options.text("since") or "",
        until=options.text("until") or "",
        all_makers=options.true("all"),
        input_level=options.one_of("input_level", ("keep", "drop")) == "keep",
        with_inputs=options.true("with_inputs"),
    )
    if (why := fault(chosen, _option_of)) is not None:
        raise UsageError(f"option {why}")
    return chosen


def _option_of(field: str) -> str:
    """Return the option of a field of a selection."""
    return NAMES.get(field, field)


def _annotell(options: _Options) -> Annotell:
    flavour = options.one_of("flavour", ("annotell", "kognic")) if options.text("flavour") else None
    return Annotell(
        flavour=cast(Literal["annotell", "kognic"] | None, flavour),
        base_url=options.text("base_url"),
        auth_url=options.text("auth_url"),
        credentials=options.text("credentials"),
        client_id=options.text("client_id"),
        client_secret=options.text("client_secret"),
    )


def _documents(options: _Options) -> DocumentSelection:
    return DocumentSelection(
        project=options.text("project") or "",
        batch=options.text("batch") or "",
        annotation_types=options.list("annotation_types"),
        input_statuses=options.list("input_statuses"),
        input_uuids=options.list("input_uuids"),
        scene_uuids=options.list("scene_uuids"),
        annotation_ids=options.list("annotation_ids"),
        request_id=options.text("request") or "",
        iso_cuboids=options.true("iso_cuboids"),
    )
