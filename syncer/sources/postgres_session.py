"""A session with a PostgreSQL server: made when it is needed, and again after it broke.

A server that says nothing is taken for gone. Behind a pooler that gives each
transaction another connection no lock and no notification lasts, so such a one is
refused.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import anyio

from syncer.errors import SyncerError, UsageError
from syncer.extras import needs

if TYPE_CHECKING:
    import asyncpg

    Asked = asyncpg.Connection[asyncpg.Record]

T = TypeVar("T")

DSN_FORM = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE"

SILENCE_POLLS = 5
"""A server that says nothing for so many poll intervals is taken for gone; half of what
is promised, since the connection to it may have to be made as well.
"""
SILENCE_SECONDS_MIN = 2.0
SESSION = (
    # The server lets go of the lock of a reader that vanished within 25 seconds.
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
    ("client_connection_check_interval", "5s"),
    ("idle_in_transaction_session_timeout", "60s"),
    ("lock_timeout", "5s"),
    ("TimeZone", "UTC"),
    ("DateStyle", "ISO"),
    ("application_name", "syncer"),
)
"""Settings of the session; those that a server does not know are left out."""


def check_driver(variable: str) -> None:
    """Raise UsageError where the driver is not installed, or this environment variable
    holds no DSN.
    """
    with needs("pg"):
        import asyncpg  # noqa: F401
    read_dsn(variable)


def read_dsn(variable: str) -> str:
    """Return the DSN that this environment variable holds. Raises UsageError."""
    if not (dsn := os.environ.get(variable)):
        raise UsageError(
            f"the environment variable {variable} is not set: it holds the DSN of a source, as"
            f" {DSN_FORM}"
        )
    try:
        scheme = urlsplit(dsn).scheme
    except ValueError:  # which would show a part of it
        raise _explain_dsn(variable) from None
    if scheme not in ("postgresql", "postgres"):
        raise _explain_dsn(variable)
    return dsn


def _explain_dsn(variable: str) -> UsageError:
    return UsageError(
        f"the environment variable {variable} holds no DSN that can be used: write it as"
        f" {DSN_FORM}, with percent codes for special characters of the password, as %40 for @"
    )


class PostgresSession:
    """One connection at a time, for one task at a time. It has no transaction open
    between two calls.
    """

    def __init__(self, variable: str, poll_seconds: float) -> None:
        """`variable`: of the environment, which holds the DSN; that is a secret."""
        self.variable = variable
        self.label = f"the database in {variable}"
        self.number = 0
        """Of the connection: another one does not hold what the last one held."""
        self._silence_seconds = max(SILENCE_SECONDS_MIN, SILENCE_POLLS * poll_seconds)
        self._connection: Asked | None = None
        self._one_at_a_time = anyio.Lock()

    async def run(self, work: Callable[[Asked], Awaitable[T]]) -> T:
        """Do this with the connection, or let go of it."""
        import asyncpg

        async with self._one_at_a_time:
            try:
                with anyio.fail_after(self._silence_seconds):
                    return await work(await self._open())
            except TimeoutError:
                await self._drop()
                raise SyncerError(
                    f"{self.label}: the server has not answered for {self._silence_seconds:g}"
                    " seconds"
                ) from None
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
                await self._drop()
                raise SyncerError(f"{self.label}: {_explain(error)}") from None
            except BaseException:
                await self._drop()
                raise

    async def hear(self, channel: str, take: Callable[[], None]) -> None:
        """Call `take` at each notification, as long as the connection lasts. Within
        `run`.
        """
        assert self._connection is not None
        await self._connection.add_listener(channel, lambda *_: take())

    async def _open(self) -> Asked:
        """Return the connection; there may have to be a new one."""
        if self._connection is not None and not self._connection.is_closed():
            return self._connection
        self._connection = connection = await self._connect()
        self.number += 1
        for name, value in SESSION:
            with suppress(_unknown_setting()):
                await connection.execute("select set_config($1, $2, false)", name, value)
        if await connection.fetchval("select pg_is_in_recovery()"):
            raise SyncerError(
                f"{self.label}: the server is a standby, which takes no writes: name the primary,"
                " or all with target_session_attrs=read-write"
            )
        await self._refuse_pooler(connection)
        return connection

    async def _connect(self) -> Asked:
        import asyncpg

        try:
            # No statement is kept, since another server may answer the next one.
            return await asyncpg.connect(read_dsn(self.variable), statement_cache_size=0)
        except (ValueError, asyncpg.ClientConfigurationError):  # which would show the DSN
            raise _explain_dsn(self.variable) from None
        except asyncpg.UndefinedObjectError as error:
            raise SyncerError(
                f"{self.label}: {_explain(error)}: leave it out of the DSN, since neither the"
                " server nor the driver knows it"
            ) from None

    async def _refuse_pooler(self, connection: Asked) -> None:
        """Raise SyncerError behind a pooler that gives each transaction any connection:
        no lock and no notification would last.

        Such a one gives a second client the connection that the first one has just
        used.
        """
        pid = await connection.fetchval("select pg_backend_pid()")
        if pid == connection.get_server_pid():
            return
        second = await self._connect()
        try:
            shared = pid == await second.fetchval("select pg_backend_pid()")
        finally:
            second.terminate()
        if shared:
            raise SyncerError(
                f"{self.label} is reached by way of a pooler of transactions, where no lock lasts:"
                " name the server itself in the DSN, or a pool of sessions"
            )

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    async def close(self) -> None:
        """Let go of the connection. It may come twice."""
        async with self._one_at_a_time:
            await self._drop()


def _unknown_setting() -> type[Exception]:
    import asyncpg

    return asyncpg.UndefinedObjectError


def _explain(error: Exception) -> str:
    """Return an error in one line."""
    first = str(error).partition("\n")[0].strip()
    return first or type(error).__name__
