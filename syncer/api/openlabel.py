"""A fetched document as a typed object, where that is wanted.

What is stored stays the bytes that came: parsing and dumping loses some.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from syncer.core.ports.pull import Row
from syncer.errors import UsageError
from syncer.extras import needs
from syncer.sources.misuse import show

if TYPE_CHECKING:
    from kognic.openlabel.models import OpenLabelAnnotation


class _DocumentLine(msgspec.Struct):
    content: msgspec.Raw


_LINE = msgspec.json.Decoder(_DocumentLine)


def openlabel(row: Row) -> OpenLabelAnnotation:
    """The document of a row of Annotell or Kognic, by the models of kognic-openlabel
    (ASAM OpenLABEL 1.0.0). Needs the extra openlabel.

    Raises UsageError where that is not installed or `row` is not a row, ValueError
    (pydantic's ValidationError) for a document that is not of the schema, and for a row
    without one: a tombstone, or an annotation of Clarifai.
    """
    if not isinstance(row, Row):
        raise UsageError(
            f"argument row: is {show(row)}; it must be a syncer.Row, as a page of `pages` holds"
            " them"
        )
    with needs("openlabel"):
        from kognic.openlabel.models import OpenLabelAnnotation
    try:
        content = bytes(_LINE.decode(row.line).content)
    except msgspec.ValidationError:
        raise ValueError(f"the row {row.key} holds no document") from None
    return OpenLabelAnnotation.model_validate_json(content)
