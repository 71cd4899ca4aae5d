"""The side file of a plan: what the plan was made for. A push asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import orjson

from syncer.config import Config
from syncer.errors import StateError

META_SUFFIX = ".meta.json"
FORMAT, VERSION = "syncer-plan", 1
BLOCK_BYTES = 1 << 20


def meta_path(plan: Path) -> Path:
    """Return where the side file of a plan is."""
    return plan.with_name(plan.name + META_SUFFIX)


def name_destination(config: Config) -> dict[str, str]:
    """Return what tells one app from another."""
    clarifai = config.clarifai
    return {
        "base_url": clarifai.base_url,
        "user_id": clarifai.user_id,
        "app_id": clarifai.app_id,
    }


def check_plans(
    logs: Sequence[str], unmet: Sequence[str], config: Config, *, edited: bool
) -> list[str]:
    """Return notes on logs that may be plans. `unmet`: those of them that the state has
    not met before; of the others nothing is noted again.

    Raises StateError for a plan of another destination, or one that was edited since,
    unless that is meant.
    """
    for path in map(Path, logs):
        if meta_path(path).exists():
            _check_plan(path, config, edited=edited)
    return [
        f"{path} holds planned changes and has no {meta_path(path).name} beside it: it is pushed"
        " as an ordinary change log"
        for path in map(Path, unmet)
        if not meta_path(path).exists() and _looks_planned(path)
    ]


def _looks_planned(path: Path) -> bool:
    """Whether its first line expects something, as those of a plan do."""
    try:
        with path.open("rb") as file:
            return b'"expect":{"digest":' in file.readline(BLOCK_BYTES)
    except OSError:
        return False


def _check_plan(path: Path, config: Config, *, edited: bool) -> None:
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
    made_for, here = facts.get("destination"), name_destination(config)
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
