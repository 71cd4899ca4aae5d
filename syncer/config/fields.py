"""The types of the config's keys. A description is what an error says a key must be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationInfo,
)

from syncer.core.address import address_fault
from syncer.core.deletions import MaxDelete


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


def freeze_list(value: object) -> object:
    """A list of TOML as the tuple that a model holds."""
    return tuple(value) if isinstance(value, list) else value


def _max_delete(value: object) -> MaxDelete:
    if isinstance(value, str):
        return MaxDelete.parse(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _NUMBER_MAX:
        return MaxDelete.parse(str(value))
    raise ValueError


def _not_reserved(name: str) -> str:
    if name == INGEST:
        raise ValueError(f'"{INGEST}" is the name of what comes by HTTP')
    return name


_NUMBER_MAX = 10**18
INGEST = "http"
"""The name, in letters and metrics, of the source that no table names: HTTP ingest."""


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
DestinationName = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9-]{1,40}\z",
        description="a string of 1 to 40 small letters, digits and hyphens",
    ),
]
"""The name of a folder in `[state] dir`, and of a lane in addresses and metrics."""
SourceName = Annotated[
    str,
    AfterValidator(_not_reserved),
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\z",
        description='a string of 1 to 64 letters (a to z), digits, ".", "_" and "-", a letter or'
        " a digit first",
    ),
]
"""It stands in paths, addresses, metrics and before the line of a letter, as it is."""
VariableName = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*\z",
        description="a string with the name of an environment variable",
    ),
]
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
ByteCount = Annotated[AtLeast1, Field(description="a whole number of bytes, 1 or more")]
YesOrNo = Annotated[bool, Field(description="true or false")]
PlainTexts = Annotated[
    tuple[str, ...],
    BeforeValidator(freeze_list),
    Field(description="a list of strings"),
]
DeletionBound = Annotated[
    MaxDelete,
    PlainValidator(_max_delete),
    PlainSerializer(str),
    Field(description='a whole number, or a share from "0%" to "100%"'),
]


class Section(BaseModel):
    """A table of the TOML file.

    Validated with the environment as context, which says where `~` is.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
