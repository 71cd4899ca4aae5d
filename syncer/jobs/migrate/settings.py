"""The settings of a migration: its two sides, and what makes it the one it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syncer.config import Loaded
from syncer.config.migration import FromFiles, FromProject, MigrateSection
from syncer.core.address import normal_address
from syncer.errors import UsageError
from syncer.jobs.importing.options import ImportOptions, parse_columns
from syncer.jobs.limiters import Limiters

NOT_OF_THE_JOB = frozenset(
    ("token_file", "token_env", "credentials", "ca_file", "requests_per_second", "concurrency")
)
"""Keys of a side that may be others when a job is carried on."""


@dataclass(frozen=True, slots=True)
class Sides:
    """Where labels come from, and where they go."""

    section: MigrateSection
    source: Loaded
    to: Loaded
    """Its state is that of the job."""
    limiters: Limiters
    report: Path | None
    """The folder for copies of the report."""

    @property
    def source_name(self) -> str:
        """Return what tells this source from others, as a part of ids."""
        clarifai = self.source.config.clarifai
        return f"{normal_address(clarifai.base_url)} {clarifai.user_id} {clarifai.app_id}"

    @property
    def input_map(self) -> Path | None:
        """Return the file that says which input an input is at the target."""
        return _path(self.section.input_map)

    def describe(self) -> dict[str, Any]:
        """Return what makes a job the one it is."""
        named = self.section.model_dump(mode="json", by_alias=True, exclude={"report"})
        for table, side in (("from", self.source), ("to", self.to)):
            values = {k: v for k, v in named[table].items() if k not in NOT_OF_THE_JOB}
            kind = values.get("kind", "clarifai")
            if kind == "clarifai":
                app = side.config.clarifai
                values |= {"base_url": app.base_url, "user_id": app.user_id}
            elif kind != "files":
                values["base_url"] = side.config.annotell.base_url
            for key in ("concept_map", "images"):
                values |= {key: _absolute(values[key])} if key in values else {}
            if "paths" in values:
                values["paths"] = [_absolute(path) for path in values["paths"]]
            named[table] = values
        named["input_map"] = _absolute(named["input_map"])
        return named

    def import_options(self, called: Mapping[str, str]) -> ImportOptions:
        """Return how files or documents are read. `called`: the names of inputs that
        documents know by another one. Raises UsageError.
        """
        source = self.section.source
        assert isinstance(source, FromFiles | FromProject)
        of_files: dict[str, Any] = {}
        if isinstance(source, FromFiles):
            of_files = {
                "input_id": source.input_id,
                "voc_origin": source.voc_origin,
                "predictions": source.predictions,
                "columns": parse_columns(source.columns),
            }
        return ImportOptions(
            input_map=self.input_map,
            concept_id=source.concept_id,
            concept_map=_path(source.concept_map),
            id_charset=source.id_charset,
            id_length=source.id_length,
            image_size=source.image_size,
            images=_path(source.images),
            video=source.video,
            called=called,
            **of_files,
        )


def read_sides(loaded: Loaded, limiters: Limiters, job: Path) -> Sides:
    """Return the sides that a configuration names. Raises UsageError."""
    section = loaded.config.migrate
    if section is None:
        place = loaded.path or "the config"
        raise UsageError(
            f"{place}: there is no [migrate.from] and no [migrate.to]: say from where to where"
            " labels go (docs/migrate.md)"
        )
    to = loaded.side("migrate.to").with_settings(state={"dir": str(job / "state")})
    source = loaded.side("migrate.from")
    if section.source.kind == "clarifai" and _name_app(source) == _name_app(to):
        raise UsageError(
            f"{loaded.origins['migrate.to.app_id']}: migrate.to: it is the app of [migrate.from]:"
            " base URL, user and app are the same. Name another app"
        )
    folder = None
    if section.report:
        beside = Path() if loaded.path is None else loaded.path.parent
        folder = beside / section.report
    return Sides(section, source, to, limiters, folder)


def _name_app(side: Loaded) -> tuple[str, str, str]:
    clarifai = side.config.clarifai
    return normal_address(clarifai.base_url), clarifai.user_id, clarifai.app_id


def _path(text: str) -> Path | None:
    return Path(text) if text else None


def _absolute(text: str) -> str:
    return str(Path(text).absolute()) if text else ""
