"""Layers into one value. A higher layer beats a lower one key by key; what is wrong in
any of them is reported at once.

command line > SYNCER_* > CLARIFAI_* > config file > the official client's file >
SSL_CERT_FILE and the like > default
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from syncer.config import layers as places
from syncer.config.credentials import ClientPlace, TokenPlace
from syncer.config.document import Location, NotToml, parse, read
from syncer.config.fields import Section, from_home
from syncer.config.layers import NONE_GIVEN, BadOfficialFile, Layer, Secrets
from syncer.config.loaded import DEFAULT, Loaded
from syncer.config.migration import FromProject, Side, list_names
from syncer.config.models import HOSTS, LISTS, SECTIONS, Config
from syncer.config.problems import ConfigError, ConfigFault, dot

KeyNamer = Callable[[Location], str]
"""The name of a key, in messages, as the giver of its value knows it."""


def load_from_environment(
    path: Path | None,
    options: Mapping[str, object],
    *,
    named: KeyNamer = places.option,
    secrets: Secrets = NONE_GIVEN,
    migrate: Mapping[str, object] | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Loaded:
    """`load` with an environment (this process's) and, where no `path` is given, the
    config file found. Raises UsageError.
    """
    return load(
        path or find_config_file(environment),
        environment,
        options,
        named=named,
        secrets=secrets,
        migrate=migrate,
    )


def find_config_file(environment: Mapping[str, str]) -> Path | None:
    """The config file of this place: $SYNCER_CONFIG, ./syncer.toml,
    $XDG_CONFIG_HOME/syncer/config.toml.

    A home that this user may not enter, as under sudo or in a container, counts as
    empty.
    """
    if named := environment.get("SYNCER_CONFIG"):
        return Path(named)
    home = environment.get("HOME")
    settings = environment.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else None)
    candidates = [Path("syncer.toml")] + (
        [Path(settings, "syncer", "config.toml")] if settings else []
    )
    return next((candidate for candidate in candidates if os.path.isfile(candidate)), None)  # noqa: PTH113 - Path.is_file raises where it may not look


def load(
    path: Path | None,
    env: Mapping[str, str],
    options: Mapping[str, object],
    *,
    named: KeyNamer = places.option,
    secrets: Secrets = NONE_GIVEN,
    migrate: Mapping[str, object] | None = None,
) -> Loaded:
    """The configuration from this file (none is looked for), these variables and these
    options (dotted keys), secrets, and keys of [migrate].

    A function of its arguments and of what the files hold: loading again, after SIGHUP
    say, changes nothing that was loaded before. Raises ConfigError that lists every
    error of every layer, UsageError where the file cannot be read.
    """
    problems = list(places.find_mistyped_variables(env))
    layers = [
        places.from_options(options, named, secrets),
        places.from_own_variables(env),
        places.from_official_variables(env),
    ]
    if migrate is not None:
        layers.insert(1, places.from_migration(migrate, named))
    if path is not None:
        try:
            document = places.from_document(parse(read(path), str(path)))
            layers.append(document)
            problems += document.list_problems()
        except NotToml as error:
            problems.append(ConfigFault(f"{path}:{error.line}", "", f"is not TOML: {error}"))
    layers += [*_official_file(env, layers, problems), places.from_authority_variables(env)]
    merged, origins = _merge(layers, env, problems)
    _share_authority(merged, origins, layers[-1])
    if problems:
        raise ConfigError(problems)
    flavour = merged.get("annotell", {}).get("flavour")
    if flavour in HOSTS:
        merged["annotell"] = {**HOSTS[flavour], **merged["annotell"]}
    config = Config.model_validate(merged, context=env)
    token_place = _token(layers, env)
    if token_place is not None:
        origins["clarifai.token"] = token_place.origin
    client = _client(layers, config, env)
    if client is not None:
        origins["annotell.credentials"] = client.origin
    return Loaded(
        config,
        MappingProxyType(_defaults(config) | origins),
        path,
        token_place,
        client,
        tuple(places.find_emptied_variables(env, layers[0])),
        MappingProxyType(
            dict(
                [
                    *_find_lane_tokens(config, origins, env),
                    *_find_side_tokens(config, origins, env, secrets),
                ]
            )
        ),
        frozenset(layers[0].keys()),
        _source_client=_find_source_client(layers, config, origins),
    )


def _merge(
    layers: Sequence[Layer], env: Mapping[str, str], problems: list[ConfigFault]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The values of all layers and who set each, the highest layer first; what is wrong
    goes to `problems`.
    """
    merged: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for layer in reversed(layers):
        try:
            values = layer.check_values(env)
        except ValidationError as error:
            problems += layer.problems(error)
            continue
        for section, keys in values.items():
            if isinstance(keys, tuple):
                merged[section] = keys
                origins[section] = layer.origin((section, 0))
                located: list[Location] = [
                    (section, number, key) for number, table in enumerate(keys) for key in table
                ]
            else:
                assert isinstance(keys, dict), section
                merged.setdefault(section, {}).update(keys)
                located = list(_list_keys((section,), keys))
            origins.update({dot(location): layer.origin(location) for location in located})
    return merged, origins


def _list_keys(table: Location, values: Mapping[str, object]) -> Iterator[Location]:
    """Yield where each key of a table is, and those of the tables within it."""
    for key, value in values.items():
        yield (*table, key)
        if isinstance(value, dict):
            yield from _list_keys((*table, key), value)


def _official_file(
    environment: Mapping[str, str], above: Sequence[Layer], problems: list[ConfigFault]
) -> list[Layer]:
    """The official client's file, where there is one.

    A damaged one matters only where the token could have come from it.
    """
    home = environment.get("HOME")
    if not home:
        return []
    try:
        return [places.from_official_file(Path(home, ".config", "clarifai", "config"))]
    except BadOfficialFile as error:
        if _token(above, environment) is None:
            problems.append(ConfigFault(str(error), "", f"fix it, or set {places.PAT}"))
        return []


def _token(layers: Sequence[Layer], env: Mapping[str, str]) -> TokenPlace | None:
    """Return where the token is, by the highest layer that has one."""
    for layer in layers:
        if file := layer.text_of("clarifai", "token_file"):
            return TokenPlace(
                layer.origin(("clarifai", "token_file")), file=Path(from_home(file, env))
            )
        if layer.pat:
            return TokenPlace(
                layer.pat_origin,
                pat=layer.pat,
                variable=places.PAT if layer.pat_origin == places.PAT else "",
            )
    return None


def _share_authority(
    merged: Mapping[str, Any], origins: dict[str, str], authorities: Layer
) -> None:
    """Give a destination without a `ca_file` that of other programs: whom to trust is a
    matter of the machine, not of the app.
    """
    if file := authorities.text_of("clarifai", "ca_file"):
        for number, table in enumerate(merged.get("destinations", ())):
            if "ca_file" not in table:
                table["ca_file"] = file
                origins[f"destinations[{number}].ca_file"] = authorities.origin(
                    ("clarifai", "ca_file")
                )


def _find_lane_tokens(
    config: Config, origins: Mapping[str, str], env: Mapping[str, str]
) -> Iterator[tuple[str, TokenPlace]]:
    """Yield where the token of each destination is, by its name."""
    for number, table in enumerate(config.destinations):
        section = f"destinations[{number}]"
        if table.token_file:
            origin = origins[f"{section}.token_file"]
            yield table.name, TokenPlace(origin, file=Path(table.token_file), section=section)
        elif pat := env.get(table.token_env):
            variable = table.token_env
            yield table.name, TokenPlace(variable, pat=pat, variable=variable, section=section)


def _find_side_tokens(
    config: Config, origins: Mapping[str, str], env: Mapping[str, str], secrets: Secrets
) -> Iterator[tuple[str, TokenPlace]]:
    """Yield where the token of each side of a migration is, by its table. What says
    where one is, and has none there, is said when it is read.
    """
    yield from ((section, TokenPlace(section, pat=pat)) for section, pat in secrets.sides.items())
    if config.migrate is None:
        return
    for section, side in (
        ("migrate.from", config.migrate.source),
        ("migrate.to", config.migrate.to),
    ):
        if not isinstance(side, Side):
            continue
        if side.token_file:
            origin = origins[f"{section}.token_file"]
            yield section, TokenPlace(origin, file=Path(side.token_file), section=section)
        elif variable := side.token_env:
            pat = env.get(variable, "")
            yield section, TokenPlace(variable, pat=pat, variable=variable, section=section)


def _client(layers: Sequence[Layer], config: Config, env: Mapping[str, str]) -> ClientPlace | None:
    """Return where the credentials of this flavour are, by the highest layer that has
    them.
    """
    for layer in layers:
        if file := layer.text_of("annotell", "credentials"):
            return ClientPlace(
                layer.origin(("annotell", "credentials")), file=Path(from_home(file, env))
            )
        if (place := layer.clients.get(config.annotell.flavour)) is not None:
            return place
    return None


def _find_source_client(
    layers: Sequence[Layer], config: Config, origins: Mapping[str, str]
) -> ClientPlace | None:
    """Return where the credentials are that a migration reads a project with."""
    source = None if config.migrate is None else config.migrate.source
    if not isinstance(source, FromProject):
        return None
    if source.credentials:
        return ClientPlace(origins["migrate.from.credentials"], file=Path(source.credentials))
    return next(
        (place for layer in layers if (place := layer.clients.get(source.kind)) is not None), None
    )


def _defaults(config: Config) -> dict[str, str]:
    keys: list[Location] = [
        (section, key) for section, model in SECTIONS.items() for key in model.model_fields
    ]
    for name in LISTS:
        keys += [
            (name, number, key)
            for number, table in enumerate(getattr(config, name))
            for key in type(table).model_fields
        ]
    if (migrate := config.migrate) is not None:
        tables: dict[Location, Section] = {
            ("migrate",): migrate,
            ("migrate", "from"): migrate.source,
            ("migrate", "to"): migrate.to,
        }
        keys += [
            (*table, key) for table, values in tables.items() for key in list_names(type(values))
        ]
    return dict.fromkeys([*map(dot, keys), *LISTS], DEFAULT)
