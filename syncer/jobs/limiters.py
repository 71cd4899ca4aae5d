"""The limiters of a process: one for each base URL and credential; and the access
tokens of its clients, which are shared in the same way.

The owner of the process makes one `Limiters` and hands it to all that ask a remote.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from hashlib import blake2b
from weakref import WeakValueDictionary

import anyio

from syncer.core.address import normal_address
from syncer.core.limiter import LanePace, Limiter, Wish
from syncer.transport.oauth import Tokens


class Limiters:
    """Finds the limiter of a lane by what its credential is called.

    A credential has several names: the token itself, and the file or the environment
    variable that holds it. One name in common makes it the same credential, so that it
    stays the same when its token is replaced.
    """

    def __init__(self) -> None:
        self._by_name: dict[tuple[str, bytes], Limiter] = {}
        # no longer than a lane goes with them
        self._tokens: WeakValueDictionary[bytes, Tokens] = WeakValueDictionary()
        self._key = secrets.token_bytes(32)

    def lane(self, base_url: str, credential: Sequence[str], wish: Wish) -> LanePace:
        """The pace of a lane that goes to this address with the credential of these
        names, some of which may be secrets. It counts while it is `in_use`.
        """
        return LanePace(partial(self._of, base_url, credential), wish)

    def same(self, base_url: str, credential: Sequence[str]) -> None:
        """Note that these are names of one credential. Within the event loop."""
        self._of(base_url, credential)

    def tokens(self, auth_url: str, client_id: str, client_secret: str) -> Tokens:
        """The access tokens of this client at this auth server, one for all lanes."""
        client = self._digest(repr((auth_url, client_id, client_secret)))
        tokens = self._tokens.get(client)
        if tokens is None:
            tokens = self._tokens[client] = Tokens(client_id, client_secret)
        return tokens

    def _of(self, base_url: str, credential: Sequence[str]) -> Limiter:
        address = normal_address(base_url)
        names = [(address, self._digest(name)) for name in credential]
        known = list(dict.fromkeys(self._by_name[name] for name in names if name in self._by_name))
        limiter = known[0] if known else Limiter()
        for other in known[1:]:
            limiter.absorb(other, anyio.current_time())
            names += [name for name, held in self._by_name.items() if held is other]
        self._by_name.update(dict.fromkeys(names, limiter))
        return limiter

    def _digest(self, name: str) -> bytes:
        return blake2b(name.encode(), key=self._key, digest_size=16).digest()


@contextmanager
def in_use(pace: LanePace) -> Iterator[LanePace]:
    """A lane that goes while the block lasts. Within the event loop."""
    pace.join(anyio.current_time())
    try:
        yield pace
    finally:
        pace.leave(anyio.current_time())
