"""The places of secrets, and how they are read when they are asked for.

No message and no `repr` holds any of them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from syncer.core.token import is_token
from syncer.errors import UsageError

_TOKEN_BYTES_MAX = 8192
_CLIENT_BYTES_MAX = 1 << 16


@dataclass(frozen=True, slots=True)
class TokenPlace:
    """The Clarifai token: itself, or the file that holds it.

    `origin` says where that was set. Two places are the same wherever that is.
    """

    origin: str = field(compare=False)
    pat: str | None = field(default=None, repr=False)
    file: Path | None = None
    variable: str = ""
    """The environment variable that holds it, empty where none does."""
    section: str = field(default="clarifai", compare=False)
    """The part of the config that names it: `clarifai`, or a table of destinations."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the place, the same for any token; none if the token was
        handed over by itself.
        """
        if self.file is not None:
            return (f"file {self.file.absolute()}",)
        return (f"variable {self.variable}",) if self.variable else ()

    def read(self) -> str:
        """Return the token. Raises UsageError, which never quotes the content."""
        text = self.pat
        place = self.origin
        if self.file is not None:
            place = f"{self.origin}: {self.section}.token_file"
            text = _text(self.file, _TOKEN_BYTES_MAX, f"{place}: the file with the token")
        token = (text or "").strip()
        if not token:
            or_set = ", or set CLARIFAI_PAT" if self.section == "clarifai" else ""
            raise UsageError(f"{place}: the token is empty; put the token there{or_set}")
        if not is_token(token):
            raise UsageError(
                f"{place}: this is not a token: it must be one word of ASCII letters, digits and"
                " signs"
            )
        return token


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """The credentials that an Annotell or Kognic client signs in with (OAuth 2 client
    credentials).

    `origin` says where they came from.
    """

    client_id: str
    client_secret: str = field(repr=False)
    origin: str


@dataclass(frozen=True, slots=True)
class ClientPlace:
    """The id and secret of an Annotell or Kognic client: themselves, or the JSON file
    that holds them.
    """

    origin: str
    file: Path | None = None
    client_id: str = ""
    client_secret: str = field(default="", repr=False)

    def read(self) -> ClientCredentials:
        """Return the credentials. Raises UsageError, which never quotes the content.

        `clientId` and `clientSecret` of the file are read (annotell-auth and
        kognic-auth: credentials_parser.py); the official parsers want `email`, `userId`
        and `issuer` too, but send none of them.
        """
        if self.file is None:
            if not (self.client_id and self.client_secret):
                raise UsageError(
                    f"{self.origin}: only one of the two is set; both are needed, the client's id"
                    " and its secret"
                )
            return self._client(self.client_id, self.client_secret)
        whole = f"{self.origin}: the file with the credentials"
        try:
            value = json.loads(_text(self.file, _CLIENT_BYTES_MAX, whole))
        except (ValueError, RecursionError):
            raise UsageError(f"{whole} is not JSON; name the file as it was downloaded") from None
        named = [
            value.get(key) if isinstance(value, dict) else None
            for key in ("clientId", "clientSecret")
        ]
        client_id, client_secret = (text if isinstance(text, str) else "" for text in named)
        if not (client_id and client_secret):
            raise UsageError(
                f'{whole} has no "clientId" and "clientSecret"; name the file as it was downloaded'
            )
        return self._client(client_id, client_secret)

    def _client(self, client_id: str, client_secret: str) -> ClientCredentials:
        try:
            f"{client_id}{client_secret}".encode()
        # a file may name halves of characters; Python carries the environment's other
        # bytes as such
        except UnicodeEncodeError:
            raise UsageError(
                f"{self.origin}: the client's id or its secret is not text: check where they come"
                " from"
            ) from None
        return ClientCredentials(client_id, client_secret, self.origin)


def _text(path: Path, bytes_max: int, what: str) -> str:
    """A small file's text.

    The path is not repeated: it may be a secret that was put where its file belongs.
    """
    try:
        with path.open("rb") as file:
            return file.read(bytes_max).decode("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UsageError(f"{what} cannot be read ({reason}); name a readable file") from None
