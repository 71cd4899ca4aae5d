"""`syncer config check|show`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from syncer.cli.options import Common, Pushing
from syncer.cli.output import blame, complain, print_json, print_lines, printing, say
from syncer.errors import SyncerError
from syncer.version import __version__

if TYPE_CHECKING:
    from syncer.config import Loaded

NO_FILE = "none (looked for $SYNCER_CONFIG, ./syncer.toml, $XDG_CONFIG_HOME/syncer/config.toml)"
_FILES_OF_SECRETS = ("token_file", "credentials")
_VARIABLES_OF_SECRETS = ("token_env", "dsn_env")
SettingRow = tuple[str, object, str]
"""Key, value, origin."""


app = App(name="config", version=__version__, help="The configuration.")


@app.command
def check(*, online: bool = False, common: Common = Common(), remote: Pushing = Pushing()) -> int:
    """Read the config and report every error in it.

    Exit codes: 0 no errors, 1 an app cannot be reached or does not exist, or a state
    folder cannot be used, 2 errors in the config, or refused credentials.

    Parameters
    ----------
    online
        Also look at the state folder, the proxy, the name, TLS and the clock, and try
        the token and the app, with three requests that change nothing; of
        [[destinations]] each.
    """
    from syncer.jobs import ways

    result: dict[str, object] = {"ok": False, "token": False}
    errors: list[SyncerError] = []
    loaded = None
    try:
        loaded = common.load(remote.options())
        result["token"] = loaded.token() is not None or bool(loaded.config.destinations)
    except SyncerError as error:
        errors.append(error)
    if loaded is not None:
        errors += _error(loaded.check_destination)
        errors += _error(loaded.annotell_credentials)
        for lane in loaded.destinations():
            errors += _error(partial(_read_token, lane))
        errors += _error(partial(_check_listening, loaded))
        errors += _error(partial(_check_sources, loaded))
        errors += ways.faults(loaded)
        if online and not errors:
            errors += _try_apps(loaded, result)
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
    if printing.json:
        print_json(result)
    return max((found.exit_code for found in errors), default=0)


def _read_token(lane: Loaded) -> None:
    """Raise UsageError where a destination has no app, or no token that can be used."""
    lane.app_token().read()


def _error(tried: Callable[[], object]) -> Iterator[SyncerError]:
    """Yield what is wrong with something that is only needed where it is used."""
    try:
        tried()
    except SyncerError as error:
        yield error


def _check_listening(loaded: Loaded) -> None:
    """Raise UsageError where the daemon would be open to other machines."""
    from syncer.config.layers import DAEMON_TOKEN

    token = loaded.config.daemon.token_file or os.environ.get(DAEMON_TOKEN)
    loaded.check_listening(token=bool(token))


def _check_sources(loaded: Loaded) -> None:
    """Raise UsageError where a source lacks what the daemon needs to follow it."""
    if loaded.config.sources:
        from syncer.daemon.sources import check_sources

        check_sources(loaded)


def _try_apps(loaded: Loaded, result: dict[str, object]) -> Iterator[SyncerError]:
    """Try each app with its token, note the outcomes in `result`; yield what was wrong.

    With destinations, [clarifai] need not name an app.
    """
    if loaded.config.clarifai.app_id or not loaded.config.destinations:
        result["online"], errors = _look_online(loaded)
        yield from errors
    lanes: list[dict[str, object]] = []
    for table, lane in zip(loaded.config.destinations, loaded.destinations(), strict=True):
        outcome, errors = _look_online(lane)
        lanes.append({"name": table.name, **outcome})
        yield from errors
    if lanes:
        result["lanes"] = lanes


def _look_online(loaded: Loaded) -> tuple[dict[str, object], list[SyncerError]]:
    """Try the state folder, then token and app; return the outcome, and what was
    wrong.
    """
    from syncer.cli.loop import run
    from syncer.jobs.check import check as try_online
    from syncer.jobs.check_folder import check_folder

    errors: list[SyncerError] = []
    observed = []
    try:
        observed.append(check_folder(Path(loaded.config.state.dir)))
    except SyncerError as error:
        errors.append(error)
    try:
        checked = run(try_online, loaded)
    except SyncerError as error:
        return {"ok": False}, [*errors, error]
    checked.observed += observed
    for seen in checked.observed:
        tell = say if seen.ok else complain
        tell(f"{'' if seen.ok else 'syncer: '}{seen.about}: {seen.message}")
    if checked.error is None:
        say(
            f"online: {checked.base_url} takes the token; app {checked.app_id} of user"
            f" {checked.user_id} is there"
        )
    else:
        errors.append(checked.error)
    outcome = {key: value for key, value in asdict(checked).items() if key != "error"}
    return {"ok": not errors} | outcome, errors


@app.command
def show(*, common: Common = Common(), remote: Pushing = Pushing()) -> int:
    """Show every value of the config and where it came from. Tokens are never shown."""
    from syncer.jobs import ways

    loaded = common.load(remote.options())
    loaded.check_destination()
    say(f"config file: {loaded.path or NO_FILE}")
    shown = [*_list_settings(loaded), *ways.show_ways(loaded)]
    if printing.json:
        print_json({key: {"value": value, "origin": origin} for key, value, origin in shown})
        return 0
    width = max(len(key) for key, _, _ in shown)
    print_lines(*(f"{key:{width}}  {value!r}  ({origin})" for key, value, origin in shown))
    return 0


def _list_settings(loaded: Loaded) -> Iterator[SettingRow]:
    for section, values in loaded.config.model_dump(mode="json", by_alias=True).items():
        if values is None:  # a table that is not there
            continue
        if isinstance(values, list) and not values:
            yield section, values, loaded.origins[section]
        for key, value in _name_settings(section, values):
            if value is None:  # a rate that a destination does not set
                yield key, loaded.config.push.requests_per_second, "[push] requests_per_second"
            else:
                yield key, _harmless(key, value), loaded.origins[key]
    for part in (loaded, *loaded.destinations()):
        if "clarifai.token" in part.origins:
            yield f"{part.section}.token", "(set, never shown)", part.origins["clarifai.token"]


def _name_settings(name: str, values: object) -> Iterator[tuple[str, object]]:
    """Yield the dotted keys of a table, or of a list of tables, and their values."""
    match values:
        case dict():
            for key, value in values.items():
                yield from _name_settings(f"{name}.{key}", value)
        case list():
            for number, table in enumerate(values):
                yield from _name_settings(f"{name}[{number}]", table)
        case _:
            yield name, values


def _harmless(key: str, value: object) -> object:
    """The value, unless it may be a secret that was put where the name of its place
    belongs.
    """
    name = key.rpartition(".")[2]
    if not isinstance(value, str) or not value:
        return value
    if name in _FILES_OF_SECRETS and not os.path.isfile(value):  # noqa: PTH113 - Path.is_file raises where it may not look
        return "(no such file, not shown)"
    if name in _VARIABLES_OF_SECRETS and value not in os.environ:
        return "(no such variable, not shown)"
    return value
