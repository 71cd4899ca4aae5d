"""One call of an operation of the Annotell part: what was asked for, and the ways in
which operations answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from syncer.emulator.annotell.documents import Json
from syncer.emulator.annotell.projects import FinishedAnnotation, Project, Projects, Scene
from syncer.emulator.annotell.tokens import Signatures
from syncer.emulator.answer import Answer, Request
from syncer.emulator.bodies import Unreadable, read_json

T = TypeVar("T")


class Refusal(Exception):
    """An answer that ends an operation."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    def answer(self, switches: Mapping[str, str]) -> Answer:
        """As it is written."""
        return (
            not_found(switches["not-found"], self.message)
            if self.status == 404
            else error_answer(self.status, self.message)
        )


def error_answer(status: int, message: str, **members: object) -> Answer:
    """An error, in the one form that the clients read."""
    return Answer({"message": message, **members}, status)


@dataclass(slots=True)
class AnnotellCall:
    """A request on its way through an operation."""

    projects: Projects
    signatures: Signatures
    switches: Mapping[str, str]
    request: Request
    named: list[str]
    """The parts of the path that are names, decoded."""

    @property
    def sent(self) -> Json:
        """The JSON object of the body."""
        try:
            body = read_json(self.request.body or b"{}")
        except Unreadable as error:
            raise Refusal(400, f"Validation failed: the body is {error}") from None
        if not isinstance(body, dict):
            raise Refusal(400, "Validation failed: the body is not an object")
        return body

    def parameter(self, name: str) -> str | None:
        """A parameter of the query."""
        return self.request.query.get(name, [None])[0]

    def project(self, name: str | None = None) -> Project:
        """A project by its name, of the path where none is given."""
        wanted = self.named[0] if name is None else name
        if wanted not in self.projects.by_name:
            raise Refusal(404, f"Not found: no project {wanted}")
        return self.projects.by_name[wanted]

    def page(
        self, rows: Sequence[T], show: Callable[[T], Json], mark: Callable[[T], int], size: int
    ) -> Answer:
        """A page after the cursor: the mark of the last row before it, or, by the
        switch, how many rows were before it.

        A mark is not moved by what comes and goes meanwhile.
        """
        cursor = self.parameter("cursorId")
        try:
            after = int((cursor or "-1").removeprefix("c"))
        except ValueError:
            raise Refusal(400, f"Validation failed: no such cursor: {cursor}") from None
        counted = self.switches["cursor-place"] == "offset"
        left = (
            list(rows[max(0, after) :]) if counted else [row for row in rows if mark(row) > after]
        )
        if self.switches["metadata"] == "missing":
            return Answer({"data": [show(row) for row in left]})
        taken, more = left[:size], len(left) > size
        number = (max(0, after) + size if counted else mark(taken[-1])) if more else None
        following = f"c{number}" if more and self.switches["cursor"] == "text" else number
        metadata = (
            {}
            if following is None and self.switches["metadata"] == "empty"
            else {"nextCursorId": following}
        )
        return Answer({"data": [show(row) for row in taken], "metadata": metadata})

    @property
    def page_size(self) -> int:
        """Rows of a page where the request cannot say how many."""
        return int(self.switches["list-page"])

    def uri(self, held: FinishedAnnotation) -> str:
        """A signed URL of an annotation's document."""
        iso = "true" in (self.parameter("useDefaultCartesian"), self.parameter("isoBoxes"))
        return self.signatures.url(
            self.request.headers["Host"], f"{held.id}{'.iso' if iso else ''}.json", self.switches
        )


def list_finished(scene: Scene) -> Iterator[FinishedAnnotation]:
    """The annotations of a scene that are finished."""
    return (held for held in scene.annotations if not held.preliminary)


def not_found(form: str, message: str = "Not found") -> Answer:
    """A 404 in one of the forms in which somebody may say so."""
    match form:
        case "html":
            return Answer(
                None, 404, text="<html><body>404 Not Found</body></html>", content_type="text/html"
            )
        case "gateway":
            return Answer({"code": 5, "message": "Not Found", "details": []}, 404)
        case "empty":
            return Answer(None, 404)
        case _:
            return error_answer(404, message)
