"""The configuration as the rest of the program sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from syncer.config.models import Config
from syncer.errors import UsageError

_TOKEN_BYTES_MAX = 8192


@dataclass(frozen=True, slots=True)
class Credential:
    """Where the token is: itself, or the file that holds it. `origin` says who told."""

    origin: str
    pat: str | None = field(default=None, repr=False)
    file: Path | None = None

    def token(self) -> str:
        """The token. Raises UsageError, which never quotes what is there."""
        text = self.pat
        place = self.origin
        if self.file is not None:
            text = self._read(self.file)
            place = f"{self.origin}: clarifai.token_file"
        token = (text or "").strip()
        if not token:
            raise UsageError(f"{place}: the token is empty")
        if not (token.isascii() and token.isprintable()) or " " in token:
            raise UsageError(f"{place}: that is no token: it must be one word of ASCII letters, digits and signs")
        return token

    def _read(self, path: Path) -> str:
        try:
            with path.open("rb") as file:
                return file.read(_TOKEN_BYTES_MAX).decode()
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise UsageError(f"{self.origin}: clarifai.token_file: the file with the token cannot be read ({reason})") from None


@dataclass(frozen=True, slots=True)
class Loaded:
    """A checked configuration. `origins` says of every dotted key (and `clarifai.token`, where there is one) who set it."""

    config: Config
    origins: dict[str, str]
    _credential: Credential | None = field(default=None, repr=False)

    def token(self) -> str | None:
        """The Clarifai token, None where none is configured. Raises UsageError where its file cannot be used."""
        return None if self._credential is None else self._credential.token()
