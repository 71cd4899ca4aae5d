"""The configuration as the rest of the program sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from syncer.config.credentials import ClientCredentials, ClientPlace, TokenPlace
from syncer.config.models import Config


@dataclass(frozen=True, slots=True)
class Loaded:
    """A checked configuration, frozen through and through.

    `origins` says of every dotted key who set it: of `clarifai.token` too, where there is one, and of `annotell.credentials`,
    whichever way they were given. `path` is the config file, None where none was read.
    """

    config: Config
    origins: Mapping[str, str]
    path: Path | None = None
    _token: TokenPlace | None = field(default=None, repr=False)
    _client: ClientPlace | None = field(default=None, repr=False)

    def token(self) -> str | None:
        """The Clarifai token, None where none is configured. Raises UsageError where its file cannot be used."""
        return None if self._token is None else self._token.read()

    def annotell_credentials(self) -> ClientCredentials | None:
        """What signs in at `[annotell] auth_url`, None where nothing is configured for this flavour. Raises UsageError.

        From `[annotell] credentials`, else, as the flavour's own client reads them (annotell-auth 2.0.1, kognic-auth 4.5.2),
        ANNOTELL_CREDENTIALS, or ANNOTELL_CLIENT_ID with ANNOTELL_CLIENT_SECRET; the same with KOGNIC_ for the flavour kognic.
        """
        return None if self._client is None else self._client.read()
