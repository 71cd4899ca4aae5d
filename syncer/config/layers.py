"""The places that values come from, each as one layer: options, environment, config
file, the official client's file.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from syncer.config.credentials import ClientPlace
from syncer.config.document import ConfigDocument, Location
from syncer.config.fields import from_home
from syncer.config.lists import list_faults
from syncer.config.models import SECTIONS, Config, FlavourSetting
from syncer.config.problems import ConfigFault, dot, faults

Values = dict[str, dict[str, str]]

OFFICIAL = {
    "CLARIFAI_USER_ID": "user_id",
    "CLARIFAI_APP_ID": "app_id",
    "CLARIFAI_API_BASE": "base_url",
}
"""What the official clients call keys of [clarifai]."""
AUTHORITIES: dict[str, tuple[str, ...]] = {
    "clarifai": ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CLARIFAI_ROOT_CERTIFICATES_PATH"),
    "annotell": ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"),
}
"""Variables of others that name a file of authorities, the first one first: of OpenSSL,
of requests, of the official client.
"""
PAT = "CLARIFAI_PAT"
DAEMON_TOKEN = "SYNCER_DAEMON_TOKEN"  # noqa: S105 - its name, not the token
"""The variable with what those who ask the daemon from beyond loopback have to give."""
CLIENT_PREFIXES: dict[FlavourSetting, str] = {"annotell": "ANNOTELL", "kognic": "KOGNIC"}
"""What the variables of each flavour's own client start with."""
_VARIABLES = {
    f"SYNCER_{section}_{key}".upper(): (section, key)
    for section, model in SECTIONS.items()
    for key in model.model_fields
}
_MISTYPED_LIKENESS = 0.87
_SHORTER: dict[Location, str] = {
    ("push", "requests_per_second"): "rps",
    ("annotell", "requests_per_second"): "rps",
    ("state", "dir"): "state",
}
"""Options that are not called like their keys."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Values from one kind of place.

    `text`: they are strings still to be read as what their keys take.
    """

    values: Mapping[str, object]
    origin: Callable[[Location], str]
    text: bool = True
    pat: str | None = field(default=None, repr=False)
    pat_origin: str = ""
    clients: Mapping[FlavourSetting, ClientPlace] = field(default_factory=dict)

    def check_values(self, environment: Mapping[str, str]) -> dict[str, object]:
        """The values given, as their types. Raises ValidationError."""
        config = (
            Config.model_validate_strings(self.values, context=environment)
            if self.text
            else Config.model_validate(self.values, strict=True, context=environment)
        )
        return config.model_dump(exclude_unset=True, by_alias=True)

    def text_of(self, section: str, key: str) -> str:
        """A string as it stands here, empty if it is not set: it says where a secret
        is, checked or not.
        """
        values = self.values.get(section)
        text = values.get(key) if isinstance(values, dict) else None
        return text if isinstance(text, str) else ""

    def keys(self) -> Iterator[str]:
        """Yield the dotted keys that are set here."""
        for section, values in self.values.items():
            yield from (f"{section}.{key}" for key in values) if isinstance(values, dict) else ()

    def problems(self, error: ValidationError) -> list[ConfigFault]:
        """Return what `check_values` found wrong."""
        return [
            ConfigFault(self.origin(location), dot(location), fault)
            for location, fault in faults(error)
        ]

    def list_problems(self) -> list[ConfigFault]:
        """Return what is wrong between the tables of the lists."""
        return [
            ConfigFault(self.origin(location), dot(location), fault)
            for location, fault in list_faults(self.values)
        ]


@dataclass(frozen=True, slots=True)
class Secrets:
    """Secrets that a caller gives by itself."""

    token: str | None = field(default=None, repr=False)
    client: tuple[str, str] | None = field(default=None, repr=False)
    """Of Annotell or Kognic: (client id, client secret)."""
    sides: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The token of a side of a migration, by its table."""


NONE_GIVEN = Secrets()


def option(location: Location) -> str:
    """Return the name of a key on the command line."""
    return f"option --{_SHORTER.get(location) or str(location[-1]).replace('_', '-')}"


def from_options(
    options: Mapping[str, object], named: Callable[[Location], str], secrets: Secrets
) -> Layer:
    """Return the layer that the caller gave: dotted keys, each of which it calls as
    `named` says, and perhaps secrets.
    """
    values: Values = {}
    for key, value in options.items():
        section, _, name = key.partition(".")
        values.setdefault(section, {})[name] = str(value)
    clients: dict[FlavourSetting, ClientPlace] = {}
    if secrets.client is not None:
        client_id, client_secret = secrets.client
        place = ClientPlace(
            named(("annotell", "client_secret")), client_id=client_id, client_secret=client_secret
        )
        clients = dict.fromkeys(CLIENT_PREFIXES, place)
    return Layer(
        values, named, pat=secrets.token, pat_origin=named(("clarifai", "token")), clients=clients
    )


def from_own_variables(environment: Mapping[str, str]) -> Layer:
    """`SYNCER_PUSH_BATCH_SIZE` and the like; an empty one counts as not set."""
    values: Values = {}
    for variable, (section, key) in _VARIABLES.items():
        if text := environment.get(variable):
            values.setdefault(section, {})[key] = text
    return Layer(values, lambda location: f"SYNCER_{location[0]}_{location[-1]}".upper())


def find_emptied_variables(environment: Mapping[str, str], options: Layer) -> Iterator[ConfigFault]:
    """Variables that are to say where changes go, are set, and say nothing:
    `CLARIFAI_API_BASE=$UNSET` must not mean the real service.

    Where a higher place gives the value, nobody asks them.
    """
    for official, key in OFFICIAL.items():
        if options.text_of("clarifai", key):
            continue
        for variable in (f"SYNCER_CLARIFAI_{key}".upper(), official):
            if (text := environment.get(variable)) is not None:
                if not text.strip():
                    yield ConfigFault(
                        variable,
                        "",
                        f"is set, but empty, so that clarifai.{key} is not known: give it a value,"
                        " or unset it",
                    )
                break


def find_mistyped_variables(environment: Mapping[str, str]) -> Iterator[ConfigFault]:
    """Variables that almost have a name of ours.

    Others are let be: platforms set some with our prefix on their own account.
    """
    known = [*_VARIABLES, "SYNCER_CONFIG", DAEMON_TOKEN]
    for variable in sorted(environment):
        if not variable.startswith("SYNCER_") or variable in known:
            continue
        if variable in ("SYNCER_CLARIFAI_TOKEN", "SYNCER_CLARIFAI_PAT"):
            yield ConfigFault(variable, "", f"no such variable; the token's is {PAT}")
        elif close := difflib.get_close_matches(variable, known, n=1, cutoff=_MISTYPED_LIKENESS):
            yield ConfigFault(variable, "", f"no such variable; did you mean {close[0]}?")


def from_official_variables(environment: Mapping[str, str]) -> Layer:
    """The environment as the official clients read it."""
    names = {key: variable for variable, key in OFFICIAL.items()}
    clients = {
        flavour: place
        for flavour, prefix in CLIENT_PREFIXES.items()
        if (place := _client(prefix, environment))
    }
    return Layer(
        _official(environment),
        lambda location: names[str(location[-1])],
        pat=environment.get(PAT) or None,
        pat_origin=PAT,
        clients=clients,
    )


def from_authority_variables(environment: Mapping[str, str]) -> Layer:
    """The files of authorities that are set for other programs: they hold for a remote
    that has no `ca_file` of its own.
    """
    found = {
        remote: next((name for name in names if environment.get(name)), None)
        for remote, names in AUTHORITIES.items()
    }
    values = {
        remote: {"ca_file": environment[name]} for remote, name in found.items() if name is not None
    }
    return Layer(values, lambda location: found[str(location[0])] or "")


def _client(prefix: str, environment: Mapping[str, str]) -> ClientPlace | None:
    """A client's credentials as its own library looks for them: a file, else id and
    secret.
    """
    if path := environment.get(f"{prefix}_CREDENTIALS"):
        return ClientPlace(f"{prefix}_CREDENTIALS", file=Path(from_home(path, environment)))
    id_variable, secret_variable = f"{prefix}_CLIENT_ID", f"{prefix}_CLIENT_SECRET"
    client_id = environment.get(id_variable, "")
    client_secret = environment.get(secret_variable, "")
    if not (client_id or client_secret):
        return None
    return ClientPlace(
        f"{id_variable} and {secret_variable}", client_id=client_id, client_secret=client_secret
    )


def from_migration(migrate: Mapping[str, object], named: Callable[[Location], str]) -> Layer:
    """Return the layer of a migration that the caller gave as the table [migrate]."""
    return Layer({"migrate": migrate}, named, text=False)


def from_document(document: ConfigDocument) -> Layer:
    """The config file."""
    return Layer(
        document.values, lambda location: f"{document.name}:{document.line(location)}", text=False
    )


class BadOfficialFile(Exception):
    """The official client's file cannot be read; the message says where and why,
    without what is in it.
    """


def from_official_file(path: Path) -> Layer:
    """The file of the official command line: YAML, the values of its current context.

    Raises BadOfficialFile.
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return Layer({}, lambda _: str(path))
    except OSError as error:
        raise BadOfficialFile(f"{path}: cannot be read ({error.strerror})") from None
    import yaml  # 15 ms, which most runs need not wait for

    try:
        # Plain strings throughout: no objects are made, and an id of digits stays what
        # it is.
        root = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        raise BadOfficialFile(f"{path}:{mark.line + 1 if mark else 1}: is not YAML") from None
    name = _entry(root, "current_context")
    context = _entry(_entry(root, "contexts"), name)
    given = (
        {key: value for key, value in context.items() if isinstance(value, str)}
        if isinstance(context, dict)
        else {}
    )
    given = {key: value for key, value in given.items() if value and value != "ENVVAR"}
    origin = f"{path} (context {name})"
    return Layer(_official(given), lambda _: origin, pat=given.get(PAT), pat_origin=origin)


def _entry(mapping: object, key: object) -> object:
    return mapping.get(key) if isinstance(mapping, dict) and isinstance(key, str) else None


def _official(names: Mapping[str, str]) -> Values:
    """[clarifai] from the official names.

    An address without a scheme means https there.
    """
    values = {
        key: names[name].strip() for name, key in OFFICIAL.items() if names.get(name, "").strip()
    }
    if "base_url" in values and not re.match(r"\w+://", values["base_url"]):
        values["base_url"] = f"https://{values['base_url']}"
    return {"clarifai": values} if values else {}
