"""The Clarifai part of the emulator: requests to calls, calls to answers (wire sections
1 to 4).
"""

from __future__ import annotations

import gzip
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import time
from typing import Any

from syncer.emulator import codes
from syncer.emulator.answer import Answer, ItemFault, Request
from syncer.emulator.bodies import Unreadable, read_json
from syncer.emulator.clarifai import forms, loading
from syncer.emulator.clarifai.bindings import Binding, find
from syncer.emulator.clarifai.call import ClarifaiCall, Service, missing
from syncer.emulator.clarifai.store import App
from syncer.emulator.clarifai.wire import Malformed, Messages, Object, messages
from syncer.emulator.waits import asking_to_wait
from syncer.errors import UsageError

OWNER = "emulator-user"
"""Who `me` is."""
REFUSED_TOKEN = "refused-token"  # noqa: S105 - the one that is always refused


class Clarifai:
    """All users and apps; any of them exists, empty at first, unless `apps` says
    otherwise. Implements `Part`.
    """

    name = "clarifai"

    def __init__(self, switches: Mapping[str, str]) -> None:
        self.hosted = forms.HostedPictures()
        self.service = Service(switches)
        self._apps: dict[tuple[str, str], App] = {}
        self._loaded: set[App] = set()

    @property
    def counts(self) -> Counter[str]:
        """The counts of what was done, to be reported."""
        return self.service.counts

    def behave(self, switches: Mapping[str, str], rng: random.Random) -> None:
        """Take other switches from now on, and start chance again."""
        self.service.switches = switches
        self.service.rng = rng

    def app(self, user_id: str, app_id: str) -> App:
        """An app, made where it was not named before. `me` is the token's owner."""
        owner = OWNER if user_id in ("me", "") else user_id
        return self._apps.setdefault((owner, app_id), App(owner, app_id))

    def forget(self, user_id: str, app_id: str) -> None:
        """Delete an app. Where any app exists, it is there again at once, empty."""
        app = self._apps.pop((self.app(user_id, app_id).owner, app_id))
        self._loaded.discard(app)

    # --- requests ---------------------------------------------------------------------

    def claims(self, request: Request) -> bool:
        """It answers all that no other part does."""
        return True

    def limited(self, request: Request) -> bool:
        """Every request counts, but for those of pictures."""
        return self.hosted.find(request.path) is None

    def credential(self, request: Request) -> str:
        """The whole header."""
        return request.headers.get("Authorization", "")

    def refuse(self, request: Request) -> Answer | None:
        """`Key TOKEN`, case-sensitive; any token but one. Pictures need none."""
        if self.hosted.find(request.path) is not None:
            return None
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme == "Key" and token and token != REFUSED_TOKEN:
            return None
        if token == REFUSED_TOKEN:
            answer = Answer.of(int(self.service.switches["refused-code"]))
        else:
            details = (
                "Empty or malformed authorization header. Please provide an API key or session"
                " token."
            )
            answer = Answer.of(codes.INVALID_REQUEST, details)
        answer.status = max(401, answer.status)
        return self._finish(answer, find(request.method, request.path))

    def answer(self, request: Request, item_fault: ItemFault) -> Answer:
        """Find the operation of a request and carry it out."""
        if (picture := self.hosted.find(request.path)) is not None:
            return Answer(None, file=picture, content_type="image/png")
        switches = self.service.switches
        if switches["url-limit"] != "none" and request.url_length > int(switches["url-limit"]):
            return Answer(
                None,
                414,
                text="<html><body>414 Request-URI Too Large</body></html>",
                content_type="text/html",
            )
        found = find(request.method, request.path)
        if found is None:
            return self._finish(Answer.of(codes.MISSING, "Check the url of your request."), None)
        if switches["body-limit"] != "none" and len(request.body) > int(switches["body-limit"]):
            return self._finish(Answer.of(codes.TOO_LARGE), found)
        try:
            call = self._call(request, *found, item_fault)
            if switches["apps"] == "loaded" and call.app.app_id and call.app not in self._loaded:
                return self._finish(missing("app_id", call.app.app_id), found)
        except Unreadable as unreadable:
            return self._finish(Answer.of(codes.BAD_FORMAT, f"the body is {unreadable}"), found)
        except Malformed as malformed:
            return self._finish(Answer.of(codes.BAD_FORMAT, str(malformed)), found)
        return self._finish(found[0].operation(call), found)

    def _call(
        self, request: Request, binding: Binding, named: dict[str, str], item_fault: ItemFault
    ) -> ClarifaiCall:
        reader = self._messages()
        if request.body and request.method != "GET":
            sent = reader.read[binding.message](read_json(request.body))
        else:
            sent = reader.query(binding.message, request.query)
        given = sent.get("user_app_id", {})
        app = self.app(
            named.pop("user_id", given.get("user_id", "me")),
            named.pop("app_id", given.get("app_id", "")),
        )
        sent.update(named)
        return ClarifaiCall(self.service, app, sent, item_fault)

    def _messages(self) -> Messages:
        switches = self.service.switches
        return messages(switches["float32"], strict=switches["unknown-fields"] == "refuse")

    def _finish(self, answer: Answer, found: tuple[Binding, Any] | None) -> Answer:
        """The answer as it is written: the list that is shown though it is empty, a
        request id, and the forms of the switches.
        """
        if answer.body is not None:
            if found is not None and found[0].member:
                answer.body.setdefault(found[0].member, [])
            answer.body["status"]["req_id"] = self.service.new_id()
            answer.body = forms.render_body(
                answer.body, self.service.switches, answer.status, self.hosted
            )
        return answer

    def show(self, body: Object) -> Object:
        """This in the form in which an answer shows it."""
        switches = {**self.service.switches, "http-status-code": "unset"}
        shown = forms.render_body({"shown": body}, switches, 200, self.hosted)["shown"]
        return {name: shown[name] for name in body}

    # --- failures ---------------------------------------------------------------------

    def throttle(self, request: Request, *, silent: bool) -> Answer:
        """In the form, with the code and the Retry-After of the switches."""
        switches = self.service.switches
        answer = Answer.of(int(switches["throttle-code"]))
        answer.status = int(switches["throttle-form"])
        if not silent:
            answer.headers |= asking_to_wait(switches["retry-after"], time())
        return self._finish(answer, find(request.method, request.path))

    def fail(self, request: Request) -> tuple[Answer, bool]:
        """With the code of the switch. Some codes say that nothing was applied."""
        code = int(self.service.switches["error-code"])
        answer = Answer.of(code)
        answer.headers |= asking_to_wait(self.service.switches["error-retry-after"], time())
        return (
            self._finish(answer, find(request.method, request.path)),
            code not in codes.NOT_APPLIED,
        )

    def gateway(self) -> Answer:
        """The envelope of a gateway, which is not a message of the service's."""
        return Answer(
            {"code": 5, "message": "Not Found", "details": []},
            int(self.service.switches["gateway-form"]),
        )

    # --- loading ----------------------------------------------------------------------

    def load(self, load: str) -> bool:
        """`USER/APP=FILE`: a change log, read with neither limits nor faults."""
        place, _, file = load.partition("=")
        user_id, _, app_id = place.partition("/")
        if not (user_id and app_id and file):
            return False
        app = self.app(user_id, app_id)
        self._loaded.add(app)
        for number, line in enumerate(_lines(file), 1):
            if line.strip():
                try:
                    loading.apply(self.service, app, self._change(line))
                except (Malformed, loading.Unloadable, Unreadable) as error:
                    raise UsageError(f"--load {file}:{number}: {error}") from None
        return True

    def _change(self, line: bytes) -> Object:
        """A line's op, action and annotation. A bare annotation is a post."""
        change = read_json(line)
        if not isinstance(change, dict):
            raise Malformed("a change is an object")
        bare = "op" not in change
        annotation = self._messages().read["Annotation"](
            change if bare else change.get("annotation")
        )
        return {
            "op": "post" if bare else change["op"],
            "action": change.get("action"),
            "annotation": annotation,
        }


def _lines(file: str) -> Iterator[bytes]:
    try:
        with gzip.open(file) if file.endswith(".gz") else Path(file).open("rb") as lines:
            for number, line in enumerate(lines):
                yield line.removeprefix(b"\xef\xbb\xbf") if number == 0 else line
    except (OSError, EOFError) as error:
        raise UsageError(f"--load {file}: {getattr(error, 'strerror', None) or error}") from None
