"""`[migrate]`: from where, to where, and how."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from syncer.config.fields import (
    Count,
    Name,
    OptionalFile,
    PathText,
    PlainText,
    PlainTexts,
    Rate,
    RateOrAuto,
    Section,
    VariableName,
    WebAddress,
    YesOrNo,
    freeze_list,
)

ConceptNaming = Annotated[Literal["slug", "name"], Field(description='"slug" or "name"')]


class Side(Section):
    """An app, as `[clarifai]` has it. What is left out is that of `[clarifai]`."""

    app_id: Name
    base_url: WebAddress | None = None
    user_id: Name | None = None
    token_file: OptionalFile = ""
    token_env: VariableName | Literal[""] = ""
    ca_file: OptionalFile | None = None
    requests_per_second: Annotated[
        RateOrAuto | None, Field(description='a number above 0, or "auto"')
    ] = None
    """None: that of `[push]`."""


class MigrateTo(Side):
    """`[migrate.to]`: the app that labels go to."""


class FromClarifai(Side):
    """`[migrate.from]` of an app of Clarifai's."""

    kind: Literal["clarifai"]
    dataset: PlainText = ""
    input_ids: PlainTexts = ()


class Imported(Section):
    """The options of `syncer import`, as far as any kind of labels has them."""

    concept_id: ConceptNaming = "slug"
    concept_map: OptionalFile = ""
    image_size: PlainText = ""
    images: OptionalFile = ""
    id_charset: Annotated[Literal["any", "word"], Field(description='"any" or "word"')] = "any"
    id_length: Annotated[Count | None, Field(description="a whole number")] = None
    video: YesOrNo = False


class FromProject(Imported):
    """`[migrate.from]` of a project of Annotell's or Kognic's."""

    kind: Literal["annotell", "kognic"]
    project: Name
    batch: PlainText = ""
    annotation_type: PlainText = ""
    input_ids: PlainTexts = ()
    base_url: WebAddress | None = None
    auth_url: WebAddress | None = None
    ca_file: OptionalFile | None = None
    credentials: OptionalFile = ""
    requests_per_second: Annotated[Rate | None, Field(description="a number above 0")] = None
    concurrency: Annotated[Count | None, Field(description="a whole number of 1 or more")] = None


class FromFiles(Imported):
    """`[migrate.from]` of label files."""

    kind: Literal["files"]
    format: Name = "auto"
    paths: Annotated[
        tuple[PathText, ...],
        BeforeValidator(freeze_list),
        Field(min_length=1, description="a list of label files, or folders with them"),
    ]
    input_id: Annotated[
        Literal["stem", "name", "path"], Field(description='"stem", "name" or "path"')
    ] = "stem"
    voc_origin: Annotated[Literal[0, 1], Field(description="0 or 1")] = 0
    predictions: YesOrNo = False
    columns: PlainTexts = ()


MigrateSource = FromClarifai | FromProject | FromFiles
MIGRATE_KINDS: Mapping[str, type[Section]] = {
    "clarifai": FromClarifai,
    "annotell": FromProject,
    "kognic": FromProject,
    "files": FromFiles,
}


class MigrateSection(Section):
    """`[migrate]`: what `syncer migrate` does."""

    source: Annotated[
        MigrateSource,
        Field(
            alias="from",
            discriminator="kind",
            description="a table [migrate.from] with kind = "
            + ", ".join(f'"{kind}"' for kind in MIGRATE_KINDS),
        ),
    ]
    to: Annotated[MigrateTo, Field(description="a table: [migrate.to]")]
    ids: Annotated[Literal["keep", "new"], Field(description='"keep" or "new"')] = "keep"
    create_inputs: YesOrNo = False
    create_concepts: YesOrNo = True
    input_map: OptionalFile = ""
    report: PlainText = ""
    """A folder, relative to the config file."""


def list_names(model: type[Section]) -> list[str]:
    """Return the keys of a table as the file has them."""
    return [field.alias or name for name, field in model.model_fields.items()]
