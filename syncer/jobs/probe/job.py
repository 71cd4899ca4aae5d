"""A probe: the questions, one after another, and everything tidied up after them."""

from __future__ import annotations

import random
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

import anyio

from syncer.config import Loaded
from syncer.core.outcome import Failed, Throttled
from syncer.core.ports.wire import Request
from syncer.errors import Stopped, SyncerError
from syncer.jobs.check import explain_failure
from syncer.jobs.clarifai import App, app
from syncer.jobs.limiters import Limiters
from syncer.jobs.probe.limits import BEYOND_THE_LIMIT, NEVER, WITHOUT_LIMIT
from syncer.jobs.probe.line import REQUESTS_MAX, RequestLine, RunEnds, Spent
from syncer.jobs.probe.probed import Probed
from syncer.jobs.probe.questions import QUESTIONS
from syncer.jobs.probe.rate import RateSearch
from syncer.jobs.probe.scratch import Conclusion, Question, Rest, Scratch, unknown
from syncer.jobs.probe.shown import Halted, Hidden, NotClear, NotPlain, Shown
from syncer.jobs.probe.tidying import look, remove
from syncer.jobs.signals import Listen, ignore, until_signal
from syncer.remotes.clarifai.queries import AppUrls

FAULTS_MAX = 8
"""How often a question is asked, where something fails on the way."""
UNCLEAR_MAX = 5
"""How often it is asked, where its answer is not clear."""
GREETINGS_MAX = 5
KEPT = 25
"""Requests that are kept for tidying, beside one for each input."""
SPENT = "the requests of a run were used up"
Hearer = Callable[[Conclusion], None]
"""Called with what is found out, as it comes."""


@dataclass(frozen=True, slots=True)
class Probing:
    """The work of a probe."""

    loaded: Loaded
    limiters: Limiters
    among_others: bool = False
    """The app may hold other inputs."""
    find_limit: bool = False
    """Go beyond the rate limit, to see what happens there."""
    open_app: Callable[[Loaded, Limiters], App] = app

    async def run(self, tell: Hearer, *, signals: Listen = ignore) -> Probed:
        """Ask everything, and tidy up.

        Raises UsageError; what stops a run later is in what it returns.
        """
        return await self._carry_out(lambda run: run.ask_all(tell), signals)

    async def clean(self, *, signals: Listen = ignore) -> Probed:
        """Remove the inputs that earlier runs have left. Raises as `run` does."""
        return await self._carry_out(lambda run: run.remove_earlier(), signals)

    async def _carry_out(
        self, work: Callable[[_Round], Awaitable[None]], signals: Listen
    ) -> Probed:
        remote = self.open_app(self.loaded, self.limiters)
        clarifai = self.loaded.config.clarifai
        started = anyio.current_time()
        interrupted: list[int] = []
        async with remote.in_use():
            line = RequestLine(remote, self.loaded.config.retry, random.Random())  # noqa: S311
            scratch = Scratch(AppUrls(clarifai.user_id, clarifai.app_id), secrets.token_hex(3))
            run = _Round(self, remote, line, scratch)

            async def begin() -> None:
                await run.carry_out(lambda: work(run))

            await until_signal(begin, line.ending.set, interrupted, signals)
        result = run.result
        result.requests = line.requests
        result.elapsed_seconds = round(anyio.current_time() - started, 3)
        result.interrupted = interrupted[0] if interrupted and not result.whole else None
        return result


@dataclass(slots=True)
class _Round:
    """A run under way."""

    job: Probing
    remote: App
    line: RequestLine
    scratch: Scratch
    result: Probed = field(default_factory=Probed)

    async def carry_out(self, work: Callable[[], Awaitable[None]]) -> None:
        """Work, and tidy up after it, however it ended."""
        try:
            await work()
        except RunEnds:
            pass
        except Spent:
            self.result.error = Stopped(f"{SPENT} before it had begun")
        except SyncerError as error:
            self.result.error = error
        except Exception:
            await self._tidy()
            raise
        await self._tidy()

    async def ask_all(self, tell: Hearer) -> None:
        """Ask all questions. Raises RunEnds, Spent, SyncerError."""
        await self._look_around()
        found: dict[str, Conclusion] = {}
        for question in QUESTIONS:
            before = self.line.requests
            for conclusion in await self._settle(question):
                _keep(found, replace(conclusion, requests=self.line.requests - before))
                before = self.line.requests  # what is asked for together is paid for once
            self.scratch.values.update(_values(found))
            self._tell_last(question, found, tell)
        for switch, why in NEVER.items():
            self._tell(unknown(switch, why), tell)
        for conclusion in await self._find_limit():
            self._tell(conclusion, tell)
        self.result.whole = True

    async def remove_earlier(self) -> None:
        """Remove what earlier runs left. Raises as `ask_all` does."""
        await self._greet()
        content = await look(self.line, self.scratch, all_pages=True)
        self.scratch.inputs += content.own
        self.result.whole = True

    # --- before -----------------------------------------------------------------------

    async def _look_around(self) -> None:
        """Raise Stopped where the app is not a scratch app."""
        await self._greet()
        content = await look(self.line, self.scratch, all_pages=False)
        self.result.earlier = content.own
        if (content.others or not content.whole) and not self.job.among_others:
            raise Stopped(
                f"the app {self.job.loaded.config.clarifai.app_id} holds inputs that are not of a"
                " probe: name an empty one with --app, or add --among-others. Nothing was written"
            )

    async def _greet(self) -> None:
        """Ask a plain question until it is answered. Raises the error that it ends
        with.
        """
        failure = None
        for _ in range(GREETINGS_MAX):
            with suppress(NotPlain, Halted):  # what they mean is read below
                await self.line.ask(self.remote.codec.probe())
            assert self.line.last is not None
            failure = self.remote.codec.read_probe(self.line.last)
            if failure is None:
                return
            if not isinstance(failure, Failed | Throttled):
                break
        assert failure is not None
        raise explain_failure(failure, self.line.read_wait(), self.job.loaded)

    # --- a question -------------------------------------------------------------------

    async def _settle(self, question: Question) -> list[Conclusion]:
        """Ask until the answer is plain, or not to be had."""
        faults = unclear = 0
        while True:
            try:
                return await self._ask_once(question)
            except NotPlain as fault:
                faults += 1
                why = f"it was asked {faults} times, and each time something failed: {fault}"
                last = faults >= FAULTS_MAX
            except NotClear as reason:
                unclear += 1
                why, last = str(reason), unclear >= UNCLEAR_MAX or isinstance(reason, Hidden)
            except Spent:
                why, last = SPENT, True
            if last:
                return [unknown(switch, why) for switch in question.switches]

    async def _ask_once(self, question: Question) -> list[Conclusion]:
        flow = question.ask(self.scratch)
        shown: Shown | Halted | None = None
        try:
            while True:
                if isinstance(shown, Halted):
                    step = flow.throw(shown)
                else:
                    step = next(flow) if shown is None else flow.send(shown)
                if isinstance(step, Rest):
                    await self.line.rest(step.seconds)
                    shown = None
                else:
                    self.line.kept = KEPT + len(self.scratch.inputs)
                    shown = await self._ask(step)
        except StopIteration as end:
            conclusions: list[Conclusion] = end.value
            return conclusions
        except Halted as halted:
            raise NotClear(f"it was refused: {halted}") from None

    async def _ask(self, request: Request) -> Shown | Halted:
        """Return what shows, or the refusal where only this question is refused."""
        try:
            return await self.line.ask(request)
        except Halted as halted:
            await self._greet()  # else it is the end of the run
            return halted

    async def _find_limit(self) -> list[Conclusion]:
        """Go beyond the limit, if that is wanted: last, when nothing of ours is there
        that could not be removed then.
        """
        if not self.job.find_limit:
            return [unknown(switch, WITHOUT_LIMIT) for switch in BEYOND_THE_LIMIT]
        await self._tidy()
        rate, before = self.remote.pace.requests_per_second, self.line.requests
        search = RateSearch(self.line, self.remote.codec.probe(), rate)
        if before + search.requests > REQUESTS_MAX:
            return [unknown(switch, SPENT) for switch in BEYOND_THE_LIMIT]
        first, *others = await search.ask()
        return [replace(first, requests=self.line.requests - before), *others]

    def _tell_last(self, question: Question, found: dict[str, Conclusion], tell: Hearer) -> None:
        """Hearer what is known of switches that no later question asks for."""
        later = QUESTIONS[QUESTIONS.index(question) + 1 :]
        for switch in question.switches:
            if not any(switch in other.switches for other in later):
                self._tell(found[switch], tell)

    def _tell(self, conclusion: Conclusion, tell: Hearer) -> None:
        self.result.told.append(conclusion)
        tell(conclusion)

    # --- after ------------------------------------------------------------------------

    async def _tidy(self) -> None:
        """Remove all that was made, as far as that can be done."""
        before = len(self.scratch.inputs)
        self.result.left = self.scratch.inputs
        await remove(self.line, self.scratch, self.scratch.inputs)
        self.result.removed += before - len(self.scratch.inputs)


def _keep(found: dict[str, Conclusion], conclusion: Conclusion) -> None:
    """Keep what says more: a value says more than a reason."""
    switch = conclusion.switch
    if switch not in found or found[switch].value is None:
        found[switch] = conclusion


def _values(found: dict[str, Conclusion]) -> dict[str, str]:
    return {switch: each.value for switch, each in found.items() if each.value is not None}
