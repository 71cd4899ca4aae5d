"""`await syncer.migrate(...)`."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, TypedDict, Unpack

from syncer.api import arguments
from syncer.api.pull import OutPath
from syncer.api.remotes import LIMITERS, Annotell, Clarifai, app_of
from syncer.config import Loaded, Secrets, load_from_environment
from syncer.errors import SyncerError, UsageError
from syncer.jobs.migrate.job import open_migration
from syncer.jobs.migrate.report import Migrated
from syncer.printable import printable
from syncer.sources.misuse import show

MigrationSource = Clarifai | Annotell | OutPath | Sequence[OutPath]
_SIDES = {"from": "source", "to": "to"}
_OF_A_SIDE = ("kind", "app_id", "user_id", "token", "base_url", "auth_url", "credentials", "paths")
"""Keys that values of the arguments `source` and `to` hold."""
_NAMES = {"dataset": "dataset_id"}
"""Arguments that are called otherwise than their keys."""
_log = logging.getLogger("syncer")


class ConversionOptions(TypedDict, total=False):
    """Arguments of `import_labels`: for label files all, for documents of Annotell and
    Kognic those that they have a use for.
    """

    format: str
    input_id: Literal["stem", "name", "path"]
    concept_id: Literal["slug", "name"]
    concept_map: OutPath
    id_charset: Literal["any", "word"]
    id_length: int
    image_size: tuple[int, int]
    images: OutPath
    voc_origin: Literal[0, 1]
    video: bool
    predictions: bool
    columns: Mapping[str, str]


async def migrate(
    source: MigrationSource,
    to: Clarifai,
    *,
    job: OutPath | None = None,
    input_ids: Sequence[str] = (),
    dataset_id: str = "",
    project: str = "",
    batch: str = "",
    annotation_type: str = "",
    ids: Literal["keep", "new"] = "keep",
    create_inputs: bool = False,
    create_concepts: bool = True,
    input_map: OutPath | None = None,
    report: OutPath | None = None,
    again: bool = False,
    sample: int | None = None,
    dry_run: bool = False,
    config: OutPath | None = None,
    requests_per_second: float | Literal["auto"] | None = None,
    source_requests_per_second: float | None = None,
    **options: Unpack[ConversionOptions],
) -> Migrated:
    """Move labels into an app: read, convert, push and verify, as one job. Run it again
    to carry on after anything; once all is done it sends nothing.

    `source`: an app, Annotell or Kognic with `project` (and `batch`,
    `annotation_type`), or label files by their paths. `input_ids` and, of an app,
    `dataset_id` narrow what goes. `job`: the folder that remembers ("migrate" in the
    state folder). `ids`, `create_inputs`, `create_concepts` and `input_map` are keys of
    `[migrate]` (docs/migrate.md); `report`: a folder for copies of the report. `again`:
    another pass. `sample`: only the labels of so many inputs, and what the rest will
    take. `dry_run`: only look. `requests_per_second`: of each side, more than 0, or
    "auto"; `source_requests_per_second` is that of the source. `options`: as
    `import_labels` has them. `config` is as for `push`.

    Returns the report with its sentence; what is left (dead letters, labels that could
    not be read, differences) is in its `exit_code`. Raises UsageError (arguments,
    config, sources), CredentialsRefused, StateError (another job's folder, locked,
    damaged, full), OutputError, Stopped: what is done is kept, and the report up to
    there is in the error's `details`.
    """
    again, dry_run = arguments.switch("again", again), arguments.switch("dry_run", dry_run)
    inputs = arguments.count("sample", sample, 1)
    if inputs is not None and (again or dry_run):
        raise UsageError("argument sample: is for a first pass: leave out again and dry_run")
    wanted: dict[str, object] = {
        "from": _describe_source(source)
        | _pick_given(
            input_ids=list(arguments.texts("input_ids", input_ids)),
            dataset=dataset_id,
            project=project,
            batch=batch,
            annotation_type=annotation_type,
            requests_per_second=source_requests_per_second,
            **_describe_options(options),
        ),
        "to": _describe_app("to", app_of(to)),
        "ids": ids,
        "create_inputs": create_inputs,
        "create_concepts": create_concepts,
    } | _pick_given(input_map=_path("input_map", input_map), report=_path("report", report))
    loaded = _load(source, to, wanted, config, requests_per_second)
    default = Path(loaded.config.state.dir, "migrate")
    folder = default if job is None else Path(arguments.path("job", job))
    with arguments.naming(_name_options(), SyncerError):
        return await _run(loaded, folder, inputs, again=again, dry_run=dry_run)


async def _run(
    loaded: Loaded, folder: Path, inputs: int | None, *, again: bool, dry_run: bool
) -> Migrated:
    """Do what is asked for; raise what stopped it."""
    with open_migration(loaded, LIMITERS, folder, again=again) as migration:
        if dry_run:
            migrated = await migration.assess()
        elif inputs is not None:
            migrated = await migration.sample(inputs, _ignore)
        else:
            migrated = await migration.run(_ignore)
    for note in migrated.report["notes"]:
        _log.warning("%s", printable(arguments.name_arguments(note, _name_options())))
    if migrated.error is not None:
        migrated.error.details = migrated.report
        raise migrated.error
    return migrated


def _ignore(*_: object) -> None:
    """Nobody watches."""


def _load(
    source: MigrationSource,
    to: Clarifai,
    wanted: Mapping[str, object],
    config: OutPath | None,
    requests_per_second: object,
) -> Loaded:
    """Return the configuration with this migration in it. Raises UsageError."""
    tokens = {
        f"migrate.{table}": token
        for table, side in (("from", source), ("to", to))
        if isinstance(side, Clarifai) and (token := _check_secret(side.token)) is not None
    }
    client = None
    if isinstance(source, Annotell):
        named = (_check_secret(source.client_id), _check_secret(source.client_secret))
        if (named[0] is None) != (named[1] is None):
            raise UsageError("argument source: client_id and client_secret go together")
        client = None if named[0] is None or named[1] is None else (named[0], named[1])
    rate = {"push.requests_per_second": requests_per_second}
    return load_from_environment(
        None if config is None else Path(arguments.path("config", config)),
        {key: value for key, value in rate.items() if value is not None},
        named=_name_argument,
        secrets=Secrets(client=client, sides=tokens),
        migrate=wanted,
        environment=os.environ,
    )


def _check_secret(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise UsageError("token, client_id and client_secret must be text")


def _name_argument(location: Sequence[str | int]) -> str:
    """Return the argument that a key of the config is."""
    key = str(location[-1])
    side = _SIDES.get(str(location[1])) if len(location) > 1 else None
    if side is not None and (key in _OF_A_SIDE or key in _SIDES):
        return f"argument {side}"
    if side == "source" and key == "requests_per_second":
        return "argument source_requests_per_second"
    return f"argument {_NAMES.get(key, key)}"


def _name_options() -> dict[str, str]:
    """Return the argument for each option that messages name."""
    named = ("job", "again", "sample", "input_map", *ConversionOptions.__annotations__)
    return {name.replace("_", "-"): name for name in named}


def _describe_source(source: object) -> dict[str, object]:
    """Return the table [migrate.from] without what narrows it. Raises UsageError."""
    if isinstance(source, Clarifai):
        return {"kind": "clarifai"} | _describe_app("source", source)
    if isinstance(source, Annotell):
        credentials = _path("credentials", source.credentials)
        return {"kind": source.flavour or "annotell"} | _pick_given(
            base_url=source.base_url, auth_url=source.auth_url, credentials=credentials
        )
    if isinstance(source, str | os.PathLike) or not isinstance(source, Sequence):
        source = [source]
    if not all(isinstance(path, str | os.PathLike) for path in source):
        raise UsageError(
            f"argument source: is {show(source)}; it must be syncer.Clarifai(app_id=...),"
            " syncer.Annotell(...), or label files by their paths"
        )
    return {"kind": "files", "paths": [arguments.path("source", path) for path in source]}


def _describe_app(name: str, app: Clarifai) -> dict[str, object]:
    if not app.app_id:
        raise UsageError(f"argument {name}: give its app: syncer.Clarifai(app_id=...)")
    return {"app_id": app.app_id} | _pick_given(user_id=app.user_id, base_url=app.base_url)


def _describe_options(options: ConversionOptions) -> dict[str, object]:
    """Return options as the config has them. Raises UsageError."""
    unknown = sorted(set(options) - set(ConversionOptions.__annotations__))
    if unknown:
        raise UsageError(f"there is no argument {unknown[0]}")
    described: dict[str, object] = {**options}
    for name in ("concept_map", "images"):
        if name in described:
            described[name] = arguments.path(name, described[name])
    match described.get("image_size", (1, 1)):
        case (int(width), int(height)):
            described["image_size"] = f"{width}x{height}"
        case size:
            raise UsageError(
                f"argument image_size: is {show(size)}; it must be width and height in pixels, such"
                " as (1920, 1080)"
            )
    if "image_size" not in options:
        del described["image_size"]
    columns = described.get("columns")
    if isinstance(columns, Mapping):
        described["columns"] = [f"{name}={column}" for name, column in columns.items()]
    return described


def _pick_given(**values: object) -> dict[str, object]:
    """Return those that say something."""
    return {name: value for name, value in values.items() if value not in (None, "", [])}


def _path(name: str, value: OutPath | None) -> str:
    return "" if value is None else str(Path(arguments.path(name, value)).absolute())
