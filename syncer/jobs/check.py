"""The check of token and app: requests that change nothing, and what their answers mean
for the user.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from syncer.config import Loaded
from syncer.core.outcome import Failed, Halt, Refused, Throttled
from syncer.core.ports.push import LookUpFailure
from syncer.core.ports.wire import Reply, Transport
from syncer.core.retry_after import asked_seconds
from syncer.errors import CredentialsRefused, Stopped, SyncerError
from syncer.jobs.check_service import (
    NEEDED_FOR,
    ask_for,
    check_name,
    compare_clocks,
    judge_reads,
    show_limits,
)
from syncer.jobs.clarifai import app
from syncer.jobs.limiters import Limiters
from syncer.jobs.observed import Observed
from syncer.jobs.ways import show_way
from syncer.remotes.clarifai import Clarifai
from syncer.remotes.clarifai.codes import Meaning, meaning


@dataclass(slots=True)
class OnlineCheck:
    """The questions and how they went: `error` is None if token and app are good."""

    base_url: str
    user_id: str
    app_id: str
    answer_seconds: float = 0.0
    """Of the first question, which tries token and app."""
    error: SyncerError | None = None
    observed: list[Observed] = field(default_factory=list)


class _AlwaysATurn:
    """A few questions need no pace."""

    async def another(self, *, gone: bool) -> None:
        """Go on at once."""


async def check(loaded: Loaded) -> OnlineCheck:
    """Ask the app for one annotation, and where that goes well for what else the token
    may read.

    Raises UsageError where token or app are not configured or the settings cannot be
    used.
    """
    clarifai = loaded.config.clarifai
    remote = app(loaded, Limiters())  # of its own: it asks a few questions
    ways, proxied = show_way(loaded)
    checked = OnlineCheck(clarifai.base_url, clarifai.user_id, clarifai.app_id, observed=ways)
    try:
        name = await check_name(
            loaded,
            proxied=proxied,
            connect_seconds=loaded.config.push.connect_timeout_seconds,
        )
    except Stopped as unknown:
        checked.error = unknown
        return checked
    checked.observed += [] if name is None else [name]
    async with remote.transport as transport:
        await _ask(checked, remote.codec, transport, loaded)
    return checked


async def _ask(checked: OnlineCheck, codec: Clarifai, transport: Transport, loaded: Loaded) -> None:
    """Ask, and note what was seen."""
    clarifai = loaded.config.clarifai
    sent_at, started = time.time(), time.monotonic()
    reply = await transport.send(codec.probe(), _AlwaysATurn())
    checked.answer_seconds = round(time.monotonic() - started, 3)
    wait = None
    if isinstance(reply, Reply):
        wait = asked_seconds(reply.retry_after, reply.date, time.time())
        checked.observed.append(compare_clocks(reply, sent_at, time.time()))
        checked.observed.append(show_limits(reply.headers or {}, loaded))
    failure = codec.read_probe(reply)
    if failure is not None:
        checked.error = explain_failure(failure, wait, loaded)
        return
    failures = {}
    for what in NEEDED_FOR:
        asked = ask_for(clarifai.user_id, clarifai.app_id, what)
        failures[what] = codec.read_probe(await transport.send(asked, _AlwaysATurn()))
    checked.observed += judge_reads(failures)


def explain_failure(
    failure: LookUpFailure, wait_seconds: float | None, loaded: Loaded
) -> SyncerError:
    """Return what went wrong, with the values that it hangs on and where they came
    from.

    `wait_seconds`: what the remote asks for.
    """
    clarifai = loaded.config.clarifai

    def of(key: str) -> str:
        return f"{loaded.section}.{key} ({loaded.origins[f'clarifai.{key}']})"

    code = (
        "" if isinstance(failure, Throttled) or failure.code is None else f" (code {failure.code})"
    )
    match failure:
        case Halt(kind="credentials"):
            return CredentialsRefused(
                f"the remote refused the credentials{code}: {failure.reason}; check {of('token')},"
                f" and that it belongs to user {clarifai.user_id} and may read and write the"
                f" annotations of app {clarifai.app_id}"
            )
        case Halt(kind="address"):
            return Stopped(
                f"{clarifai.base_url} can never answer: {failure.reason}; check {of('base_url')},"
                " its authority and the proxy"
            )
        case Halt():
            return Stopped(
                f"the remote refuses to go on{code}: {failure.reason}; settle that with the"
                " service, then check again"
            )
        case Throttled():
            wait = "in a while" if wait_seconds is None else f"in {wait_seconds:g} s"
            return Stopped(f"throttled by the remote: {failure.reason}; check again {wait}")
        case Refused() if meaning(failure.code or 0) is Meaning.MISSING:
            return Stopped(
                f"there is no app {clarifai.app_id} of user {clarifai.user_id} at"
                f" {clarifai.base_url}{code}: {failure.reason}; check {of('app_id')} and"
                f" {of('user_id')}"
            )
        case Refused():
            return Stopped(
                f"the remote rejected a harmless test request{code}: {failure.reason}; check"
                f" {of('user_id')} and {of('app_id')}"
            )
        case Failed(unreachable=True):
            return Stopped(
                f"{clarifai.base_url} cannot be reached: {failure.reason}; check {of('base_url')},"
                " the network and the proxy"
            )
        case Failed():
            return Stopped(
                f"{clarifai.base_url} did not answer as the service does{code}: {failure.reason};"
                f" check {of('base_url')}, or try again"
            )
