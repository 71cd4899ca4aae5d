"""`syncer config check|show`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from cyclopts import App

from syncer.cli.options import Common, Pushing
from syncer.cli.output import blame, print_json, print_lines, printing, say
from syncer.errors import SyncerError
from syncer.version import __version__

if TYPE_CHECKING:
    from syncer.config import Loaded

NO_FILE = "none (looked for $SYNCER_CONFIG, ./syncer.toml, $XDG_CONFIG_HOME/syncer/config.toml)"
_FILES_OF_SECRETS = ("clarifai.token_file", "annotell.credentials")
SettingRow = tuple[str, object, str]
"""Key, value, origin."""


app = App(name="config", version=__version__, help="The configuration.")


@app.command
def check(*, online: bool = False, common: Common = Common(), remote: Pushing = Pushing()) -> int:
    """Read the config and report every error in it.

    Exit codes: 0 no errors, 1 the app cannot be reached or does not exist, 2 errors in
    the config, or refused credentials.

    Parameters
    ----------
    online
        Also try the token and the app, with one request that changes nothing.
    """
    from syncer.jobs import ways

    result: dict[str, object] = {"ok": False, "token": False}
    errors: list[SyncerError] = []
    loaded = None
    try:
        loaded = common.load(remote.options())
        result["token"] = loaded.token() is not None
    except SyncerError as error:
        errors.append(error)
    if loaded is not None:
        errors += _error(loaded.check_destination)
        errors += _error(loaded.annotell_credentials)
        errors += ways.faults(loaded)
        if online and not errors:
            errors += _online(loaded, result)
    result["ok"] = not errors
    for found in errors:
        blame(found)
        result.update(found.details)
    if errors:
        result["error"] = "\n".join(map(str, errors))
    else:
        say(
            "config OK"
            if result["token"]
            else "config OK, but without a token: set CLARIFAI_PAT or [clarifai] token_file"
        )
    if loaded is not None:
        _say_unused(loaded)
    if printing.json:
        print_json(result)
    return max((found.exit_code for found in errors), default=0)


def _error(tried: Callable[[], object]) -> Iterator[SyncerError]:
    """Yield what is wrong with something that is only needed where it is used."""
    try:
        tried()
    except SyncerError as error:
        yield error


def _online(loaded: Loaded, result: dict[str, object]) -> Iterator[SyncerError]:
    """Try token and app, note the outcome in `result`; return what was wrong."""
    from syncer.cli.loop import run
    from syncer.jobs.check import check as try_online

    try:
        checked = run(try_online, loaded)
    except SyncerError as error:
        result["online"] = {"ok": False}
        yield error
        return
    result["online"] = {"ok": checked.error is None} | {
        key: value for key, value in asdict(checked).items() if key != "error"
    }
    if checked.error is None:
        say(
            f"online: {checked.base_url} takes the token; app {checked.app_id} of user"
            f" {checked.user_id} is there"
        )
    else:
        yield checked.error


@app.command
def show(*, common: Common = Common(), remote: Pushing = Pushing()) -> int:
    """Show every value of the config and where it came from. Tokens are never shown."""
    from syncer.jobs import ways

    loaded = common.load(remote.options())
    loaded.check_destination()
    say(f"config file: {loaded.path or NO_FILE}")
    _say_unused(loaded)
    shown = [*_list_settings(loaded), *ways.show_ways(loaded)]
    if printing.json:
        print_json({key: {"value": value, "origin": origin} for key, value, origin in shown})
        return 0
    width = max(len(key) for key, _, _ in shown)
    print_lines(*(f"{key:{width}}  {value!r}  ({origin})" for key, value, origin in shown))
    return 0


def _say_unused(loaded: Loaded) -> None:
    if (unused := loaded.describe_unused()) is not None:
        say(f"note: {unused}")


def _list_settings(loaded: Loaded) -> Iterator[SettingRow]:
    for section, values in loaded.config.model_dump(mode="json").items():
        if isinstance(values, dict):
            yield from (
                (key, _harmless(key, value), loaded.origins[key])
                for key, value in _name_settings(section, values)
            )
            continue
        if not values:
            yield section, values, loaded.origins[section]
        for number, source in enumerate(values):
            yield from (
                (key, value, loaded.origins[key])
                for key, value in _name_settings(f"{section}[{number}]", source)
            )
    if "clarifai.token" in loaded.origins:
        yield "clarifai.token", "(set, never shown)", loaded.origins["clarifai.token"]


def _name_settings(section: str, values: dict[str, object]) -> Iterator[tuple[str, object]]:
    return ((f"{section}.{key}", value) for key, value in values.items())


def _harmless(key: str, value: object) -> object:
    """The value, unless it may be a secret that was put where the name of its file
    belongs.
    """
    if key in _FILES_OF_SECRETS and isinstance(value, str) and value and not os.path.isfile(value):  # noqa: PTH113 - Path.is_file raises where it may not look
        return "(no such file, not shown)"
    return value
