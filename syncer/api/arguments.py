"""Arguments of the Python API that can mean nothing are refused at once, each by its
name; the config checks the others.
"""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from syncer.core.events import Event
from syncer.errors import SyncerError, UsageError
from syncer.sources.feed import ChangeSource
from syncer.sources.misuse import check_name, check_source, show

SourceArgument = str | os.PathLike[str] | ChangeSource
"""A change log by its path, a file or a folder of them, or a source of the user's."""


def path(name: str, value: object) -> str:
    """A path as text.

    Raises UsageError for what is not a path, and for an empty one: nothing is not the
    current folder.
    """
    try:
        text = os.fspath(value)  # type: ignore[call-overload]
    except TypeError:
        text = None
    if not isinstance(text, str):
        raise UsageError(
            f"argument {name}: is {show(value)}; it must be a path, as text or as a Path"
        )
    if not text or "\0" in text:
        raise UsageError(f"argument {name}: is {text!r}; name a path")
    return text


def switch(name: str, value: object) -> bool:
    """True or False. Raises UsageError: a text, of which "no" is as true as "yes"."""
    if not isinstance(value, bool):
        raise UsageError(f"argument {name}: is {show(value)}; it must be True or False")
    return value


def count(name: str, value: object, least: int = 0) -> int | None:
    """A whole number, None where it is not given. Raises UsageError."""
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise UsageError(
            f"argument {name}: is {show(value)}; it must be a whole number of {least} or more"
        )
    return value


def texts(name: str, value: object) -> tuple[str, ...]:
    """Several texts. Raises UsageError: one text alone is a sequence of letters."""
    if (
        isinstance(value, str)
        or not isinstance(value, Sequence)
        or not all(isinstance(one, str) and one for one in value)
    ):
        raise UsageError(f"argument {name}: is {show(value)}; it must be a list of texts")
    return tuple(value)


def name_arguments(text: str, names: Mapping[str, str]) -> str:
    """Return what people read, with arguments where it names options."""
    return _OPTION.sub(lambda found: names.get(found[1], found[0]), text)


@contextmanager
def naming(names: Mapping[str, str], *errors: type[SyncerError]) -> Iterator[None]:
    """Let these errors name arguments, not options."""
    try:
        yield
    except errors as error:
        error.args = (name_arguments(str(error), names),)
        raise


_OPTION = re.compile(r"(?<!\S)--([a-z]+(?:-[a-z]+)*)")


def observer(observe: Callable[[Event], None] | None) -> Callable[[Event], None]:
    """Return the observer of events, which nobody awaits.

    Raises UsageError, also when it is called and turns out to be asynchronous.
    """
    if observe is None:
        return ignore_event
    if not callable(observe):
        raise UsageError(
            f"argument observe: is {show(observe)}; it must be a function that takes an event"
        )
    called = inspect.unwrap(observe if inspect.isroutine(observe) else type(observe).__call__)
    if inspect.iscoroutinefunction(observe) or inspect.iscoroutinefunction(called):
        raise UsageError(f"argument observe: is an async function. {_PLAIN}")

    def tell(event: Event) -> None:
        given: object = observe(event)
        if inspect.isawaitable(given):
            if inspect.iscoroutine(given):
                given.close()
            raise UsageError(
                f"argument observe: gives {show(given)}, which must be awaited. {_PLAIN}"
            )

    return tell


_PLAIN = (
    "Nobody awaits it: give a plain function, which may put the event into a queue"
    " (queue.put_nowait) for a task of yours"
)


def ignore_event(event: Event) -> None:
    """Nobody asked."""


def sources(source: object) -> list[str | ChangeSource]:
    """Return what to push, paths as text.

    Raises UsageError for what is neither a path nor a source, and for two sources of
    one name.
    """
    if isinstance(source, Sequence) and not isinstance(
        source, str | bytes | bytearray | memoryview
    ):
        named = [_source(f"source[{at}]", one) for at, one in enumerate(source)]
    else:
        named = [_source("source", source)]
    by_name: dict[str, object] = {}
    for one in named:
        if not isinstance(one, str) and by_name.setdefault(name := check_name(one), one) is not one:
            raise UsageError(
                f"two sources are called {name!r}: the state could not distinguish them. Give"
                " each its own name"
            )
    return named


def _source(name: str, source: object) -> str | ChangeSource:
    if isinstance(source, str | os.PathLike):
        return path(name, source)
    if isinstance(source, type):
        raise UsageError(
            f"argument {name}: is the class {source.__qualname__}; give an instance of it"
        )
    if not hasattr(source, "chunks") and not hasattr(source, "ack"):
        raise UsageError(
            f"argument {name}: is {show(source)}; it must be a change log by its path, a"
            " syncer.ChangeSource, or a list of these"
        )
    check_source(source)
    return source  # type: ignore[return-value]
