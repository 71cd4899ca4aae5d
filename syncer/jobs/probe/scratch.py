"""The place of the questions: requests to the app, names that nothing has had before,
and what several questions do alike.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import TypeVar

import orjson

from syncer.core.ports.wire import Request
from syncer.jobs.probe.shown import MISSING, Hidden, NotClear, Shown, WireObject, raise_if_mixed
from syncer.printable import counted
from syncer.remotes.clarifai.queries import ALL_MAKERS, AppUrls, Query, page_of
from syncer.remotes.paths import segment

PREFIX = "syncer-probe-"
OWN_INPUT = re.compile(r"syncer-probe-[0-9a-f]{6}-[A-Za-z0-9]{1,6}")
"""The names of inputs that some run made; nothing else is ever deleted."""
POLLS_SECONDS = (0.0, 0.0, 0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
"""The waits before each look at what was written."""
INPUT_POLLS_SECONDS = (0.0, 0.0, 0.0, 0.0, 1.0, 2.0, *[5.0] * 12)
"""The same of an input that is being processed, or deleted."""


@dataclass(frozen=True, slots=True)
class Rest:
    """A wait, in the place of a request."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The answer to a question: a value of a switch of the emulator, or None, and what
    was seen or why it is not known.
    """

    switch: str
    value: str | None
    seen: str
    requests: int = 0
    """What it cost. What is asked for together is paid for once."""

    def sentence(self) -> str:
        """Return it for people."""
        cost = "" if not self.requests else f" ({counted(self.requests, 'request')})"
        return f"{self.switch}={self.value or 'unknown'}: {self.seen}{cost}"


T = TypeVar("T")
Steps = Generator[Request | Rest, Shown, T]
"""Requests that are answered, and what they come to."""
Asked = Steps[list[Conclusion]]


@dataclass(frozen=True, slots=True)
class Question:
    """One or several switches that are asked for together, by a flow of requests that
    never waits for itself.
    """

    switches: tuple[str, ...]
    ask: Callable[[Scratch], Asked]


def known(switch: str, value: str, seen: str) -> Conclusion:
    """Return what was found out."""
    return Conclusion(switch, value, seen)


def unknown(switch: str, reason: str) -> Conclusion:
    """Return what was not found out, and why."""
    return Conclusion(switch, None, reason)


@dataclass(slots=True)
class Scratch:
    """The app, as one run sees it."""

    urls: AppUrls
    run: str
    """Six hex digits that no other run has."""
    inputs: list[str] = field(default_factory=list)
    """The inputs that may be there because of us, named before they are asked for."""
    values: dict[str, str] = field(default_factory=dict)
    """The switches that are known by now."""
    home: str = ""
    """An input that is ready."""
    other: str = ""
    """Another one."""
    _count: count[int] = field(default_factory=lambda: count(1))

    # --- names ------------------------------------------------------------------------

    def new_inputs(self, endings: Sequence[str]) -> list[str]:
        """Return names that differ in their endings. They count as made from now on."""
        alike = f"{PREFIX}{self.run}-{next(self._count)}"
        names = [f"{alike}{ending}" for ending in endings]
        self.inputs += names
        return names

    def new_input(self) -> str:
        """Return the name of an input. It counts as made from now on."""
        return self.new_inputs([""])[0]

    def new_id(self) -> str:
        """Return the id of a label."""
        return f"probe-{self.run}-{next(self._count):04}"

    def make_note(self, input_id: str = "", **more: object) -> WireObject:
        """Return a label without anything in it that a service might refuse."""
        return {
            "id": self.new_id(),
            "input_id": input_id or self.home,
            "data": {"metadata": {"n": 1}},
            **more,
        }

    def require_home(self) -> None:
        """Raise Hidden where no input of ours was ready."""
        if not self.home:
            raise Hidden("there was no input of ours that labels could be written to")

    # --- requests ---------------------------------------------------------------------

    def post(self, annotations: Sequence[WireObject]) -> Request:
        """PostAnnotations."""
        return self._send("POST", "/annotations", {"annotations": annotations})

    def patch(self, action: str, annotations: Sequence[WireObject]) -> Request:
        """PatchAnnotations."""
        return self._send("PATCH", "/annotations", {"annotations": annotations, "action": action})

    def post_inputs(self, names: Sequence[str]) -> Request:
        """PostInputs: inputs that hold one word."""
        inputs = [{"id": name, "data": {"text": {"raw": "x"}}} for name in names]
        return self._send("POST", "/inputs", {"inputs": inputs})

    def delete_inputs(self, names: Sequence[str]) -> Request:
        """DeleteInputs."""
        return self._send("DELETE", "/inputs", {"ids": names})

    def delete_input(self, name: str) -> Request:
        """DeleteInput."""
        return Request("DELETE", f"{self.urls.app}/inputs/{segment(name)}")

    def get_input(self, name: str) -> Request:
        """GetInput."""
        return Request("GET", f"{self.urls.app}/inputs/{segment(name)}")

    def list_inputs(self, page: int) -> Request:
        """ListInputs."""
        return self.get("/inputs", page_of(page))

    def get_note(self, note: WireObject) -> Request:
        """GetAnnotation."""
        return Request("GET", self._place(note))

    def delete_note(self, note: WireObject) -> Request:
        """DeleteAnnotation."""
        return Request("DELETE", self._place(note))

    def get(self, path: str, query: Query) -> Request:
        """Return any question by GET."""
        return Request("GET", self.urls.list(path, query))

    def list_notes(self, input_id: str) -> Request:
        """ListAnnotations of an input."""
        return self.get("/annotations", [("input_ids", input_id), *ALL_MAKERS, *page_of(1)])

    def search(self, searches: Sequence[WireObject], page: int = 1, size: int = 1000) -> Request:
        """PostAnnotationsSearches."""
        pagination = {"page": page, "per_page": size}
        body = {"searches": searches, "pagination": pagination}
        return self._send("POST", "/annotations/searches", body)

    def search_padded(self, size: int) -> Request:
        """Return a search that changes nothing, with a body of this many bytes."""
        body = orjson.dumps({"searches": [{}]})
        path = f"{self.urls.app}/annotations/searches"
        return Request("POST", path, body + b" " * (size - len(body)))

    def _send(self, method: str, path: str, body: WireObject) -> Request:
        return Request(method, f"{self.urls.app}{path}", orjson.dumps(body))

    def _place(self, note: WireObject) -> str:
        input_id, id = segment(note["input_id"]), segment(note["id"])
        return f"{self.urls.app}/inputs/{input_id}/annotations/{id}"

    # --- what several questions do ----------------------------------------------------

    def write(self, notes: Sequence[WireObject]) -> Steps[Shown]:
        """Post labels that must be taken. Raises NotClear."""
        shown = yield self.post(notes)
        raise_if_mixed(shown, notes)
        if not shown.good:
            raise NotClear(f"a plain label was not taken: {shown.words()}")
        return shown

    def await_note(
        self, note: WireObject, wanted: Callable[[WireObject], bool] = lambda row: True
    ) -> Steps[WireObject]:
        """Read a label until it shows what was written. Raises NotClear."""
        for seconds in POLLS_SECONDS:
            yield from rest(seconds)
            shown = yield self.get_note(note)
            row = shown.body.get("annotation")
            if shown.good and isinstance(row, dict) and wanted(row):
                return row
        raise NotClear(f"what was written did not show within {len(POLLS_SECONDS)} reads")

    def await_notes(self, notes: Sequence[WireObject]) -> Steps[list[WireObject]]:
        """List an input until it shows these labels; return their rows, as they came.
        Raises NotClear.
        """
        ids = {note["id"] for note in notes}
        for seconds in POLLS_SECONDS:
            yield from rest(seconds)
            shown = yield self.list_notes(notes[0]["input_id"])
            rows = [row for row in shown.rows("annotations") if row.get("id") in ids]
            if {row["id"] for row in rows} == ids:
                return rows
        raise NotClear(f"what was written was not listed within {len(POLLS_SECONDS)} reads")

    def await_gone(self, name: str) -> Steps[None]:
        """Look at an input until it is gone. Raises NotClear."""
        for seconds in INPUT_POLLS_SECONDS:
            yield from rest(seconds)
            shown = yield self.get_input(name)
            if shown.code == MISSING:
                return
        raise NotClear("a deleted input was still there after a minute")


def rest(seconds: float) -> Steps[None]:
    """Wait, where there is something to wait for."""
    if seconds:
        yield Rest(seconds)
