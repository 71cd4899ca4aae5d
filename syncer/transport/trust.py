"""TLS: whose certificates are accepted, and whether a server speaks it at all."""

from __future__ import annotations

import asyncio
import ssl

from syncer.errors import UsageError

GREETING_SECONDS = 3.0
"""Whoever speaks TLS answers its greeting at once."""


def trust(ca_file: str) -> ssl.SSLContext | bool:
    """What aiohttp takes: the system's authorities, or those of a file. Raises UsageError."""
    if not ca_file:
        return True
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise UsageError(
            f"ca_file = {ca_file!r} does not hold usable certificates (PEM): {error.strerror or type(error).__name__}"
        ) from None


async def speaks_tls(host: str, port: int) -> bool:
    """Is it TLS that is spoken there? Nothing is sent but the greeting; a certificate that is not accepted is an answer, too."""
    try:
        async with asyncio.timeout(GREETING_SECONDS):
            _, writer = await asyncio.open_connection(host, port, ssl=ssl.create_default_context(), server_hostname=host)
    except ssl.SSLCertVerificationError:
        return True
    except (OSError, ValueError):  # a timeout is an OSError
        return False
    writer.transport.abort()
    return True
