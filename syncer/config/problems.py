"""The faults of a layer of the configuration, in words for the user: place, key, fault,
way out. Never a secret.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from pydantic import ValidationError

from syncer.config.document import Location
from syncer.config.fields import Section
from syncer.config.migration import MIGRATE_KINDS, MigrateSection, MigrateTo, list_names
from syncer.config.models import SECTIONS, SOURCE_KINDS, Config, DestinationTable
from syncer.errors import UsageError

_SECRET_NAMES = {
    "access_token",
    "api_key",
    "apikey",
    "client_secret",
    "dsn",
    "key",
    "password",
    "pat",
    "secret",
    "token",
}
_SECRET_HOMES = {
    "annotell": "ANNOTELL_CREDENTIALS, or [annotell] credentials, names a file that holds it",
    "daemon": "set SYNCER_DAEMON_TOKEN, or name a file that holds it with token_file",
    "destinations": "name a file that holds it with token_file, or an environment variable with"
    " token_env",
    "migrate": "name a file that holds it with token_file, or an environment variable with"
    " token_env",
    "sources": "put it into an environment variable and name that with dsn_env",
}
_CLARIFAI_HOME = "set CLARIFAI_PAT, or name a file that holds it with [clarifai] token_file"
# whose strings are never secrets
_QUOTED_SECTIONS = ("push", "retry", "daemon", "state")
_QUOTED_KEYS = ("requests_per_second", "concurrency", "max_delete")
_NEVER_QUOTED_KEYS = ("token_file",)
_QUOTED_LETTERS_MAX = 60
_NUMBER_SHOWN_MAX = 10**18


@dataclass(frozen=True, slots=True)
class ConfigFault:
    """One fault. `key` is dotted."""

    place: str
    key: str
    fault: str

    def __str__(self) -> str:
        return (
            f"{self.place}: {self.key}: {self.fault}" if self.key else f"{self.place}: {self.fault}"
        )


class ConfigError(UsageError):
    """Everything that is wrong with a configuration, a line each; the faults of a file
    by line.
    """

    def __init__(self, problems: Sequence[ConfigFault]) -> None:
        ordered = sorted(problems, key=_by_place)
        if len(ordered) == 1:
            self._lines = [f"configuration: {ordered[0]}"]
        else:
            self._lines = [
                f"{len(ordered)} errors in the configuration:",
                *(f"  {problem}" for problem in ordered),
            ]
        super().__init__("\n".join(self._lines))
        self.details = {"problems": [asdict(problem) for problem in ordered]}

    @property
    def lines(self) -> Sequence[str]:
        """A problem a line."""
        return self._lines


def _by_place(problem: ConfigFault) -> tuple[str, int]:
    name, _, line = problem.place.rpartition(":")
    return (name, int(line)) if line.isdigit() else (problem.place, 0)


def dot(location: Location) -> str:
    """A location as users write it: `push.batch_size`, `sources[0].path`."""
    return "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in location
    ).lstrip(".")


def faults(error: ValidationError) -> Iterator[tuple[Location, str]]:
    """Yield where and what is wrong, once for each key."""
    seen: set[Location] = set()
    for detail in error.errors(include_url=False):
        location, model = _resolve(detail["loc"])
        if location in seen:
            continue
        seen.add(location)
        match detail["type"]:
            case "extra_forbidden":
                yield location, _unknown(location, model)
            case "missing":
                yield location, f"is missing; it must be {_describe_wanted(location, model)}"
            case _:
                said = (
                    str(detail.get("ctx", {}).get("error", ""))
                    if detail["type"] == "value_error"
                    else ""
                )
                yield (
                    location,
                    (
                        f"{said or 'is ' + _show(location, detail['input'])}; it must be"
                        f" {_describe_wanted(location, model)}"
                    ),
                )


def _resolve(loc: Location) -> tuple[Location, type[Section]]:
    """The location without the marks that pydantic leaves in it for unions, and the
    model that the key belongs to.
    """
    match loc:
        case ("sources", int(), str(kind), key, *_):
            return (*loc[:2], key), SOURCE_KINDS[kind]
        case ("destinations", int(), str(), *_):
            return loc[:3], DestinationTable
        case (("sources" | "destinations"), *_):
            return loc[:2], Config
        case ("migrate", "from", str(kind), key, *_):
            return ("migrate", "from", key), MIGRATE_KINDS[kind]
        case ("migrate", "to", key, *_):
            return ("migrate", "to", key), MigrateTo
        case ("migrate", _, *_):
            return loc[:2], MigrateSection
        case (str(section), _, *_) if section in SECTIONS:
            return loc[:2], SECTIONS[section]
        case _:
            return loc[:1], Config


def _describe_wanted(location: Location, model: type[Section]) -> str:
    match location:
        case ("sources", int()):
            return "a table with kind = " + ", ".join(f'"{kind}"' for kind in SOURCE_KINDS)
        case ("destinations", int()):
            return "a table [[destinations]]"
        case _:
            wanted = {field.alias or name: field for name, field in model.model_fields.items()}
            return wanted[str(location[-1])].description or "one of its kinds"


def _show(location: Location, value: object) -> str:
    """The value, where showing it can give nothing away."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() if abs(value) >= _NUMBER_SHOWN_MAX:
            return "a number far too large"
        case int() | float():
            return repr(value)
        case str() if _is_quoted(location) and len(value) <= _QUOTED_LETTERS_MAX:
            return f'"{value}"'
        case str():
            return "a string that does not fit" if value else "an empty string"
        case list() | tuple():
            return "a list"
        case dict():
            return "a table that does not fit"
        case _:
            return "a date or time"


def _is_quoted(location: Location) -> bool:
    section, key = location[0], location[-1]
    return (section in _QUOTED_SECTIONS or key in _QUOTED_KEYS) and key not in _NEVER_QUOTED_KEYS


def _unknown(location: Location, model: type[Section]) -> str:
    name, section = str(location[-1]), str(location[0])
    if name.lower().removeprefix("clarifai_") in _SECRET_NAMES:
        return (
            "secrets do not belong in the config file:"
            f" {_SECRET_HOMES.get(section, _CLARIFAI_HOME)}"
        )
    table_kinds = next(
        (each for each in (SOURCE_KINDS, MIGRATE_KINDS) if model in each.values()), {}
    )
    if kinds := [f'"{kind}"' for kind, other in table_kinds.items() if name in other.model_fields]:
        return f"no such key of this kind; it belongs to kind = {' or '.join(kinds)}"
    if homes := [
        f"[{other}] {name}" for other, fields in SECTIONS.items() if name in fields.model_fields
    ]:
        return f"no such key here; did you mean {' or '.join(homes)}?"
    if suggestion := _suggestion(name, list_names(model)):
        return f"no such key; did you mean {suggestion}?"
    return f"no such key; known are {', '.join(list_names(model))}"


def _suggestion(name: str, known: list[str]) -> str | None:
    """The known name that was most likely meant."""
    return next(iter(difflib.get_close_matches(name.lower().replace("-", "_"), known, n=1)), None)
