"""Paths and names as label files have them, made comparable, and maps of them."""

from __future__ import annotations

import csv
import io
import json
import posixpath
import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from syncer.errors import UsageError

_PLAIN = re.compile(r"[\w-]+(?:\.[\w-]+)*(?:/[\w-]+(?:\.[\w-]+)*)*", re.ASCII)
"""A path that is canonical, as most are."""
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_DRIVE = re.compile(r"[A-Za-z]:/")


def canonicalize(path: str) -> str:
    """Return the relative path of an image: `/` between folders, percent codes decoded
    once, NFC; of an address its path.
    """
    if _PLAIN.fullmatch(path):
        return path
    plain = path.strip().replace("\\", "/")
    if _URL.match(plain):
        plain = urlsplit(plain).path
    elif "?d=" in plain:  # a local file of Label Studio
        plain = parse_qs(urlsplit(plain).query).get("d", [plain])[0]
        return _tidy(plain)
    return _tidy(unquote(plain, errors="surrogateescape"))


def _tidy(path: str) -> str:
    plain = unicodedata.normalize("NFC", path.encode("utf-8", "replace").decode())
    plain = _DRIVE.sub("", plain, count=1)
    tidy = posixpath.normpath(plain).lstrip("/") if plain else ""
    return "" if tidy == "." else tidy


def keys_of(path: str) -> tuple[str, str, str]:
    """Return the path, the name and the stem of a canonical path."""
    name = path.rpartition("/")[2]
    stem, dot, _ = name.rpartition(".")
    return path, name, stem if dot and stem else name


def read_map(path: Path, option: str) -> Mapping[str, str]:
    """Return a map from a JSON object, or from CSV with a head such as `name,input_id`.

    Raises UsageError.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{option} {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{option} {path}: it is not UTF-8") from None
    pairs = _of_json(text, path, option) if text.lstrip()[:1] == "{" else _of_csv(text)
    found: dict[str, str] = {}
    for name, value in pairs:
        key = unicodedata.normalize("NFC", name.replace("\\", "/"))
        if found.setdefault(key, value) != value:
            raise UsageError(f"{option} {path}: {key} stands there twice, with two values")
    return found


def _of_json(text: str, path: Path, option: str) -> Iterable[tuple[str, str]]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{option} {path}: it is not JSON: {error}") from None
    for name, each in value.items():
        if not isinstance(each, str | int) or isinstance(each, bool):
            raise UsageError(f"{option} {path}: the value of {name} is not text")
        yield name, str(each)


def _of_csv(text: str) -> Iterable[tuple[str, str]]:
    rows = [row for row in csv.reader(io.StringIO(text)) if any(row)]
    return [(row[0], row[1] if len(row) > 1 else "") for row in rows[1:]]
