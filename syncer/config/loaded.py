"""The configuration as the rest of the program sees it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal
from urllib.parse import urlsplit

from syncer.config.credentials import ClientCredentials, ClientPlace, TokenPlace
from syncer.config.fields import Section
from syncer.config.lists import ONLY_LANE, lane_fault
from syncer.config.migration import FromProject
from syncer.config.models import (
    HOSTS,
    Annotell,
    Clarifai,
    Config,
    FollowedSource,
    LaneFolder,
)
from syncer.config.problems import ConfigError, ConfigFault
from syncer.core.address import is_loopback
from syncer.errors import UsageError
from syncer.printable import printable

DEFAULT = "default"
"""The origin of what nobody set."""


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
    _lane_tokens: Mapping[str, TokenPlace] = field(default_factory=dict, repr=False)
    """By the name of the destination, or the table of a side of a migration."""
    _given: frozenset[str] = frozenset()
    """The keys that options gave: they beat what a destination says."""
    _source_client: ClientPlace | None = field(default=None, repr=False)
    """Reads the project that labels are migrated from."""
    section: str = "clarifai"
    """The part of the config that says where changes go: `clarifai`, or the table of a
    destination, such as `destinations[0]`.
    """

    @property
    def lane_names(self) -> tuple[str, ...]:
        """The names of the lanes: of the destinations, in their order; without any the
        one lane is `clarifai`.
        """
        return tuple(table.name for table in self.config.destinations) or (ONLY_LANE,)

    def lane(self, name: str) -> Loaded:
        """Return the configuration of one lane: as if its destination stood in
        [clarifai] and were the only one, with a rate of its own in [push] and a folder
        of its own in [state] dir. Raises UsageError where there is not this lane.

        What an option gave stays. Other lanes, and what the daemon follows, are not
        part of it.
        """
        if (fault := lane_fault(name, list(self.lane_names))) is not None:
            raise UsageError(f"lane {printable(name)}: {fault}")
        if not self.config.destinations:
            return self
        number = self.lane_names.index(name)
        table, section = self.config.destinations[number], f"destinations[{number}]"
        own = {"clarifai": Clarifai.model_fields.keys(), "push": {"requests_per_second"}}
        settings: dict[str, dict[str, object]] = {}
        origins = {key: by for key, by in self.origins.items() if key != "clarifai.token"}
        for home, keys in own.items():
            settings[home] = {
                key: value
                for key in keys
                if f"{home}.{key}" not in self._given and (value := getattr(table, key)) is not None
            }
            origins |= {f"{home}.{key}": origins[f"{section}.{key}"] for key in settings[home]}
        place = self._lane_tokens.get(name)
        if place is not None:
            origins["clarifai.token"] = place.origin
        taken = self.with_settings(**settings)
        state = LaneFolder(dir=str(Path(self.config.state.dir, name)))
        return replace(
            taken,
            config=taken.config.model_copy(
                update={"state": state, "destinations": (), "sources": ()}
            ),
            origins=MappingProxyType(origins),
            section=section,
            _token=place,
            _emptied=(),
            _lane_tokens={},
        )

    def lane_meant(self) -> Loaded:
        """Return the configuration that is meant where no lane is named: this one,
        unless nothing but [[destinations]] says where changes go, and no option which
        state. Raises UsageError where there are several lanes.
        """
        given = self.config.clarifai.app_id or "state.dir" in self._given
        if given or not self.config.destinations:
            return self
        first, *others = self.lane_names
        if others:
            raise UsageError(f"there are several lanes: give --lane {' or '.join(self.lane_names)}")
        return self.lane(first)

    def destinations(self) -> tuple[Loaded, ...]:
        """Return the configurations of the destinations, in their order."""
        return tuple(self.lane(table.name) for table in self.config.destinations)

    def side(self, table: Literal["migrate.from", "migrate.to"]) -> Loaded:
        """Return the configuration of a side of the migration: as if its table stood in
        [clarifai] or [annotell]. What it leaves out is as it is there.
        """
        migrate = self.config.migrate
        assert migrate is not None
        side = migrate.source if table == "migrate.from" else migrate.to
        home = "annotell" if isinstance(side, FromProject) else "clarifai"
        models: dict[str, type[Section]] = {"clarifai": Clarifai, "annotell": Annotell}
        own: dict[str, Collection[str]] = {home: models[home].model_fields.keys()}
        if home == "clarifai":
            own["push"] = ("requests_per_second",)
        settings: dict[str, dict[str, object]] = {}
        origins = dict(self.origins)
        for name, keys in own.items():
            settings[name] = {
                key: value for key in keys if (value := getattr(side, key, None)) not in (None, "")
            }
            origins |= {f"{name}.{key}": origins[f"{table}.{key}"] for key in settings[name]}
        if isinstance(side, FromProject):
            hosts = HOSTS[side.kind] if self.config.annotell.flavour != side.kind else {}
            settings[home] = {**hosts, **settings[home], "flavour": side.kind}
        taken = self.with_settings(**settings)
        return replace(
            taken,
            origins=MappingProxyType(origins),
            section=table,
            _token=self._lane_tokens.get(table, self._token),
            _client=self._source_client,
        )

    def lane_of(self, source: FollowedSource) -> str:
        """Return the name of the lane that a source's changes go to."""
        return source.lane or self.lane_names[0]

    def app_token(self) -> TokenPlace:
        """Return where the token of the configured app is. Raises UsageError where
        there is none, or no app.
        """
        self.check_destination()
        if self._token is None:
            raise UsageError(
                self._missing(
                    "no token: set CLARIFAI_PAT, or name a file in [clarifai] token_file",
                    "no token: name a file with token_file, or set the environment variable that"
                    " token_env names",
                )
            )
        if not self.config.clarifai.app_id:
            raise UsageError(
                self._missing(
                    "no app: give --app-id, set CLARIFAI_APP_ID, or set [clarifai] app_id",
                    "no app: set app_id",
                )
            )
        return self._token

    def _missing(self, of_clarifai: str, of_destination: str) -> str:
        if self.section == "clarifai":
            return of_clarifai
        key = "app_id" if self.section.startswith("migrate.") else "name"
        return f"{self.origins[f'{self.section}.{key}']}: {self.section}: {of_destination}"

    def check_listening(self, *, token: bool) -> None:
        """Raise UsageError where the daemon would listen beyond this machine without a
        token that those who ask have to give. `token`: whether there is one.
        """
        listen = self.config.daemon.listen
        if not token and not is_loopback(urlsplit(f"//{listen}").hostname or ""):
            raise UsageError(
                f"{self.origins['daemon.listen']}: daemon.listen: {listen} can be reached from"
                " other machines, and there is no token to keep them out: set SYNCER_DAEMON_TOKEN,"
                " or name a file that holds it with [daemon] token_file"
            )

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

    def annotell_credentials(self) -> ClientCredentials | None:
        """Return what signs in at `[annotell] auth_url`, None if nothing is configured
        for this flavour. Raises UsageError.

        From `[annotell] credentials`, else, as the flavour's own client reads them
        (annotell-auth 2.0.1, kognic-auth 4.5.2), ANNOTELL_CREDENTIALS, or
        ANNOTELL_CLIENT_ID with ANNOTELL_CLIENT_SECRET; the same with KOGNIC_ for the
        flavour kognic.
        """
        return None if self._client is None else self._client.read()

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
        return replace(
            self, origins=dict(self.origins), _token=token, _client=client, _lane_tokens={}
        )

    def with_settings(self, **sections: Mapping[str, object]) -> Loaded:
        """The same with some keys set, by section; the values are not checked again."""
        updated = {
            name: getattr(self.config, name).model_copy(update=dict(values))
            for name, values in sections.items()
        }
        return replace(self, config=self.config.model_copy(update=updated))
