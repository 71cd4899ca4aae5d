"""The Annotell and Kognic part of the emulator: auth server, input API and its
neighbours, and the storage, on one port.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from time import time

from syncer.emulator.annotell import calls
from syncer.emulator.annotell.call import AnnotellCall, Refusal, error_answer, not_found
from syncer.emulator.annotell.projects import Projects
from syncer.emulator.annotell.tokens import STORAGE, TOKEN_PATH, GrantedTokens, Signatures
from syncer.emulator.answer import Answer, ItemFault, Request
from syncer.emulator.waits import asking_to_wait


class Annotell:
    """Projects with finished annotations, to be read by any client that signs in.

    Implements `Part`.
    """

    name = "annotell"

    def __init__(self, switches: Mapping[str, str]) -> None:
        self.switches = switches
        self.projects = Projects()
        self.tokens = GrantedTokens()
        self.signatures = Signatures()
        self._counts: Counter[str] = Counter()

    @property
    def counts(self) -> Counter[str]:
        """The counts of what was done, to be reported."""
        granted = Counter(
            {f"tokens by {grant}": number for grant, number in self.tokens.granted.items()}
        )
        return self._counts + granted

    # --- requests ---------------------------------------------------------------------

    def claims(self, request: Request) -> bool:
        """All of /v1 and the storage, and all else that comes with a bearer token or
        asks for one.

        Of /v2, which Clarifai has too, only what is an operation here.
        """
        if request.path.startswith(("/v1/", STORAGE)) or request.path.endswith(TOKEN_PATH):
            return True
        bearer = request.headers.get("Authorization", "").lower().startswith("bearer ")
        return bearer and (
            not request.path.startswith("/v2/")
            or calls.find(request.method, request.path) is not None
        )

    def limited(self, request: Request) -> bool:
        """The storage takes what comes."""
        return not request.path.startswith(STORAGE)

    def credential(self, request: Request) -> str:
        """The whole header."""
        return request.headers.get("Authorization", "")

    def refuse(self, request: Request) -> Answer | None:
        """`Bearer TOKEN`, with a token that was granted here and has not expired."""
        if (
            request.path.endswith(TOKEN_PATH)
            or request.path.startswith(STORAGE)
            or self.tokens.takes(request, self.switches)
        ):
            return None
        return error_answer(401, "Token is invalid", error="invalid_token")

    def answer(self, request: Request, item_fault: ItemFault) -> Answer:
        """Find the operation of a request and carry it out."""
        answer = self._answer(request)
        if self.switches["compression"] == "gzip" and "gzip" in request.headers.get(
            "Accept-Encoding", ""
        ):
            answer.headers["Content-Encoding"] = "gzip"
        return answer

    def _answer(self, request: Request) -> Answer:
        if request.path == TOKEN_PATH and request.method == "POST":
            return self.tokens.answer(request, self.switches)
        found = calls.find(request.method, request.path)
        if found is None or calls.UNSERVED[self.switches["unserved"]](request.path):
            return not_found(self.switches["unknown-address"])
        operation, named = found
        self._counts[f"annotell {operation.__name__}"] += 1
        try:
            return operation(
                AnnotellCall(self.projects, self.signatures, self.switches, request, named)
            )
        except Refusal as refusal:
            return refusal.answer(self.switches)

    # --- failures ---------------------------------------------------------------------

    def throttle(self, request: Request, *, silent: bool) -> Answer:
        """429; the same from auth server and storage."""
        answer = error_answer(429, "Too many requests")
        if not silent:
            answer.headers |= asking_to_wait(self.switches["retry-after"], time())
        return answer

    def fail(self, request: Request) -> tuple[Answer, bool]:
        """503 in JSON. Nothing is applied here that could not be asked again."""
        answer = error_answer(503, "Service unavailable")
        answer.headers |= asking_to_wait(self.switches["error-retry-after"], time())
        return answer, True

    def gateway(self) -> Answer:
        """The envelope of a gateway, which is not an answer of the service's.

        Never with a 404, which says here that something is not there, in this form too
        (`not-found`).
        """
        return Answer({"code": 5, "message": "Not Found", "details": []}, 200)

    def load(self, load: str) -> bool:
        """`FILE.json`: projects, as docs/emulator.md has them."""
        if "=" in load or not load.endswith(".json"):
            return False
        self.projects.load(load)
        return True
