"""The control socket of a state that a daemon holds: how it is made and reached, and
commands that go through it.

It is there while a lane holds its state, so that who finds the state locked finds the
socket. The mode of its file says who may use it.
"""

from __future__ import annotations

import json
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from syncer.errors import LogChanged, StateError, SyncerError, UsageError
from syncer.jobs.dead import DropResult, Refuse, RefusedLetter, RetryResult, Selector
from syncer.jobs.known import ForgetLogs, GivenUp, MoveLog, Renamed
from syncer.jobs.story import AskedAnnotation

CONTROL = "control"
"""The name of the socket in a state folder."""
DESCRIPTORS = "/proc/self/fd"


def open_control(folder: Path) -> socket.socket:
    """The socket, listening; one that a killed daemon left is replaced. For the holder
    of the state only. Raises OSError where the file system has no sockets.
    """
    with _address(folder) as address:
        remove_control(folder)
        made = socket.socket(socket.AF_UNIX)
        try:
            made.bind(address)
            Path(address).chmod(0o600)  # nobody can connect before it listens
            made.listen()
        except BaseException:
            made.close()
            raise
    return made


def remove_control(folder: Path) -> None:
    """Remove the socket. A file of that name that is not one stays."""
    path = folder / CONTROL
    with suppress(OSError):
        if stat.S_ISSOCK(path.lstat().st_mode):
            path.unlink()


def retry_through(
    folder: Path, selector: Selector, refuse: Refuse, *, force: bool
) -> RetryResult | None:
    """Let the daemon that holds a state send dead letters again; None where none does.

    Raises UsageError, StateError.
    """
    told = _ask(folder, "/api/dead/retry", {**_name(selector), "force": force})
    if told is None:
        return None
    for letter in told["refused"]:
        refuse(RefusedLetter(**letter))
    refused, left = len(told["refused"]), told.get("left", 0)
    return RetryResult(told["selected"] - refused - left, refused, left)


def drop_through(folder: Path, selector: Selector) -> DropResult | None:
    """Let the daemon that holds a state close dead letters; None where none does.

    Raises UsageError, StateError.
    """
    told = _ask(folder, "/api/dead/drop", _name(selector))
    return None if told is None else DropResult(told["selected"])


def forget_through(folder: Path, asked: ForgetLogs) -> GivenUp | None:
    """Let the daemon that holds a state forget logs; None where none does.

    Raises UsageError, StateError.
    """
    body = {"logs": [asdict(name) for name in asked.names], "force": asked.force}
    told = _ask(folder, "/api/state/forget", body)
    return None if told is None else GivenUp(told["forgotten"], told["waiting"], told["dead"])


def move_through(folder: Path, asked: MoveLog) -> Renamed | None:
    """Let the daemon that holds a state give a log another path; None where none does.

    Raises UsageError, LogChanged, StateError.
    """
    told = _ask(folder, "/api/state/move", asdict(asked))
    return None if told is None else Renamed(told["moved"], told["to"], told["is_there"])


def tell_story_through(folder: Path, asked: AskedAnnotation) -> list[dict[str, Any]] | None:
    """Return what the daemon that holds a state knows of an annotation; None where none
    does. Raises StateError.
    """
    ids = {"input_id": asked.input_id, **({"id": asked.id} if asked.id else {})}
    told = _ask(folder, f"/api/annotations?{urlencode(ids)}", method="GET", absent=404)
    return None if told is None else list(told.get("changes", ()))


def _name(selector: Selector) -> dict[str, object]:
    if selector.places:
        return {
            "letters": [
                {"source": place.source, "line": place.line, "path": place.path}
                for place in selector.places
            ]
        }
    return {"all": True} if selector.every else {"code": selector.code}


class _Connection(HTTPConnection):
    def __init__(self, address: str) -> None:
        super().__init__("localhost")
        self._address = address

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._address)


def _ask(
    folder: Path,
    path: str,
    body: dict[str, object] | None = None,
    *,
    method: str = "POST",
    absent: int = 0,
) -> dict[str, Any] | None:
    """The answer of the daemon that holds this state; None where none listens.
    `absent`: a status that is an answer, too.
    """
    with _address(folder) as address, closing(_Connection(address)) as connection:
        try:
            connection.connect()
        except OSError:
            return None
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            answer = connection.getresponse()
            told: dict[str, Any] = json.loads(answer.read())
        except (OSError, HTTPException, ValueError):
            raise StateError(
                f"the daemon that holds {folder} ended before it had answered; nothing is lost: run"
                " the same command again"
            ) from None
    if answer.status in (200, absent):
        return told
    kinds: dict[int, type[SyncerError]] = {409: LogChanged, 503: StateError}
    raise kinds.get(answer.status, UsageError if answer.status < 500 else StateError)(told["error"])


@contextmanager
def _address(folder: Path) -> Iterator[str]:
    """The path of the socket in a form that is short: what a socket is bound to ends at
    107 bytes.
    """
    if not Path(DESCRIPTORS).is_dir():
        yield os.path.relpath(folder / CONTROL)
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"{DESCRIPTORS}/{descriptor}/{CONTROL}"
    finally:
        os.close(descriptor)
