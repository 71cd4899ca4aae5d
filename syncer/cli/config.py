"""`syncer config check|show`."""

from __future__ import annotations

from pathlib import Path

from syncer.cli.output import print_json, say
from syncer.config import Loaded, load_from_environment


def check(config: Path | None, options: dict[str, object], *, as_json: bool) -> int:
    """Read the config; errors are raised, all at once."""
    loaded = load_from_environment(config, options)
    has_token = loaded.token() is not None
    if as_json:
        print_json({"ok": True, "token": has_token})
    else:
        say("config: good" if has_token else "config: good, but there is no token: set CLARIFAI_PAT or [clarifai] token_file")
    return 0


def show(config: Path | None, options: dict[str, object], *, as_json: bool) -> int:
    """Every value with its origin."""
    loaded = load_from_environment(config, options)
    values = _flat(loaded)
    if as_json:
        print_json({key: {"value": value, "origin": loaded.origins.get(key, "default")} for key, value in values.items()})
        return 0
    width = max(map(len, values))
    for key, value in values.items():
        print(f"{key:{width}}  {value!r}  ({loaded.origins.get(key, 'default')})")
    return 0


def _flat(loaded: Loaded) -> dict[str, object]:
    flat: dict[str, object] = {}
    for section, values in loaded.config.model_dump(mode="json").items():
        if isinstance(values, dict):
            flat.update({f"{section}.{key}": value for key, value in values.items()})
        else:
            flat[section] = values
    return flat
