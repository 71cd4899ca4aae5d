"""A plan on disk: a change log, and beside it what it was made for.

The old side file goes first, the new one comes last: a log without one is never taken
for a plan that is whole.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from types import TracebackType

import orjson

from syncer import files
from syncer.config import Loaded
from syncer.errors import OutputError, StateError, UsageError

META_SUFFIX = ".meta.json"
FORMAT, VERSION = "syncer-plan", 1
BLOCK_BYTES = 1 << 20


def meta_path(plan: Path) -> Path:
    """Return where the side file of a plan is."""
    return plan.with_name(plan.name + META_SUFFIX)


def name_destination(loaded: Loaded) -> dict[str, str]:
    """Return what tells one app from another."""
    clarifai = loaded.config.clarifai
    return {
        "base_url": clarifai.base_url,
        "user_id": clarifai.user_id,
        "app_id": clarifai.app_id,
    }


class PlanFile:
    """A plan that is being written, within the block; it is there at `place` or never.
    Without a path, it goes nowhere.
    """

    def __init__(self, path: Path | None) -> None:
        """Raises UsageError for a path that cannot be a plan's."""
        if path is not None and (path.is_dir() or not path.parent.is_dir()):
            raise UsageError(f"--out {path}: it must be a file in a folder that exists")
        self._path = path
        self._part = None if path is None else path.with_name(f".{path.name}.{os.getpid()}.part")
        self._digest = blake2b(digest_size=16)
        try:
            self._file = None if self._part is None else self._part.open("wb")
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {error.strerror}") from None

    def __enter__(self) -> PlanFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None and self._part is not None:
            with suppress(OSError):
                self._file.close()
            with suppress(OSError):
                self._part.unlink(missing_ok=True)

    def add(self, change: object) -> None:
        """Write one more change. Raises OutputError."""
        if self._file is None:
            return
        line = orjson.dumps(change, option=orjson.OPT_APPEND_NEWLINE)
        self._digest.update(line)
        try:
            self._file.write(line)
        except OSError as error:
            raise OutputError(f"{self._path} cannot be written: {error.strerror}") from None

    def place(self, facts: dict[str, object]) -> None:
        """Put the plan in its place, with its side file. Raises OutputError."""
        if self._file is None or self._part is None or self._path is None:
            return
        meta = meta_path(self._path)
        fresh = meta.with_name(f".{meta.name}.{os.getpid()}.part")
        document = {"format": FORMAT, "version": VERSION, **facts}
        document["digest"] = self._digest.hexdigest()
        try:
            self._file.close()
            files.sync(self._part)
            meta.unlink(missing_ok=True)
            files.sync(meta.parent)
            files.place(self._part, self._path)
            fresh.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")
            files.sync(fresh)
            files.place(fresh, meta)
        except OSError as error:
            raise OutputError(f"{self._path} cannot be written: {files.why(error)}") from None
        finally:
            with suppress(OSError):
                fresh.unlink(missing_ok=True)


def check_plans(loaded: Loaded, logs: Sequence[object], *, edited: bool) -> list[str]:
    """Return notes on logs that may be plans. Raises StateError for a plan of another
    destination, or one that was edited since, unless that is meant.
    """
    notes = []
    for path in [path for log in logs for path in _list_plans(log)]:
        if not meta_path(path).exists():
            if _looks_planned(path):
                notes.append(
                    f"{path} holds planned changes and has no {meta_path(path).name} beside it: it"
                    " is pushed as an ordinary change log"
                )
            continue
        _check_plan(path, loaded, edited=edited)
    return notes


def _list_plans(log: object) -> list[Path]:
    """Return the files that may be plans: one that is named, and those within a folder
    that have a side file.
    """
    if not isinstance(log, str) or log == "-":
        return []
    path = Path(log)
    if path.is_dir():
        sides = sorted(path.rglob(f"*{META_SUFFIX}"))
        plans = [side.with_name(side.name.removesuffix(META_SUFFIX)) for side in sides]
        return [plan for plan in plans if plan.name.endswith(".jsonl") and plan.is_file()]
    return [path] if path.is_file() else []


def _looks_planned(path: Path) -> bool:
    """Whether its first line expects something, as those of a plan do."""
    try:
        with path.open("rb") as file:
            return b'"expect":{"digest":' in file.readline(BLOCK_BYTES)
    except OSError:
        return False


def _check_plan(path: Path, loaded: Loaded, *, edited: bool) -> None:
    meta = meta_path(path)
    try:
        facts = orjson.loads(meta.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        facts = None
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        raise StateError(
            f"{meta} is not what a plan has beside it: plan again, or remove it to push {path} as"
            " an ordinary change log"
        )
    if facts.get("version") != VERSION:
        raise StateError(f"{meta} is of another version of syncer: plan again")
    made_for, here = facts.get("destination"), name_destination(loaded)
    if made_for != here:
        raise StateError(
            f"{path} was planned for {_tell_place(made_for)}, and this push goes to"
            f" {_tell_place(here)}. Nothing was sent: plan again for this one"
        )
    if not edited and facts.get("digest") != _digest_file(path):
        raise StateError(
            f"{path} was edited since it was planned. Nothing was sent: plan again, or say that"
            " this is meant (--edited)"
        )


def _tell_place(place: object) -> str:
    if not isinstance(place, dict):
        return "nowhere"
    return f"{place.get('base_url')}, user {place.get('user_id')}, app {place.get('app_id')}"


def _digest_file(path: Path) -> str:
    digest = blake2b(digest_size=16)
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                digest.update(block)
    except OSError as error:
        raise StateError(f"{path} cannot be read: {error.strerror}") from None
    return digest.hexdigest()
