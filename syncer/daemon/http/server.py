"""Serves the daemon's endpoints while a block lasts."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import anyio.to_thread
from aiohttp import ClientConnectionResetError, web
from aiohttp.http_exceptions import HttpProcessingError

from syncer.daemon.control import CONTROL, open_control, remove_control
from syncer.daemon.http.guard import Guard, guarding
from syncer.daemon.http.page import add_headers
from syncer.daemon.http.patience import PATIENCE, Patience, hastening
from syncer.daemon.http.refusals import in_json
from syncer.errors import SyncerError
from syncer.finish import finish

LAST_ANSWERS_SECONDS = 2.0
"""How long answers that are on their way may still take at the end."""
COMMAND_BYTES_MAX = 32 << 20
"""Of a request at a control socket: more than a command line can name."""

LOGGER = logging.getLogger("syncer.http")
"""Of the server, for faults of its own."""
THEIR_FAULTS = (HttpProcessingError, ClientConnectionResetError)
"""A request that is no HTTP is answered 400; who goes away hears no answer."""
LOGGER.addFilter(
    lambda record: not (record.exc_info and isinstance(record.exc_info[1], THEIR_FAULTS))
)

Routes = Iterable[web.AbstractRouteDef]


@asynccontextmanager
async def serving(
    listen: str, routes: Routes, guard: Guard, patience: Patience = PATIENCE
) -> AsyncIterator[str]:
    """Serve these routes at `listen` (HOST:PORT) while the block lasts; gives the URL,
    with the port that port 0 came to. `guard` turns away what it has to, `patience`
    those that are too slow.

    Raises SyncerError where nothing can listen there.
    """
    app = web.Application(middlewares=[in_json, guarding(guard), hastening(patience)])
    async with _running(app, routes, patience) as runner:
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


@asynccontextmanager
async def controlling(
    folder: Path, routes: Routes, tell: Callable[[str], None]
) -> AsyncIterator[None]:
    """Serve these routes at the control socket of a state while the block lasts. For
    the holder of the state only. `tell` is called with the reason why it has none, else
    with "".
    """
    try:
        listening = await anyio.to_thread.run_sync(open_control, folder)
    except OSError as error:
        tell(f"{folder / CONTROL}: {error.strerror or error}")
        yield
        return
    tell("")
    try:
        app = web.Application(client_max_size=COMMAND_BYTES_MAX, middlewares=[in_json])
        async with _running(app, routes, PATIENCE) as runner:
            await web.SockSite(runner, listening).start()
            yield
    finally:
        listening.close()
        await finish(partial(anyio.to_thread.run_sync, remove_control, folder))


@asynccontextmanager
async def _running(
    app: web.Application, routes: Routes, patience: Patience
) -> AsyncIterator[web.AppRunner]:
    app.add_routes(routes)
    app.on_response_prepare.append(add_headers)
    runner = web.AppRunner(
        app,
        access_log=None,
        handle_signals=False,
        shutdown_timeout=LAST_ANSWERS_SECONDS,
        logger=LOGGER,
        auto_decompress=False,  # who reads a body unpacks it, and sees where it is cut off
        # it begins with the connection, and only a whole head ends it
        keepalive_timeout=patience.head_seconds,
    )
    await runner.setup()
    try:
        yield runner
    finally:
        await finish(runner.cleanup)
