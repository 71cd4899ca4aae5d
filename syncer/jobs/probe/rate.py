"""Questions that go beyond the rate limit: bursts, and when requests are let through
again.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import anyio
import orjson

from syncer.core.ports.wire import NoReply, Reply, Request
from syncer.jobs.probe.line import RequestLine
from syncer.jobs.probe.scratch import Conclusion, known, unknown
from syncer.jobs.probe.shown import code_of

FORMS = ("throttle-form", "throttle-code", "retry-after")
RULE = "rate-rule"
HTTP_STATUSES = ("429", "200", "503")
CODES = (11005, 11003, 11004)
CALM_SECONDS = 2.0
"""After so long no limit of some requests a second remembers anything."""
POLL_SECONDS = 0.1
POLLS_MAX = 30
SOON_SECONDS = 0.85
"""Where a request is let through sooner, it is not by any second that they count."""
ASIDE_SECONDS = 1.4
"""From a little after the border between two seconds to the midst of one."""
HUGE_SECONDS = 86_400
_NUMBERS = re.compile(r"\s*\d+(\.\d+)?\s*(,\s*\d+(\.\d+)?\s*)+")
_OLD_DATE = re.compile(r"\w+, \d\d-\w{3}-\d\d .*")


class RateSearch:
    """Bursts of a harmless request, of somewhat more than what two seconds may hold."""

    def __init__(self, line: RequestLine, request: Request, requests_per_second: float) -> None:
        self._line = line
        self._request = request
        self._rate = max(1, round(requests_per_second))
        self._burst = 2 * self._rate + 8

    @property
    def requests(self) -> int:
        """The requests that it may take."""
        return 2 * (self._burst + POLLS_MAX + self._rate)

    async def ask(self) -> list[Conclusion]:
        """Go beyond the limit twice at most. Raises RunEnds."""
        await self._line.rest(CALM_SECONDS)
        started = anyio.current_time()
        throttled = [reply for reply in await self._send(self._burst) if is_throttled(reply)]
        if not throttled:
            why = f"a burst of {self._burst} requests was not throttled"
            return [unknown(switch, why) for switch in (*FORMS, RULE)]
        reply = _choose_common(throttled)
        found = [_conclude_http(reply), _conclude_code(reply), _conclude_wait(reply)]
        if found[2].value == "huge":
            why = "hidden by retry-after: the service asks to wait for longer than a day"
            return [*found, unknown(RULE, why)]
        rule = await self._find_rule(started)
        await self._line.rest(CALM_SECONDS)
        return [*found, rule]

    async def _find_rule(self, started: float) -> Conclusion:
        """Find out when requests are let through again after a burst that began then.

        It is counted from its beginning: where the way is slow, it takes a while.
        """
        gone = unknown(RULE, f"no request was let through for {POLLS_MAX * POLL_SECONDS:g} s")
        at = await self._poll()
        if at is None:
            return gone
        let = sum(map(is_answered, await self._send(self._rate)))
        if at - started < SOON_SECONDS and let < self._rate / 2:
            return known(RULE, "bucket", "after a burst requests are let through one by one")
        if at - started >= SOON_SECONDS:  # by any second, or it was the first moment of one
            await self._line.rest(at + ASIDE_SECONDS - anyio.current_time())
            started = anyio.current_time()
            await self._send(self._burst)
            at = await self._poll()
        if at is None:
            return gone
        if at - started < SOON_SECONDS:
            return known(RULE, "second", "requests are counted by the seconds of a clock")
        return known(RULE, "sliding", "after a burst requests are let through a second later")

    async def _poll(self) -> float | None:
        """Ask until a request is let through; return the moment when it went."""
        for _ in range(POLLS_MAX):
            await self._line.rest(POLL_SECONDS)
            at = anyio.current_time()
            if any(map(is_answered, await self._send(1))):
                return at
        return None

    async def _send(self, count: int) -> list[Reply | NoReply]:
        """Send so many at once, past any limit."""
        return await self._line.send_at_once([self._request] * count)


def is_throttled(reply: Reply | NoReply) -> bool:
    """Whether the service says that there are too many requests."""
    return isinstance(reply, Reply) and (reply.status == 429 or _read_code(reply) in CODES)


def is_answered(reply: Reply | NoReply) -> bool:
    """Whether a request was let through."""
    return isinstance(reply, Reply) and reply.status == 200 and _read_code(reply) == 10000


def _read_code(reply: Reply) -> int | None:
    try:
        body = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return None
    return code_of(body) if isinstance(body, dict) else None


def _choose_common(throttled: Sequence[Reply | NoReply]) -> Reply:
    """Return one of the most common form: some may be of another maker on the way."""
    replies = [reply for reply in throttled if isinstance(reply, Reply)]
    forms = [(reply.status, _read_code(reply), name_wait(reply)) for reply in replies]
    (form, _), *_ = Counter(forms).most_common(1)
    return replies[forms.index(form)]


def _conclude_http(reply: Reply) -> Conclusion:
    value, told = str(reply.status), f"a throttle came with HTTP {reply.status}"
    if value in HTTP_STATUSES:
        return known(FORMS[0], value, told)
    return unknown(FORMS[0], f"{told}, which is none of the values")


def _conclude_code(reply: Reply) -> Conclusion:
    code = _read_code(reply)
    if code in CODES:
        return known(FORMS[1], str(code), f"a throttle came with code {code}")
    return unknown(FORMS[1], "a throttle came without a code of the service, or with another")


def _conclude_wait(reply: Reply) -> Conclusion:
    form = name_wait(reply)
    if form == "none":
        return known(FORMS[2], form, "a throttle did not say how long to wait")
    return known(FORMS[2], form, f"a throttle said how long to wait, in the form {form!r}")


def name_wait(reply: Reply) -> str:
    """Return the form of its Retry-After, in the words of the emulator."""
    if reply.retry_after is None:
        return "none"
    text = reply.retry_after.strip()
    if _NUMBERS.fullmatch(text):
        return "several"
    try:
        return _name_number(float(text), text)
    except ValueError:
        return _name_date(text, reply.date)


def _name_number(number: float, text: str) -> str:
    if number in (float("inf"), float("-inf")) or number != number:
        return "infinite"
    if number <= 0:
        return "negative" if number < 0 else "zero"
    if number > HUGE_SECONDS:
        return "huge"
    return "seconds" if text.isdigit() else "fraction"


def _name_date(text: str, date: str | None) -> str:
    until, now = _read_moment(text), _read_moment(date or "")
    if until is None:
        return "words"
    if _OLD_DATE.fullmatch(text):
        return "old-date"
    if now is None:
        return "undated"
    return "date" if until > now else "past"


def _read_moment(text: str) -> datetime | None:
    try:
        moment: datetime = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
