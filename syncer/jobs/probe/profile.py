"""A profile on disk: what a service does, in the words of the emulator's switches."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import orjson

from syncer import files
from syncer.errors import OutputError, UsageError


def check_place(path: Path) -> None:
    """Raise UsageError where a profile cannot be written."""
    if not files.is_place(path):
        raise UsageError(f"--out {path}: it must be a file in a folder that exists")
    if not os.access(path.parent, os.W_OK):
        raise UsageError(f"--out {path}: its folder cannot be written to")


def write_profile(path: Path, profile: Mapping[str, object]) -> None:
    """Put it in its place, whole or not at all. Raises OutputError."""
    try:
        files.write(path, orjson.dumps(profile, option=orjson.OPT_INDENT_2) + b"\n")
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {files.why(error)}") from None
