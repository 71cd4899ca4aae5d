"""Layers into one value. A higher layer beats a lower one key by key; what is wrong in any of them is reported at once.

command line > SYNCER_* > CLARIFAI_* > config file > the official client's file > default
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from syncer.config import layers as places
from syncer.config.document import NotToml, parse, read
from syncer.config.layers import BadOfficialFile, Layer
from syncer.config.loaded import Credential, Loaded
from syncer.config.models import SECTIONS, Config, from_home
from syncer.config.problems import Problem
from syncer.errors import UsageError


def load_from_environment(path: Path | None, options: Mapping[str, object]) -> Loaded:
    """`load` with this process's environment and, where no `path` is given, the config file found. Raises UsageError."""
    return load(path or found(os.environ), os.environ, options)


def found(environment: Mapping[str, str]) -> Path | None:
    """The config file of this place: $SYNCER_CONFIG, ./syncer.toml, $XDG_CONFIG_HOME/syncer/config.toml."""
    if named := environment.get("SYNCER_CONFIG"):
        return Path(named)
    home = environment.get("HOME")
    settings = environment.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else None)
    candidates = [Path("syncer.toml")] + ([Path(settings, "syncer", "config.toml")] if settings else [])
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def load(path: Path | None, env: Mapping[str, str], options: Mapping[str, object]) -> Loaded:
    """The configuration from this file (none is looked for), these variables and these options (dotted keys).

    Raises UsageError that lists every error of every layer.
    """
    problems = list(places.mistyped_variables(env))
    layers = [places.from_options(options), places.from_own_variables(env), places.from_official_variables(env)]
    if path is not None:
        try:
            layers.append(places.from_document(parse(read(path), str(path))))
        except NotToml as error:
            problems.append(Problem(f"{path}:{error.line}", "", f"is not TOML: {error}"))
    layers += _official_file(env, layers, problems)
    merged: dict[str, dict[str, object]] = {}
    sources: object = []
    origins: dict[str, str] = {}
    for layer in reversed(layers):
        try:
            values = layer.checked()
        except ValidationError as error:
            problems += layer.problems(error)
            continue
        if "sources" in values:
            sources = values.pop("sources")
            origins["sources"] = layer.origin(("sources", 0))
        for section, keys in values.items():
            assert isinstance(keys, dict), section
            merged.setdefault(section, {}).update(keys)
            origins.update({f"{section}.{key}": layer.origin((section, key)) for key in keys})
    if problems:
        raise UsageError(_report(problems))
    credential = _credential(layers)
    if credential is not None:
        origins["clarifai.token"] = credential.origin
    return Loaded(Config.model_validate({**merged, "sources": sources}), _defaults() | origins, credential)


def _official_file(environment: Mapping[str, str], above: Sequence[Layer], problems: list[Problem]) -> list[Layer]:
    """The official client's file, where there is one. A damaged one matters only where the token could have come from it."""
    home = environment.get("HOME")
    if not home:
        return []
    try:
        return [places.from_official_file(Path(home, ".config", "clarifai", "config"))]
    except BadOfficialFile as error:
        if _credential(above) is None:
            problems.append(Problem(str(error), "", f"mend it, or set {places.PAT}"))
        return []


def _credential(layers: Sequence[Layer]) -> Credential | None:
    """The token of the highest layer that tells of one."""
    for layer in layers:
        section = layer.values.get("clarifai")
        file = section.get("token_file") if isinstance(section, dict) else None
        if isinstance(file, str) and file:
            return Credential(layer.origin(("clarifai", "token_file")), file=Path(from_home(file)))
        if layer.pat:
            return Credential(layer.pat_origin, pat=layer.pat)
    return None


def _defaults() -> dict[str, str]:
    keys = [f"{section}.{key}" for section, model in SECTIONS.items() for key in model.model_fields]
    return dict.fromkeys([*keys, "sources"], "default")


def _report(problems: Sequence[Problem]) -> str:
    """All of it, a line each; those of a file by line."""
    ordered = sorted(problems, key=_by_place)
    if len(ordered) == 1:
        return f"configuration: {ordered[0]}"
    return "\n  ".join([f"{len(ordered)} errors in the configuration:", *map(str, ordered)])


def _by_place(problem: Problem) -> tuple[str, int]:
    name, _, line = problem.place.rpartition(":")
    return (name, int(line)) if line.isdigit() else (problem.place, 0)
