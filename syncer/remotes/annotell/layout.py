"""Documents of Annotell and Kognic as a table (docs/schema.md)."""

from __future__ import annotations

import msgspec

from syncer.core.moments import moment
from syncer.core.ports.pull import Column, Row


class _Metadata(msgspec.Struct, gc=False):
    uuid: str | None = None


class _OpenLabel(msgspec.Struct, gc=False):
    metadata: _Metadata | None = None


class _Content(msgspec.Struct, gc=False):
    openlabel: _OpenLabel | None = None


class _DocumentRow(msgspec.Struct, gc=False):
    input_uuid: str | None = None
    annotation_type: str | None = None
    created: str | None = None
    annotation_id: int | str | None = None
    content: msgspec.Raw = msgspec.Raw(b"null")
    deleted: bool = False


_LINE = msgspec.json.Decoder(_DocumentRow)
_CONTENT = msgspec.json.Decoder(_Content)


class DocumentLayout:
    """A row a document, or a tombstone. Implements `syncer.core.ports.pull.Layout`."""

    columns = (
        Column("input_uuid", "string", "The input (a scene, in Kognic's words)."),
        Column(
            "annotation_type",
            "string",
            "The annotation type; null if the service does not name it.",
        ),
        Column(
            "created", "timestamp", "When the annotation was delivered, UTC, cut to microseconds."
        ),
        Column("annotation_id", "string", "The annotation's id, where the service gives one."),
        Column("content", "string", "The document's JSON, byte for byte; null in a tombstone."),
        Column("openlabel_uuid", "string", "`openlabel.metadata.uuid` of the document."),
        Column(
            "deleted",
            "bool",
            "True in a tombstone: what an earlier pull had is not listed any more.",
        ),
    )

    def values(self, row: Row) -> tuple[object, ...]:
        """A row's values."""
        line = _LINE.decode(row.line)
        content = bytes(line.content)
        written = content != b"null"
        return (
            line.input_uuid,
            line.annotation_type,
            moment(line.created),
            None if line.annotation_id is None else str(line.annotation_id),
            content.decode() if written else None,
            _uuid(content) if written else None,
            line.deleted,
        )


def _uuid(content: bytes) -> str | None:
    """Documents of version 1.0 are the client's own: not every one is OpenLABEL."""
    try:
        openlabel = _CONTENT.decode(content).openlabel
    except (msgspec.DecodeError, RecursionError):
        return None
    return openlabel.metadata.uuid if openlabel and openlabel.metadata else None
