"""Batches to requests, replies to verdicts. Success is HTTP 2xx *and* a success code *and* every change found by its id."""

from __future__ import annotations

from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urlencode

import msgspec
import orjson

from syncer.core.change import Change, Verb
from syncer.core.outcome import (
    APPLIED,
    AllApplied,
    Answered,
    Exists,
    Failed,
    Halt,
    InDoubt,
    Missing,
    Outcome,
    Refused,
    Rejected,
    Retriable,
    Throttled,
    Verdict,
)
from syncer.core.ports import Found, Inputs, LookUpFailure, NoReply, Reply, Request
from syncer.remotes.clarifai.codes import STORED, Meaning, meaning, name, number
from syncer.remotes.clarifai.same import nothing_to_remove, same_annotation

URL_BYTES_MAX = 3_800
"""Of path and query: many servers take 4,000 in all."""
PAIRS_MAX = 128
REASON_MAX = 300


class _Status(msgspec.Struct, gc=False):
    code: int | str | None = None
    description: str | None = None
    details: str | None = None


class _Item(msgspec.Struct, gc=False):
    id: str | None = None
    input_id: str | None = None
    status: _Status | None = None


class _Answer(msgspec.Struct, gc=False):
    status: _Status | None = None
    annotations: list[_Item] | None = None


_answer = msgspec.json.Decoder(_Answer)


class Clarifai:
    """The codec of one app. Implements `syncer.core.ports.Remote`."""

    def __init__(self, user_id: str, app_id: str) -> None:
        self._app = f"/v2/users/{quote(user_id, safe='')}/apps/{quote(app_id, safe='')}"

    # --- changes ------------------------------------------------------------------------------------------------

    def encode(self, verb: Verb, changes: Sequence[Change]) -> Request:
        """The request for a batch. Only `delete_input` sends input_ids without ids: that deletes all of those inputs."""
        if verb == "delete":
            assert all(change.id for change in changes)
            pairs = {"ids": [change.id for change in changes], "input_ids": [change.input_id for change in changes]}
            return Request("DELETE", f"{self._app}/inputs/annotations", orjson.dumps(pairs))
        if verb == "delete_input":
            inputs = {"input_ids": [change.input_id for change in changes]}
            return Request("DELETE", f"{self._app}/inputs/annotations", orjson.dumps(inputs))
        annotations = b",".join([change.body for change in changes])
        if verb == "post":
            return Request("POST", f"{self._app}/annotations", b'{"annotations":[' + annotations + b"]}")
        return Request("PATCH", f"{self._app}/annotations", b'{"action":"%s","annotations":[' % verb.encode() + annotations + b"]}")

    def decode(self, verb: Verb, changes: Sequence[Change], reply: Reply | NoReply) -> Verdict:
        """What the reply says, joined by id."""
        answer = _read(reply)
        if not isinstance(answer, _Answer):
            return answer
        code, what = _code(answer)
        items = answer.annotations or []
        if what is Meaning.OK and not _good(reply):
            return Failed(f"HTTP status and answer contradict each other: {_reason(answer.status, code)}", code)
        if what is Meaning.OK or what is Meaning.MIXED:
            if verb in ("delete", "delete_input"):
                return AllApplied() if what is Meaning.OK else Failed(_reason(answer.status, code), code)
            if what is Meaning.OK and _all_stored(changes, items):
                return AllApplied()
            if what is Meaning.MIXED and not items:
                return Refused(_reason(answer.status, code), code)
            return Answered(_joined(verb, changes, items, trusting=what is Meaning.OK))
        if what is Meaning.MISSING and verb in ("delete", "delete_input"):
            return AllApplied()
        if what is Meaning.MISSING and len(changes) == 1:
            return Answered([Missing(_reason(answer.status, code), code)])
        verdict = _failure(answer, code, what, reply)
        if isinstance(verdict, Refused) and what is not Meaning.DUPLICATE and len(changes) == 1 and items:
            return Answered(_joined(verb, changes, items, trusting=False))
        return verdict

    # --- look-ups -----------------------------------------------------------------------------------------------

    def look_up_size(self, changes: Sequence[Change]) -> int:
        """How many pairs keep the URL short enough; at least one."""
        room = URL_BYTES_MAX - len(self._app) - 80
        count = 0
        for change in changes[:PAIRS_MAX]:
            room -= len(quote(change.id, safe="")) + len(quote(change.input_id, safe="")) + len("&ids=&input_ids=")
            if room < 0:
                break
            count += 1
        return max(1, count)

    def look_up(self, changes: Sequence[Change]) -> Request:
        """`GET annotations` by pairs of equal order."""
        query = [("ids", change.id) for change in changes] + [("input_ids", change.input_id) for change in changes]
        query += [("list_all_annotations", "true"), ("page", "1"), ("per_page", str(len(changes)))]
        return Request("GET", f"{self._app}/annotations?{urlencode(query, quote_via=quote)}")

    def found(self, changes: Sequence[Change], reply: Reply | NoReply) -> Found | LookUpFailure:
        """The annotations of these pairs, None for those that are not there."""
        rows = _rows(reply, "annotations")
        if not isinstance(rows, list):
            return rows
        held = {(row.get("input_id"), row.get("id")): row for row in rows}
        return Found([held.get(change.key) for change in changes])

    def same(self, change: Change, annotation: dict[str, object]) -> bool:
        """Is what the post or patch asks for there? Then sending it (again) changes nothing."""
        sent = orjson.loads(change.body)
        return (
            nothing_to_remove(sent, annotation)
            if change.verb == "remove"
            else same_annotation(sent, annotation, exact=change.verb != "merge")
        )

    def inputs_look_up(self, input_ids: Sequence[str]) -> Request:
        """`GET inputs` by ids."""
        query = [("ids", id) for id in input_ids] + [("page", "1"), ("per_page", str(len(input_ids)))]
        return Request("GET", f"{self._app}/inputs?{urlencode(query, quote_via=quote)}")

    def inputs_found(self, input_ids: Sequence[str], reply: Reply | NoReply) -> Inputs | LookUpFailure:
        """Those with code 30001 or 30003."""
        rows = _rows(reply, "inputs")
        if not isinstance(rows, list):
            return rows
        processing = set()
        for row in rows:
            status = row.get("status")
            if isinstance(status, dict) and meaning(number(status.get("code"))) is Meaning.PENDING:
                processing.add(str(row.get("id")))
        return Inputs(frozenset(processing & set(input_ids)))


def _read(reply: Reply | NoReply) -> _Answer | Failed | Halt | Throttled:
    """The answer's frame, or why there is none."""
    if isinstance(reply, NoReply):
        return Failed(reply.reason, in_doubt=reply.sent, unreachable=not reply.sent)
    try:
        answer = _answer.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        answer = _Answer()
    if 300 <= reply.status < 400:
        return Halt(
            f"the service answered with a redirect (HTTP {reply.status}), which is not followed; set [clarifai] base_url to where it is now"
        )
    code = number(answer.status.code) if answer.status else 0
    if code == 0:  # a proxy's page, a gateway's envelope, a cut-off or empty body
        if reply.status in (401, 403):
            return Halt(f"HTTP {reply.status}", kind="credentials")
        if reply.status == 429:
            return Throttled("HTTP 429", _after(reply))
        if reply.status == 413:
            return _Answer(_Status(40033, "HTTP 413"))
        return Failed(f"HTTP {reply.status} without a status of the service", in_doubt=True)
    return answer


def _good(reply: Reply | NoReply) -> bool:
    return isinstance(reply, Reply) and 200 <= reply.status < 300


def _code(answer: _Answer) -> tuple[int, Meaning | None]:
    code = number(answer.status.code) if answer.status else 0
    return code, meaning(code)


def _failure(answer: _Answer, code: int, what: Meaning | None, reply: Reply | NoReply) -> Refused | Throttled | Failed | Halt:
    """A request that failed as a whole."""
    assert isinstance(reply, Reply)
    reason = _reason(answer.status, code)
    if what is Meaning.ACCOUNT:
        return Halt(reason, code, "account")
    if what is Meaning.THROTTLED or reply.status == 429:
        return Throttled(reason, _after(reply))
    if what is Meaning.CREDENTIALS or reply.status in (401, 403):
        return Halt(reason, code, "credentials")
    if what is Meaning.DUPLICATE:
        return Refused(reason, code, duplicate=True)
    if what in (Meaning.REFUSED, Meaning.MISSING):
        return Refused(reason, code)
    return Failed(reason, code, in_doubt=what not in (Meaning.BUSY, Meaning.PENDING))


def _all_stored(changes: Sequence[Change], items: Sequence[_Item]) -> bool:
    """The plain case: every item in its place, named by its id, and stored."""
    if len(changes) != len(items):
        return False
    for change, item in zip(changes, items, strict=True):
        status = item.status
        if item.id != change.id or status is None or status.code not in STORED or item.input_id not in (change.input_id, None):
            return False
    return True


def _joined(verb: Verb, changes: Sequence[Change], items: Sequence[_Item], *, trusting: bool) -> list[Outcome]:
    """One outcome a change, from the items that name it; two that contradict each other leave it in doubt."""
    ids: dict[str, int] = {}
    for change in changes:
        ids[change.id] = ids.get(change.id, 0) + 1
    outcomes: dict[tuple[str | None, str | None], list[Outcome]] = {}
    for item in items:
        if item.id is not None:
            outcomes.setdefault((item.input_id, item.id), []).append(_outcome(verb, item, trusting=trusting))
    joined: list[Outcome] = []
    for change in changes:
        told = outcomes.get((change.input_id, change.id), [])
        if not told and ids[change.id] == 1:
            told = outcomes.get((None, change.id), []) + outcomes.get(("", change.id), [])
        if not told:
            joined.append(InDoubt("the answer does not mention it"))
        elif any(type(outcome) is not type(told[0]) for outcome in told):
            joined.append(InDoubt("the answer says two things of it"))
        else:
            joined.append(told[0])
    return joined


def _outcome(verb: Verb, item: _Item, *, trusting: bool) -> Outcome:
    status = item.status
    if status is None:
        return APPLIED if trusting else InDoubt("the answer has no status for it")
    code = number(status.code)
    reason = _reason(status, code)
    match meaning(code):
        case Meaning.OK:
            return APPLIED if code in STORED or code == 10000 else InDoubt(reason, code)
        case Meaning.DUPLICATE:
            return Exists(reason, code) if verb == "post" else Rejected(reason, code)
        case Meaning.REFUSED:
            if verb != "post":
                return Rejected(reason, code)
            return Exists(reason, code, certain="duplicate" in reason.lower())
        case Meaning.MISSING:
            return Missing(reason, code)
        case Meaning.UNKNOWN:
            return InDoubt(reason, code)
        case _:
            return Retriable(reason, code)


def _rows(reply: Reply | NoReply, member: str) -> list[dict[str, object]] | LookUpFailure:
    """The rows of a list answer."""
    answer = _read_frame(reply)
    if not isinstance(answer, _Answer):
        return answer
    code, what = _code(answer)
    if what is Meaning.MISSING:
        return []
    if what is not Meaning.OK or not _good(reply):
        return _failure(answer, code, what, reply)
    assert isinstance(reply, Reply)
    try:
        rows = orjson.loads(reply.body).get(member, [])
    except orjson.JSONDecodeError:
        return Failed("the answer is not JSON", in_doubt=False)
    if not isinstance(rows, list):
        return Failed(f"the answer's {member} is not a list", in_doubt=False)
    return [row for row in rows if isinstance(row, dict)]


class _Frame(msgspec.Struct, gc=False):
    status: _Status | None = None


_frame = msgspec.json.Decoder(_Frame)


def _read_frame(reply: Reply | NoReply) -> _Answer | Failed | Halt | Throttled | Refused:
    """The status of a list answer, whatever its rows look like."""
    if isinstance(reply, Reply):
        if reply.status in (400, 414, 431):
            return Refused(f"HTTP {reply.status}")
        try:
            status = _frame.decode(reply.body).status
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            status = None
        reply = Reply(reply.status, orjson.dumps({"status": _plain(status)}), reply.retry_after, reply.date)
    return _read(reply)


def _plain(status: _Status | None) -> object:
    return None if status is None else msgspec.to_builtins(status)


def _after(reply: Reply) -> float | None:
    """Retry-After in seconds: as it came, or a date against the remote's own clock (RFC 9110, 10.2.3)."""
    text = reply.retry_after
    if text is None:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(text)
        return max(0.0, (until - parsedate_to_datetime(reply.date or "")).total_seconds())
    except (ValueError, TypeError):
        return None


def _reason(status: _Status | None, code: int) -> str:
    texts = [name(code)]
    if status is not None:
        texts += [text for text in (status.description, status.details) if text]
    return ": ".join(texts)[:REASON_MAX]
