"""Every key, its default, and what it takes.

A field's description is what an error says it must be.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from syncer.config.fields import (
    ByteCount,
    Count,
    CountOrAuto,
    DeletionBound,
    DestinationName,
    ListenAddress,
    Name,
    OptionalFile,
    PathText,
    PlainText,
    Rate,
    RateOrAuto,
    Seconds,
    SecondsOrNone,
    Section,
    SourceName,
    VariableName,
    WebAddress,
    YesOrNo,
    freeze_list,
)
from syncer.config.migration import MigrateSection
from syncer.core.deletions import MaxDelete

CLARIFAI_URL = "https://api.clarifai.com"


class Clarifai(Section):
    """`[clarifai]`: the destination."""

    base_url: WebAddress = CLARIFAI_URL
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

    @property
    def shared_dir(self) -> str:
        """The folder as it is configured, with the states of pulls in it."""
        return self.dir


class LaneFolder(State):
    """The folder of a lane: `dir` is within the one that is configured."""

    @property
    def shared_dir(self) -> str:
        """The folder as it is configured, with the states of pulls in it."""
        return str(Path(self.dir).parent)


class Daemon(Section):
    """`[daemon]`: `syncer run`."""

    listen: ListenAddress = "127.0.0.1:9464"
    drain_seconds: Seconds = 25
    body_bytes_max: ByteCount = 32 << 20
    inbox_bytes_max: ByteCount = 1 << 30
    verify_sample_every_seconds: SecondsOrNone = 86400
    token_file: OptionalFile = ""


class DestinationTable(Section):
    """`[[destinations]]`: an app, and the lane that goes to it."""

    name: DestinationName
    base_url: WebAddress = CLARIFAI_URL
    user_id: Name = "me"
    app_id: PlainText = ""
    token_file: OptionalFile = ""
    token_env: VariableName | Literal[""] = ""
    ca_file: OptionalFile = ""
    requests_per_second: Annotated[
        RateOrAuto | None, Field(description='a number above 0, or "auto"')
    ] = None
    """None: that of `[push]`."""


class FollowedSource(Section):
    """`[[sources]]`: what the daemon follows, of any kind."""

    name: SourceName
    kind: str
    lane: PlainText = ""
    poll_seconds: Seconds = 1
    expected_every_seconds: SecondsOrNone = 0


class ChangelogSource(FollowedSource):
    """`[[sources]]` of a change log that grows, or of a folder of them."""

    kind: Literal["changelog"]
    path: PathText


class DirectorySource(FollowedSource):
    """`[[sources]]` of a folder that holds the wanted state, a file for each input."""

    kind: Literal["directory"]
    path: PathText
    max_delete: DeletionBound = MaxDelete.parse("50%")
    removal_seconds: SecondsOrNone = 60
    marker: YesOrNo = True


class SqliteSource(FollowedSource):
    """`[[sources]]` of an outbox table in SQLite."""

    kind: Literal["sqlite"]
    path: PathText
    table: Name


class PostgresSource(FollowedSource):
    """`[[sources]]` of an outbox table in PostgreSQL.

    The DSN holds a password, so the environment has it.
    """

    kind: Literal["postgres"]
    dsn_env: VariableName
    table: Name


SourceTable = Annotated[
    ChangelogSource | DirectorySource | SqliteSource | PostgresSource,
    Field(
        discriminator="kind",
        description='a table with kind = "changelog", "directory", "sqlite" or "postgres"',
    ),
]
SOURCE_KINDS: dict[str, type[Section]] = {
    "changelog": ChangelogSource,
    "directory": DirectorySource,
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
    destinations: Annotated[
        tuple[DestinationTable, ...],
        BeforeValidator(freeze_list),
        Field(description="tables [[destinations]], each with a name of its own"),
    ] = ()
    sources: Annotated[
        tuple[SourceTable, ...],
        BeforeValidator(freeze_list),
        Field(description="tables [[sources]], each with a name of its own"),
    ] = ()
    migrate: Annotated[
        MigrateSection | None,
        Field(description="a table [migrate], with [migrate.from] and [migrate.to]"),
    ] = None


SECTIONS: dict[str, type[Section]] = {
    "clarifai": Clarifai,
    "annotell": Annotell,
    "push": PushSection,
    "retry": Retry,
    "state": State,
    "daemon": Daemon,
}
"""The sections whose keys options and environment can set."""
LISTS = ("destinations", "sources")
"""The keys that hold a table for each of several things."""
