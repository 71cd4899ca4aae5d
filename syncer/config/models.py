"""Every key, its default, and what it takes.

A field's description is what an error says it must be.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from syncer.core.address import address_fault


def _web_address(text: str) -> str:
    """An address to which paths can be appended."""
    if (fault := address_fault(text)) is not None:
        raise ValueError(fault)
    return text.rstrip("/")


def from_home(path: str, environment: Mapping[str, str]) -> str:
    """A path with `~` as a shell would have it; left as it is where this environment
    has no HOME.
    """
    home = environment.get("HOME")
    return home + path[1:] if home and (path == "~" or path.startswith("~/")) else path


def _from_home(path: str, info: ValidationInfo) -> str:
    if "\0" in path:  # no system can open it
        raise ValueError
    return from_home(path, info.context or {})


def _listen_address(text: str) -> str:
    parts = urlsplit(f"//{text}")
    if not parts.hostname or parts.port is None or parts.netloc != text or "@" in text:
        raise ValueError
    return text


def _freeze(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _distinct_names(sources: tuple[SourceTable, ...]) -> tuple[SourceTable, ...]:
    if len({source.name for source in sources}) < len(sources):
        raise ValueError
    return sources


WebAddress = Annotated[
    str,
    AfterValidator(_web_address),
    Field(
        description="a string with an http:// or https:// address, without user, query or fragment"
    ),
]
ListenAddress = Annotated[
    str,
    AfterValidator(_listen_address),
    Field(description='a string with host and port, like "127.0.0.1:9464"'),
]
PlainText = Annotated[str, Field(description="a string")]
Name = Annotated[str, Field(min_length=1, description="a string that is not empty")]
OptionalFile = Annotated[
    str, AfterValidator(_from_home), Field(description="a string with a file's path")
]
PathText = Annotated[
    str,
    AfterValidator(_from_home),
    Field(min_length=1, description="a string with a path, not empty"),
]
Above0 = Annotated[float, Field(gt=0, allow_inf_nan=False)]
AtLeast1 = Annotated[int, Field(ge=1)]
Rate = Annotated[Above0, Field(description="a number above 0")]
RateOrAuto = Annotated[Above0 | Literal["auto"], Field(description='a number above 0, or "auto"')]
Count = Annotated[AtLeast1, Field(description="a whole number of 1 or more")]
CountOrAuto = Annotated[
    AtLeast1 | Literal["auto"], Field(description='a whole number of 1 or more, or "auto"')
]
Seconds = Annotated[Above0, Field(description="a number of seconds above 0")]
SecondsOrNone = Annotated[
    float, Field(ge=0, allow_inf_nan=False, description="a number of seconds, 0 or more")
]


class Section(BaseModel):
    """A table of the TOML file.

    Validated with the environment as context, which says where `~` is.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Clarifai(Section):
    """`[clarifai]`: the destination."""

    base_url: WebAddress = "https://api.clarifai.com"
    user_id: Name = "me"
    app_id: PlainText = ""
    token_file: OptionalFile = ""
    ca_file: OptionalFile = ""


FlavourSetting = Literal["annotell", "kognic"]
HOSTS: dict[FlavourSetting, dict[str, str]] = {
    "annotell": {"base_url": "https://input.annotell.com", "auth_url": "https://user.annotell.com"},
    "kognic": {
        "base_url": "https://input.app.kognic.com",
        "auth_url": "https://auth.app.kognic.com",
    },
}
"""Where each flavour lives unless a key says otherwise. As in annotell-input-api 1.3.1,
annotell-auth 2.0.1, kognic-io 2.19.0 and kognic-auth 4.5.2.
"""


class Annotell(Section):
    """`[annotell]`: where annotations are pulled from."""

    base_url: WebAddress = HOSTS["annotell"]["base_url"]
    auth_url: WebAddress = HOSTS["annotell"]["auth_url"]
    ca_file: OptionalFile = ""
    flavour: Annotated[FlavourSetting, Field(description='"annotell" or "kognic"')] = "annotell"
    credentials: OptionalFile = ""
    requests_per_second: Rate = 10
    concurrency: Count = 32


class PushSection(Section):
    """`[push]`: how fast, how many at once."""

    requests_per_second: RateOrAuto = 15.0
    concurrency: CountOrAuto = "auto"
    batch_size: Annotated[int, Field(ge=1, le=128, description="a whole number from 1 to 128")] = (
        128
    )
    linger_seconds: SecondsOrNone = 0.2
    embed_model_version_id: PlainText = ""
    lists_without_ids: Annotated[
        Literal["refuse", "send"], Field(description='"refuse" or "send"')
    ] = "refuse"
    connect_timeout_seconds: Seconds = 10
    request_timeout_seconds: Seconds = 60


class Retry(Section):
    """`[retry]`: what happens to what fails."""

    max_attempts: Count = 8
    base_seconds: Seconds = 0.5
    cap_seconds: Seconds = 60
    throttle_seconds: Seconds = 15
    give_up_seconds: SecondsOrNone = 600


class State(Section):
    """`[state]`: the folder that remembers."""

    dir: PathText = ".syncer"


class Daemon(Section):
    """`[daemon]`: `syncer run`."""

    listen: ListenAddress = "127.0.0.1:9464"
    drain_seconds: Seconds = 25


class FolderSource(Section):
    """`[[sources]]` of files: change logs that grow, or a folder of them."""

    name: Name
    kind: Literal["changelog", "directory"]
    path: PathText


class SqliteSource(Section):
    """`[[sources]]` of an outbox table in SQLite."""

    name: Name
    kind: Literal["sqlite"]
    path: PathText
    table: Name


class PostgresSource(Section):
    """`[[sources]]` of an outbox table in PostgreSQL.

    The DSN holds a password, so the environment has it.
    """

    name: Name
    kind: Literal["postgres"]
    dsn_env: Name
    table: Name


SourceTable = Annotated[
    FolderSource | SqliteSource | PostgresSource,
    Field(
        discriminator="kind",
        description='a table with kind = "changelog", "directory", "sqlite" or "postgres"',
    ),
]
SOURCE_KINDS: dict[str, type[Section]] = {
    "changelog": FolderSource,
    "directory": FolderSource,
    "sqlite": SqliteSource,
    "postgres": PostgresSource,
}


class Config(Section):
    """The whole configuration."""

    clarifai: Annotated[Clarifai, Field(description="a table: [clarifai]")] = Clarifai()
    annotell: Annotated[Annotell, Field(description="a table: [annotell]")] = Annotell()
    push: Annotated[PushSection, Field(description="a table: [push]")] = PushSection()
    retry: Annotated[Retry, Field(description="a table: [retry]")] = Retry()
    state: Annotated[State, Field(description="a table: [state]")] = State()
    daemon: Annotated[Daemon, Field(description="a table: [daemon]")] = Daemon()
    sources: Annotated[
        tuple[SourceTable, ...],
        BeforeValidator(_freeze),
        AfterValidator(_distinct_names),
        Field(description="tables [[sources]], each with a name of its own"),
    ] = ()


SECTIONS: dict[str, type[Section]] = {
    "clarifai": Clarifai,
    "annotell": Annotell,
    "push": PushSection,
    "retry": Retry,
    "state": State,
    "daemon": Daemon,
}
"""The sections whose keys options and environment can set."""
