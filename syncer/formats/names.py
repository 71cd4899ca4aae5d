"""Paths of images as label files have them, made comparable."""

from __future__ import annotations

import posixpath
import re
import unicodedata
from urllib.parse import parse_qs, unquote

__all__ = ["MEDIA_ENDING", "canonicalize", "is_canonical", "keys_of", "locate"]

MEDIA_ENDING = re.compile(
    r"\.(apng|avi|avif|bmp|gif|heic|jfif|jpe?g|m4v|mkv|mov|mp4|pdf|png|svg|tiff?|webm|webp|txt"
    r"|mp3|wav|flac|ogg|m4a|html?|csv|json)$",
    re.IGNORECASE,
)
_PLAIN = re.compile(r"[\w-]+(?:\.[\w-]+)*(?:/[\w-]+(?:\.[\w-]+)*)*", re.ASCII)
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://([^/]*)/?")
_DRIVE = re.compile(r"[A-Za-z]:/")
_ENDING = re.compile(r"\.(?=[0-9]*[A-Za-z])[A-Za-z0-9]{1,5}$", re.ASCII)
"""A number after a dot counts something: `scan.0001` has no ending."""
_WEB = ("http", "https")
_LOCAL_FILES = "local-files"


def is_canonical(path: str) -> bool:
    """Whether a path is surely canonical, and tells its image from others: most do."""
    return _PLAIN.fullmatch(path) is not None


def canonicalize(path: str) -> str:
    """Return the relative path of an image: `/` between folders, percent codes decoded
    once, NFC; of an address its path. Empty where it names no file.
    """
    return path if is_canonical(path) else _tidy(_split(path)[1])


def locate(path: str) -> str:
    """Return what tells an image from all others: its relative path, and of an address
    the store or host before it, and the path as it is.
    """
    if is_canonical(path):
        return path
    place, within = _split(path)
    return f"{place}/{_unify(within)}" if place else _tidy(within)


def keys_of(path: str) -> tuple[str, str, str]:
    """Return the path, the name and the stem of a canonical path."""
    name = path.rpartition("/")[2]
    return path, name, _ENDING.sub("", name) or name


def _split(path: str) -> tuple[str, str]:
    """Return store or host, with its scheme, and the path there, decoded.

    The query of an address on the web, or of a path in one, stays where it may be what
    tells images apart: not after the ending of a file, where it is a signature.
    """
    plain = path.strip().replace("\\", "/")
    if plain[:5].lower() == "data:":
        return "", ""
    found = _ADDRESS.match(plain)
    scheme, place = (found[1].lower(), found[2]) if found else ("", "")
    within = plain[found.end() :] if found else plain
    if scheme in _WEB:
        scheme, within = "https", within.partition("#")[0]
    if scheme in ("", "https"):
        before, _, query = within.partition("?")
        if before.rstrip("/").endswith(_LOCAL_FILES) and (local := parse_qs(query).get("d")):
            return "", local[0]  # of Label Studio: a file on the disk, whoever serves it
        if query and MEDIA_ENDING.search(before):
            within = before
    return f"{scheme}://{place}" if place else "", _decode(within)


def _decode(text: str) -> str:
    """Decode percent codes; those of another encoding than UTF-8 stay as they are."""
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        return text


def _unify(text: str) -> str:
    return unicodedata.normalize("NFC", text.encode("utf-8", "backslashreplace").decode())


def _tidy(path: str) -> str:
    plain = _DRIVE.sub("", _unify(path), count=1)
    tidy = posixpath.normpath(plain).lstrip("/") if plain else ""
    return "" if tidy == "." else tidy
