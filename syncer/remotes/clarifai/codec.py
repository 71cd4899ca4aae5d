"""Batches to requests, replies to verdicts.

Success is HTTP 2xx *and* a success code *and* every change found by its id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import orjson

from syncer.core.change import Change, Key, Verb
from syncer.core.columns import Posts, join_texts
from syncer.core.outcome import (
    APPLIED,
    AllApplied,
    Answered,
    Applied,
    Exists,
    InDoubt,
    Missing,
    Outcome,
    Refused,
    Rejected,
    Retriable,
    Verdict,
)
from syncer.core.ports.push import InputStates, Listed, LookedUp, LookUpFailure
from syncer.core.ports.wire import NoReply, Reply, Request
from syncer.remotes.clarifai.answers import ANSWERS, Failure, ItemStatus, failure, read, reason
from syncer.remotes.clarifai.codes import STORED, Meaning, meaning, number
from syncer.remotes.clarifai.digest import digest_annotation
from syncer.remotes.clarifai.patches import shows_merge, shows_overwrite, shows_removal
from syncer.remotes.clarifai.queries import ALL_MAKERS, PAIRS_MAX, AppUrls, page_of
from syncer.remotes.clarifai.rows import Rows, of_look_up
from syncer.remotes.clarifai.same import same_annotation
from syncer.remotes.clarifai.stored import StoredItems
from syncer.remotes.replies import good, no_reply

_SHOWING: Mapping[Verb, Callable[[Mapping[str, object], Mapping[str, object]], bool]] = {
    "merge": shows_merge,
    "overwrite": shows_overwrite,
    "remove": shows_removal,
}
INPUT_READY = 30000
"""INPUT_SUCCESS, also called INPUT_DOWNLOAD_SUCCESS."""


class Clarifai:
    """The codec of one app.

    Implements `syncer.core.ports.push.Remote`. Wire facts: the protos and the JSON
    client of clarifai-grpc 12.6.0.
    """

    def __init__(self, user_id: str, app_id: str) -> None:
        self._urls = AppUrls(user_id, app_id)
        self._stored = StoredItems()

    # --- changes ----------------------------------------------------------------------

    def encode(self, verb: Verb, changes: Sequence[Change]) -> Request:
        """The request for a batch.

        Only `delete_input` sends input_ids without ids: that deletes all of those
        inputs.
        """
        assert changes, "without ids and inputs, a delete has no bounds"
        if verb == "delete":
            assert all(change.id for change in changes), (
                "a delete without ids deletes all of these inputs' annotations"
            )
            pairs = {
                "ids": [change.id for change in changes],
                "input_ids": [change.input_id for change in changes],
            }
            return Request("DELETE", f"{self._urls.app}/inputs/annotations", orjson.dumps(pairs))
        if verb == "delete_input":
            inputs = {"input_ids": [change.input_id for change in changes]}
            return Request("DELETE", f"{self._urls.app}/inputs/annotations", orjson.dumps(inputs))
        action = b"" if verb == "post" else b'"action":"%s",' % verb.encode()
        bodies = (
            changes.list_annotations()
            if isinstance(changes, Posts)
            else [change.body for change in changes]
        )
        return Request(
            "POST" if verb == "post" else "PATCH",
            f"{self._urls.app}/annotations",
            join_texts(b"{" + action + b'"annotations":[', bodies, b",", b"]}"),
        )

    def decode(self, verb: Verb, changes: Sequence[Change], reply: Reply | NoReply) -> Verdict:
        """Return what the reply says of each change, joined by id."""
        if isinstance(reply, NoReply):
            return no_reply(reply)
        deletes = verb in ("delete", "delete_input")
        keys = changes.keys if isinstance(changes, Posts) else [change.key for change in changes]
        if not deletes and self._says_stored(keys, reply):
            return AllApplied()
        answer = read(reply, ANSWERS)
        if not isinstance(answer, tuple):
            return answer
        items, status = answer[0].annotations or [], answer[1]
        code = number(status.code)
        what = meaning(code)
        if what is Meaning.OK and good(reply):
            if deletes:
                return AllApplied()
            if _all_stored(keys, items):
                self._stored.learn(keys, reply.body)
                return AllApplied()
            return Answered(_join(verb, changes, items, silence_applied=code == 10000))
        if (
            what in (Meaning.MIXED, Meaning.FAILURE)
            and items
            and not deletes
            and reply.status not in (401, 403, 429)
        ):
            return _find_shared_failure(items, reply) or Answered(
                _join(verb, changes, items, stored=good(reply))
            )
        failed = failure(status, reply, duplicates=verb == "post", settles=len(changes) == 1)
        if len(changes) == 1 and isinstance(failed, Refused) and what is Meaning.FAILURE:
            # Not a word about why: perhaps a post is there already, and another one may
            # fare better than this one did.
            if verb == "post":
                return Answered([Exists(failed.reason, code, certain=False)])
            return Answered([Retriable(failed.reason, code)])
        return failed

    def _says_stored(self, keys: Sequence[Key], reply: Reply) -> bool:
        """Whether all went well, as far as is seen without reading each item."""
        rest = self._stored.without(keys, reply.body)
        if rest is None or not good(reply):
            return False
        answer = read(Reply(reply.status, rest), ANSWERS)
        return isinstance(answer, tuple) and meaning(number(answer[1].code)) is Meaning.OK

    # --- a question that asks for nothing ---------------------------------------------

    def probe(self) -> Request:
        """`GET annotations`, at most one of them: changes nothing, but needs the token,
        the user and the app to be right.
        """
        return Request("GET", self._urls.list("/annotations", page_of(1, 1)))

    def read_probe(self, reply: Reply | NoReply) -> LookUpFailure | None:
        """Return why the app cannot be used, None if it can.

        An app that is not there is refused with a code that means missing.
        """
        rows = of_look_up(reply, 1)
        return None if isinstance(rows, Rows) else rows

    # --- look-ups ---------------------------------------------------------------------

    def look_up_size(self, changes: Sequence[Change]) -> int:
        """Return how many pairs keep the URL short enough; at least one."""
        return self._urls.fitting_pairs([change.key for change in changes[:PAIRS_MAX]])

    def look_up(self, changes: Sequence[Change]) -> Request:
        """`GET annotations` by pairs: ids and input_ids in the same order."""
        return Request("GET", self._urls.pairs([change.key for change in changes]))

    def found(self, changes: Sequence[Change], reply: Reply | NoReply) -> LookedUp | LookUpFailure:
        """The annotations of these pairs, None for those that are not there."""
        rows = of_look_up(reply, len(changes))
        if not isinstance(rows, Rows):
            return rows
        wanted = {change.key for change in changes}
        held: dict[tuple[object, object], dict[str, object]] = {}
        for row in rows.annotations or ():
            key = (row.get("input_id"), row.get("id"))
            if all(isinstance(part, str) for part in key) and key in wanted:
                held.setdefault(key, row)
        return LookedUp([held.get(change.key) for change in changes])

    def same(self, change: Change, annotation: dict[str, object]) -> bool:
        """Whether what the post or patch asks for is there.

        Then sending it again changes nothing.
        """
        sent = orjson.loads(change.body)
        show = _SHOWING.get(change.verb, same_annotation)
        return show(sent, annotation)

    def digest(self, annotation: dict[str, object]) -> str:
        """The digest of an annotation that was looked up."""
        return digest_annotation(annotation)

    def inputs_look_up(self, input_ids: Sequence[str]) -> Request:
        """`GET inputs` by ids."""
        return Request("GET", self._urls.inputs(input_ids))

    def inputs_list(self, input_ids: Sequence[str], page: int) -> Request:
        """`GET annotations` by inputs, those that models made included: a delete of an
        input deletes them all.
        """
        return Request("GET", self._urls.annotations(input_ids, ALL_MAKERS, page))

    def inputs_listed(
        self, input_ids: Sequence[str], reply: Reply | NoReply
    ) -> Listed | LookUpFailure:
        """The annotations of these inputs on a page; input-level ones survive a delete
        of their input's annotations (wire, 5).
        """
        rows = of_look_up(reply, len(input_ids))
        if not isinstance(rows, Rows):
            return rows
        wanted = set(input_ids)
        listed = rows.annotations or []
        keys = [
            (str(row["input_id"]), str(row.get("id")))
            for row in listed
            if row.get("input_id") in wanted and not row.get("input_level")
        ]
        return Listed(keys, len(listed))

    def inputs_found(
        self, input_ids: Sequence[str], reply: Reply | NoReply
    ) -> InputStates | LookUpFailure:
        """Those with code 30001 or 30003 are being processed, those with 30000 are
        ready.
        """
        rows = of_look_up(reply, len(input_ids))
        if not isinstance(rows, Rows):
            return rows
        wanted = set(input_ids)
        codes = {
            row.id: number(row.status.code)
            for row in rows.inputs or ()
            if row.id in wanted and row.status
        }
        processing = frozenset(
            id for id, code in codes.items() if id and meaning(code) is Meaning.PENDING
        )
        return InputStates(
            processing, frozenset(id for id, code in codes.items() if id and code == INPUT_READY)
        )


def _all_stored(keys: Sequence[Key], items: Sequence[ItemStatus]) -> bool:
    """The plain case: every item in its place, named by its ids, and stored."""
    return len(items) == len(keys) and keys == [
        (item.input_id, item.id)
        for item in items
        if item.status is not None and item.status.code in STORED
    ]


def _join(
    verb: Verb,
    changes: Sequence[Change],
    items: Sequence[ItemStatus],
    *,
    stored: bool = True,
    silence_applied: bool = False,
) -> list[Outcome]:
    """One outcome a change, from the items that name it: by (input_id, id), or by an id
    that is unique in the batch.

    `stored`: an item may say so (HTTP does not contradict it). `silence_applied`: an
    item without a status was applied.
    """
    ids = Counter([change.id for change in changes])
    told: dict[tuple[str, str], list[Outcome]] = {}
    for item in items:
        if item.id:
            told.setdefault((item.input_id or "", item.id), []).append(
                _outcome(verb, item, silence_applied=silence_applied)
            )
    joined: list[Outcome] = []
    for change in changes:
        outcomes = told.get(change.key, [])
        if ids[change.id] == 1:
            outcomes = outcomes + told.get(("", change.id), [])
        if not outcomes:
            joined.append(InDoubt("the answer does not mention it", omitted=True))
        elif len({type(outcome) for outcome in outcomes}) > 1:
            joined.append(InDoubt("the answer contradicts itself about it"))
        elif isinstance(outcomes[0], Applied) and not stored:
            joined.append(InDoubt("the answer says stored, its HTTP status failed"))
        else:
            joined.append(outcomes[0])
    return joined


def _outcome(verb: Verb, item: ItemStatus, *, silence_applied: bool) -> Outcome:
    """Return what one item says."""
    status = item.status
    code = 0 if status is None else number(status.code)
    if status is None or code == 0:
        return (
            APPLIED
            if silence_applied and status is None
            else InDoubt("the answer has no status for it", omitted=True)
        )
    what = meaning(code)
    if what is Meaning.STORED or what is Meaning.OK:
        return APPLIED
    text = reason(status)
    match what:
        case Meaning.DUPLICATE:
            return Exists(text, code) if verb == "post" else Rejected(text, code)
        case Meaning.REFUSED | Meaning.TOO_LARGE:
            # For a post perhaps a duplicate, in words that we do not know.
            return (
                Exists(text, code, certain="duplicate" in text.lower())
                if verb == "post"
                else Rejected(text, code)
            )
        case Meaning.MISSING:
            return Missing(text, code)
        case Meaning.UNKNOWN:
            return InDoubt(text, code)
        case _:
            return Retriable(text, code)


def _find_shared_failure(items: Sequence[ItemStatus], reply: Reply) -> Failure | None:
    """A throttle, an empty account or a refused token that every item repeats concerns
    the request, not the items.
    """
    said = {meaning(number(item.status.code)) if item.status else None for item in items}
    status = items[0].status
    if (
        status is not None
        and len(said) == 1
        and said <= {Meaning.THROTTLED, Meaning.ACCOUNT, Meaning.CREDENTIALS}
    ):
        return failure(status, reply)
    return None
