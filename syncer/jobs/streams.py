"""The standard streams of this process, as bytes. In a notebook they carry text only,
and a service may have none.
"""

from __future__ import annotations

import sys
from typing import BinaryIO


def standard_input() -> BinaryIO | None:
    """Return standard input, None where there is none of bytes."""
    return getattr(sys.stdin, "buffer", None)


def standard_output() -> BinaryIO | None:
    """Return standard output, None where there is none of bytes."""
    return getattr(sys.stdout, "buffer", None)
