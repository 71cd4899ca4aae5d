"""TLS: whose certificates are accepted, and whether a server speaks it at all."""

from __future__ import annotations

import asyncio
import re
import ssl
from functools import lru_cache
from pathlib import Path

from syncer.errors import UsageError

GREETING_SECONDS = 3.0
"""A server that speaks TLS answers its greeting at once."""

_HASHED = re.compile(r"[0-9a-f]{8}\.\d+")
"""A certificate in a folder, by the hash of its subject, as `openssl rehash` names
them.
"""


def trust(ca_file: str, named: str) -> ssl.SSLContext | bool:
    """Return what aiohttp takes: the system's authorities, or those of a file, or a
    folder with hashed names. `named`: who named it.

    Raises UsageError where there is not one certificate in it.
    """
    if not ca_file:
        return True
    path = Path(ca_file)
    try:
        return _read(path, path.stat().st_mtime_ns)
    except OSError as error:
        reason = (
            "it holds no certificate in PEM form"
            if isinstance(error, ssl.SSLError)
            else error.strerror or type(error).__name__
        )
        raise UsageError(
            f"the authorities in {ca_file!r} cannot be used: {reason}; {named} names it"
        ) from None


@lru_cache(maxsize=8)
def _read(path: Path, changed_ns: int) -> ssl.SSLContext:
    """Shared by all transports: the system's own bundle takes tens of milliseconds.

    Raises OSError.
    """
    if not path.is_dir():
        return ssl.create_default_context(cafile=path)
    if not any(_HASHED.fullmatch(file.name) for file in path.iterdir()):
        raise ssl.SSLError
    return ssl.create_default_context(capath=path)


async def speaks_tls(host: str, port: int) -> bool:
    """Whether TLS is spoken there.

    Nothing is sent but the greeting; a certificate that is not accepted is an answer,
    too.
    """
    try:
        async with asyncio.timeout(GREETING_SECONDS):
            _, writer = await asyncio.open_connection(
                host, port, ssl=ssl.create_default_context(), server_hostname=host
            )
    except ssl.SSLCertVerificationError:
        return True
    except (OSError, ValueError):  # a timeout is an OSError
        return False
    writer.transport.abort()
    return True
