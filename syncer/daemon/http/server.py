"""Serves the daemon's endpoints while a block lasts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from aiohttp import web

from syncer.daemon.http.guard import Guard, guarding
from syncer.errors import SyncerError


@asynccontextmanager
async def serving(
    listen: str, routes: Iterable[web.AbstractRouteDef], guard: Guard
) -> AsyncIterator[str]:
    """Serve these routes at `listen` (HOST:PORT) while the block lasts; gives the URL,
    with the port that port 0 came to. `guard` turns away what it has to.

    Raises SyncerError where nothing can listen there.
    """
    app = web.Application(middlewares=[guarding(guard)])
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        host, _, port = listen.rpartition(":")
        site = web.TCPSite(runner, host.strip("[]"), int(port))
        try:
            await site.start()
        except OSError as error:
            raise SyncerError(
                f"nothing can listen on {listen}: {error.strerror or error}; name another address"
                " in [daemon] listen"
            ) from None
        bound = runner.addresses[0][1]
        yield f"http://{host}:{bound}"
    finally:
        await runner.cleanup()
