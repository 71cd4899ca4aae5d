"""The configuration as the rest of the program sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from syncer.config.credentials import ClientCredentials, ClientPlace, TokenPlace
from syncer.config.models import Config
from syncer.config.problems import ConfigError, ConfigFault

DEFAULT = "default"
"""The origin of what nobody set."""
OF_THE_DAEMON = {"daemon": "[daemon]", "sources": "[[sources]]"}
"""Sections that are checked already, for a daemon that is still to come."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A checked configuration, deeply immutable.

    `origins` says of every dotted key who set it: of `clarifai.token` too, where there
    is one, and of `annotell.credentials`, in any way that they can be given. `path` is
    the config file, None where none was read.
    """

    config: Config
    origins: Mapping[str, str]
    path: Path | None = None
    _token: TokenPlace | None = field(default=None, repr=False)
    _client: ClientPlace | None = field(default=None, repr=False)
    _emptied: tuple[ConfigFault, ...] = ()

    def check_destination(self) -> None:
        """Raise ConfigError where a variable that is to say which app is meant is set,
        but empty. Only what needs the app calls this.
        """
        if self._emptied:
            raise ConfigError(self._emptied)

    def token(self) -> str | None:
        """The Clarifai token, None where none is configured.

        Raises UsageError where its file cannot be used.
        """
        return None if self._token is None else self._token.read()

    @property
    def token_place(self) -> TokenPlace | None:
        """The place of the Clarifai token, None if none is configured."""
        return self._token

    def annotell_credentials(self) -> ClientCredentials | None:
        """Return what signs in at `[annotell] auth_url`, None if nothing is configured
        for this flavour. Raises UsageError.

        From `[annotell] credentials`, else, as the flavour's own client reads them
        (annotell-auth 2.0.1, kognic-auth 4.5.2), ANNOTELL_CREDENTIALS, or
        ANNOTELL_CLIENT_ID with ANNOTELL_CLIENT_SECRET; the same with KOGNIC_ for the
        flavour kognic.
        """
        return None if self._client is None else self._client.read()

    def describe_unused(self) -> str | None:
        """Name what somebody set and no command of this version uses, in one sentence;
        None where there is nothing.
        """
        names = [
            name
            for section, name in OF_THE_DAEMON.items()
            if any(
                origin != DEFAULT
                for key, origin in self.origins.items()
                if key == section or key.startswith(f"{section}.")
            )
        ]
        are = "is" if len(names) == 1 else "are"
        return f"{' and '.join(names)} {are} not used by this version" if names else None

    def portable(self, remote: Literal["clarifai", "annotell"]) -> Loaded:
        """The same for another process, on another machine: it holds the secret of this
        remote itself, and no other. Raises UsageError.
        """
        token = client = None
        if remote == "clarifai" and self._token is not None:
            token = TokenPlace(self._token.origin, pat=self.token())
        if remote == "annotell" and (signs_in := self.annotell_credentials()) is not None:
            client = ClientPlace(
                signs_in.origin, client_id=signs_in.client_id, client_secret=signs_in.client_secret
            )
        return replace(self, origins=dict(self.origins), _token=token, _client=client)

    def with_settings(self, **sections: Mapping[str, object]) -> Loaded:
        """The same with some keys set, by section; the values are not checked again."""
        updated = {
            name: getattr(self.config, name).model_copy(update=dict(values))
            for name, values in sections.items()
        }
        return replace(self, config=self.config.model_copy(update=updated))
