"""Requests that carry a token which may be replaced while they go."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from syncer.core.ports.wire import AnotherTurn, NoReply, Reply, Request
from syncer.errors import UsageError
from syncer.transport.http import HttpTransport

LOOK_SECONDS = 1.0
"""How often is looked whether a file has changed."""


class TokenSource(Protocol):
    """Where the token of each request comes from."""

    def token(self) -> str:
        """The token of the next request, empty where it has to be fetched first. Called
        for every request, so it is quick.
        """
        ...

    async def fetch(self, refused: str) -> str | Reply | NoReply:
        """Fetch a token that is not the one that was `refused` (empty: none was), empty
        where there is no other; else return why none came.
        """
        ...


class FixedToken:
    """A token that stays."""

    def __init__(self, token: str) -> None:
        self._token = token

    def token(self) -> str:
        """The token."""
        return self._token

    async def fetch(self, refused: str) -> str:
        """Return no other token: there never is one."""
        return ""

    def __repr__(self) -> str:
        return "FixedToken(…)"


class TokenFile:
    """A token in a file, which is read again when it has changed, and when its token
    was refused. A file that holds no token changes nothing.

    The first part of a token looks like one: where a file is read while it is written,
    that part is used until it is refused, or until a second has passed.
    """

    def __init__(
        self,
        file: Path,
        read: Callable[[], str],
        replaced: Callable[[str], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`read`: what the file holds; raises UsageError where that is no token.
        `replaced` is called with every new token. `clock` gives seconds that never go
        back.

        Raises UsageError as `read` does.
        """
        self._file = file
        self._read = read
        self._replaced = replaced
        self._clock = clock
        self._looked_at = clock()
        self._stamp = self._stamp_of_now()
        self._token = read()

    def token(self) -> str:
        """The token that the file holds, as of a second ago."""
        now = self._clock()
        if now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            if self._stamp_of_now() != self._stamp:
                self._read_again()
        return self._token

    async def fetch(self, refused: str) -> str:
        """Return the token that the file holds by now, empty where it is the one that
        was refused.
        """
        if self._token == refused:
            self._read_again()
        return self._token if self._token != refused else ""

    def _read_again(self) -> None:
        self._stamp = self._stamp_of_now()
        try:
            token = self._read()
        except UsageError:
            return
        if token != self._token:
            self._token = token
            self._replaced(token)

    def _stamp_of_now(self) -> tuple[int, int, int] | None:
        """Return what shows a later write of the file; None if it does not exist."""
        try:
            found = self._file.stat()
        except (OSError, ValueError):
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def __repr__(self) -> str:
        return f"TokenFile({str(self._file)!r})"


class TokenTransport:
    """Requests with the token of their moment. An async context manager. Implements
    `Transport`.

    A request whose token was refused goes once more where there is another one.
    """

    def __init__(
        self,
        http: HttpTransport,
        scheme: str,
        tokens: TokenSource,
        refuses: Callable[[Reply], bool],
        *others: HttpTransport,
    ) -> None:
        """`scheme`: of the Authorization header. `refuses`: whether an answer refuses
        the token. This enters and leaves `http` and `others`.
        """
        self._http = http
        self._scheme = scheme
        self._tokens = tokens
        self._refuses = refuses
        self._entered = (http, *others)
        self._repeated = 0
        self._stack = AsyncExitStack()

    @property
    def hidden_retries(self) -> int:
        """Requests that left without being asked for: those repeated with another
        token or on another connection, and aiohttp's own.
        """
        return self._repeated + sum(http.hidden_retries for http in self._entered)

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            for http in self._entered:
                await stack.enter_async_context(http)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def send(self, request: Request, turn: AnotherTurn) -> Reply | NoReply:
        """Send once, or once more with another token; another turn is waited for where
        the request had to wait for a token, or goes a second time.
        """
        http = self._at(request.path)
        token = self._tokens.token()
        if not token:
            found = await self._tokens.fetch("")
            if not isinstance(found, str):
                return found
            await turn.another(gone=False)
            token = self._tokens.token() or found
        reply = await http.send_with(self._headers(token), request, turn)
        if isinstance(reply, Reply) and self._refuses(reply):
            found = await self._tokens.fetch(token)
            if not isinstance(found, str):
                return found
            if found:
                await turn.another(gone=True)
                self._repeated += 1
                token = self._tokens.token() or found
                return await http.send_with(self._headers(token), request, turn)
        return reply

    def _at(self, path: str) -> HttpTransport:
        """Return what takes requests for this path."""
        return self._http

    def _headers(self, token: str) -> dict[str, str]:
        return {"Authorization": f"{self._scheme} {token}"}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._http!r})"
